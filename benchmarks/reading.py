"""How fast papers are read, and in how much memory.

    python benchmarks/reading.py --papers FOLDER

Prints a table: for each format what one process reads in a second, and two; for PDF besides what the bare extraction
library does with the same files; and the peak memory of all processes together while 10,000 papers are read. Formats
without a file in the folder, or without their library, are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs
from measure import Peak

from qwen_dataset.app.wiring.corpus import ReadLimits, ReadReport, read_papers
from qwen_dataset.errors import QwenDatasetError

ROOT = Path(__file__).resolve().parents[1]
FORMATS = {"PDF": (".pdf",), "LaTeX": (".tex",), "HTML": (".html",), "Markdown": (".md",), "text": (".txt",)}
MB = 1_000_000


@attrs.frozen(kw_only=True)
class Read:
    """One format read in one way."""

    format: str
    way: str
    amount: float
    unit: str
    seconds: float
    unread: int = 0

    def row(self) -> tuple[str, ...]:
        told = f"{self.unread} not read" if self.unread else ""
        return (
            self.format, self.way, f"{self.amount:.1f} {self.unit}", f"{self.seconds:.2f} s",
            f"{self.amount / self.seconds:.1f} {self.unit}/s", told,
        )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measures how fast papers are read, and in how much memory.")
    parser.add_argument("--papers", type=Path, default=ROOT / "examples" / "papers", metavar="FOLDER")
    parser.add_argument("--seconds", type=float, default=3.0, help="read each format for about so long [3]")
    parser.add_argument("--count", type=int, default=10_000, help="papers whose memory is measured [10000]")
    chosen = parser.parse_args(arguments)
    rows: list[tuple[str, ...]] = [("format", "way", "read", "time", "speed", "")]
    for name, suffixes in FORMATS.items():
        files = sorted(file for file in chosen.papers.rglob("*") if file.suffix.lower() in suffixes and file.is_file())
        pattern = f"{chosen.papers}/**/*{suffixes[0]}"
        rows += [each.row() for each in measured(name, pattern, files, chosen.seconds)]
    show(rows)
    if chosen.count:
        memory(chosen.count)


def measured(name: str, pattern: str, files: list[Path], seconds: float) -> Iterator[Read]:
    """Yield how fast files of one format are read in each way; nothing where they cannot be read at all.

    They are named by a pattern, so that of LaTeX only papers are read, with their parts.
    """
    pages = None
    if name == "PDF":
        bare = bare_pdf(files)
        if bare is not None:
            pages = bare.amount
            yield bare
    size = pages or sum(file.stat().st_size for file in files) / MB
    unit = "MB" if pages is None else "pages"
    try:
        once = timed([pattern], ReadLimits(processes=0)) if files else None
    except (QwenDatasetError, ModuleNotFoundError) as error:
        print(f"{name} is left out: {str(error)[:200]}", file=sys.stderr)
        return
    if once is None:
        print(f"{name} is left out: there is none in the folder", file=sys.stderr)
        return
    times = max(1, round(seconds / once[0]))
    for way, processes in (("in this process", 0), ("1 process", 1), ("2 processes", 2)):
        spent, report = timed([pattern] * times, ReadLimits(processes=processes))
        yield Read(format=name, way=way, amount=size * times, unit=unit, seconds=spent, unread=report.unread)


def timed(files: list[str], limits: ReadLimits) -> tuple[float, ReadReport]:
    report = ReadReport()
    start = time.perf_counter()
    for _ in read_papers(files, report, limits=limits):
        pass
    return time.perf_counter() - start, report


def bare_pdf(files: list[Path]) -> Read | None:
    """Return how fast the extraction library alone gives the text of every page."""
    try:
        import pypdfium2  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        return None
    pages = 0
    start = time.perf_counter()
    for file in files:
        with contextlib.suppress(pypdfium2.PdfiumError):
            document = pypdfium2.PdfDocument(file)
            for page in document:
                page.get_textpage().get_text_range()
                pages += 1
            document.close()
    if not pages:
        return None
    spent = time.perf_counter() - start
    return Read(format="PDF", way="bare pypdfium2", amount=pages, unit="pages", seconds=spent)


def memory(count: int) -> None:
    """Print the peak memory of all processes while so many papers are read."""
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-benchmark-") as name:
        folder = Path(name)
        size = sum(write(folder, count))
        for processes in (1, 2):
            with Peak(os.getpid()) as tree:
                spent, report = timed([name], ReadLimits(processes=processes))
            told = (
                f"{tree.before / MB:.0f} MB before, {tree.bytes / MB:.0f} MB at most" if tree.bytes else "unknown here"
            )
            print(
                f"{report.papers} papers ({size / MB:.0f} MB) in {spent:.1f} s, {processes} process(es):"
                f" memory of all processes {told}"
            )


def write(folder: Path, count: int) -> Iterator[int]:
    """Write papers of some ten kilobytes, in Markdown and in dumps; yield their sizes."""
    dice = random.Random(1)
    words = ["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(2, 9))) for _ in range(5000)]
    for number in range(count):
        sections = (f"## Section {n}\n\n{' '.join(dice.choices(words, k=250))}.\n" for n in range(6))
        text = f"# A paper about {' '.join(dice.choices(words, k=3))}, {number}\n\n" + "\n".join(sections)
        file = folder / f"{number // 1000}" / f"{number}.md"
        file.parent.mkdir(exist_ok=True)
        yield file.write_text(text, encoding="utf-8")


def show(rows: Iterable[tuple[str, ...]]) -> None:
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
