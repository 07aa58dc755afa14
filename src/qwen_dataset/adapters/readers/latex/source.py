r"""One text of all the files of a paper: parts put in their places, comments left out, listings kept as they are."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

import attrs

from ....domain.papers import BlockKind
from ....errors import ReadError
from .encoding import decode_latex
from .listings import VERBATIMS, listing_lines, verbatim_names
from .marks import FOREIGN, Vault
from .scan import environment_end, group_end, option_end, skip_white

Companion = Callable[[str], bytes | None]

LARGEST = 20_000_000
_DEEPEST = 20
_MOST_PARTS = 2_000

_PARTS = ("input", "include", "subfile", "subfileinclude", "import", "subimport", "inputfrom", "includestandalone")
_FILES = ("lstinputlisting", "verbatiminput", "VerbatimInput", "inputminted")
_INLINE = ("verb", "Verb", "lstinline", "mintinline")
_ADDRESSES = ("url", "href", "path", "nolinkurl")
_NAMES = "|".join((*_PARTS, *_FILES, *_INLINE, *_ADDRESSES, "begin", "iffalse", "endinput"))
_TOKEN = re.compile(rf"\\(?:(?P<name>{_NAMES})(?![A-Za-z@])|.)|%[^\n]*(?:\n[ \t]*(?!\n|[ \t]))?", re.DOTALL)
_ENVIRONMENT = re.compile(r"\s*\{([A-Za-z]{1,40}\*?)\}")
_BARE_NAME = re.compile(r"[ \t]*([^\s\\{}%$#&]+)")
_CONDITION = re.compile(
    r"\\(?:(?P<open>if(?!thenelse|toggle|bool|blank|numcomp|dimcomp|str|cs|def(?!ined)|f(?![A-Za-z@]))[A-Za-z@]*)"
    r"|(?P<fi>fi)|(?P<else>else))(?![A-Za-z@])"
)
_BEGIN_DOCUMENT = re.compile(r"\\begin\s*\{document\}")
_END_DOCUMENT = re.compile(r"\\end\s*\{document\}")
DOCUMENT_CLASS = re.compile(r"\\document(?:class|style)\s*(?:\[[^\[\]]*\])?\s*\{([^{}]*)\}")


@attrs.frozen(kw_only=True)
class Source:
    r"""A paper's source: what stands before ``\\begin{document}`` and what after. ``body`` is all of a fragment."""

    preamble: str
    body: str
    includes: tuple[str, ...]
    is_document: bool
    document_class: str


@attrs.define
class Assembler:
    """Puts the parts of a paper together."""

    source: str
    companion: Companion | None
    vault: Vault
    declared: str = ""
    warnings: list[str] = attrs.Factory(list)
    includes: list[str] = attrs.Factory(list)
    size: int = 0
    parts: int = 0
    verbatims: set[str] = attrs.Factory(lambda: set(VERBATIMS))
    _open: list[str] = attrs.Factory(list)

    def assemble(self, text: str) -> Source:
        """Return the whole source. Raises ReadError when it is too large."""
        text = self.scan(text, "")
        begin = _BEGIN_DOCUMENT.search(text)
        named = DOCUMENT_CLASS.search(text)
        preamble, body = (text[: begin.start()], text[begin.end() :]) if begin else ("", text)
        end = _END_DOCUMENT.search(body)
        return Source(
            preamble=preamble,
            body=body[: end.start()] if end else body,
            includes=tuple(dict.fromkeys(self.includes)),
            is_document=bool(begin and named),
            document_class=named[1].strip() if named else "",
        )

    def scan(self, text: str, folder: str) -> str:
        """Return one file's text with its parts in it; ``folder`` is where an imported file looks for its own."""
        self.size += len(text)
        if self.size > LARGEST:
            raise ReadError(f"{self.source} with its parts is larger than {LARGEST // 1_000_000} MB of LaTeX")
        text = FOREIGN.sub("", text)
        self.verbatims |= verbatim_names(text)
        return "".join(_Scan(self, text, folder).run())

    def part(self, name: str, folder: str) -> str:
        """Return the text of a part by its name in the source; "" with a warning where it cannot be had."""
        self.includes.append(posixpath.join(folder, name) if folder else name)
        if self.companion is None:
            return ""
        found, data = self._find(name, folder)
        if data is None:
            return self._leave_out(f"the part {name} was not found beside the paper and is left out")
        if found in self._open:
            return self._leave_out(f"the part {name} includes itself; it is read once")
        self.parts += 1
        if len(self._open) >= _DEEPEST or self.parts > _MOST_PARTS:
            return self._leave_out(
                f"the part {name} is left out: more than {_DEEPEST} parts in one another or {_MOST_PARTS} in all"
            )
        try:
            text = decode_latex(data, source=f"the part {name}", declared=self.declared)
        except ReadError as error:
            return "" if not data.strip() else self._leave_out(f"{error}; it is left out")
        self._open.append(found)
        try:
            return _inside(self.scan(text, folder))
        finally:
            self._open.pop()

    def listing(self, name: str, folder: str, options: str) -> str:
        """Return the mark of a file of code that is shown in the paper; "" with a warning where it is not there."""
        if self.companion is None:
            return ""
        _, data = self._find(name, folder, suffix="")
        if data is None:
            return self._leave_out(f"the listing {name} was not found beside the paper and is left out")
        self.size += len(data)
        if self.size > LARGEST:
            raise ReadError(f"{self.source} with its parts is larger than {LARGEST // 1_000_000} MB of LaTeX")
        try:
            code = decode_latex(data, source=f"the listing {name}", declared=self.declared)
        except ReadError as error:
            return self._leave_out(f"{error}; it is left out")
        code = listing_lines(code, options)
        return self.vault.keep(FOREIGN.sub("", code), BlockKind.CODE) if code.strip() else ""

    def _find(self, name: str, folder: str, suffix: str = ".tex") -> tuple[str, bytes | None]:
        assert self.companion is not None
        tried = [posixpath.join(folder, name)] if folder else []
        for path in dict.fromkeys((*tried, name)):
            path = path.removeprefix("./")  # noqa: PLW2901 - the same path
            # TeX looks for the name with its suffix first.
            for full in dict.fromkeys((path if path.endswith(suffix) else path + suffix, path)):
                data = self.companion(full)
                if data is not None:
                    return posixpath.normpath(full), data
        return name, None

    def _leave_out(self, why: str) -> str:
        if why not in self.warnings:
            self.warnings.append(why)
        return ""


def _inside(text: str) -> str:
    """Return what a part that is a document of its own shows: a subfile, a standalone figure."""
    begin = _BEGIN_DOCUMENT.search(text)
    if begin is None or not DOCUMENT_CLASS.search(text, 0, begin.start()):
        return text
    end = _END_DOCUMENT.search(text, begin.end())
    return text[begin.end() : end.start() if end else len(text)]


class _Scan:
    """One pass over one file."""

    def __init__(self, assembler: Assembler, text: str, folder: str) -> None:
        self.assembler = assembler
        self.text = text
        self.folder = folder
        self.position = 0
        self.out: list[str] = []
        self.unclosed: set[str] = set()

    def run(self) -> list[str]:
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
        end = option_end(self.text, self.position)
        if end < 0:
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
        line = self.text.find("\n", self.position)
        line = line if line >= 0 else len(self.text)
        if name != "verb" and opener == "{":
            end = group_end(self.text[:line], self.position) - 1
        elif not opener or opener.isalnum() or opener.isspace():
            end = -1
        else:
            end = self.text.find(opener, self.position + 1, line)
        if end < 0:
            self.out.append(raw)
            return
        self.out.append(self.assembler.vault.keep(self.text[self.position + 1 : end]))
        self.position = end + 1

    def _address(self, raw: str) -> None:
        """Keep an address apart: a per cent sign in it begins no comment."""
        start = skip_white(self.text, self.position)
        line = before = self.text.find("\n", start)
        line = before if before >= 0 else len(self.text)
        self.out.append(raw)
        if not self.text.startswith("{", start):
            return
        end = group_end(self.text[start:line], 0) + start
        inside = self.text[start + 1 : end - 1]
        if end > start and "%" in inside and "#" not in inside.replace("\\#", ""):
            self.out.append("{" + self.assembler.vault.keep(inside.replace("\\", "")) + "}")
            self.position = end

    def _skip_condition(self) -> None:
        depth = 1
        for token in _CONDITION.finditer(self.text, self.position):
            depth += 1 if token["open"] else 0
            depth -= 1 if token["fi"] else 0
            if depth == 0 or (depth == 1 and token["else"]):
                self.position = token.end()
                return
        self.assembler._leave_out(f"an \\iffalse of {self.assembler.source} is never closed")  # noqa: SLF001
