"""Paragraphs that are nothing but boilerplate: licence, copyright, stamps and dates of a publication.

A paragraph is taken for boilerplate only where every sentence of it is. What is said about a licence in the prose of a
paper ("the package is released under the MIT License") stays.
"""

from __future__ import annotations

import re

from .back_matter import Reason
from .sentences import sentences

_LONGEST = 4_000  # characters; a longer paragraph has something to say
_LONGEST_CITATION = 800
_MARKUP = re.compile(r"<[^<>]{0,200}>|[*_#`>\\]|^[\s•·|-]+")
_YEAR = r"(?:19|20)\d\d"
_WORK = r"(?:article|paper|work|chapter|preprint|publication|document|book|journal|material|manuscript)"
_FREE = r"(?:creative commons|cc[ -]|cc0|licen[cs]e|terms)"

_LICENCE = re.compile(
    rf"(?:open access[.:]? )?(?:this (?:is )?(?:an? )?|an )open[- ]access {_WORK},? (?:is )?(?:freely )?"
    r"(?:distributed|published|licen[cs]ed|under|made available|which permits)"
    rf"|(?:open access[.:]? )?(?:this|the) {_WORK} (?:is|was|has been) (?:openly |freely )?"
    rf"(?:licen[cs]ed|distributed|published|made available|released|provided)(?: openly)? under\b.{{0,80}}{_FREE}"
    r"|(?:licen[cs]ed|distributed|published|available) under (?:the |an? )?(?:terms of (?:the |an? )?)?"
    rf"{_FREE}.{{0,120}}\Z"
    r"|(?:copyright|©|&copy;)\W{0,4}(?:copyright|©|\(c\))?\W{0,3}(?:by )?"
    rf"(?:{_YEAR}|the authors?\b|author\(s\)).{{0,200}}\Z"
    rf"|\(c\) {_YEAR},? (?:by |the author).{{0,200}}\Z"
    r"|(?:all|some) rights (?:are )?reserved[.!]?\Z"
    r"|licen[cs]e: ?(?:cc|creative commons|mit\b|apache|gpl|gnu|bsd).{0,80}\Z"
    # The texts of the MIT and BSD licences.
    r"|permission is hereby granted, free of charge|the above copyright notice and this permission notice"
    r"|(?:the|this) software is provided (?:['\"“]as is|by the)|in no event shall (?:the )?(?:author|copyright)"
    r"|redistributions? (?:and use )?(?:in|of) (?:source|binary)|neither the name of"
    # What publishers add.
    r"|permission to make digital or hard copies|copyrights? for (?:third[- ]party )?components of this work"
    r"|abstracting with credit is permitted|to copy otherwise|request permissions? from"
    r"|personal use of this material is permitted|permission from ieee must be"
    rf"|no part of this {_WORK} may be|publication rights licen[cs]ed to|to view a copy of this licen[cs]e"
    r"|the images or other third[- ]party materials? in this|if material is not included in the"
    r"|(?:any )?further distribution of this work must|(?:original )?content from this work may be used under"
    r"|the use, distribution or reproduction in other forums|no use, distribution or reproduction is permitted"
    r"|the creative commons public domain dedication|reprints and permissions? information"
    r"|publisher['’]?s['’]? note\b|springer nature remains neutral"
    r"|(?:the )?authors?(?: of (?:the |these )?(?:papers?|articles?))? retains? (?:the )?copyright"
    rf"|published by .{{2,60}}(?:under\b.{{0,60}}{_FREE}|on behalf of|ltd\b|inc\b|b\.v|llc|press)"
    r"|under (?:an? )?exclusive licen[cs]e|licensee [a-z]"
    # Chinese.
    r"|(?:本文|本论文|本作品|本刊|本书|文章)?的?(?:所有)?(?:版权|著作权)(?:均|皆)?(?:归|为|所有|属)"
    r"|未经(?:作者|编辑部|出版社|本刊|本社|书面|许可|授权|允许|同意)|转载(?:请|须|必须|时)|保留(?:所有|一切|全部)权利"
    r"|(?:本文|本论文|本作品|本文档|本书)(?:采用|遵循|依据|基于|使用|按照?|根据|以|在).{0,60}"
    r"(?:知识共享|创作共用|cc[ -]|creative commons|许可协议)"
    r"|许可(?:协议|证)? ?[:：].{0,80}\Z"
)
_DATE_WORDS = (
    r"(?:first|received|revised|accepted|published|submitted|available|online|posted|issued|in|revised form|final form"
    r"|form|version|of|record|on|and|date|dates|history|article|mon|tue|wed|thu|fri|sat|sun|utc|v\d+"
    r"|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|\d+(?:st|nd|rd|th)?)\b"
)
_DETAILS = re.compile(
    rf"(?=.{{0,60}}\b(?:received|revised|accepted|published|submitted)\b)(?=.*\b{_YEAR}\b)"
    rf"(?:{_DATE_WORDS}|[\s:;,./|()\[\]–—-])++\Z"
    r"|arxiv: ?(?:\d{4}\.\d{4,5}|[a-z.-]+/\d{7})(?:v\d+)?(?: ?\[[a-z. -]+\])?"
    rf"(?: \d{{1,2}} [a-z]{{3}} {_YEAR})?\Z"
    r"|(?:https?://(?:dx\.)?doi\.org/|doi: ?)\S+\Z"
    r"|(?:收稿|接收|录用|修回|修改|出版|发布|网络首发|定稿|投稿)(?:日期|时间).{0,300}\Z"
    r"|(?:中图分类号|文献标[志识]码|文章编号).{0,300}\Z"
)
# Nothing by itself, but nothing to learn from either.
_NEUTRAL = re.compile(r"\(?(?:https?://|www\.)\S+\Z|open access\W*\Z|\W*\Z")
_CITATION = re.compile(
    rf"(?:please )?cite (?:this|the|as)\b|(?:to|how to) cite(?: this {_WORK})?\s?[:.]|citation:"
    r"|引用(?:本文|格式)\s?[:：]"
)
_HAS_YEAR = re.compile(_YEAR)


def reason_of_paragraph(text: str, start: int, end: int) -> Reason | None:
    """Return why the paragraph ``text[start:end]`` is left out, None for one that is read."""
    if end - start > _LONGEST:
        return None
    whole = _plain(text[start:end])
    if len(whole) <= _LONGEST_CITATION and _CITATION.match(whole) and _HAS_YEAR.search(whole):
        return Reason.LICENCE
    if _DETAILS.match(whole):
        return Reason.FRONT_MATTER
    found = None
    for first, last in sentences(text, start, end):
        sentence = _plain(text[first:last])
        if _LICENCE.match(sentence):
            found = Reason.LICENCE
        elif _DETAILS.match(sentence):
            found = found or Reason.FRONT_MATTER
        elif not _NEUTRAL.match(sentence):
            return None
    return found


def _plain(text: str) -> str:
    return " ".join(_MARKUP.sub("", text).split()).casefold()
