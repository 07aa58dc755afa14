"""Paragraphs to the text of a paper, its headings and blocks: a span is exact because it is counted while written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import attrs

from ....domain.papers import Block, BlockKind, detect_language
from ..build import Heading
from . import marks
from .layout import Paragraph
from .prose import Renderer

_WHITE = re.compile(r"\s+")
# A line end between two Chinese characters is none in the text.
_CHINESE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f"
_CHINESE_LINE_END = re.compile(f"(?<=[{_CHINESE}])[ \t]*\n[ \t]*(?=[{_CHINESE}])")
_BEFORE_PUNCTUATION = re.compile(r" +(?=[,.;:!?)\]](?:\s|\Z))")
_WORDS = re.compile(r"[^\W\d_]{2,}|[\u3400-\u9fff]")
# Fewer words beside a picture are labels in it, no text.
_FEWEST_WORDS = 8
_NAMES = {
    marks.ABSTRACT: ("Abstract", "摘要"),
    marks.REFERENCES: ("References", "参考文献"),
    marks.THANKS: ("Acknowledgements", "致谢"),
}
_CAPTIONS = {marks.FIGURE: ("Figure: ", "图："), marks.TABLE: ("Table: ", "表："), marks.NOTE: ("Footnote: ", "脚注：")}
_RUN_IN = " .:。："


@attrs.define
class Writer:
    """Writes the text of a paper."""

    renderer: Renderer
    vault: marks.Vault
    # The level of the highest headings, and whether the paper is Chinese.
    top: int
    chinese: bool
    parts: list[str] = attrs.Factory(list)
    size: int = 0
    headings: list[Heading] = attrs.Factory(list)
    blocks: list[Block] = attrs.Factory(list)

    @property
    def text(self) -> str:
        """What was written so far."""
        return "".join(self.parts)

    def line(self, text: str) -> None:
        """Write a line of the front, which is in no section."""
        if text:
            self._add("\n\n" if self.size else "")
            self._add(text)

    def paragraphs(self, found: Iterable[Paragraph]) -> None:
        """Write paragraphs in order."""
        for paragraph in found:
            if paragraph.role == marks.HEADING:
                self._heading(paragraph)
            elif paragraph.role == marks.SECTION_END:
                # What follows an abstract without a heading of its own is not part of it.
                self.headings.append(Heading(level=self.top, title="", start=self.size, end=self.size))
            else:
                self._paragraph(paragraph)

    def plain(self, written: str) -> str:
        """Return some LaTeX as one line of text, formulas and the like in it."""
        text = self.renderer.render(written)
        text = self._restored(_BEFORE_PUNCTUATION.sub("", _line(text)))
        return _line(text)

    def _heading(self, paragraph: Paragraph) -> None:
        if names := _NAMES.get(paragraph.kind):
            title, level = names[self.chinese], self.top
        else:
            title, level = self.plain(paragraph.written), int(paragraph.kind)
            if level >= 5:
                title = title.rstrip(_RUN_IN)
        if not title:
            return
        self._add("\n\n" if self.size else "")
        start = self.size
        self._add(title)
        self.headings.append(Heading(level=level, title=title, start=start, end=self.size))

    def _paragraph(self, paragraph: Paragraph) -> None:
        text = self.renderer.render(paragraph.written)
        segments = self._segments(text)
        before = self._before(paragraph, segments)
        if before is None:
            return
        first = True
        for written, kind in segments:
            text = written
            if kind is BlockKind.PARAGRAPH:
                text = self._restored(_BEFORE_PUNCTUATION.sub("", _line(written)))
                if not re.search(r"[^\W_]", text):
                    continue
                text = before + text if first else text
            self._add("" if not self.size else self._separator(paragraph, first=first))
            start = self.size
            self._add(text)
            self.blocks.append(Block(start, self.size, kind))
            first = False

    def _separator(self, paragraph: Paragraph, *, first: bool) -> str:
        if not first:
            return "\n"
        if paragraph.role == marks.ITEM and (not self.headings or self.headings[-1].end != self.size):
            return "\n" + "  " * (min(int(paragraph.kind), 5) - 1)
        return "\n\n"

    def _before(self, paragraph: Paragraph, segments: Sequence[tuple[str, BlockKind]]) -> str | None:
        """Return what is written before a paragraph that stands beside the text, None when it is not worth reading."""
        words = "".join(text for text, kind in segments if kind is BlockKind.PARAGRAPH)
        chinese = detect_language(words) == "zh"
        if paragraph.role == marks.CAPTION:
            return _CAPTIONS[paragraph.kind][chinese]
        if paragraph.beside == marks.NOTE and paragraph.role != marks.ITEM:
            return _CAPTIONS[marks.NOTE][chinese]
        if paragraph.beside:
            blocks = any(kind is not BlockKind.PARAGRAPH for _, kind in segments)
            if not blocks and len(_WORDS.findall(words)) < _FEWEST_WORDS:
                return None
        return ""

    def _segments(self, text: str) -> list[tuple[str, BlockKind]]:
        """Return a paragraph as prose and, each apart, the formulas, tables and listings in it."""
        found: list[tuple[str, BlockKind]] = []
        position = 0
        for mark in marks.KEPT_MARK.finditer(text):
            kept = self.vault.find(mark)
            if kept.kind is not None:
                found.append((text[position : mark.start()], BlockKind.PARAGRAPH))
                found.append((kept.text.strip(), kept.kind))
                position = mark.end()
        found.append((text[position:], BlockKind.PARAGRAPH))
        return found

    def _restored(self, text: str) -> str:
        """Return a line with what stands inside lines in it; a dollar sign is bare where none means a formula."""
        formulas = any("$" in self.vault.find(mark).text for mark in marks.KEPT_MARK.finditer(text))
        # What is left of a mark that some broken command cut in two goes.
        return marks.FOREIGN.sub("", self.vault.restore(text if formulas else text.replace("\\$", "$")))

    def _add(self, text: str) -> None:
        self.parts.append(text)
        self.size += len(text)


def _line(text: str) -> str:
    return _WHITE.sub(" ", _CHINESE_LINE_END.sub("", text)).strip()
