"""Typewriter text: shown as it was typed, without ligatures."""

from __future__ import annotations

import re

from .marks import KEPT_MARK

_TYPED = re.compile(
    r"\\([#$%&_{}^~\\ ])(?:\{\})?"
    r"|\\(textbackslash|textasciitilde|textunderscore|string|-|/|allowbreak|hspace\{[^{}]*\})(?:\{\}|\s+|(?![A-Za-z]))"
    r"|[{}]"
)
_NAMED = {"textbackslash": "\\", "textasciitilde": "~", "textunderscore": "_"}
_SPECIAL = re.compile(r"[\\$]")


def typed_text(written: str) -> str | None:
    r"""Return the characters of ``\texttt{…}`` and its kin, None when there are commands or formulas in it."""
    if _SPECIAL.search(_TYPED.sub("", KEPT_MARK.sub("", written))):
        return None
    return _TYPED.sub(lambda found: found[1] or _NAMED.get(found[2] or "", ""), written)
