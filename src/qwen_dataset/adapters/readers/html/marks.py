"""Small things in a line that say more than their letters: powers, marks of notes, citations, code."""

from __future__ import annotations

import re

from .tree import LINK, Node

_ORDINAL = re.compile(r"st|nd|rd|th|tm|®|™", re.IGNORECASE)
_ONE_SIGN = re.compile(r"[-+−–]?\d+|.", re.DOTALL)


def raised(node: Node, text: str) -> str:
    """Return what stands above or below the line so that ``10<sup>5</sup>`` does not become 105."""
    above = node.tag == "sup"
    if not text or text.startswith(("[", "$", "^")) or (above and _ORDINAL.fullmatch(text)):
        return text
    if above and node.holds & LINK:
        return f"[{text}]"
    return ("^" if above else "_") + (text if _ONE_SIGN.fullmatch(text) else f"{{{text}}}")


def note_mark(text: str) -> str:
    """Return the mark of a note that stands elsewhere."""
    mark = text.strip("[]^() ")
    return f"[^{mark}]" if mark else ""


def citation(node: Node) -> str:
    """Return a citation of Distill, which has only the keys of what it cites."""
    keys = (node.attributes.get("key") or node.attributes.get("bibtex-key") or "").split(",")
    cited = "; ".join(f"@{key.strip()}" for key in keys if key.strip())
    return f" [{cited}]" if cited else ""


def inline_code(node: Node) -> str:
    """Return code in a line between backticks."""
    text = " ".join(node.text().split())
    if not text:
        return ""
    return f"`` {text} ``" if "`" in text else f"`{text}`"
