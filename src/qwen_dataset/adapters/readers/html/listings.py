"""Listings: code as it stands, without the numbers of its lines."""

from __future__ import annotations

import re

from .mathml import Formula
from .tree import Node

_NUMBERS = ("linenos", "lineno", "line-number", "line-numbers", "line-numbers-rows", "ltx_listing_data", "copybtn")
_LANGUAGE = re.compile(r"(?:language|lang|highlight|brush:?|highlight-source)-?([\w+#.]{1,20})", re.IGNORECASE)
_NO_LANGUAGES = frozenset(("default", "none", "notranslate", "text", "code", "hljs", "source"))

_LINE_END = Node("br", {})


def is_listing(node: Node) -> bool:
    """Say whether an element is a listing."""
    return node.tag in ("pre", "listing", "xmp") or node.has_class("ltx_listing", "ltx_verbatim")


def listing(node: Node) -> str:
    """Return the lines of a listing."""
    parts: list[str] = []
    stack: list[Node | str | Formula] = [node]
    # LaTeXML breaks the lines of the page where it likes, and marks those of the listing.
    marked = any(one.has_class("ltx_listingline") for one in node.nodes())
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            parts.append(item.replace("\n", " ") if marked else item)
        elif isinstance(item, Formula):
            parts.append(item.inline())
        elif item.tag == "br":
            parts.append("\n")
        elif not item.has_class(*_NUMBERS) and not (item.tag == "span" and item.has_class("ltx_tag")):
            if item.has_class("ltx_listingline"):
                stack.append(_LINE_END)
            stack.extend(reversed(item.children))
    return "".join(parts).replace("\u00a0", " ")


def language_of(node: Node) -> str:
    """Return the language that an element or the code in it names, or ""."""
    inside = [child for child in node.children if isinstance(child, Node) and child.tag == "code"]
    for one in (node, *inside[:1]):
        names = one.classes
        for name in names:
            found = _LANGUAGE.fullmatch(name)
            if found and found[1].lower() not in _NO_LANGUAGES:
                return found[1].lower()
        if "sourceCode" in names and len(names) > 1 and names[-1] != "sourceCode":
            return names[-1]
    return ""
