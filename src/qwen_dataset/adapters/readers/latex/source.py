r"""One text of all the files of a paper: parts put in their places, comments left out, listings kept as they are."""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections.abc import Callable

import attrs

from ....domain.papers import BlockKind
from ....errors import ReadError
from .encoding import decode_latex
from .listings import VERBATIMS, listing_lines, verbatim_names
from .marks import FOREIGN, Vault
from .onefile import FileScan
from .packages import definitions, used_packages

Companion = Callable[[str], bytes | None]

LARGEST = 20_000_000
_DEEPEST = 20
_MOST_PARTS = 2_000
_MOST_PACKAGES = 200
_MOST_WARNINGS = 50
_LARGEST_PACKAGE = 1_000_000

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
    # How many more warnings there would have been.
    untold: int = 0
    includes: list[str] = attrs.Factory(list)
    size: int = 0
    parts: int = 0
    verbatims: set[str] = attrs.Factory(lambda: set(VERBATIMS))
    _open: list[str] = attrs.Factory(list)

    def assemble(self, text: str) -> Source:
        """Return the whole source. Raises ReadError when it is too large."""
        self._open.append(posixpath.basename(self.source).removesuffix(".gz"))
        text = self.scan(text, "")
        begin = _BEGIN_DOCUMENT.search(text)
        named = DOCUMENT_CLASS.search(text)
        preamble, body = (text[: begin.start()], text[begin.end() :]) if begin else ("", text)
        end = _END_DOCUMENT.search(body)
        return Source(
            preamble=self._packages(preamble) + preamble,
            body=body[: end.start()] if end else body,
            includes=tuple(dict.fromkeys(self.includes)),
            # The class may stand in a part.
            is_document=bool(begin and (named or self.includes)),
            document_class=named[1].strip() if named else "",
        )

    def scan(self, text: str, folder: str) -> str:
        """Return one file's text with its parts in it; ``folder`` is where an imported file looks for its own."""
        self.size += len(text)
        if self.size > LARGEST:
            raise ReadError(f"{self.source} with its parts is larger than {LARGEST // 1_000_000} MB of LaTeX")
        text = FOREIGN.sub("", text)
        self.verbatims |= verbatim_names(text)
        return "".join(FileScan(self, text, folder).run())

    def part(self, name: str, folder: str) -> str:
        """Return the text of a part by its name in the source; "" with a warning where it cannot be had."""
        self.includes.append(posixpath.join(folder, name) if folder else name)
        if self.companion is None:
            return ""
        found, data = self._find(name, folder)
        self.parts += 1
        if data is None:
            why = f"the part {name} was not found beside the paper and is left out"
        elif found in self._open:
            why = f"the part {name} includes itself; it is read once"
        elif len(self._open) > _DEEPEST:
            why = f"the part {name} is left out: more than {_DEEPEST} parts stand in one another"
        elif self.parts > _MOST_PARTS:
            why = f"parts are left out: there are more than {_MOST_PARTS}"
        else:
            return self._read(name, found, data, folder)
        return self.leave_out(why)

    def _read(self, name: str, found: str, data: bytes, folder: str) -> str:
        if not data.strip():
            return ""
        try:
            text = decode_latex(data, source=name, declared=self.declared)
        except ReadError as error:
            return self.leave_out(f"the part {name} is left out: {error}")
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
            return self.leave_out(f"the listing {name} was not found beside the paper and is left out")
        self.size += len(data)
        if self.size > LARGEST:
            raise ReadError(f"{self.source} with its parts is larger than {LARGEST // 1_000_000} MB of LaTeX")
        try:
            code = decode_latex(data, source=name, declared=self.declared)
        except ReadError as error:
            return self.leave_out(f"the listing {name} is left out: {error}")
        code = listing_lines(code, options)
        return self.vault.keep(FOREIGN.sub("", code), BlockKind.CODE) if code.strip() else ""

    def _packages(self, preamble: str) -> str:
        """Return what the author's own packages define; one that is not there is one of TeX's."""
        found: list[str] = []
        for name in used_packages(preamble)[:_MOST_PACKAGES] if self.companion else ():
            data = self.companion(name + ".sty") if self.companion else None
            with contextlib.suppress(ReadError):
                if data is not None and len(data) < _LARGEST_PACKAGE:
                    text = decode_latex(data, source=name, declared=self.declared)
                    found += definitions("".join(FileScan(self, text, "").run()))
        return "\n".join(found)

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

    def leave_out(self, why: str) -> str:
        """Remember what is missing from the text, once."""
        if why not in self.warnings and len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(why)
        elif why not in self.warnings:
            self.untold += 1
        return ""


def _inside(text: str) -> str:
    """Return what a part that is a document of its own shows: a subfile, a standalone figure."""
    begin = _BEGIN_DOCUMENT.search(text)
    if begin is None or not DOCUMENT_CLASS.search(text, 0, begin.start()):
        return text
    end = _END_DOCUMENT.search(text, begin.end())
    return text[begin.end() : end.start() if end else len(text)]
