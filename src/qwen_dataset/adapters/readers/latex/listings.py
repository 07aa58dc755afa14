"""Environments and files whose text is shown as it was typed."""

from __future__ import annotations

import re

VERBATIMS = frozenset(
    name + star
    for star in ("", "*")
    for name in (
        *("verbatim", "Verbatim", "BVerbatim", "LVerbatim", "SaveVerbatim", "VerbatimOut", "alltt"),
        *("lstlisting", "minted", "tcblisting", "listing", "pycode", "pyverbatim", "jllisting", "codeblock"),
        *("comment", "filecontents"),
    )
) - {"listing", "listing*"}
_DEFINED = re.compile(
    r"\\(?:lstnewenvironment|DefineVerbatimEnvironment|CustomVerbatimEnvironment|newtcblisting|DeclareTCBListing"
    r"|NewTCBListing)\s*(?:\[[^\[\]]*\]\s*)?\{([A-Za-z]{1,40}\*?)\}"
)
_MINTED = re.compile(r"\\newminted\s*(?:\[([A-Za-z]{1,40})\]\s*)?\{([A-Za-z]{1,40})\}")
_LINES = re.compile(r"\b(firstline|lastline)\s*=\s*(\d{1,9})")


def verbatim_names(text: str) -> set[str]:
    """Return the names of the environments for listings that a text defines."""
    minted = {found[1] or found[2] + "code" for found in _MINTED.finditer(text)}
    return minted | {found[1] for found in _DEFINED.finditer(text)}


def listing_lines(code: str, options: str) -> str:
    """Return the lines of a file that the options of its listing ask for, all of them without any."""
    asked = {name: int(number) for name, number in _LINES.findall(options)}
    lines = code.split("\n")
    return "\n".join(lines[max(0, asked.get("firstline", 1) - 1) : asked.get("lastline", len(lines))]).strip("\n")
