"""What an element is: its name and classes as the makers of pages use them, to the few kinds that a paper has."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from .listings import language_of
from .tables import is_layout
from .tree import HEADING, HEADINGS, Node

BLOCKS = frozenset(
    [
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "body",
            "center",
            "dd",
            "details",
            "div",
            "dl",
            "dt",
            "fieldset",
        ),
        *(
            "figcaption",
            "figure",
            "form",
            "header",
            "hgroup",
            "hr",
            "html",
            "li",
            "main",
            "ol",
            "p",
            "section",
            "summary",
        ),
        *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "caption", "legend", "d-article", "dt-article"),
        *("d-abstract", "d-appendix", "dt-appendix", "d-title", "d-figure", *HEADINGS),
    ]
)
CODE = frozenset(("code", "tt", "kbd", "samp", "d-code", "dt-code"))
# What speaks in a figure; everything else in it is a label.
SPOKEN_IN_FIGURES = frozenset(("p", "blockquote", "figcaption", "caption", "table", "ol", "ul"))
_NOTES = frozenset(("d-footnote", "dt-fn"))
_REFERENCES = (
    *("ltx_bibliography", "ltx_biblist", "references", "reflist", "ref-list", "bibliography", "csl-bib-body"),
    *("citation-list", "biblist", "c-article-references", "citation"),
)
_REFERENCE_IDS = ("references", "refs", "bibliography", "ref-list")
_LISTED = frozenset(("section", "div", "ol", "ul", "dl", "table"))
# Headings of these are the first words of what follows, not of a part of the paper.
_RUN_IN = ("ltx_title_theorem", "ltx_title_proof", "ltx_runin")


class Kind(Enum):
    """What is done with an element and what stands in it."""

    NOTE = auto()
    NOTE_MARK = auto()
    RAISED = auto()
    ITEM_MARK = auto()
    INLINE = auto()
    HEADING = auto()
    ABSTRACT_TITLE = auto()
    TABLE = auto()
    LIST = auto()
    ITEM = auto()
    FIGURE = auto()
    REFERENCES = auto()
    FOOTNOTES = auto()
    ABSTRACT = auto()
    SECTION = auto()
    LISTINGS = auto()
    BLOCK = auto()


def _role(node: Node, role: str) -> bool:
    return node.attributes.get("role") == role


def _is_references(node: Node) -> bool:
    named = node.has_class(*_REFERENCES) or node.attributes.get("id", "").lower() in _REFERENCE_IDS
    return _role(node, "doc-bibliography") or (named and node.tag in _LISTED)


_INLINE: tuple[tuple[Kind, Callable[[Node], bool]], ...] = (
    (Kind.NOTE, lambda node: node.tag in _NOTES or node.has_class("ltx_note_content")),
    (Kind.NOTE_MARK, lambda node: node.has_class("footnote-ref", "footnote-reference") or _role(node, "doc-noteref")),
    (Kind.RAISED, lambda node: node.tag in ("sup", "sub")),
    (Kind.ITEM_MARK, lambda node: node.has_class("ltx_tag_item")),
    (Kind.INLINE, lambda node: node.tag not in BLOCKS and not node.has_class("ltx_para", "ltx_p")),
)
# What an element without attributes can be besides a block and a stretch of a line.
_NAMED = frozenset((*_NOTES, "sup", "sub"))
_BLOCK: tuple[tuple[Kind, Callable[[Node], bool]], ...] = (
    (Kind.HEADING, lambda node: node.tag in HEADINGS and not node.has_class(*_RUN_IN)),
    (Kind.ABSTRACT_TITLE, lambda node: node.has_class("abstract-title") and not node.holds & HEADING),
    # A list of references may be set as a table, and as a list.
    (Kind.REFERENCES, _is_references),
    (Kind.TABLE, lambda node: node.tag == "table" and not is_layout(node)),
    (Kind.LIST, lambda node: node.tag in ("ul", "ol")),
    (Kind.ITEM, lambda node: node.tag == "li"),
    (Kind.FIGURE, lambda node: node.tag in ("figure", "d-figure")),
    (Kind.FOOTNOTES, lambda node: node.has_class("footnotes") or _role(node, "doc-endnotes")),
    (Kind.ABSTRACT, lambda node: node.has_class("abstract", "ltx_abstract", "Abstract") or node.tag == "d-abstract"),
    (Kind.SECTION, lambda node: node.tag == "section" or (node.tag == "div" and node.has_class("section"))),
    (Kind.LISTINGS, lambda node: node.tag == "div" and bool(language_of(node))),
)


def inline_kind(node: Node) -> Kind:
    """Return what an element in a line is, or BLOCK."""
    if not node.attributes and node.tag not in _NAMED:
        return Kind.BLOCK if node.tag in BLOCKS else Kind.INLINE
    return next((kind for kind, fits in _INLINE if fits(node)), Kind.BLOCK)


def block_kind(node: Node) -> Kind:
    """Return what kind of block an element is."""
    if not node.attributes and node.tag in ("p", "div", "td"):
        return Kind.BLOCK
    return next((kind for kind, fits in _BLOCK if fits(node)), Kind.BLOCK)
