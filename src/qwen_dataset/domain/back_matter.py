"""Which sections of a paper hold nothing to learn from, by their titles."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

_CHINESE_NUMBER = "[一二三四五六七八九十百零〇\\d]"
_NUMBERING = re.compile(
    rf"\A(?:§\s*)?(?:第{_CHINESE_NUMBER}+[章节篇部]|[(（]{_CHINESE_NUMBER}+[)）]|[一二三四五六七八九十]+(?=[、.．:：\s])"
    r"|\d+(?:\.\d+)*|[ivxlc]+(?=[.):：\s])|[a-z](?:\.\d+)*(?=[.):：\s]))[\s.、．:：)）]*"
)
_MARKUP = re.compile(r"<[^<>]*>|[*_#`]")
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_NOT_CHINESE = re.compile(r"[^\u3400-\u4dbf\u4e00-\u9fff]+")
_NO_WORD = re.compile(r"[\W\d_]*|credit")  # CRediT is a scheme of declaring contributions


class Reason(StrEnum):
    """Why a part of a paper is in no passage."""

    REFERENCES = "references"
    ACKNOWLEDGEMENTS = "acknowledgements"
    FUNDING = "funding"
    DECLARATIONS = "declarations"  # contributions, interests, ethics, consent, availability of data
    FRONT_MATTER = "front_matter"  # of the authors and of the publication: affiliations, keywords, dates
    CONTENTS = "contents"  # also lists of figures, symbols and abbreviations
    LICENCE = "licence"  # also copyright, permissions, how to cite
    TOO_SHORT = "too_short"


_DATA = r"(?:data|code|software|materials?)"
_LISTED = rf"{_DATA}(?:(?:,? and|,| &|/) ?{_DATA})*"
# What stands beside such a title in one heading. Closed lists, as "Ethics and Fairness of Models" is no statement.
_READ = (
    r"(?:(?:foot|end)?notes?|(?:further|additional|suggested|recommended) readings?|bibliography|citations?|links"
    r"|literature(?: cited)?|acknowledge?ments?)"
)
_DECLARED = (
    r"(?:acknowledge?ments?|thanks|dedication|fund(?:ing|ers?)(?: (?:information|statement|sources?|support|details?))?"
    r"|(?:financial )?support|financial disclosures?|grants?|sponsors?(?:hip)?|disclosures?|disclaimers?|declarations?"
    r"|(?:authors? )?contributions?|contributors|(?:competing|conflicting|conflicts? of)(?: financial)? interests?"
    r"|(?:informed )?consent(?: (?:to|for) (?:participate|participation|publication|publish))?|approvals?"
    rf"|{_LISTED} availability|availability of (?:the )?{_LISTED})(?: statement)?"
)
_ALSO = rf"(?:(?:,| and| &|, and) {_DECLARED})"
_WORK = r"(?:article|paper|work|chapter|document|book|software|package)"
_TITLES = {
    Reason.REFERENCES: (
        rf"(?:list of |cited )?references?(?: list| cited)?|references (?:and|&) {_READ}|notes (?:and|&) references"
        r"|(?:selected |annotated )?bibliography|(?:literature|works|papers) cited|cited literature"
    ),
    Reason.ACKNOWLEDGEMENTS: rf"acknowledge?ments?{_ALSO}*|dedication",
    Reason.FUNDING: (rf"funding(?: (?:information|statement|sources?|support|details?))?{_ALSO}*|financial support"),
    Reason.DECLARATIONS: (
        r"authors? contributions?(?: statement)?|contributors"
        r"|credit (?:author(?:ship)? )?(?:contributions?(?: statement)?|statement)"
        r"|(?:declarations? of |statement of )?(?:competing|conflicting)(?: financial)? interests?(?: [a-z]+)?"
        r"|(?:declarations? of )?conflicts? of interests?(?: [a-z]+)?|declarations? of interests?|declarations?"
        r"|disclosures?(?: statement)?|ethic(?:s|al)(?: (?:statement|approvals?|declarations?))?"
        rf"|ethics(?: (?:statement|approvals?|declarations?))?{_ALSO}+"
        r"|consent (?:to|for) (?:participate|participation|publication|publish)"
        rf"|{_LISTED} (?:availability(?: statement)?|access(?:ibility)? statement)"
        rf"|availability of (?:the )?{_LISTED}"
    ),
    Reason.FRONT_MATTER: (
        r"authors?(?: information| biograph(?:y|ies)| details)?(?: statement)?|about the authors?|biograph(?:y|ies)"
        r"|affiliations?|correspondence|keywords?|orcids?|(?:submission|publication|article) history"
    ),
    Reason.CONTENTS: (r"(?:table of )?contents|list of (?:figures|tables|abbreviations|symbols|acronyms|publications)"),
    Reason.LICENCE: (
        r"(?:open access )?licen[cs]e(?: (?:information|statement|agreement|and copyright|terms))?"
        r"|copyrights?(?: (?:and|&) (?:licen[cs]e|licensing|permissions?)| notice| information| statement)?"
        r"|rights(?: (?:and|&) permissions?)?|(?:reprints?|rights|copyright) (?:and|&) permissions?"
        r"|terms of use|(?:please )?cite (?:this|us|as)(?: [a-z ]+)?"
        rf"|how to cite(?: (?:(?:this|the|our) )?(?:us|{_WORK}))?"
        rf"|citation information|publishers? note"
    ),
}
_TITLES_ZH = {
    Reason.REFERENCES: "(?:主要)?参考(?:文献|资料|书目)|引用文献|引文",
    Reason.ACKNOWLEDGEMENTS: "(?:致|鸣)谢|谢辞",
    Reason.FUNDING: ("基金(?:项目|资助|支持|信息|声明)?|资助(?:项目|信息|声明|情况)?|(?:资金|经费)(?:支持|来源|资助)"),
    Reason.DECLARATIONS: (
        "作者(?:贡献|声明)(?:声明|说明)?|(?:潜在)?利益(?:冲突|声明|关系)(?:声明|说明)?|竞争性?利益(?:声明|说明)?"
        "|(?:数据|代码)(?:[与和及](?:代码|数据|材料))?(?:可用性|可获得性|可及性|可得性|获取|共享)(?:声明|说明)?"
        "|伦理(?:声明|审批|审查)?"
    ),
    Reason.FRONT_MATTER: "作者(?:简介|信息|介绍)(?:声明|说明)?|关键词|(?:投稿|收稿|出版)(?:历史|日期|信息)",
    Reason.CONTENTS: "[图表]?目录",
    Reason.LICENCE: (
        "版权(?:声明|信息|说明|所有|与许可)?|许可(?:证|协议|声明|信息)?|授权(?:声明|协议|许可)|开放获取许可"
        "|如何引用(?:本文)?|引用(?:本文|格式|方式|信息)"
    ),
}
_PATTERNS = [(reason, re.compile(titles)) for reason, titles in _TITLES.items()]
_PATTERNS_ZH = [(reason, re.compile(titles)) for reason, titles in _TITLES_ZH.items()]


def bare_title(title: str) -> str:
    """Return a section's title for comparing: lower case, without numbering, markup and a colon at the end."""
    name = _MARKUP.sub("", unicodedata.normalize("NFKC", title)[:200]).casefold().replace("’", "'")
    name = name.replace("'s ", " ").replace("s' ", "s ")
    return _NUMBERING.sub("", " ".join(name.split()), count=1).strip(" .:：,;、-—")


def reason_of(title: str) -> Reason | None:
    """Return why a section of this title is left out, None for one that is read.

    Numbering, markup and letter case do not matter; ``7. References`` and ``八、参考文献`` are meant. An appendix is
    not back matter.
    """
    name = bare_title(title)
    found = _match(_PATTERNS, name)
    if found is not None:
        return found
    # "致 谢" and "参考文献 (References)" mean the same as their Chinese characters alone; "LDAP 目录" does not.
    beside = " ".join(_CHINESE.sub(" ", name).split()).strip("()[]/|·.:,;- ")
    if _NO_WORD.fullmatch(beside) or _match(_PATTERNS, beside) is not None:
        return _match(_PATTERNS_ZH, _NOT_CHINESE.sub("", name))
    return None


def _match(patterns: list[tuple[Reason, re.Pattern[str]]], words: str) -> Reason | None:
    return next((reason for reason, pattern in patterns if words and pattern.fullmatch(words)), None)


def is_back_matter(title: str) -> bool:
    """Say whether a section of this title holds nothing to learn from: references, thanks, funding, declarations."""
    return reason_of(title) is not None
