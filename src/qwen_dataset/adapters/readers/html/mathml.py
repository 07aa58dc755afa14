"""Formulas of a page: TeX where the markup carries it, else MathML as a line that can be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from .tree import Node

NAMES = frozenset(
    [
        *(
            "math",
            "mi",
            "mn",
            "mo",
            "ms",
            "mtext",
            "mspace",
            "mrow",
            "mfrac",
            "msup",
            "msub",
            "msubsup",
            "munder",
            "mover",
        ),
        *(
            "munderover",
            "msqrt",
            "mroot",
            "mtable",
            "mtr",
            "mlabeledtr",
            "mtd",
            "mstyle",
            "mpadded",
            "mphantom",
            "merror",
        ),
        *("menclose", "mfenced", "mmultiscripts", "mprescripts", "none", "semantics", "annotation", "annotation-xml"),
    ]
)
_TEX = re.compile(r"application/x-(?:la)?tex|(?:la)?tex", re.IGNORECASE)
# Deeper than any formula; below it the text is taken as it stands.
_DEEPEST = 60
_SPACED = frozenset("=≠<>≤≥≈≡∼≃≅∝→←↔⇒⇔↦∈∉⊂⊆∪∩+−±×∧∨≔")
_SCRIPTS = {"msup": "^", "mover": "^", "msub": "_", "munder": "_", "msubsup": "_^", "munderover": "_^"}
_FRAMES = {
    "msqrt": ("√(", "", ")"),
    "mroot": ("root(", ", ", ")"),
    "mtable": ("[", "; ", "]"),
    "mtr": ("", ", ", ""),
    "mlabeledtr": ("", ", ", ""),
    "mfenced": ("(", ", ", ")"),
}
_UNSEEN = frozenset(("annotation", "annotation-xml", "mphantom", "none", "mprescripts"))
# Signs that say how to read a formula and print nothing.
_INVISIBLE = dict.fromkeys((0x2061, 0x2062, 0x2063, 0x2064, 0x200B, 0xAD))

_COMMENT = re.compile(r"(?<!\\)%[^\n]*(?:\n[ \t]*|\Z)")
_BLANK_LINES = re.compile(r"[ \t]*\n(?:[ \t]*\n)*")
_DELIMITED = (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$"))
_STYLED = re.compile(r"\{\\(?:display|text)style\s(.*)\}", re.DOTALL)
_STYLE = re.compile(r"\\(?:display|text)style(?![A-Za-z])\s*")
_ENVIRONMENT = re.compile(
    r"\\begin\{(equation|align|alignat|gather|multline|eqnarray|flalign|displaymath|dmath|subequations|xalignat)(\*?)\}"
)
_BARE_DOLLAR = re.compile(r"(?<!\\)\$")


@attrs.frozen(kw_only=True)
class Formula:
    """A formula; ``tag`` is its number as printed. Without ``is_tex`` it is a line made from MathML."""

    tex: str
    displayed: bool = False
    tag: str = ""
    is_tex: bool = True

    def inline(self) -> str:
        """Return it as it stands in a line of prose."""
        tex = " ".join(self.tex.split())
        if not tex or not self.is_tex:
            return tex
        return rf"\({tex}\)" if _BARE_DOLLAR.search(tex) else f"${tex}$"

    def block(self) -> str:
        """Return it as it stands on lines of its own."""
        tex = _BLANK_LINES.sub("\n", self.tex).strip()
        number = f" {self.tag}" if self.tag else ""
        if not tex or not self.is_tex or is_environment(tex):
            return tex + (number if tex else "")
        gap = "\n" if "\n" in tex else " "
        return f"$${gap}{tex}{gap}$${number}"


def is_environment(tex: str) -> bool:
    """Say whether TeX is an environment that displays, which needs no delimiters around it."""
    opened = _ENVIRONMENT.match(tex)
    return opened is not None and tex.endswith(rf"\end{{{opened[1]}{opened[2]}}}")


def clean(tex: str) -> str:
    """Return TeX without delimiters around it, comments, and what only sets its size."""
    tex = _COMMENT.sub("", tex).strip() if "%" in tex else tex.strip()
    for opened, closed in _DELIMITED:
        inside = tex[len(opened) : -len(closed)]
        if len(tex) > len(opened) + len(closed) and tex == opened + inside + closed and opened not in inside:
            tex = inside.strip()
            break
    while (styled := _STYLED.fullmatch(tex)) is not None:
        tex = styled[1].strip()
    return _STYLE.sub("", tex, count=1) if _STYLE.match(tex) else tex


def formula_of(node: Node) -> Formula:
    """Return the formula of a ``math`` element."""
    displayed = node.attributes.get("display") == "block"
    tex = clean(_annotated(node) or node.attributes.get("alttext", ""))
    if tex:
        return Formula(tex=tex, displayed=displayed)
    out: list[str] = []
    _render(node, out, 0)
    return Formula(tex=" ".join("".join(out).translate(_INVISIBLE).split()), displayed=displayed, is_tex=False)


def _annotated(node: Node) -> str:
    for one in node.nodes():
        if one.tag == "annotation" and _TEX.fullmatch(one.attributes.get("encoding", "")):
            return one.text()
    return ""


def _render(node: Node | str | Formula, out: list[str], depth: int) -> None:
    if isinstance(node, str):
        out.append(node.strip())
    elif isinstance(node, Formula):
        out.append(node.tex)
    elif depth > _DEEPEST:
        out.append(node.text())
    elif node.tag == "mo":
        sign = node.text().strip()
        out.append(f" {sign} " if sign in _SPACED else sign)
    elif node.tag in ("mspace", "mtext"):
        out.append(node.text() or " ")
    elif node.tag not in _UNSEEN:
        parts = [child for child in node.children if not (isinstance(child, str) and not child.strip())]
        _structure(node.tag, parts, out, depth)


def _structure(tag: str, parts: list[Node | str | Formula], out: list[str], depth: int) -> None:
    if tag == "mfrac" and len(parts) == 2:
        _group(parts[0], out, depth)
        out.append("/")
        _group(parts[1], out, depth)
    elif tag in _SCRIPTS and len(parts) > 1:
        _render(parts[0], out, depth + 1)
        for sign, part in zip(_SCRIPTS[tag], parts[1:], strict=False):
            out.append(sign)
            _group(part, out, depth)
    else:
        opened, between, closed = _FRAMES.get(tag, ("", "", ""))
        out.append(opened)
        for i, part in enumerate(parts):
            if i:
                out.append(between)
            _render(part, out, depth + 1)
        out.append(closed)


def _group(part: Node | str | Formula, out: list[str], depth: int) -> None:
    """Render a part in parentheses unless it is one sign or one number."""
    inside: list[str] = []
    _render(part, inside, depth + 1)
    text = "".join(inside).strip()
    out.append(text if len(text) <= 1 or text.isdigit() else f"({text})")
