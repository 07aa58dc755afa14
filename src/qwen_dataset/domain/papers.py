"""A paper as read: its text, its section tree, and the blocks that must not be cut."""

from __future__ import annotations

import re
from enum import StrEnum

import attrs

from .identity import content_id

_CJK = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[A-Za-z]+")


class BlockKind(StrEnum):
    """What a block is. Only a paragraph (prose, also list items and quotations) may be cut, between sentences."""

    PARAGRAPH = "paragraph"
    FORMULA = "formula"
    TABLE = "table"
    CODE = "code"


@attrs.frozen
class Block:
    """``paper.text[start:end]``, one block of a section's own text; headings are not blocks."""

    start: int
    end: int
    kind: BlockKind = BlockKind.PARAGRAPH


@attrs.frozen(kw_only=True)
class Section:
    """A stretch of the paper under one heading, up to the next heading of any level.

    ``path`` holds the titles from the top of the tree down to this section; () is text before the first heading.
    ``start`` is where the section's own text begins (after the heading), ``end`` where the next heading begins.
    """

    path: tuple[str, ...]
    start: int
    end: int
    blocks: tuple[Block, ...] = ()

    @property
    def title(self) -> str:
        return self.path[-1] if self.path else ""


@attrs.frozen(kw_only=True)
class Paper:
    """A document. All offsets in the package count Unicode code points of ``text``.

    ``id`` hashes title and text, so the same paper has the same id wherever it was found. ``source`` says where this
    copy was found (a file's path below the folder that was named, with ``#id`` or ``#line`` for a record of a dump).
    ``language`` is the language of the text, ``zh`` or ``en``. ``reader`` names the reader and its version.
    """

    title: str
    text: str
    source: str
    sections: tuple[Section, ...]
    language: str
    reader: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    id: str = attrs.field(init=False, eq=False)

    @id.default
    def _content_id(self) -> str:
        return content_id([self.title, self.text])


def detect_language(text: str) -> str:
    """Return ``zh`` when a reader of Chinese is needed to read the text, else ``en``.

    One Chinese character carries about as much as two thirds of an English word, and a Chinese paper is full of
    English terms and formulas, so Chinese wins from a third of the units on.
    """
    chinese = len(_CJK.findall(text))
    english = len(_WORD.findall(text))
    return "zh" if chinese and chinese * 2 >= english else "en"
