"""Passages: the stretches of a paper that requests are made of.

A passage lies in one section, is made of whole blocks, and cuts prose only between sentences. Everything here is one
pass over the text: a paragraph of ten megabytes, or one full of unmatched delimiters, costs no more than its length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

import attrs

from .papers import Block, BlockKind, Paper, Section

# A Chinese character says about what two and a half Latin ones do.
_SHORT = {"zh": 80}
_SHORT_OTHERWISE = 200
# Longer than any inline formula or code span; a stray delimiter protects no more than this from being cut.
_LONGEST_SPAN = 5_000

_CHINESE_NUMBER = "[一二三四五六七八九十百零〇\\d]"
_NUMBERING = re.compile(
    rf"\A(?:§\s*)?(?:第{_CHINESE_NUMBER}+[章节篇部]|[(（]{_CHINESE_NUMBER}+[)）]|[一二三四五六七八九十]+(?=[、.．:：\s])"
    r"|\d+(?:\.\d+)*|[ivxlc]+(?=[.):：\s])|[a-z](?:\.\d+)*(?=[.):：\s]))[\s.、．:：)）]*"
)
_MARKUP = re.compile(r"<[^<>]*>|[*_#`]")
_NOT_CHINESE = re.compile(r"[^\u3400-\u4dbf\u4e00-\u9fff]+")
_DATA = r"(?:data|code|software|materials?)"
_BACK_MATTER = re.compile(
    r"(?:list of |cited )?references?(?: list| cited)?|references? (?:and|&) [a-z ]+|notes (?:and|&) references"
    r"|(?:selected |annotated )?bibliography|(?:literature|works|papers) cited|cited literature"
    r"|acknowledge?ments?(?: (?:and|&) [a-z ]+)?|funding(?: (?:information|statement|sources?|support|details?))?"
    r"|funding (?:and|&) [a-z ]+|financial support|dedication"
    r"|authors?(?: contributions?| information| biograph(?:y|ies)| details)(?: statement)?|about the authors?"
    r"|credit (?:author(?:ship)? )?(?:contributions?(?: statement)?|statement)|contributors|biograph(?:y|ies)"
    r"|affiliations?|correspondence|keywords?|orcids?"
    r"|(?:declarations? of |statement of )?(?:competing|conflicting)(?: financial)? interests?(?: [a-z]+)?"
    r"|(?:declarations? of )?conflicts? of interests?(?: [a-z]+)?|declarations? of interests?|declarations?"
    r"|disclosures?(?: statement)?|ethic(?:s|al)(?: (?:statement|approval|declarations?)| and [a-z ]+)?"
    r"|consent (?:to|for) [a-z ]+"
    rf"|{_DATA}(?:(?:,? and|,| &|/) ?{_DATA})* (?:availability|access(?:ibility)?)(?: statement)?"
    rf"|availability of (?:the )?{_DATA}(?: (?:and|&) [a-z ]+)?"
    r"|(?:table of )?contents|list of (?:figures|tables|abbreviations|symbols|acronyms|publications)"
)
_BACK_MATTER_ZH = re.compile(
    r"(?:主要)?参考(?:文献|资料|书目)|引用文献|引文|(?:致|鸣)谢|谢辞|基金(?:项目|资助|支持|信息|声明)?|资助(?:项目|信息|声明|情况)?"
    r"|(?:资金|经费)(?:支持|来源|资助)|作者(?:贡献|简介|信息|介绍|声明)(?:声明|说明)?|(?:潜在)?利益(?:冲突|声明|关系)(?:声明|说明)?"
    r"|竞争性?利益(?:声明|说明)?|(?:数据|代码)(?:[与和及](?:代码|数据|材料))?(?:可用性|可获得性|可及性|可得性|获取|共享)(?:声明|说明)?"
    r"|伦理(?:声明|审批|审查)?|关键词|[图表]?目录"
)

# Openers and sentence ends in one alternation, so one scan sees them in order. Every repetition is possessive or
# bounded by what went before: no input makes it look at a character more than a few times.
_TOKEN = re.compile(
    r"\\[^()\[\]A-Za-z]"
    r"|(?P<open>\\[(\[]|`+|\$\$?)"
    r"|(?P<wide>[。！？．]+[”’」』）)\]\"']*)"
    r"|(?P<end>(?<![.!?])[.!?]++[\"'”’)\]*_]*+(?:\[\d[\d, –-]{0,20}\])?(?=\s))"
    r"|(?P<item>\n[ \t]*+(?=(?:[-*+•]|\d{1,3}[.)])[ \t]))"
)
_CLOSERS = {
    "$": re.compile(r"(?<!\\)\$"),
    "$$": re.compile(r"\$\$"),
    "\\(": re.compile(r"\\\)"),
    "\\[": re.compile(r"\\\]"),
}
_NEXT_WORD = re.compile(r"\S")
_ABBREVIATION = re.compile(
    "al|approx|app|art|ca|cf|ch|chap|corp?|co|def|dept|dr|eds?|eg|eqn?s?|et|etc|ex|figs?|ie|inc|jr|lem|ltd|mrs?|ms|nos?|nr"
    "|par|pp?|prof|prop|refs?|rem|resp|sects?|secs?|sr|st|tab|thm|univ|viz|vols?|vs?"
)


@attrs.frozen(kw_only=True)
class Passage:
    """``paper.text[start:end]``, trimmed of white space, inside the section with the path ``section``."""

    section: tuple[str, ...]
    start: int
    end: int


def bare_title(title: str) -> str:
    """Return a section's title for comparing: lower case, without numbering, markup and a colon at the end."""
    name = _MARKUP.sub("", unicodedata.normalize("NFKC", title)[:200]).casefold().replace("’", "'")
    name = name.replace("'s ", " ").replace("s' ", "s ")
    return _NUMBERING.sub("", " ".join(name.split()), count=1).strip(" .:：,;、-—")


def is_back_matter(title: str) -> bool:
    """Say whether a section of this title holds nothing to learn from: references, thanks, funding, declarations.

    Numbering, markup and letter case do not matter; ``7. References`` and ``八、参考文献`` are meant. An appendix is
    not back matter.
    """
    name = bare_title(title)
    if _BACK_MATTER.fullmatch(name):
        return True
    # "致 谢" and "参考文献 (References)" mean the same as their Chinese characters alone.
    return bool(_BACK_MATTER_ZH.fullmatch(_NOT_CHINESE.sub("", name)))


def split(paper: Paper, *, target_chars: int = 2000, max_chars: int = 4000) -> Iterator[Passage]:
    """Yield the passages of a paper in order, none overlapping.

    Consecutive blocks of a section are merged up to ``target_chars`` code points; a formula stays with the prose
    before it, and a short rest with its neighbour, where ``max_chars`` allows. Formulas, tables and code are never
    cut, whatever their size; a paragraph above ``max_chars`` is cut between sentences. Back matter is left out, and so
    are fragments (below 200 code points, 80 in a Chinese paper) unless the paper has nothing longer.
    """
    short = _SHORT.get(paper.language, _SHORT_OTHERWISE)
    fragments: list[Passage] = []
    seen_longer = False
    for section in paper.sections:
        if any(is_back_matter(title) for title in section.path):
            continue
        for start, end in _spans(paper.text, section, target_chars, max_chars, short):
            passage = Passage(section=section.path, start=start, end=end)
            if end - start >= short:
                seen_longer = True
                yield passage
            elif not seen_longer:
                fragments.append(passage)
    if not seen_longer:
        yield from fragments


def choose(passages: Sequence[Passage], count: int) -> tuple[Passage, ...]:
    """Return at most ``count`` of the passages, in order: the middle one of each of ``count`` equal regions.

    Passages are of about one size, so a region of the sequence is a region of the paper, and one giant table does not
    draw all the choices to itself. Depends on the passages alone.
    """
    total = len(passages)
    if count >= total:
        return tuple(passages)
    return tuple(passages[(2 * k + 1) * total // (2 * count)] for k in range(count))


def _spans(text: str, section: Section, target: int, most: int, short: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of one section's passages; a short last one joins the one before when both fit together."""
    held: tuple[int, int] | None = None
    for group in _groups(text, _pieces(text, section.blocks, target, most), target, most):
        span = (group[0].start, group[-1].end)
        if held is None:
            held = span
        elif min(held[1] - held[0], span[1] - span[0]) < short and span[1] - held[0] <= most:
            held = (held[0], span[1])
        else:
            yield held
            held = span
    if held is not None:
        yield held


def _pieces(text: str, blocks: Iterable[Block], target: int, most: int) -> Iterator[Block]:
    """Yield the blocks, trimmed, with each paragraph that is too long in pieces of whole sentences."""
    for block in blocks:
        start, end = _trim(text, block.start, block.end)
        if start == end:
            continue
        if block.kind is BlockKind.PARAGRAPH and end - start > most:
            yield from _cut(text, start, end, target)
        else:
            yield Block(start, end, block.kind)


def _groups(text: str, pieces: Iterable[Block], target: int, most: int) -> Iterator[list[Block]]:
    group: list[Block] = []
    for piece in pieces:
        if not group:
            group = [piece]
            continue
        last = group[-1]
        formula = piece.kind is BlockKind.FORMULA
        # "…, where x is the energy" goes on with the sentence that the formula stands in.
        goes_on = last.kind is BlockKind.FORMULA and text[piece.start].islower()
        if piece.end - group[0].start <= (most if formula or goes_on else target):
            group.append(piece)
        elif formula and last.kind is BlockKind.PARAGRAPH and len(group) > 1 and piece.end - last.start <= most:
            yield group[:-1]
            group = [last, piece]
        else:
            yield group
            group = [piece]
    if group:
        yield group


def _cut(text: str, start: int, end: int, target: int) -> Iterator[Block]:
    """Yield pieces of whole sentences, up to ``target`` long where the sentences allow."""
    piece_start = piece_end = start
    for sentence_start, sentence_end in _sentences(text, start, end):
        if piece_end > piece_start and sentence_end - piece_start > target:
            yield Block(piece_start, piece_end)
            piece_start = sentence_start
        piece_end = sentence_end
    yield Block(piece_start, piece_end)


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begun = start
    for boundary in _boundaries(text, start, end):
        first, last = _trim(text, begun, boundary)
        if first < last:
            yield first, last
        begun = boundary
    first, last = _trim(text, begun, end)
    if first < last:
        yield first, last


def _boundaries(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the positions right after a sentence, in order; none lies in inline code or mathematics."""
    ahead: dict[str, int] = {}
    position = start
    while (token := _TOKEN.search(text, position, end)) is not None:
        position = token.end()
        if opener := token["open"]:
            closed = _code_end(text, position, end, opener) if opener[0] == "`" else None
            if opener[0] != "`":
                closed = _math_end(text, position, end, opener, ahead)
            position = closed or position
        elif token["wide"] or token["item"]:
            yield token.start() if token["item"] else position
        elif token["end"] and _ends_sentence(text, start, end, token):
            yield position


def _ends_sentence(text: str, start: int, end: int, token: re.Match[str]) -> bool:
    following = _NEXT_WORD.search(text, token.end(), end)
    if following is None or following[0].islower() or following[0] in ",;:.)]}%":
        return False
    if text[token.start() : token.start() + 2] in ("..", ".!", ".?") or text[token.start()] != ".":
        return True
    before = text[max(start, token.start() - 24) : token.start()]
    word = before.split()[-1].lstrip("([{\"'“‘*_") if before and not before[-1].isspace() else ""
    if word.isdigit():
        # The number of a list item stands alone at the start of a line.
        return bool(before[: -len(word)].strip(" \t")) and not before[: -len(word)].rstrip(" \t").endswith("\n")
    parts = word.split(".")
    if len(word) == 1 or (len(parts) > 1 and all(len(part) <= 2 for part in parts)):
        return False
    return not _ABBREVIATION.fullmatch(word.casefold())


def _code_end(text: str, position: int, end: int, ticks: str) -> int | None:
    """Return where the code span opened before ``position`` ends: after the next run of as many backticks."""
    limit = min(end, position + _LONGEST_SPAN)
    while (found := text.find("`", position, limit)) >= 0:
        run = found
        while run < limit and text[run] == "`":
            run += 1
        if run - found == len(ticks):
            return run
        position = run
    return None


def _math_end(text: str, position: int, end: int, opener: str, ahead: dict[str, int]) -> int | None:
    """Return where the formula opened before ``position`` ends, or None when the delimiter is only a character.

    ``ahead`` remembers the next closer of each kind: however many openers come before it, it is looked for once.
    """
    if ahead.get(opener, -1) < position:
        found = _CLOSERS[opener].search(text, position, end)
        ahead[opener] = found.start() if found else end
    closer = ahead[opener]
    if closer >= end or closer - position > _LONGEST_SPAN:
        return None
    # "$5 and $10" is money: a dollar sign opens beside its formula and closes beside it, or has a space on both sides.
    if opener == "$" and text[position].isspace() != text[closer - 1].isspace():
        return None
    return closer + len(opener)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
