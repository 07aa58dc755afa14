"""The walk over a page: what each element becomes in the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeAlias

import attrs

from ....domain.papers import BlockKind
from .formulas import formulas_of
from .furniture import is_furniture
from .inline import BREAK, Inline, Verbatim
from .kinds import CODE, SPOKEN_IN_FIGURES, Kind, block_kind, inline_kind
from .listings import is_listing, language_of, listing
from .marks import citation, inline_code, note_mark, raised
from .mathml import Formula
from .output import Output
from .parts import Leave, Parts
from .tables import Table
from .tree import HEADINGS, PRE, Node

_DEEPEST_INDENT = 8
# Synthetic headings: the abstract is no part that others could stand in.
_ABSTRACT_LEVEL = 6

Child: TypeAlias = Node | str | Formula


@attrs.define
class Writer:
    """Writes the text of a page. ``whole`` is the prose of what is walked, ``title_node`` is not written again."""

    out: Output
    whole: int
    title_node: Node | None = None
    scripted: bool = False
    # The elements around the title.
    title_blocks: Sequence[Node] = ()
    parts: Parts = attrs.field(init=False)
    _inline: Inline = attrs.Factory(Inline)
    # The prose around what is being collected: a heading, a cell, a note.
    _around: list[Inline] = attrs.Factory(list)
    _lists: list[int | None] = attrs.Factory(list)
    _mark: str = ""
    # In a figure, outside what speaks there.
    _muted: bool = False
    _language: str = ""
    _notes: list[Inline] = attrs.Factory(list)
    _noted: int = 0
    _table: Table | None = None

    def __attrs_post_init__(self) -> None:
        self.parts = Parts(out=self.out, flush=self._flush, whole=self.whole)

    def write(self, root: Node) -> None:
        """Write everything in an element."""
        stack: list[tuple[Iterator[Child], Leave | None]] = [(iter(root.children), None)]
        while stack:
            children, leave = stack[-1]
            child = next(children, None)
            if child is None:
                stack.pop()
                if leave is not None:
                    leave()
            elif isinstance(child, str):
                if not self._muted:
                    self._inline.add(child)
            elif isinstance(child, Formula):
                self._formula(child)
            elif not self._leaf(child):
                stack.append(self._enter(child))
        self._flush()

    def _leaf(self, node: Node) -> bool:
        """Write what is no frame for anything else; return whether that was all."""
        if node is self.title_node or is_furniture(node, self.whole) or node.has_class("ltx_title_document"):
            return True
        formulas = formulas_of(node, scripted=self.scripted)
        if formulas is not None:
            for formula in formulas:
                self._formula(formula)
        elif node.tag == "br":
            self._inline.add(BREAK)
        elif is_listing(node):
            self._listing(node)
        elif node.tag in CODE and not node.holds & PRE:
            self.mark_here(inline_code(node))
        elif node.tag in ("d-cite", "dt-cite"):
            self.mark_here(citation(node))
        else:
            return node.tag in ("img", "rt", "rp")
        return True

    def _enter(self, node: Node) -> tuple[Iterator[Child], Leave | None]:
        """Begin an element; return what is to be written of it and what to do after that."""
        children: Iterator[Child] = iter(node.children)
        kind = inline_kind(node)
        if kind is Kind.INLINE:
            return children, None
        if kind in _COLLECTED:
            # So deep nothing is raised above anything any more.
            return children, self._collect(partial(_COLLECTED[kind], self, node)) if len(self._around) < 8 else None
        self._flush()
        if self._around:
            return children, self._in_table(node) or self._flush
        if node.tag == "header" and (not node.prose or node in self.title_blocks):
            # Title and authors are known; an abstract among them is text.
            return iter([one for one in node.nodes() if one.has_class("abstract")][:1]), None
        return children, self._block(node)

    def _block(self, node: Node) -> Leave:
        """Begin a block that stands in no heading, cell or note."""
        kind = block_kind(node)
        leave = _BEGUN[kind](self, node) if kind in _BEGUN else self._flush
        if self._muted and kind is not Kind.FIGURE and node.tag in SPOKEN_IN_FIGURES:
            return self._mute(muted=False, then=leave)
        return leave

    def _flush(self) -> None:
        """End the paragraph; inside a heading, cell or note that is no more than a space."""
        if self._around:
            self._inline.add(" ")
            return
        if self._inline.pieces:
            inline, self._inline = self._inline, Inline()
            if self.out.paragraph(inline, mark=self._mark, indent="  " * min(len(self._lists) - 1, _DEEPEST_INDENT)):
                self._mark = ""
        notes, self._notes = self._notes, []
        for note in notes:
            self.out.paragraph(note)

    def _collect(self, use: Callable[[Inline], None]) -> Leave:
        """Collect what comes as one line; ``use`` gets it at the end."""
        self._around.append(self._inline)
        self._inline = Inline()

        def leave() -> None:
            inline, self._inline = self._inline, self._around.pop()
            use(inline)

        return leave

    def _formula(self, formula: Formula) -> None:
        # A figure's labels are left out; a formula on lines of its own in it is no label.
        if not self._muted:
            self._inline.add(formula)
        elif formula.displayed and formula.tex:
            self.out.block(formula.block(), BlockKind.FORMULA)

    def heading(self, node: Node) -> Leave:
        """Begin a heading."""
        level = int(node.tag[-1]) if node.tag in HEADINGS else _ABSTRACT_LEVEL
        if self._lists or self._muted:
            return self._flush
        return self._collect(lambda inline: self.parts.heading(level, inline.line().replace("`", "")))

    def note(self, _: Node, inline: Inline) -> None:
        """Write a note below the paragraph, and its mark here."""
        if not self._muted and inline.line():
            self._noted += 1
            self._inline.add(Verbatim(f"[^{self._noted}]"))
            self._notes.append(Inline([Verbatim(f"[^{self._noted}]: "), *inline.pieces]))

    def item_mark(self, _: Node, inline: Inline) -> None:
        """Take the mark that the page gives a list's item."""
        mark = inline.line()
        if any(map(str.isalnum, mark)):
            self._mark = f"{mark} "

    def mark_here(self, text: str) -> None:
        """Write a mark as it is."""
        if text and not self._muted:
            self._inline.add(Verbatim(text))

    def _listing(self, node: Node) -> None:
        if self._around:
            self.mark_here(inline_code(node))
        else:
            self._flush()
            self.out.code(listing(node), language_of(node) or self._language)

    def table(self, _: Node) -> Leave:
        """Begin a table."""
        self._table = table = Table()

        def end(inline: Inline) -> None:
            self._table = None
            # What stands in a table and in no cell of it is lost on no reader of the page, nor here.
            for caption in (*table.captions, inline):
                self.out.paragraph(caption)
            self.out.table(table.rows, headed=table.headed)
            self._flush()

        return self._collect(end)

    def _in_table(self, node: Node) -> Leave | None:
        """Begin a row, cell or caption of the table that is being collected."""
        table = self._table
        if table is None or len(self._around) != 1:
            return None
        if node.tag == "tr":
            table.rows.append([])
        elif node.tag in ("td", "th"):
            return self._collect(lambda inline: table.cell(node, inline.line()))
        elif node.tag == "caption":
            return self._collect(table.captions.append)
        return None

    def listed(self, node: Node) -> Leave:
        """Begin a list."""
        start = node.attributes.get("start", "1")
        first = int(start) if start.isdecimal() and len(start) < 7 else 1
        self._lists.append(first if node.tag == "ol" else None)

        def leave() -> None:
            self._flush()
            self._lists.pop()

        return leave

    def references(self, node: Node) -> Leave:
        """Begin a list of references, which may be a list in itself."""
        end = self.parts.references(node)
        if node.tag not in ("ol", "ul"):
            return end
        end_list = self.listed(node)

        def leave() -> None:
            end_list()
            end()

        return leave

    def item(self, _: Node) -> Leave:
        """Begin a list's item."""
        self._mark = "- "
        if self._lists and (number := self._lists[-1]) is not None:
            self._mark, self._lists[-1] = f"{number}. ", number + 1

        def leave() -> None:
            self._flush()
            self._mark = ""

        return leave

    def listings(self, node: Node) -> Leave:
        """Begin a frame that names the language of the listings in it."""
        before, self._language = self._language, language_of(node)

        def leave() -> None:
            self._flush()
            self._language = before

        return leave

    def figure(self, _: Node) -> Leave:
        """Begin a figure."""
        return self._mute(muted=True)

    def _mute(self, *, muted: bool, then: Leave | None = None) -> Leave:
        before, self._muted = self._muted, muted

        def leave() -> None:
            (then or self._flush)()
            self._muted = before

        return leave


_COLLECTED: dict[Kind, Callable[[Writer, Node, Inline], None]] = {
    Kind.NOTE: Writer.note,
    Kind.NOTE_MARK: lambda writer, _, inline: writer.mark_here(note_mark(inline.line())),
    Kind.RAISED: lambda writer, node, inline: writer.mark_here(raised(node, inline.line())),
    Kind.ITEM_MARK: Writer.item_mark,
}
_BEGUN: dict[Kind, Callable[[Writer, Node], Leave]] = {
    Kind.HEADING: Writer.heading,
    Kind.ABSTRACT_TITLE: Writer.heading,
    Kind.TABLE: Writer.table,
    Kind.LIST: Writer.listed,
    Kind.ITEM: Writer.item,
    Kind.LISTINGS: Writer.listings,
    Kind.FIGURE: Writer.figure,
    Kind.REFERENCES: Writer.references,
    Kind.FOOTNOTES: lambda writer, node: writer.parts.footnotes(node),
    Kind.ABSTRACT: lambda writer, _: writer.parts.abstract(),
    Kind.SECTION: lambda writer, _: writer.parts.section(),
}
