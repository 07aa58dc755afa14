"""A LaTeX source to a flat text: paragraphs, with marks for what is no prose and where headings and notes begin.

One machine reads the source as TeX does, from left to right: it learns the author's commands and replaces them, takes
formulas, tables and code out whole, and drops what shows nothing. Commands inside a line (accents, emphasis,
citations) are left for the step after.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import attrs

from .commands import (
    ABSTRACTS,
    CITATIONS,
    DROPPED,
    FONTS,
    LENGTHS,
    NOTES,
    REFERENCES,
    SHOWN,
    SPACES,
    THANKS,
    TYPED,
)
from .lists import List
from .macros import Environment, Macro
from .marks import FOREIGN, Vault
from .stream import Stream

_TOKEN = re.compile(r"\\(?:([A-Za-z@]+)|.)|\$\$?", re.DOTALL)
_UNIT = r"(?:pt|em|ex|cm|mm|in|pc|bp|sp|dd|mu|fill?l?|\\[A-Za-z@]+)"
_NUMBER = r"[-+]?(?:\d{0,9}\.?\d{1,9}|\d{1,9}\.)?"
_LENGTH = re.compile(
    rf"\s*+=?\s*+(?:{_NUMBER}\s*+(?:true\s*+)?{_UNIT}|[-+]?\d{{1,9}})?"
    rf"(?:\s*+(?:plus|minus)\s*+{_NUMBER}\s*+{_UNIT})*+"
)
_OF_PACKAGES = TYPED | NOTES | THANKS | ABSTRACTS - {"abstract"}


@attrs.define
class Front:
    """What a source says of itself, as it was written."""

    titles: list[str] = attrs.Factory(list)
    subtitles: list[str] = attrs.Factory(list)
    authors: list[str] = attrs.Factory(list)


Handler = Callable[["Flattener", str], None]


class Flattener:
    """The machine. What it learned from a preamble it knows in the body."""

    def __init__(self, source: str, vault: Vault, handlers: Mapping[str, Handler]) -> None:
        self.handlers = dict(handlers)
        self.stream = Stream(source)
        self.vault = vault
        self.out: list[str] = []
        self.macros: dict[str, Macro] = {}
        self.environments: dict[str, Environment] = {}
        # What a theorem of the author's is called; those in ``boxed`` have their title in braces.
        self.theorems: dict[str, str] = {}
        self.boxed: set[str] = set()
        self.front = Front()
        self.conditions: dict[str, bool] = {}
        self.lists: list[List] = []
        self.floats: list[str] = []
        self.warnings: list[str] = []

    def run(self, text: str) -> str:
        """Return the flat text of a source. Raises ReadError when its commands expand without end."""
        before, self.out = self.out, []
        frames, self.stream.frames = self.stream.frames, []
        self.stream.begin(text)
        self.stream.push(text)
        while self.stream.frames:
            frame = self.stream.frames[-1]
            token = _TOKEN.search(frame.text, frame.position)
            if token is None:
                self.out.append(frame.text[frame.position :])
                self.stream.frames.pop()
                continue
            self.out.append(frame.text[frame.position : token.start()])
            frame.position = token.end()
            name = token[1] or token[0]
            if token[1] and name in self.macros:
                self.expand(name, self.macros[name])
            elif handler := self.handlers.get(token[0]):
                handler(self, name)
            elif name in FONTS:
                self.stream.skip_line_space()
            elif name in DROPPED:
                self.stream.read(DROPPED[name])
                self.emit(" " if name in SPACES else "")
            elif name in LENGTHS:
                self.skip_length()
                self.emit(" " if name in SPACES else "")
            else:
                self.out.append(token[0])
        result = "".join(self.out)
        self.out, self.stream.frames = before, frames
        return result

    def expand(self, name: str, macro: Macro) -> None:
        """Put what stands for a command on top of the stack."""
        if not self.stream.push(self.stream.call(macro)):
            self.warn(f"the command \\{name} stands for itself without end and is left out")

    def emit(self, text: str) -> None:
        """Append to the flat text."""
        self.out.append(text)

    def enclose(self, before: str, inside: str, after: str) -> None:
        """Put marks round a text that is itself still to be read."""
        self.emit(before)
        if not (self.stream.push(after) and self.stream.push(inside)):
            self.warn("commands are nested too deeply and some are left out")
            self.emit(after)

    def skip_length(self) -> None:
        r"""Skip what is set without braces: ``\vskip 6pt``, ``\parindent=0pt``."""
        frame = self.stream.frames[-1]
        found = _LENGTH.match(frame.text, frame.position)
        frame.position = found.end() if found else frame.position

    def warn(self, sentence: str) -> None:
        """Remember what a person should know, once."""
        sentence = FOREIGN.sub("", self.vault.restore(sentence))
        if sentence not in self.warnings and len(self.warnings) < 100:
            self.warnings.append(sentence)

    def is_known(self, name: str, *, new: bool = False) -> bool:
        r"""Say whether a command means something here that a definition of the author's does not change.

        What is defined by ``\newcommand`` is ``new``: LaTeX itself lets it only be defined where nothing else has the
        name, so of the commands of packages the author uses none that is called so.
        """
        if "\\" + name in self.handlers:
            return not (new and name in _OF_PACKAGES)
        return not new and any(name in known for known in (FONTS, DROPPED, SHOWN, CITATIONS, REFERENCES, LENGTHS))
