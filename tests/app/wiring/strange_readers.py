"""Readers of another package, installed as pip does: what may go wrong in a reader goes wrong here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qwen_dataset.app.wiring import registry

MODULE = """
import os, re, signal, sys
from pathlib import Path
from qwen_dataset.adapters.readers.markdown import read_markdown
from qwen_dataset.domain.papers import Paper
from qwen_dataset.errors import ReadError, SettingError


def plain(data, *, source):
    print("what a reader prints disturbs nobody")
    return read_markdown(data, source=source)


def strange(data, *, source):
    "Do what the text says."
    word, _, rest = data.decode().strip().partition(" ")
    if word == "hang":
        while True:
            pass
    if word == "hang-in-c":
        re.match("(a*)*b", "a" * 5000)
    if word == "crash":
        os.abort()
    if word == "leave":
        os._exit(3)
    if word == "eat":
        kept = []
        while True:
            kept.append(bytearray(10_000_000))
    if word == "explode":
        return Paper(title="t", text="x" * 80_000_000, source=source, sections=(), language="en", reader="strange/1")
    if word == "half":
        return Paper(title="t", text="\\ud800", source=source, sections=(), language="en", reader="strange/1")
    if word == "refuse":
        raise SettingError("this reader cannot be used")
    if word == "pid":
        return told(f"pid {os.getpid()}", source)
    if word == "note-pid":
        Path(rest.strip()).write_text(str(os.getpid()))
        while True:
            pass
    if word == "environment":
        return told(" ".join(sorted(os.environ)), source)
    if word == "path":
        return told(" ".join(sys.path), source)
    if word == "wait-for":
        # Ends only where somebody else reads at the same time.
        while not Path(rest.strip()).exists():
            pass
    if word == "make":
        Path(rest.strip()).touch()
    return told(word, source)


def told(text, source):
    return read_markdown(f"# A strange paper\\n\\n{text} was read from {source}.\\n".encode(), source=source)


def by_line(lines, *, source, first_line=1):
    for number, line in enumerate(lines, first_line):
        if line.strip():
            yield strange(line, source=f"{source}#{number}")


def endless(lines, *, source):
    for line in lines:
        while True:
            yield Paper(title="t", text="x" * 20_000_000, source=source, sections=(), language="en", reader="s/1")


def mixed(lines, *, source):
    for line in lines:
        yield strange(line, source=source)


def project(data, *, source, companion):
    names = data.decode().split()
    found = [(name, companion(name)) for name in names]
    text = " ".join(f"{name}={data.decode() if data is not None else 'nothing'};" for name, data in found)
    return told(text or "nothing named", source)


class Parts:
    def __init__(self, data):
        words = data.decode().split()
        self.is_document = "document" in words
        self.is_figure = "figure" in words
        self.includes = [word for word in words if word not in ("document", "figure")]


def parts(data, *, source):
    return Parts(data)
"""

ENTRIES = """
[qwen_dataset.readers]
plain = strange_readers_of_a_test:plain
strange = strange_readers_of_a_test:strange
absent = a_module_that_is_not_there:read
[qwen_dataset.dumps]
lines = strange_readers_of_a_test:by_line
endless = strange_readers_of_a_test:endless
mixed = strange_readers_of_a_test:mixed
[qwen_dataset.projects]
proj = strange_readers_of_a_test:project
[qwen_dataset.parts]
proj = strange_readers_of_a_test:parts
"""


def put(site: Path) -> None:
    """Install the package into a folder."""
    site.mkdir(parents=True, exist_ok=True)
    (site / "strange_readers_of_a_test.py").write_text(MODULE, encoding="utf-8")
    info = site / "strange-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRIES, encoding="utf-8")


@contextmanager
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install the package for this process and those that it starts."""
    put(site)
    monkeypatch.syspath_prepend(str(site))
    registry.installed.cache_clear()
    yield
    registry.installed.cache_clear()
