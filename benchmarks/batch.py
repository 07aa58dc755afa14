"""A batch of many prompts, a file of prompts to a file of answers: ours, durable, beside two scripts that are not.

    python benchmarks/batch.py [--prompts 50000] [--times 3]

The service is the loopback stub, as a server that checks and bills would be slower than any client. Ours runs with no
settle time: that is waiting, not work.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import orjson
from measure import (
    BASELINES,
    HERE,
    MB,
    Run,
    Series,
    blocks_told,
    figures,
    interleaved,
    machine,
    parser_of,
    ratios,
    run,
    stub,
    table,
)

PROMPT_BYTES = 3_000
FILLING = "what does the passage say of the surface code and of the noise that it was made for; "
BACKEND = "openai-batch:?settle=0"
ENV = {"DASHSCOPE_API_KEY": "sk-bench", "QWEN_DATASET_LANG": "en"}


def write_prompts(file: Path, count: int) -> None:
    """Write prompts of three kilobytes, one a line; no two are the same."""
    body = FILLING * (PROMPT_BYTES // len(FILLING) + 1)
    with file.open("w", encoding="utf-8") as made:
        for number in range(count):
            made.write(f"Question {number}: {body}"[: PROMPT_BYTES - 1] + "\n")


def ours(base_url: str, prompts: Path, *, storage: str = "file:batch_jobs", env: Mapping[str, str] = ENV) -> Run:
    """Run our command in a folder of its own and check that nothing is missing."""
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-bench-") as folder:
        made = run(
            [
                *(sys.executable, "-m", "qwen_dataset", "batch", "create", "--input-file", str(prompts), "--wait"),
                *("-o", "answers.jsonl", "--json", "--quiet", "--base-url", base_url, "--poll", "1"),
                *("--backend", BACKEND, "--storage", storage),
            ],
            env=env,
            cwd=Path(folder),
        )
        check(Path(folder) / "answers.jsonl", prompts)
    return made


def imported(base_url: str, prompts: Path, *, lag: bool = False) -> Run:
    """Run our library in a program that imports it, likewise; ``lag``: measure its event loop."""
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-bench-") as folder:
        answers = Path(folder) / "answers.jsonl"
        probed = ["--lag"] if lag else []
        program = [sys.executable, str(HERE / "library.py"), base_url, str(prompts), str(answers), BACKEND, *probed]
        made = run(program, env=ENV, cwd=Path(folder))
        check(answers, prompts)
    return made


def script(name: str, base_url: str, prompts: Path) -> Run:
    """Run one of the baselines."""
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-bench-") as folder:
        answers = Path(folder) / "answers.jsonl"
        made = run([sys.executable, str(BASELINES / name), base_url, str(prompts), str(answers)])
        check(answers, prompts)
    return made


def check(answers: Path, prompts: Path) -> None:
    if (found := lines(answers)) != (asked := lines(prompts)):
        raise SystemExit(f"{answers.name} has {found} lines for {asked} prompts")


def lines(file: Path) -> int:
    with file.open("rb") as opened:
        return sum(part.count(b"\n") for part in iter(partial(opened.read, 1 << 20), b""))


def measured(count: int, times: int) -> dict[str, Series]:
    """Run all of them in turn."""
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-bench-") as folder:
        prompts = Path(folder) / "prompts.txt"
        write_prompts(prompts, count)

        def fresh(make: Callable[[str, Path], Run]) -> Run:
            # A service of its own for each: what it holds would slow down the next one.
            with stub() as base_url:
                return make(base_url, prompts)

        ways = {
            "ours": partial(fresh, ours),
            "ours, imported": partial(fresh, imported),
            "bare": partial(fresh, partial(script, "bare_batch.py")),
            "raw": partial(fresh, partial(script, "raw_batch.py")),
        }
        return interleaved(ways, times=times)


def lag_of(count: int) -> Iterator[str]:
    """Yield how late our event loop was in one more run."""
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-bench-") as folder, stub() as base_url:
        prompts = Path(folder) / "prompts.txt"
        write_prompts(prompts, count)
        found = orjson.loads(imported(base_url, prompts, lag=True).output)
    median, late, most = (f"{found[name] * 1000:.0f} ms" for name in ("median", "p999", "most"))
    yield f"How late the event loop of a program that imports us was: median {median}, p99.9 {late}, most {most}.\n"
    yield "Blocks of more than 50 ms:\n\n"
    yield blocks_told(found["blocks"])


def report(count: int, times: int) -> Iterator[str]:
    """Yield the section of docs/performance.md."""
    found = measured(count, times)
    mine = found["ours"]
    yield f"{count:,} prompts of 3 KB, answers of 1 KB in no order, on the loopback stub; medians of {times}.\n"
    yield "Ours is the command, and a program that imports us. No settle time: that is waiting and not work.\n\n"
    yield table([["", "wall", "CPU", "peak memory"], *(figures(each) for each in found.values())])
    yield "\n"
    yield table(
        [
            ["", "wall", "CPU"],
            *(
                [f"{one} against {two}", *(f"{ratios(found[one], found[two], each):.2f} ×" for each in ("wall", "cpu"))]
                for one in ("ours", "ours, imported")
                for two in ("bare", "raw")
            ),
        ]
    )
    yield "\n"
    yield from lag_of(count)
    yield f"\nCPU a prompt: {mine.cpu / count * 1e6:.0f} µs; peak memory {mine.peak / MB:.0f} MB.\n"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = parser_of("Batches: ours beside the bare SDK and beside no SDK at all.", prompts=50_000)
    chosen = parser.parse_args(arguments)
    print(machine())
    print("".join(report(chosen.prompts, chosen.times)))


if __name__ == "__main__":
    main()
