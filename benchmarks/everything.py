"""Runs every benchmark and writes docs/performance.md: python benchmarks/everything.py [--quick] [--only NAME …]

``--only`` measures some sections and leaves the others of the page as they are. ``--quick`` is for a look: small sizes,
one run each, printed and not written. It takes minutes; all of it takes hours.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import attrs
import batch
import realtime
import scale
import start
import storage
from measure import HERE, machine

PAGE = HERE.parent / "docs" / "performance.md"
PROFILE = HERE / "profile.md"  # what a person has to look at
HEAD = """# What it costs

What the engine takes beside the service that it drives: measured by `make bench`, never asserted by a test. Ours and
each baseline run in turn in one go, so that a machine whose speed drifts treats them alike; where several runs are
named, figures are medians and ratios medians of pairs, and all else is one run. CPU is that of the process and its
children, memory the most that they held together. Reading papers has a benchmark of its own, `benchmarks/reading.py`.
"""


@attrs.frozen
class Section:
    """A part of the page, by the size that it is measured at."""

    title: str
    whole: Callable[[], Iterator[str]]
    quick: Callable[[], Iterator[str]]


SECTIONS = {
    "batch": Section("Batch", lambda: batch.report(50_000, 5), lambda: batch.report(5_000, 1)),
    "storage": Section("S3 beside files", lambda: storage.report(50_000, 3), lambda: storage.report(5_000, 1)),
    "realtime": Section(
        "Realtime",
        lambda: realtime.report(20_000, 3),
        lambda: realtime.report(2_000, 1, realtime.CASES[:1], burst=False),
    ),
    "scale": Section("Scale", lambda: scale.report([10_000, 100_000, 1_000_000]), lambda: scale.report([1_000, 2_000])),
    "start": Section("Start", lambda: start.report(15), lambda: start.report(3)),
}


def put(title: str, text: str) -> None:
    """Put a section into the page, in the place of its former one."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    found = dict(part.split("\n\n", 1) for part in page.split("\n## ")[1:]) | {title: text}
    sections = "".join(f"\n## {each.title}\n\n{found[each.title]}" for each in SECTIONS.values() if each.title in found)
    PAGE.write_text(HEAD + sections + PROFILE.read_text(encoding="utf-8"), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Runs every benchmark and writes docs/performance.md.")
    parser.add_argument("--quick", action="store_true", help="small sizes, one run each; print and write nothing")
    parser.add_argument(
        "--only", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="these sections of the page"
    )
    chosen = parser.parse_args(arguments)
    for name in chosen.only:
        section = SECTIONS[name]
        told = "".join((section.quick if chosen.quick else section.whole)())
        if chosen.quick:
            print(f"## {section.title}\n\n{told}", flush=True)
        else:
            # At once: all of it takes hours, and what is known by then must not be lost.
            put(section.title, f"Measured {dt.datetime.now(dt.UTC):%Y-%m-%d} on {machine()}.\n\n{told}")


if __name__ == "__main__":
    main()
