"""How the commands inside a line are written, where pylatexenc does not know them or papers want them otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .commands import CITATIONS, DROPPED, REFERENCES, SHOWN
from .units import unit_text

# A node of pylatexenc and its writer to a text.
Writing = Callable[..., str]
Rule = tuple[str, str | Writing]

_SYMBOLS = {
    "LaTeX": "LaTeX",
    "LaTeXe": "LaTeX2e",
    "TeX": "TeX",
    "BibTeX": "BibTeX",
    "XeLaTeX": "XeLaTeX",
    "XeTeX": "XeTeX",
    "LuaLaTeX": "LuaLaTeX",
    "pdfLaTeX": "pdfLaTeX",
    "RevTeX": "RevTeX",
    "S": "§",
    "P": "¶",
    "dag": "†",
    "ddag": "‡",
    "textdagger": "†",
    "textdaggerdbl": "‡",
    "copyright": "©",
    "textcopyright": "©",
    "pounds": "£",
    "euro": "€",
    "texteuro": "€",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textbackslash": "\\",
    "slash": "/",
    "textendash": "–",
    "textemdash": "—",
    "textquotedblleft": "“",
    "textquotedblright": "”",
    "textquoteleft": "‘",
    "textquoteright": "’",
    "lq": "‘",
    "rq": "’",
    "lbrack": "[",
    "rbrack": "]",
    "lbrace": "{",
    "rbrace": "}",
    "degree": "°",
    "textdegree": "°",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textunderscore": "_",
    "textbullet": "•",
    "textnumero": "№",
    "textonehalf": "½",
    "micro": "µ",
    "ohm": "Ω",
    "checkmark": "✓",
    "dots": "…",
    "ldots": "…",
    "textellipsis": "…",
    "-": "",
    "/": "",
    "@": "",
    "!": "",
    ",": " ",
    ";": " ",
    ":": " ",
    ">": " ",
    "quad": " ",
    "qquad": " ",
    "enspace": " ",
    "thinspace": " ",
    "nobreakspace": " ",
    "space": " ",
    "newline": " ",
    "\\": " ",
    "$": "\\$",
    "&": "&",
    "ie": "i.e.",
    "eg": "e.g.",
    "etal": "et al.",
    "IEEEPARstart": "",
}
_LISTED = re.compile(r"[^,{}]+")


def rules() -> dict[str, Rule]:
    """Return for each command its arguments and what is written for it."""
    found: dict[str, Rule] = {name: (arguments, _nothing) for name, arguments in DROPPED.items()}
    for name, (arguments, shown) in SHOWN.items():
        found[name] = (arguments, _argument(shown) if shown >= 0 else _nothing)
    found |= {name: ("", symbol or _nothing) for name, symbol in _SYMBOLS.items()}
    found |= dict.fromkeys(CITATIONS, ("*[[{", _citation))
    found |= dict.fromkeys(REFERENCES, ("*[{", _reference))
    found |= {
        "\\": ("*[", " "),
        "IEEEPARstart": ("{{", _joined(0, 1)),
        "lettrine": ("[{{", _joined(1, 2)),
        "enquote": ("*{", _quoted),
        "textquote": ("[{", _quoted),
        "crefrange": ("*{{", _range),
        "Crefrange": ("*{{", _range),
        "SI": ("[{[{", _quantity(1, 3)),
        "qty": ("[{[{", _quantity(1, 3)),
        "SIrange": ("[{{{", _span),
        "qtyrange": ("[{{{", _span),
        "si": ("[{", _unit(1)),
        "unit": ("[{", _unit(1)),
        "num": ("[{", _unit(1)),
        "ang": ("[{", lambda node: _written(node, 1) + "°"),
    }
    return found


def _nothing(_: Any) -> str:
    return ""


def _text(node: Any, l2tobj: Any, position: int) -> str:
    arguments = node.nodeargd.argnlist if node.nodeargd and node.nodeargd.argnlist else []
    argument = arguments[position] if position < len(arguments) else None
    return str(l2tobj.nodelist_to_text([argument])) if argument is not None else ""


def _written(node: Any, position: int) -> str:
    """Return an argument as it was written, without its braces."""
    arguments = node.nodeargd.argnlist if node.nodeargd and node.nodeargd.argnlist else []
    argument = arguments[position] if position < len(arguments) else None
    if argument is None:
        return ""
    written = str(argument.latex_verbatim())
    return written[1:-1] if written[:1] in "{[" and len(written) > 1 else written


def _argument(position: int) -> Writing:
    return lambda node, l2tobj: _text(node, l2tobj, position)


def _joined(*positions: int) -> Writing:
    return lambda node, l2tobj: "".join(_text(node, l2tobj, position) for position in positions)


def _quoted(node: Any, l2tobj: Any) -> str:
    return f"“{_text(node, l2tobj, 1)}”"


def _keys(written: str) -> list[str]:
    return [f"@{key.strip()}" for key in _LISTED.findall(written) if key.strip()]


def _citation(node: Any, l2tobj: Any) -> str:
    keys = "; ".join(_keys(_written(node, 3)))
    first, second = _text(node, l2tobj, 1), _text(node, l2tobj, 2)
    # One note stands behind; of two the first stands before.
    before, after = (first, second) if _has(node, 2) else ("", first)
    return f"[{before + ' ' if before.strip() else ''}{keys}{', ' + after if after.strip() else ''}]" if keys else ""


def _has(node: Any, position: int) -> bool:
    return node.nodeargd.argnlist[position] is not None


def _reference(node: Any) -> str:
    keys = "; ".join(_keys(_written(node, 2)))
    return f"[{keys}]" if keys else ""


def _range(node: Any) -> str:
    return f"[{'; '.join(_keys(_written(node, 1)) + _keys(_written(node, 2)))}]"


def _quantity(number: int, unit: int) -> Writing:
    return lambda node: f"{_written(node, number)} {unit_text(_written(node, unit))}"


def _unit(position: int) -> Writing:
    return lambda node: unit_text(_written(node, position))


def _span(node: Any) -> str:
    return f"{_written(node, 1)} to {_written(node, 2)} {unit_text(_written(node, 3))}"
