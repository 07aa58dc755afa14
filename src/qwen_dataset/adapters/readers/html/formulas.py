"""Which elements are formulas: MathJax, KaTeX, Sphinx, pandoc, Distill, LaTeXML and Wikipedia each have their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .mathml import Formula, clean, is_environment
from .tree import MATH, TABLE, Node

# What MathJax 2 draws; the formula itself stands in a script beside it, or in MathML inside it.
_DRAWN = re.compile(r"MathJax(?:_(?:Display|Preview|SVG|SVG_Display|CHTML|Error))?|MJXc-display|mjx-chtml")
_WITH_MATHML = ("katex", "katex-display", "mwe-math-element")
_PICTURES = ("math", "tex", "latex", "mwe-math-fallback-image-inline", "mwe-math-fallback-image-display")
_NUMBER = re.compile(r"\(?\s*([\w.*′'’-]{1,20})\s*\)?")
_EQUATIONS = ("ltx_equation", "ltx_equationgroup", "ltx_eqn_table")


def formulas_of(node: Node, *, scripted: bool) -> list[Formula] | None:
    """Return the formulas that an element is, or None when it is something else.

    An empty list is the drawing of a formula that stands elsewhere. ``scripted`` says that scripts of the page hold its
    formulas.
    """
    found: list[Formula] | None = None
    if not node.attributes and not node.tag.startswith(("d-", "dt-", "mjx-")):
        return None
    if node.tag in ("dt-math", "d-math"):
        found = [Formula(tex=clean(node.text()), displayed="block" in node.attributes)]
    elif node.tag == "img":
        found = _picture(node)
    elif node.tag.startswith("mjx-") or any(_DRAWN.fullmatch(name) for name in node.classes):
        found = [] if scripted else _inside(node)
    elif node.has_class(*_WITH_MATHML):
        found = _inside(node) or None
    elif node.tag == "table" and node.has_class(*_EQUATIONS):
        found = _equations(node)
    elif node.has_class("math") and node.tag in ("span", "div", "p", "code"):
        found = _marked(node)
    return found


def _picture(node: Node) -> list[Formula] | None:
    alternative = node.attributes.get("alt", "").strip()
    if not alternative or not (node.has_class(*_PICTURES) or re.fullmatch(r"\$[^$]+\$", alternative)):
        return None
    displayed = any("display" in name for name in node.classes)
    return [Formula(tex=clean(alternative), displayed=displayed)]


def _inside(node: Node) -> list[Formula]:
    """Return the first formula in an element: where there are several they are one formula in several notations."""
    if not node.holds & MATH:
        return []
    displayed = "display" in " ".join(node.classes).lower()
    for one in node.nodes():
        for child in one.children:
            if isinstance(child, Formula) and child.tex:
                return [Formula(tex=child.tex, displayed=displayed or child.displayed, is_tex=child.is_tex)]
    return []


def _marked(node: Node) -> list[Formula] | None:
    """Return the TeX in an element that is marked as mathematics, if it holds nothing else."""
    number, parts = "", []
    for child in node.children:
        if isinstance(child, Node) and child.has_class("eqno"):
            number = _number(child)
        elif isinstance(child, str):
            parts.append(child)
        elif not (isinstance(child, Node) and child.tag == "br"):
            return None
    raw = "".join(parts).strip()
    tex = clean(raw)
    if re.search(r"(?<!\\)\\[()\[\]]|\$\$", tex):
        # Several formulas, or prose between them: read like any other text.
        return None
    displayed = node.tag in ("div", "p") or node.has_class("display") or raw.startswith(("\\[", "$$"))
    return [Formula(tex=tex, displayed=displayed or is_environment(tex), tag=number)] if tex else None


def _number(node: Node) -> str:
    found = _NUMBER.match(node.text().replace("¶", "").strip())
    return f"({found[1]})" if found else ""


def _equations(node: Node) -> list[Formula] | None:
    """Return a table of equations as one displayed formula, its rows aligned."""
    if node.holds_inside(TABLE) or not node.holds & MATH:
        return None
    rows = [row for row in map(_row, (one for one in node.nodes() if one.tag == "tr")) if row[0]]
    if not rows:
        return None
    if len(rows) == 1:
        cells, number = rows[0]
        return [Formula(tex=" ".join(cells), displayed=True, tag=number)]
    lines = [" & ".join(cells) + (rf" \tag{{{number.strip('()')}}}" if number else "") for cells, number in rows]
    name = "align" if any(number for _, number in rows) else "align*"
    tex = " \\\\\n".join(lines)
    return [Formula(tex=f"\\begin{{{name}}}\n{tex}\n\\end{{{name}}}", displayed=True)]


def _row(row: Node) -> tuple[list[str], str]:
    cells: list[str] = []
    number = ""
    for cell in row.children:
        if not isinstance(cell, Node):
            continue
        if cell.has_class("ltx_eqn_eqno"):
            number = number or _number(cell)
        elif content := " ".join(_contents(cell)):
            cells.append(content)
    return cells, number


def _contents(cell: Node) -> Iterator[str]:
    """Yield the formulas of a cell, and the words between them as TeX has them."""
    for one in cell.nodes():
        for child in one.children:
            if isinstance(child, Formula):
                if child.tex:
                    yield child.tex
            elif isinstance(child, str) and child.strip() and not one.has_class("ltx_tag", "ltx_ERROR"):
                yield rf"\text{{{' '.join(child.split())}}}"
