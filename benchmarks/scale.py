"""Papers to a dataset, ten thousand requests to a million: cost linear in the work, memory flat.

    python benchmarks/scale.py [--requests 10000 100000 1000000]

Papers come one by one from another process. The service is the project's local server, with the fake's grounded
answers and virtual time; its own cost is not counted. For each size: `generate`, `resume` of the finished job and
`rebuild` of its dataset, each a process of its own, with the objects that the storage holds in the end and the calls
that the service counted.
"""

from __future__ import annotations

import argparse
import filecmp
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import orjson
from measure import HERE, MB, Run, local_server, machine, note, run, table, told

ENV = {"DASHSCOPE_API_KEY": "sk-bench", "QWEN_DATASET_LANG": "en"}
SERVER = ("--duration", "1", "--look-seconds", "1")
SAMPLES = 4  # a paper


@attrs.frozen(kw_only=True)
class Scale:
    """What one size took. ``objects`` counts what the storage holds, ``calls`` what the service was asked, by kind."""

    requests: int
    samples: int
    runs: dict[str, Run]
    objects: dict[str, int]
    calls: dict[str, int]

    def each(self, stage: str) -> float:
        """Return the CPU a request, in microseconds."""
        return cpu_each(self.runs[stage], self.requests)


def measured(requests: int) -> Scale:
    """Make a dataset of so many requests, then resume and rebuild it."""
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-bench-") as name, local_server(*SERVER) as server:
        folder, papers = Path(name), [sys.executable, str(HERE / "papers.py"), str(requests // SAMPLES)]
        command = [sys.executable, "-m", "qwen_dataset"]
        backend = ("--backend", "openai-batch:?settle=0", "--base-url", server["base_url"])
        generate = [*command, "generate", "-", *backend, "--batch", "--poll", "1", "--yes", "--json", "--quiet"]
        runs = {"generate": run([*generate, "-o", "dataset.jsonl"], env=ENV, cwd=folder, source=papers)}
        note_stage(requests, "generate", runs["generate"])
        said = orjson.loads(runs["generate"].output)
        runs["resume"] = run([*command, "resume", *backend, "--json", "--quiet"], env=ENV, cwd=folder)
        note_stage(requests, "resume", runs["resume"])
        runs["rebuild"] = run(
            [*command, "rebuild", said["job"], "-o", "again.jsonl", "--json", "--quiet"], env=ENV, cwd=folder
        )
        note_stage(requests, "rebuild", runs["rebuild"])
        if not filecmp.cmp(folder / "dataset.jsonl", folder / "again.jsonl", shallow=False):
            raise SystemExit("the dataset that was rebuilt is another one")
        jobs = folder / "batch_jobs"
        objects = Counter(
            path.relative_to(jobs).parts[1] if len(path.relative_to(jobs).parts) > 2 else path.name
            for path in jobs.rglob("*")
            if path.is_file()
        )
        return Scale(
            requests=said["requests"],
            samples=said["samples"],
            runs=runs,
            objects=dict(sorted(objects.items())),
            calls=told(server["control_url"], "ledger")["calls"],
        )


def note_stage(requests: int, stage: str, made: Run) -> None:
    line = f"{requests:9,} {stage:8} wall {made.wall:8.1f} s  cpu {made.cpu:8.1f} s"
    note(f"{line}  {cpu_each(made, requests):6.0f} µs each  peak {made.peak / MB:6.0f} MB")


def cpu_each(made: Run, requests: int) -> float:
    """Return the CPU a request, in microseconds."""
    return made.cpu / requests * 1e6


def report(sizes: Sequence[int]) -> Iterator[str]:
    """Yield the section of docs/performance.md."""
    found = [measured(size) for size in sizes]
    rows = [["requests", "samples", "stage", "wall", "CPU", "CPU a request", "against the smallest", "peak memory"]]
    for each in found:
        for stage, made in each.runs.items():
            share = each.each(stage) / found[0].each(stage)
            rows.append(
                [
                    *(f"{each.requests:,}", f"{each.samples:,}", stage, f"{made.wall:.1f} s", f"{made.cpu:.1f} s"),
                    *(f"{each.each(stage):.0f} µs", f"{share:.2f} ×", f"{made.peak / MB:.0f} MB"),
                ]
            )
    yield table(rows)
    yield "\n"
    kinds = sorted({kind for each in found for kind in each.objects})
    calls = sorted({call for each in found for call in each.calls})
    yield table(
        [["stored objects", *kinds], *([f"{e.requests:,}", *(f"{e.objects.get(k, 0)}" for k in kinds)] for e in found)]
    )
    yield "\n"
    yield table(
        [["remote calls", *calls], *([f"{e.requests:,}", *(f"{e.calls.get(k, 0)}" for k in calls)] for e in found)]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Papers to datasets of several sizes: is the cost linear?")
    parser.add_argument("--requests", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    chosen = parser.parse_args(arguments)
    print(machine())
    print("".join(report(chosen.requests)))


if __name__ == "__main__":
    main()
