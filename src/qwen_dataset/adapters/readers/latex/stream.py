"""A source as a stack of texts, each read from where it was left: a command's replacement goes on top."""

from __future__ import annotations

import re
from collections.abc import Callable

from ....errors import ReadError
from .macros import Macro, substitute
from .marks import KEPT
from .scan import LONGEST_OPTION, before_blank_line, group_end, option_end, skip_space, skip_white

_CONTROL = re.compile(r"\\(?:[A-Za-z@]+|.)", re.DOTALL)
_DEEPEST = 200
# What replacements may add to a source: so much, and so many times its own length.
_BUDGET = 5_000_000
_GROWTH = 4
_CALL = 20
_LONGEST_DELIMITED = 5_000


class Frame:
    """One text and how far it was read."""

    __slots__ = ("position", "text", "unclosed")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        # Environments and delimiters that are known not to be closed in what is left of the text.
        self.unclosed: set[str] = set()


class Stream:
    """Reads arguments, from the text on top or, where that is at its end, from the one below."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.frames: list[Frame] = []
        self.left = _BUDGET

    def begin(self, text: str) -> None:
        """Allow for a text's length, which is about to be read."""
        self.left += _GROWTH * len(text)

    def charge(self, size: int) -> None:
        """Count what a replacement costs. Raises ReadError when the commands of a paper multiply without end."""
        self.left -= size + _CALL
        if self.left < 0:
            raise ReadError(f"{self.source} has commands that expand without end, or braces that are never closed")

    def push(self, text: str) -> bool:
        """Put a text on top; False when the stack is too deep already."""
        if len(self.frames) >= _DEEPEST:
            return False
        self.frames.append(Frame(text))
        return True

    def skip_space(self) -> Frame:
        """Go on to what is no space, also in the texts below, and return the text it stands in."""
        while True:
            frame = self.frames[-1]
            frame.position = skip_white(frame.text, frame.position)
            if frame.position < len(frame.text) or len(self.frames) == 1:
                return frame
            self.frames.pop()

    def top(self) -> Frame:
        """Return the text that is read next, without those at their end."""
        while len(self.frames) > 1 and self.frames[-1].position >= len(self.frames[-1].text):
            self.frames.pop()
        return self.frames[-1]

    def skip_line_space(self) -> None:
        """Skip the spaces after a command's name, which show nothing; a blank line does and stays."""
        frame = self.frames[-1]
        frame.position = skip_space(frame.text, frame.position)

    def star(self) -> bool:
        """Skip a star and say whether there was one."""
        frame = self.top()
        start = skip_space(frame.text, frame.position)
        if frame.text.startswith("*", start):
            frame.position = start + 1
            return True
        return False

    def option(self, longest: int = LONGEST_OPTION) -> str | None:
        """Return the optional argument that comes next, None when none does."""
        frame = self.top()
        start = skip_space(frame.text, frame.position)
        if not frame.text.startswith("[", start):
            return None
        end = option_end(frame.text, start, longest)
        if end < 0:
            self.charge(longest // 4)
            return None
        frame.position = end
        return frame.text[start + 1 : end - 1]

    def argument(self) -> str:
        """Return the next argument: a group, a command or a character; "" at the end."""
        frame = self.skip_space()
        text, start = frame.text, frame.position
        if start >= len(text):
            return ""
        if text[start] == "{":
            end = group_end(text, start)
            if end < 0:
                self.charge(len(text) - start)
                end = before_blank_line(text, start)
                frame.position = end
                return text[start + 1 : end]
            frame.position = end
            self.charge(end - start)
            return text[start + 1 : end - 1]
        if text[start] == "\\":
            found = _CONTROL.match(text, start)
            frame.position = found.end() if found else start + 1
        elif text[start] == KEPT:
            frame.position = text.find("\ufdd1", start) + 1
        elif text[start] in "}&$":
            return ""
        else:
            frame.position = start + 1
        return text[start : frame.position]

    def group(self) -> str | None:
        """Return the next argument only if it is a group, None when it is not."""
        frame = self.top()
        start = skip_space(frame.text, frame.position)
        if not frame.text.startswith("{", start):
            return None
        frame.position = start
        return self.argument()

    def read(self, specification: str) -> list[str | None]:
        """Return the arguments of a specification, None for an optional one that is left out.

        A mandatory argument that is no group is left out as well: better a number too much in the text than a word
        too few.
        """
        readers: dict[str, Callable[[], str | None]] = {"[": self.option, "{": self.group}
        found: list[str | None] = []
        for kind in specification:
            if kind == "*":
                found.append("*" if self.star() else None)
            else:
                found.append(readers[kind]() if kind in readers else None)
        return found

    def call(self, macro: Macro) -> str:
        """Read the arguments of a command of the author's and return what stands for it."""
        arguments: dict[int, str] = {}
        self.skip_line_space()
        for i, part in enumerate(macro.pattern):
            if isinstance(part, str):
                self._skip(part)
            elif part == 1 and macro.default is not None:
                given = self.option()
                arguments[1] = macro.default if given is None else given
            elif part in macro.optional:
                arguments[part] = self.option() or ""
            else:
                following = macro.pattern[i + 1] if i + 1 < len(macro.pattern) else None
                arguments[part] = self._until(following) if isinstance(following, str) else self.argument()
        body = substitute(macro.body, arguments)
        self.charge(len(body))
        return body

    def _skip(self, literal: str) -> None:
        frame = self.frames[-1]
        if frame.text.startswith(literal, frame.position):
            frame.position += len(literal)

    def _until(self, literal: str) -> str:
        """Return what stands before a delimiter, which is left where it is."""
        frame = self.frames[-1]
        start = frame.position
        end = frame.text.find(literal, start, start + _LONGEST_DELIMITED)
        if end < 0:
            return self.argument()
        self.charge(end - start)
        frame.position = end
        inside = frame.text[start:end]
        return inside[1:-1] if inside[:1] == "{" and group_end(inside, 0) == len(inside) else inside
