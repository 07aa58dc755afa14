"""What on a page is not the paper: menus, side bars, buttons, notices; and which element holds the paper."""

from __future__ import annotations

import re
from collections.abc import Callable

from .mathml import Formula
from .tree import HEADING, HEADINGS, MATH, PRE, TABLE, Node

_TAGS = frozenset(
    [
        *("nav", "footer", "menu", "head", "title", "script", "d-front-matter", "dt-byline", "d-byline"),
        *("dt-bibliography", "d-bibliography", "d-citation-list"),
    ]
)
_ROLES = frozenset(
    [
        *(
            "navigation",
            "banner",
            "contentinfo",
            "search",
            "menu",
            "menubar",
            "toolbar",
            "dialog",
            "alert",
            "alertdialog",
        ),
        *("status", "tablist", "complementary", "doc-toc", "doc-backlink", "tooltip"),
    ]
)
_HIDDEN = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
# Words that a class is made of, wherever they stand in it: "sidebar-drawer", "ltx_page_navbar", "mw-editsection".
_WORD = re.compile(
    r"nav|navbar|navigation|sidebar|breadcrumbs?|menu|toc|tocs|toclist|footer|masthead|pagination|pager|cookies?|banner"
    r"|advert|advertisement|social|share|sharing|newsletter|subscribe|recommended|recommendations|disqus|copybtn"
    r"|copybutton|clipboard|headerlink|permalink|anchorjs|editsection|edit|searchbox|skiplink|skip|toolbar|tooltip|popup"
    r"|modal|dropdown|backlink|backref|fn-backref|noprint|hidden|offscreen|sronly|metrics|altmetric|comments",
    re.IGNORECASE,
)
_CLASSES = frozenset(
    [
        *("sr-only", "screen-reader-text", "footnote-back", "katex-html", "ltx_authors", "ltx_dates", "ltx_note_mark"),
        *("ltx_tag_note", "ltx_listing_data", "ltx_ERROR", "ltx_rdf", "linenos", "lineno", "linenodiv", "line-number"),
        *("line-numbers", "line-numbers-rows", "prompt", "jp-InputPrompt", "jp-OutputPrompt", "input_prompt"),
        *(
            "output_prompt",
            "prev-next-area",
            "related-pages",
            "prev-next",
            "rst-versions",
            "back-to-top",
            "anchor-link",
        ),
        *("eqno-link", "author-list", "byline", "title-block-meta"),
    ]
)
# Words that name furniture, but also what a paper may call its own: only where there is no sentence in the element.
_WEAK = re.compile(
    r"header|authors?|date|dates|meta|metadata|tags|buttons?|controls|affiliations?|badges?|license|copyright|logo|icon"
    r"|toctree-\S*|toggle|anchor|related|history|version|downloads?",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"[-_\s]+|(?<=[a-z])(?=[A-Z])")
_PERMALINKS = frozenset("¶#§🔗⚓❡")
_CONTENTS = frozenset(("contents", "table-of-contents", "tableofcontents", "toc", "sidebar", "navigation", "comments"))

_BODIES = ("mw-parser-output", "c-article-body", "article-body", "article__body", "post-content", "entry-content")
# A candidate without this share of the page's sentences is a teaser, a notice or a part.
_ENOUGH = 0.6
# Furniture by its name alone never holds this much: then the name is that of a frame around everything, or, where
# headings stand in it, around a chapter.
_MOST = 0.4
_MOST_WITH_HEADINGS = 0.1


# What holds the paper on pages that say so, the surest sign first.
_CANDIDATES: tuple[Callable[[Node], bool], ...] = (
    lambda node: node.has_class("ltx_document"),
    lambda node: node.tag in ("d-article", "dt-article"),
    lambda node: node.attributes.get("role") == "main",
    lambda node: node.tag == "main",
    lambda node: node.tag == "article",
    lambda node: node.attributes.get("itemprop") == "articleBody" or node.has_class(*_BODIES),
)


def is_furniture(node: Node, whole: int) -> bool:
    """Say whether an element is no text of the paper; ``whole`` is the prose of what may hold it."""
    tag = node.tag
    if tag in _TAGS:
        return True
    if tag == "aside":
        return not node.has_class("footnote", "footnote-list", "admonition")
    if not node.attributes and tag not in ("a", "form"):
        return False
    if tag == "a" and is_permalink(node):
        return True
    most = _MOST_WITH_HEADINGS if node.holds & HEADING else _MOST
    return node.prose <= whole * most and (_is_named(node) or (tag == "form" and not node.prose))


def is_permalink(node: Node) -> bool:
    """Say whether a link is only a mark that one can copy it from."""
    only = node.children[0] if len(node.children) == 1 else None
    return isinstance(only, str) and 0 < len(only.strip()) <= 2 and only.strip()[0] in _PERMALINKS


def main_element(root: Node) -> Node:
    """Return the element that holds the paper and least besides."""
    whole = root.prose
    every = [node for node in root.nodes() if node.prose or node.holds & MATH]
    for wanted in _CANDIDATES:
        found = max((node for node in every if wanted(node)), key=lambda node: node.prose, default=None)
        if found is not None and found.prose >= whole * _ENOUGH:
            return found
    return _tight(next((node for node in every if node.tag == "body"), root), whole)


def _tight(node: Node, whole: int) -> Node:
    """Go down from the body as long as a single child holds all that a paper is made of."""
    while True:
        solid = [
            child
            for child in node.children
            if (isinstance(child, Node) and _is_solid(child) and not is_furniture(child, whole))
            or (isinstance(child, Formula) or (isinstance(child, str) and len(child.strip()) > 1))
        ]
        if (
            len(solid) != 1
            or not isinstance(solid[0], Node)
            or solid[0].tag not in ("div", "section", "main", "article")
        ):
            return node
        node = solid[0]


def _is_solid(node: Node) -> bool:
    return bool(node.prose or node.holds & (HEADING | PRE | TABLE | MATH))


def _is_named(node: Node) -> bool:
    """Say whether the element's attributes say that it is furniture, or that it is not shown."""
    attributes = node.attributes
    if not attributes:
        return False
    return (
        attributes.get("role") in _ROLES
        or "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or attributes.get("id", "").lower() in _CONTENTS
        or bool(_HIDDEN.search(attributes.get("style", "")[:2000]))
        or any(_names_furniture(name[:100], node) for name in node.classes[:50])
    )


def _names_furniture(name: str, node: Node) -> bool:
    if name in _CLASSES or name.lower() in _CONTENTS:
        return True
    if _WEAK.fullmatch(name) and not node.prose and node.tag not in HEADINGS and not _is_solid(node):
        return True
    return any(_WORD.fullmatch(word) for word in _SPLIT.split(name))
