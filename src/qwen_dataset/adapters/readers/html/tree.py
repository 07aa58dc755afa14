"""A page as a small tree: what a paper can be made of, without scripts, styles and drawings.

The parser (libxml2, by lxml) calls us for each tag and keeps nothing, so memory is what we keep; what could make it
slow (depth, stray end tags, a giant tag) is refused by a bound that the error names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Self

import attrs

from ....errors import ReadError
from .mathml import NAMES as MATHML
from .mathml import Formula, clean, formula_of

MOST_BYTES = 32 * 2**20
MOST_TAGS = 2_000_000
MOST_ELEMENTS = 400_000
DEEPEST = 1_000
_LONGEST_TAG = 2**20
_CHUNK = 2**20
_LONGEST_TITLE = 1_000
# Pictures in the page itself: megabytes that no reader of text needs.
_EMBEDDED = re.compile(rb"\bdata:[\w/+.;=-]{0,200};base64,[A-Za-z0-9+/=\s%]*+")
_TAG = re.compile(rb"""<[A-Za-z](?:[^<>"']|"[^"]*"|'[^']*')*+""")

# Nothing in these is text of a paper. A picture of a formula is kept: its alternative text may be the formula.
_LEFT_OUT = frozenset(
    [
        *(
            "style",
            "svg",
            "noscript",
            "template",
            "iframe",
            "object",
            "canvas",
            "audio",
            "video",
            "map",
            "select",
            "button",
        ),
        *("textarea", "datalist", "dialog", "frameset", "applet", "embed"),
    ]
)
_SCRIPTS = re.compile(r"math/tex|text/front-matter|text/json\b|application/json\b", re.IGNORECASE)
_VOID = frozenset(("br", "hr", "img", "input", "wbr", "col", "area", "source", "track", "link", "base", "meta"))
_KEPT = frozenset(
    [
        *("class", "id", "role", "style", "hidden", "aria-hidden", "type", "href", "alt", "key", "bibtex-key", "block"),
        *("itemprop", "start", "colspan", "name", "content", "property", "display", "alttext", "encoding"),
    ]
)
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# Most elements have no attribute that matters.
_NONE: dict[str, str] = {}
_NO_PROSE = frozenset(("a", "label", "nav"))
# Shorter pieces of text are labels: of a menu, of a button, in a drawing.
_SENTENCE = 25

HEADING, PRE, TABLE, MATH, LINK, CELL = (1 << i for i in range(6))
_MARKS = {**dict.fromkeys(HEADINGS, HEADING), "pre": PRE, "table": TABLE, "a": LINK, "td": CELL, "th": CELL}


@attrs.define(eq=False)
class Node:
    """An element; ``prose`` counts the characters in it that read as sentences, ``holds`` what stands in or is it."""

    tag: str
    attributes: dict[str, str]
    children: list[Node | str | Formula] = attrs.Factory(list)
    prose: int = 0
    holds: int = 0
    classes: tuple[str, ...] = ()

    def has_class(self, *names: str) -> bool:
        """Say whether one of the element's classes is among these."""
        return bool(self.classes) and any(name in names for name in self.classes)

    def holds_inside(self, marks: int) -> bool:
        """Say whether what stands in the element, not the element itself, holds one of these."""
        return any(child.holds & marks for child in self.children if isinstance(child, Node))

    def nodes(self) -> Iterator[Self]:
        """Yield this element and those in it, in the order of the page."""
        stack: list[Self] = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(child for child in reversed(node.children) if isinstance(child, type(self)))

    def text(self) -> str:
        """Return the text in it as it stands, formulas as TeX."""
        parts: list[str] = []
        stack: list[Node | str | Formula] = [self]
        while stack:
            item = stack.pop()
            if isinstance(item, str):
                parts.append(item)
            elif isinstance(item, Formula):
                parts.append(item.inline())
            elif item.tag == "br":
                parts.append("\n")
            else:
                stack.extend(reversed(item.children))
        return "".join(parts)


def around(root: Node, wanted: Node) -> list[Node]:
    """Return the elements in ``root`` that ``wanted`` stands in, the outermost first."""
    path: list[tuple[Node, Iterator[Node | str | Formula]]] = [(root, iter(root.children))]
    while path:
        child = next(path[-1][1], None)
        if child is None:
            path.pop()
        elif child is wanted:
            return [node for node, _ in path]
        elif isinstance(child, Node):
            path.append((child, iter(child.children)))
    return []


@attrs.define
class Page:
    """A parsed page: its elements, what its head says, and whether there is a script that may make the rest of it."""

    root: Node
    metas: list[tuple[str, str]] = attrs.Factory(list)
    front: list[str] = attrs.Factory(list)
    title: str = ""
    scripted: bool = False
    # Formulas stand in scripts, beside what a script has drawn of them.
    tex_scripts: bool = False


def parse(text: str, *, source: str) -> Page:
    """Return the page. Raises ReadError naming ``source`` and the bound when the page is beyond one."""
    from lxml import etree  # type: ignore[import-untyped]  # noqa: PLC0415 - heavy: only when a page is read

    data = text.encode("utf-8", "replace")
    data = _EMBEDDED.sub(b"", data) if b";base64," in data else data
    _check(data, source)
    builder = _Builder(source)
    # Without ``huge_tree`` long texts are cut off; the bounds here are our own.
    parser = etree.HTMLParser(target=builder, encoding="utf-8", huge_tree=True)
    try:
        for start in range(0, len(data), _CHUNK):
            parser.feed(data[start : start + _CHUNK])
        page = parser.close()
    except etree.LxmlError as error:
        raise ReadError(f"{source} cannot be read as a page: {error}") from None
    assert isinstance(page, Page)
    return page


def _check(data: bytes, source: str) -> None:
    if len(data) > MOST_BYTES:
        raise ReadError(
            f"{source} is too large for a page: {len(data):,} bytes without its pictures, and at most"
            f" {MOST_BYTES:,} are read; split it into its chapters"
        )
    tags = data.count(b"<")
    if tags > MOST_TAGS:
        raise ReadError(f"{source} is no page of a paper: it has {tags:,} tags, and at most {MOST_TAGS:,} are read")
    if len(data) > _LONGEST_TAG and any(len(tag[0]) > _LONGEST_TAG for tag in _TAG.finditer(data)):
        raise ReadError(f"{source} is no page of a paper: one of its tags is longer than {_LONGEST_TAG:,} bytes")


class _Builder:
    """What the parser calls."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._page = Page(root=Node("", {}))
        self._open = [self._page.root]
        self._skipped = 0
        self._linked = 0
        self._elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self._skipped:
            self._skipped += 1
            self._bound(len(self._open) + self._skipped)
            return
        name = tag.rpartition(":")[2].lower()
        kind = attributes.get("type", "")
        if name in _LEFT_OUT or (name == "script" and not _SCRIPTS.match(kind)):
            self._skipped = 1
            self._page.scripted |= name == "script"
            return
        node = Node(name, {key: value for key, value in attributes.items() if key in _KEPT} if attributes else _NONE)
        if "class" in node.attributes:
            node.classes = tuple(node.attributes["class"].split())
        if name in _VOID:
            # Whether the parser knows that these have no end tag or not, nothing stands in them.
            self._void(node)
            return
        node.holds = _MARKS.get(name, 0)
        self._open[-1].children.append(node)
        self._open.append(node)
        self._linked += name in _NO_PROSE
        self._elements += name not in MATHML
        self._bound(len(self._open))

    def end(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        if len(self._open) < 2 or tag in _VOID:
            return
        node = self._open.pop()
        above = self._open[-1]
        self._linked -= node.tag in _NO_PROSE
        if node.tag == "math":
            formula = above.children[-1] = formula_of(node)
            above.holds |= MATH if formula.tex else 0
        elif node.tag == "title" and not self._page.title:
            self._page.title = " ".join(node.text()[:_LONGEST_TITLE].split())
        elif node.tag == "script":
            self._script(node)
        above.prose += node.prose
        above.holds |= node.holds

    def data(self, data: str) -> None:
        if self._skipped:
            return
        node = self._open[-1]
        node.children.append(data)
        if not self._linked and node.tag not in MATHML and len(data) >= _SENTENCE:
            node.prose += len(data) if len(data.strip()) >= _SENTENCE else 0

    def comment(self, text: str) -> None:
        """Ignore a comment."""

    def close(self) -> Page:
        while len(self._open) > 1:
            self.end("")
        return self._page

    def _void(self, node: Node) -> None:
        if node.tag in ("br", "hr", "img"):
            self._open[-1].children.append(node)
        elif node.tag == "meta" and len(self._page.metas) < 10_000:
            name = node.attributes.get("name") or node.attributes.get("property") or ""
            self._page.metas.append((name.lower(), node.attributes.get("content", "")))

    def _script(self, node: Node) -> None:
        """Take a script that holds a formula, or the front matter of the page."""
        above = self._open[-1]
        kind = node.attributes.get("type", "").lower()
        if kind.startswith("math/tex"):
            self._page.tex_scripts = True
            formula = above.children[-1] = Formula(tex=clean(node.text()), displayed="display" in kind)
            above.holds |= MATH if formula.tex else 0
            return
        above.children.pop()
        if "front-matter" in kind or above.tag == "d-front-matter":
            self._page.front.append(node.text())

    def _bound(self, depth: int) -> None:
        if self._elements > MOST_ELEMENTS:
            raise ReadError(
                f"{self._source} is no page of a paper: it has more than {MOST_ELEMENTS:,} elements outside formulas;"
                " split it into its chapters"
            )
        if depth > DEEPEST:
            raise ReadError(f"{self._source} is no page of a paper: its elements nest deeper than {DEEPEST:,} levels")
