"""The same batch on S3 as on local files: what the engine itself takes, and how often S3 is asked.

    python benchmarks/storage.py [--prompts 50000] [--times 3]

S3 is SeaweedFS on this machine. The engine's own time is its CPU: what the servers take, and waiting for them, is not
in it. Requests are counted by a relay in front of S3, in a run of their own.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from batch import ENV, ours, write_prompts
from measure import HERE, Run, figures, interleaved, machine, parser_of, ratios, stub, table

sys.path.insert(0, str(HERE.parent))
from tests import loopback, s3

COUNTED = 10_000  # prompts of the run whose requests are counted: the relay holds them


def measured(count: int, times: int) -> tuple[list[list[str]], Counter[str]]:
    """Return the rows of the table, and how often S3 was asked for ``COUNTED`` answers, by method."""
    running = s3.server()
    env = {**ENV, **running.environment}
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-bench-") as name:
        prompts = Path(name) / "prompts.txt"
        write_prompts(prompts, count)

        def fresh(storage: str) -> Run:
            with stub() as base_url:
                return ours(base_url, prompts, storage=storage, env=env)

        series = interleaved(
            {"files": lambda: fresh("file:batch_jobs"), "S3": lambda: fresh(running.url())}, times=times
        )
        files, lake = series["files"], series["S3"]
        ratio = [f"{ratios(lake, files, figure):.2f} ×" for figure in ("wall", "cpu", "peak")]
        rows = [["", "wall", "CPU", "peak memory"], figures(files), figures(lake), ["S3 against files", *ratio]]
        write_prompts(prompts, COUNTED)
        with loopback.relay(running.port, lambda _: False) as between:
            address = running.url().replace(running.endpoint.replace(":", "%3A").replace("/", "%2F"), between.endpoint)
            fresh(address)
            return rows, Counter(each.method for each in between.asked)


def report(count: int, times: int) -> Iterator[str]:
    """Yield the section of docs/performance.md."""
    rows, asked = measured(count, times)
    yield f"{count:,} prompts of 3 KB, answers of 1 KB, on SeaweedFS and in files; medians of {times}.\n"
    yield "What the engine itself takes is its CPU: waiting for the server is in the wall time only.\n\n"
    yield table(rows)
    total = sum(asked.values())
    told = ", ".join(f"{number} {method}" for method, number in sorted(asked.items()))
    yield f"\nRequests to S3 for 1,000 answers: {total / COUNTED * 1000:.1f} ({told} for {COUNTED:,}).\n"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = parser_of("The same batch on S3 as on local files.", prompts=50_000)
    chosen = parser.parse_args(arguments)
    print(machine())
    print("".join(report(chosen.prompts, chosen.times)))


if __name__ == "__main__":
    main()
