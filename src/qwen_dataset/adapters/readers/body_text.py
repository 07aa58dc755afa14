"""Papers as lists of paragraphs: unarXive, S2ORC, CORD-19 and records with ``sections``.

A paragraph may hold placeholders (``{{formula:…}}``, ``{{cite:…}}``, ``{{figure:…}}``) for entries that the record
keeps apart. Formulas come back as TeX, citations as ``[n]`` in the order of the bibliography, captions as paragraphs;
the bibliography itself is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import attrs

from ...domain.papers import BlockKind
from ...domain.passages import bare_title
from ...errors import ReadError
from .atoms import find_atoms
from .compose import Composer
from .decode import normalise_newlines

_PLACEHOLDER = re.compile(r"\{\{([a-z_]{1,20}):([^{}\n]{1,100})\}\}")
_ALONE = re.compile(r"\s*\{\{(formula|figure|table):([^{}\n]{1,100})\}\}\s*([.,;:]?)\s*")
# Without one of these a text holds no formula on its own lines, no fence and no table.
_SET_APART = re.compile(r"\$\$|\\|```|~~~|<table", re.IGNORECASE)
_BLANKS = re.compile(r"(?<=\S)[ \t]{2,}")
_BEFORE_POINT = re.compile(r"(?<=\$)[ \t]+(?=[,.;:)])")
_NUMBER = re.compile(r"(?:[A-Z]|\d{1,3})(?:\.\d{1,3}){0,5}")
_DEPTHS = {"section": 1, "subsection": 2, "subsubsection": 3, "paragraph": 4}
_NO_CAPTION = frozenset(("", "no_caption"))
_ALIGNED = re.compile(r"(?<!\\)&|\\\\")
_KINDS = {
    **dict.fromkeys(("listing", "code", "algorithm", "verbatim"), BlockKind.CODE),
    **dict.fromkeys(("formula", "equation", "math"), BlockKind.FORMULA),
    "table": BlockKind.TABLE,
}
_TEXTS = ("text", "paragraphs", "content", "body")
_TITLES = ("heading", "title", "section", "name")
_DEEPEST = 20
# A formula may be named again and again: what is filled in is bounded, or a small record would become a huge text.
_FILLED = 16_000_000
_FILLED_TIMES = 8


@attrs.frozen(kw_only=True)
class Paragraph:
    """A paragraph under a heading ("" is none) of a depth from 1; ``kind`` is what the record says it is."""

    text: str
    heading: str = ""
    depth: int = 1
    kind: BlockKind = BlockKind.PARAGRAPH


@attrs.define
class Entries:
    """What the placeholders of a record stand for.

    ``where`` begins the sentence of the ReadError for a record that repeats its entries beyond any paper; ``left`` is
    how many characters of them may still be filled in.
    """

    referenced: Mapping[str, object]
    cited: Mapping[str, int]
    where: str
    left: int
    used: set[str] = attrs.Factory(set)
    lost: int = 0

    @classmethod
    def of(cls, record: Mapping[str, object], *, where: str) -> Entries:
        """Return the entries of a record; one without any has none."""
        referenced, bibliography = record.get("ref_entries"), record.get("bib_entries")
        cited = {key: n for n, key in enumerate(bibliography, 1)} if isinstance(bibliography, dict) else {}
        referenced = referenced if isinstance(referenced, dict) else {}
        entries = (entry.values() for entry in referenced.values() if isinstance(entry, dict))
        own = sum(len(value) for values in entries for value in values if isinstance(value, str))
        return cls(referenced=referenced, cited=cited, where=where, left=_FILLED + _FILLED_TIMES * own)

    def tex(self, key: str) -> str:
        """Return the TeX of a formula, or "" and count it as lost."""
        found = self._field(key, "latex") or self._field(key, "text")
        self.lost += not found
        return found

    def caption(self, kind: str, key: str) -> str:
        """Return the caption of a figure or table as a sentence of its own, or ""."""
        self.used.add(key)
        text = self._field(key, "caption") or self._field(key, "text")
        return "" if text.lower() in _NO_CAPTION else f"{kind.capitalize()}: {text}"

    def unused(self) -> Iterator[str]:
        """Yield the captions that no paragraph refers to."""
        for key, entry in self.referenced.items():
            kind = str(entry.get("type") or entry.get("type_str") or "") if isinstance(entry, dict) else ""
            if key not in self.used and kind in ("figure", "table") and (text := self.caption(kind, key)):
                yield text

    def fill(self, text: str) -> str:
        """Return a text with what its placeholders stand for, without the blanks that only set them apart."""
        if "{{" not in text:
            return text
        return _BEFORE_POINT.sub("", _BLANKS.sub(" ", _PLACEHOLDER.sub(self._inline, text)))

    def _inline(self, found: re.Match[str]) -> str:
        """Return what stands in a line for a placeholder."""
        kind, key = found[1], found[2]
        if kind == "formula":
            tex = " ".join(self.tex(key).split())
            return f"${tex}$" if tex else "[formula]"
        if kind == "cite":
            return f"[{self.cited[key]}]" if key in self.cited else "[?]"
        return kind.capitalize()

    def _field(self, key: str, name: str) -> str:
        entry = self.referenced.get(key)
        value = entry.get(name) if isinstance(entry, dict) else None
        if not isinstance(value, str):
            return ""
        self.left -= len(value)
        if self.left < 0:
            raise ReadError(f"{self.where} holds more text than a file of its size can and was left out")
        return value.strip()


def paragraphs_of(body: Sequence[object]) -> list[Paragraph]:
    """Return the paragraphs of a ``body_text``: objects with ``text`` and perhaps ``section`` and its number."""
    return list(_paragraphs(body))


def sections_of(sections: Sequence[object], depth: int = 1) -> list[Paragraph]:
    """Return the paragraphs of ``sections``: objects with a heading and a text, or paragraphs, or sections.

    Raises RecursionError where sections stand in sections deeper than any paper has them.
    """
    found: list[Paragraph] = []
    for section in sections:
        if isinstance(section, str):
            found.append(Paragraph(text=section))
        elif isinstance(section, dict):
            heading = " ".join(next((str(section[name]) for name in _TITLES if section.get(name)), "").split())
            texts = [text for name in _TEXTS for text in _strings(section.get(name))]
            # A heading over nothing but sections of its own is kept with an empty paragraph.
            found += [Paragraph(text=text, heading=heading, depth=depth) for text in texts or [""]]
            inner = section.get("subsections") or section.get("sections")
            if isinstance(inner, list) and inner:
                if depth >= _DEEPEST:
                    raise RecursionError
                found += sections_of(inner, depth + 1)
    return found


def compose(title: str, abstract: str, paragraphs: Sequence[Paragraph], entries: Entries) -> tuple[Composer, int]:
    """Return the text made of a paper's paragraphs, and where it begins after the title."""
    out = Composer(title=title)
    begun = out.begin()
    if abstract and not any(bare_title(one.heading) == "abstract" for one in paragraphs):
        out.heading(2, "Abstract")
        _prose(out, abstract)
    # What has no heading after the abstract is no part of the abstract.
    before = None if out.headings else ("", 1)
    for one in paragraphs:
        if (one.heading, one.depth) != before:
            if one.heading:
                out.heading(one.depth + 1, one.heading)
            else:
                out.section(2, title)
        before = (one.heading, one.depth)
        _paragraph(out, one, entries)
    captions = list(entries.unused())
    if captions:
        out.heading(2, "Figures and tables")
    for caption in captions:
        _prose(out, entries.fill(caption))
    return out, begun


def _paragraphs(body: Sequence[object]) -> Iterator[Paragraph]:
    for item in body:
        if isinstance(item, str):
            yield Paragraph(text=item)
            continue
        text = item.get("text") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(text, str) or not text.strip():
            continue
        section = item.get("section")
        heading = " ".join(section.split()) if isinstance(section, str) else ""
        number = str(item.get("sec_number") or item.get("sec_num") or "").rstrip(".")
        depth = _DEPTHS.get(str(item.get("sec_type") or ""), 1)
        if heading and _NUMBER.fullmatch(number):
            depth = number.count(".") + 1
            heading = heading if heading.startswith(number) else f"{number} {heading}"
        kind = _KINDS.get(str(item.get("content_type") or ""), BlockKind.PARAGRAPH)
        yield Paragraph(text=normalise_newlines(text), heading=heading, depth=depth, kind=kind)


def _strings(value: object) -> Iterator[str]:
    """Yield the texts in a field that is one string, or a list of strings or of objects with a ``text``."""
    for item in value if isinstance(value, list) else [value]:
        text = item.get("text") if isinstance(item, dict) else item
        if isinstance(text, str) and text.strip():
            yield normalise_newlines(text)


def _paragraph(out: Composer, one: Paragraph, entries: Entries) -> None:
    """Write a paragraph; a placeholder that is alone on its line is a displayed formula or a caption."""
    if one.kind is BlockKind.CODE:
        fence = "```" if "```" not in one.text else "````````"
        out.block(f"{fence}\n{one.text.strip()}\n{fence}", BlockKind.CODE)
        return
    if one.kind is not BlockKind.PARAGRAPH:
        out.block(entries.fill(one.text), one.kind)
        return
    prose: list[str] = []
    if "{{" not in one.text:
        _prose(out, one.text)
        return
    for line in one.text.split("\n"):
        alone = _ALONE.fullmatch(line)
        if alone is None:
            prose.append(entries.fill(line))
            continue
        _prose(out, "\n".join(prose))
        prose = []
        if alone[1] == "formula":
            out.block(_displayed(entries.tex(alone[2])) + alone[3], BlockKind.FORMULA)
        else:
            _prose(out, entries.fill(entries.caption(alone[1], alone[2])))
    _prose(out, "\n".join(prose))


def _displayed(tex: str) -> str:
    if not tex:
        return "[formula]"
    if _ALIGNED.search(tex) and r"\begin{" not in tex:
        tex = rf"\begin{{aligned}} {tex} \end{{aligned}}"
    return f"$$ {tex} $$"


def _prose(out: Composer, text: str) -> None:
    """Write prose, with formulas and tables that it spells out as blocks of their own."""
    plain = not _SET_APART.search(text)
    for part in re.split(r"\n[ \t]*\n", text):
        if plain:
            _words(out, part)
            continue
        reached = 0
        for atom in find_atoms(part, 0, open_fence_runs_on=False):
            _words(out, part[reached : atom.start])
            out.block(part[atom.start : atom.end], atom.kind)
            reached = atom.end
        _words(out, part[reached:])


def _words(out: Composer, text: str) -> None:
    if re.search(r"[^\W_]", text):
        out.block(text.strip())
