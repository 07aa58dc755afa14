r"""One file of a paper: comments left out, listings kept as they are, and its parts asked for where they stand."""

from __future__ import annotations

import posixpath
import re
from typing import Protocol

from ....domain.papers import BlockKind
from .marks import Vault
from .scan import environment_end, group_end, option_end, skip_space, skip_white

# Longer than any code or address inside a line.
_LONGEST_INLINE = 2_000
# A file with more openers that nothing closes is no LaTeX, and looking for their ends costs time.
_MOST_STRAYS = 1_000

_PARTS = ("input", "include", "subfile", "subfileinclude", "import", "subimport", "inputfrom", "includestandalone")
_FILES = ("lstinputlisting", "verbatiminput", "VerbatimInput", "inputminted")
_INLINE = ("verb", "Verb", "lstinline", "mintinline")
_ADDRESSES = ("url", "href", "path", "nolinkurl")
_NAMES = "|".join((*_PARTS, *_FILES, *_INLINE, *_ADDRESSES, "begin", "iffalse", "endinput"))
_TOKEN = re.compile(rf"\\(?:(?P<name>{_NAMES})(?![A-Za-z@])|.)|%[^\n]*(?:\n[ \t]*+(?!\n))?", re.DOTALL)
_ENVIRONMENT = re.compile(r"\s*\{([A-Za-z]{1,40}\*?)\}")
_BARE_NAME = re.compile(r"[ \t]*([^\s\\{}%$#&]+)")
CONDITION = re.compile(
    r"\\(?:(?P<open>if(?!thenelse|toggle|bool|blank|numcomp|dimcomp|str|cs|def(?!ined)|f(?![A-Za-z@]))[A-Za-z@]*)"
    r"|(?P<fi>fi)|(?P<else>else))(?![A-Za-z@])"
)


class Parts(Protocol):
    """Gives the other files of a paper."""

    source: str
    vault: Vault
    verbatims: set[str]

    def part(self, name: str, folder: str) -> str: ...
    def listing(self, name: str, folder: str, options: str) -> str: ...
    def leave_out(self, why: str) -> str: ...


class FileScan:
    """One pass over one file."""

    def __init__(self, assembler: Parts, text: str, folder: str) -> None:
        self.assembler = assembler
        self.text = text
        self.folder = folder
        self.position = 0
        self.out: list[str] = []
        self.unclosed: set[str] = set()
        self.strays = 0

    def run(self) -> list[str]:
        """Return the text in pieces."""
        text, out = self.text, self.out
        while (token := _TOKEN.search(text, self.position)) is not None:
            out.append(text[self.position : token.start()])
            self.position = token.end()
            name = token["name"]
            if token[0][0] == "%":
                continue
            if name is None:
                out.append(token[0])
            elif name == "endinput":
                return out
            else:
                self._command(name, token[0])
        out.append(text[self.position :])
        return out

    def _command(self, name: str, raw: str) -> None:
        if name == "begin":
            self._environment(raw)
        elif name == "iffalse":
            self._skip_condition()
        elif name in _INLINE:
            self._inline(name, raw)
        elif name in _ADDRESSES:
            self._address(raw)
        elif name in _FILES:
            options = self._option()
            if name == "inputminted":
                self._argument()
            file = self._argument()
            self.out.append(self.assembler.listing(file.strip(), self.folder, options) if file else "")
        else:
            self._part(name)

    def _part(self, name: str) -> None:
        folder = self.folder
        if name in {"import", "subimport", "inputfrom"}:
            into = (self._argument() or "").strip()
            folder = posixpath.normpath(posixpath.join(folder if name == "subimport" else "", into)) if into else folder
        if name == "includestandalone":
            self._option()
        file = self._argument()
        if file is None and name == "input" and (bare := _BARE_NAME.match(self.text, self.position)):
            self.position = bare.end()
            file = bare[1]
        if file and file.strip():
            self.out.append(self.assembler.part(file.strip().strip('"'), folder))

    def _argument(self) -> str | None:
        start = skip_white(self.text, self.position)
        if not self.text.startswith("{", start):
            return None
        end = self.text.find("}", start, start + 4_000)
        if end < 0:
            return None
        self.position = end + 1
        return self.text[start + 1 : end]

    def _option(self) -> str:
        if not self.text.startswith("[", self.position):
            return ""
        end = option_end(self.text, self.position) if self.strays < _MOST_STRAYS else -1
        if end < 0:
            self.strays += 1
            return ""
        option = self.text[self.position + 1 : end - 1]
        self.position = end
        return option

    def _environment(self, raw: str) -> None:
        found = _ENVIRONMENT.match(self.text, self.position)
        name = found[1] if found else ""
        if not found or name not in self.assembler.verbatims:
            self.out.append(raw)
            return
        inside, end = (-1, -1) if name in self.unclosed else environment_end(self.text, found.end(), name, nests=False)
        if end < 0:
            self.unclosed.add(name)
            self.out.append(raw)
            return
        start = self.position - len(raw)
        self.position = end
        if name.startswith(("comment", "filecontents")):
            return
        if self.text[found.end() : inside].strip():
            self.out.append(self.assembler.vault.keep(self.text[start:end], BlockKind.CODE))

    def _inline(self, name: str, raw: str) -> None:
        if self.text.startswith("*", self.position):
            self.position += 1
        if name != "verb":
            self._option()
        if name == "mintinline":
            self._argument()
        opener = self.text[self.position : self.position + 1]
        line = self._line_end()
        if self.strays >= _MOST_STRAYS:
            end = -1
        elif name != "verb" and opener == "{":
            end = group_end(self.text[self.position : line], 0) - 1
            end = self.position + end if end >= 0 else -1
        elif not opener or opener.isalnum() or opener.isspace():
            end = -1
        else:
            end = self.text.find(opener, self.position + 1, line)
        if end < 0:
            self.strays += 1
            self.out.append(raw)
            return
        self.out.append(self.assembler.vault.keep(self.text[self.position + 1 : end]))
        self.position = end + 1

    def _address(self, raw: str) -> None:
        """Keep an address apart: a per cent sign in it begins no comment."""
        start = skip_white(self.text, self.position)
        line = self._line_end()
        self.out.append(raw)
        if not self.text.startswith("{", start):
            return
        if self.strays >= _MOST_STRAYS:
            return
        end = group_end(self.text[start:line], 0) + start
        self.strays += end < start
        inside = self.text[start + 1 : end - 1]
        if end > start and "%" in inside and "#" not in inside.replace("\\#", ""):
            self.out.append("{" + self.assembler.vault.keep(inside.replace("\\", "")) + "}")
            self.position = end

    def _line_end(self) -> int:
        limit = min(len(self.text), self.position + _LONGEST_INLINE)
        found = self.text.find("\n", self.position, limit)
        return found if found >= 0 else limit

    def _skip_condition(self) -> None:
        if "iffalse" in self.unclosed:
            return
        depth = 1
        for token in CONDITION.finditer(self.text, self.position):
            depth += 1 if token["open"] else 0
            depth -= 1 if token["fi"] else 0
            if depth == 0 or (depth == 1 and token["else"]):
                self.position = skip_space(self.text, token.end())
                return
        self.unclosed.add("iffalse")
        self.assembler.leave_out(f"an \\iffalse of {self.assembler.source} is never closed")
