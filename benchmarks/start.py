"""How long one waits before anything happens: for the imports and for the command's help, beyond a bare Python.

    python benchmarks/start.py [--times 15]

The limits are in milliseconds beyond a bare Python; on a busy machine the CPU says more than the wall does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial

from measure import Series, interleaved, machine, run, table

BARE = "python -c pass"
LIMITS = {
    "import qwen_dataset": 60,
    "from qwen_dataset import BatchInferenceManager, load_config": 120,
    "qwen-dataset --help": 200,
}
COMPARED = ("import attrs", "import openai")
"""What nearly every start pays for, and what none does."""


def command(name: str) -> list[str]:
    if name == "qwen-dataset --help":
        # What is installed as the command does this, without the search for a module that -m begins with.
        return [
            sys.executable,
            "-c",
            "import sys; sys.argv[1:] = ['--help']; from qwen_dataset.__main__ import run; run()",
        ]
    return [sys.executable, "-c", "pass" if name == BARE else name]


def measured(times: int) -> dict[str, Series]:
    """Run all in turn; a first round, for which files are not yet in memory, does not count."""
    ways = {name: partial(run, command(name)) for name in (BARE, *LIMITS, *COMPARED)}
    interleaved(ways, times=1)
    return interleaved(ways, times=times)


def report(times: int) -> Iterator[str]:
    """Yield the section of docs/performance.md."""
    found = measured(times)
    bare = found.pop(BARE)
    yield f"Beyond `{BARE}`, which takes {_ms(bare.wall)} ({_ms(bare.cpu)} CPU); medians of {times}.\n\n"
    yield table(
        [
            ["", "wall", "CPU", "limit"],
            *(
                [f"`{name}`", _ms(each.wall - bare.wall), _ms(each.cpu - bare.cpu), _limit(name)]
                for name, each in found.items()
            ),
        ]
    )


def _limit(name: str) -> str:
    return f"{LIMITS[name]} ms" if name in LIMITS else ""


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Imports and the command's help, beyond a bare Python.")
    parser.add_argument("--times", type=int, default=15, help="runs of each, in turn [15]")
    chosen = parser.parse_args(arguments)
    print(machine())
    print("".join(report(chosen.times)))


if __name__ == "__main__":
    main()
