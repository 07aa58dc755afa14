r"""What a string of an answer says: JSON's escapes, and LaTeX whose backslashes were not escaped.

``\alpha`` is no escape of JSON, so the backslash stays. ``\frac`` and ``\nabla`` are: a form feed and "rac", a newline
and "abla". They are LaTeX where nothing else can be meant, and stay what JSON says everywhere else.
"""

from __future__ import annotations

import re

from ..characters import whole

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)|(\${1,2})", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN = {'"': '"', "'": "'", "\\": "\\", "/": "/"}
_BLANK = {"n": "\n", "r": "\r", "t": "\t"}

# A doubled backslash before a letter: whoever wrote this escapes LaTeX as JSON wants it.
_CAREFUL = re.compile(r"\\\\[A-Za-z]")
_LETTERS = re.compile(r"[A-Za-z]{1,20}")
# Commands whose tail ("abla", "heta") begins no line of prose or code.
_COMMAND = re.compile(
    r"n(?:abla|atural|cong|earrow|ewcommand|ewline|geq|gtr|icefrac|leftarrow|leq|olimits|onumber|orm|ot|otag|otin|prec"
    r"|rightarrow|subseteq|succ|supseteq|vdash|warrow)"
    r"|r(?:Vert|angle|brace|brack|ceil|ef|enewcommand|floor|ho|ight|ightarrow|ightharpoonup|ightleftharpoons|m|oot|times"
    r"|ule|vert)"
    r"|t(?:ag|anh|au|binom|ext(?:bf|it|normal|rm|sc|sf|style|subscript|superscript|tt|up|width)|frac|herefore|heta"
    r"|hickapprox|hicksim|hinspace|ilde|imes|riangle|riangledown|riangleleft|riangleq|riangleright|woheadrightarrow)"
)
# Commands whose tail may as well be a word or a variable at the start of a line: "\nu" is a line that begins with u.
_UNSURE_COMMAND = re.compile(r"n(?:e|eg|eq|exists|i|less|mid|parallel|sim|u)|t(?:an|ext|o|op|t)")


def is_careful(answer: str) -> bool:
    """Say whether the writer of ``answer`` escapes LaTeX properly; then an unclear escape means what JSON says."""
    return _CAREFUL.search(answer) is not None


def decoded(raw: str, *, careful: bool) -> str:
    """Return what a string says whose source between the quotation marks is ``raw``. Never raises.

    ``careful`` is ``is_careful`` of the whole answer. The result can be stored: a lone half of a surrogate pair
    becomes U+FFFD.
    """
    formula = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal formula
        code = match[1]
        if code is None:
            formula = not formula
            return match[0]
        if code in _PLAIN:
            return _PLAIN[code]
        if code in _BLANK:
            latex = _is_command(raw, match, formula=formula, careful=careful)
            return match[0] if latex else _BLANK[code]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        # What is left is no escape of JSON, or "\b" and "\f": nobody means a backspace or a form feed.
        formula = code in "([" or (formula and code not in ")]")
        return match[0]

    text = _ESCAPE.sub(replaced, raw) if "\\" in raw else raw
    if _SURROGATE.search(text) is None:
        return text
    return whole(text)


def _is_command(raw: str, escape: re.Match[str], *, formula: bool, careful: bool) -> bool:
    tail = _LETTERS.match(raw, escape.end())
    if tail is None:
        return False
    command = escape[1] + tail[0]
    if _COMMAND.fullmatch(command):
        return True
    clear = formula or raw.startswith("{", tail.end())
    return clear and not careful and _UNSURE_COMMAND.fullmatch(command) is not None
