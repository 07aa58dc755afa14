"""Handlers of what is kept as it was written: formulas, tables, code; and of what is drawn, which goes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ....domain.papers import BlockKind
from .environments import CODES, DRAWN, FORMULAS, INLINE_FORMULAS, TABLES
from .flatten import Flattener, Handler
from .scan import LONGEST_INLINE, before_blank_line, dollar_end, environment_end, group_end

_LABEL = re.compile(r"(?<![ \t])[ \t]*+\\label(?:\s*+)\{[^{}]*\}")
_BLANK_LINES = re.compile(r"\n[ \t]*(?=\n)")
_PUNCTUATION = re.compile(r"[ \t]*[.,;:，。；](?=\s|\Z)")
_ENDS = {
    "\\[": re.compile(r"(?:[^\\]|\\[^\]])*+\\\]"),
    # TeX allows no blank line in a formula.
    "\\(": re.compile(r"(?:[^\\\n]|\\[^)]|\n(?![ \t]*\n))*+\\\)"),
    "$$": re.compile(r"(?:[^\\$\n]|\\[\s\S]|\$(?!\$)|\n(?![ \t]*\n))*+\$\$"),
}
_GRAPHICS = re.compile(
    r"\\includegraphics\*?\s*(?:\[[^\[\]]*\])*\s*\{[^{}]*\}|\\(?:begin|end)\s*\{[^{}]*\}(?:\{[^{}]*\})?"
)
_CONTENT = re.compile(r"\\[A-Za-z]+|[^\W_]")


def display(machine: Flattener, written: str) -> None:
    """Keep a displayed formula, with the punctuation after it and without its labels."""
    frame = machine.stream.frames[-1]
    if after := _PUNCTUATION.match(frame.text, frame.position):
        frame.position = after.end()
        written += after[0].strip()
    machine.emit(machine.vault.keep(_tidy(machine, written), BlockKind.FORMULA))


def inline(machine: Flattener, inside: str) -> None:
    """Keep a formula inside a line, on one line and between single dollar signs."""
    lines = machine.vault.restore(_LABEL.sub("", inside)).split("\n")
    stripped = " ".join(line.strip() for line in lines if line.strip())
    # "\ " at the end is a space that was meant.
    if stripped.endswith("\\") and (len(stripped) - len(stripped.rstrip("\\"))) % 2:
        stripped += " "
    if stripped:
        machine.emit(machine.vault.keep(f"${stripped}$"))


def table(machine: Flattener, written: str) -> None:
    """Keep a table, unless it holds nothing but pictures."""
    if _CONTENT.search(_GRAPHICS.sub("", written)):
        machine.emit(machine.vault.keep(_tidy(machine, written), BlockKind.TABLE))


def verbatim_environment(machine: Flattener, name: str) -> bool:
    r"""Take an environment out whole whose ``\begin`` was just read; False when it is none of ours.

    One that is never closed is said so and its text is read as prose.
    """
    if not any(name in kind for kind in (FORMULAS, TABLES, CODES, DRAWN, INLINE_FORMULAS)):
        return False
    frame = machine.stream.frames[-1]
    inside_end, end = -1, -1
    if name not in frame.unclosed:
        inside_end, end = environment_end(frame.text, frame.position, name, nests=name not in FORMULAS)
        if end < 0:
            # One more that is opened than closed: the nearest end is the best there is.
            machine.stream.charge((len(frame.text) - frame.position) // 8)
            inside_end, end = environment_end(frame.text, frame.position, name, nests=False)
    if end < 0:
        frame.unclosed.add(name)
        machine.warn(f"an environment {name} is never closed; its text is read as prose")
        return True
    inside = frame.text[frame.position : inside_end]
    written = f"\\begin{{{name}}}" + frame.text[frame.position : end]
    frame.position = end
    if name in INLINE_FORMULAS:
        inline(machine, inside)
    elif name in FORMULAS:
        display(machine, written) if inside.strip() else None
    elif name in TABLES:
        table(machine, written)
    elif name in CODES and inside.strip():
        machine.emit(machine.vault.keep(_tidy(machine, written), BlockKind.CODE))
    return True


def _tidy(machine: Flattener, written: str) -> str:
    without = _LABEL.sub("", written)
    if without != written:
        without = _BLANK_LINES.sub("", without)
    return machine.vault.restore(without)


def _dollar(machine: Flattener, _: str) -> None:
    frame = machine.stream.frames[-1]
    end = dollar_end(frame.text, frame.position)
    if end < 0:
        machine.stream.charge(min(LONGEST_INLINE, len(frame.text) - frame.position))
        machine.emit("\\$")
        return
    start, frame.position = frame.position, end + 1
    inline(machine, frame.text[start:end])


def _delimited(machine: Flattener, opener: str) -> None:
    frame = machine.stream.frames[-1]
    start = frame.position
    found = None if opener in frame.unclosed else _ENDS[opener].match(frame.text, start)
    if found is None:
        if opener == "\\[":
            frame.unclosed.add(opener)
        else:
            machine.stream.charge(before_blank_line(frame.text, start) - start)
        machine.warn(f"a formula that begins with {opener} is never closed; its text is read as prose")
        return
    frame.position = found.end()
    if opener == "\\(":
        inline(machine, frame.text[start : found.end() - 2])
    elif frame.text[start : found.end() - 2].strip():
        display(machine, frame.text[start - 2 : found.end()])


def _ensuremath(machine: Flattener, _: str) -> None:
    inline(machine, machine.stream.argument().replace("$", ""))


def _tikz(machine: Flattener, _: str) -> None:
    r"""Drop a drawing: ``\tikz{…}`` or ``\tikz … ;``."""
    stream = machine.stream
    stream.option()
    if stream.group() is None:
        frame = stream.frames[-1]
        position = frame.position
        # Up to the semicolon, over groups: they hold semicolons of their own.
        while position < len(frame.text) and frame.text[position] != ";":
            end = group_end(frame.text, position) if frame.text[position] == "{" else position + 1
            if end < 0 or frame.text.startswith("\n\n", position):
                return
            position = end
        stream.charge(position - frame.position)
        frame.position = position + 1


FORMULA_HANDLERS: Mapping[str, Handler] = {
    "$": _dollar,
    **dict.fromkeys(_ENDS, _delimited),
    "\\ensuremath": _ensuremath,
    "\\tikz": _tikz,
}
