"""Realtime calls, a file of prompts to a file of answers: ours, durable, beside `asyncio.gather`, which is not.

    python benchmarks/realtime.py [--prompts 20000] [--times 3] [--case 512/2/0.8] [--no-burst]

A case is calls in flight/seconds that an answer takes/sigma of its logarithm. The service is the loopback stub.
"""

from __future__ import annotations

import bisect
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import attrs
from batch import ENV, check, write_prompts
from measure import (
    BASELINES,
    HERE,
    Run,
    Series,
    blocks_told,
    interleaved,
    machine,
    note,
    parser_of,
    ratios,
    run,
    stub,
    table,
    told,
)

WINDOW_SECONDS = 6  # three whole waves: what began together ends together, and half a wave would count for too much
BURST_SECONDS = 10
BACK = 0.9  # of the full rate: then a burst of refusals is over


@attrs.frozen
class Case:
    """So many calls in flight, an answer after so many seconds on average, spread log-normally."""

    concurrency: int
    latency: float
    spread: float = 0.0

    @classmethod
    def of(cls, text: str) -> Self:
        concurrency, latency, *spread = text.split("/")
        return cls(int(concurrency), float(latency), float(spread[0]) if spread else 0.0)

    def __str__(self) -> str:
        skewed = f", log-normal (sigma {self.spread:g})" if self.spread else ""
        return f"{self.concurrency} in flight, {self.latency * 1000:g} ms{skewed}"

    @property
    def limit(self) -> float | None:
        """Answers a second that no client can surpass."""
        return self.concurrency / self.latency if self.latency else None

    @property
    def stub_options(self) -> list[str]:
        return ["--latency", str(self.latency), "--spread", str(self.spread)]


CASES = (Case(64, 0.0), Case(64, 0.2), Case(512, 2.0), Case(512, 2.0, 0.8))
BURST_CASE = Case(512, 2.0)


@attrs.frozen(kw_only=True)
class Found:
    """What a case gave: the processes, answers a second in steady state, how late our loop was, and why."""

    series: dict[str, Series]
    steady: dict[str, float]
    lag: float
    blocks: Counter[str]


def ours(case: Case, base_url: str, prompts: Path, *, lag: bool = False) -> Run:
    """Run our library in a folder of its own and check that nothing is missing; ``lag``: measure its event loop."""
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-bench-") as folder:
        answers = Path(folder) / "answers.jsonl"
        made = run(
            [
                *(sys.executable, str(HERE / "library.py"), base_url, str(prompts), str(answers), "openai-chat"),
                *("--concurrency", str(case.concurrency), *(["--lag"] if lag else [])),
            ],
            env=ENV,
            cwd=Path(folder),
        )
        check(answers, prompts)
    return made


def gather(case: Case, base_url: str, prompts: Path) -> Run:
    """Run the script that people write."""
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-bench-") as folder:
        answers = Path(folder) / "answers.jsonl"
        script = [sys.executable, str(BASELINES / "gather.py"), base_url, str(prompts), str(answers)]
        made = run([*script, str(case.concurrency)])
        check(answers, prompts)
    return made


def steady_rate(times: Sequence[float], case: Case) -> float:
    """Return the answers a second, without the ramp-up of the first wave and the tail of the last one.

    In whole waves: calls that began together are answered together, and half a wave would count for too much.
    """
    begin, end = times[0] + 2 * case.latency, times[-1 - case.concurrency]
    if case.latency:
        end = begin + (end - begin) // case.latency * case.latency
    if end <= begin:
        raise SystemExit(f"{len(times)} prompts are too few for a steady state of {case}; give more --prompts")
    return (bisect.bisect_left(times, end) - bisect.bisect_left(times, begin)) / (end - begin)


def seconds_to_recover(times: Sequence[float], after: int, limit: float) -> float | None:
    """Return how long after the end of a burst the rate is back for good; None where it never is."""
    end = times[after - 1] + BURST_SECONDS
    back: float | None = None
    second = 0.0
    # Until the last wave, with which the rate ends.
    while end + second + WINDOW_SECONDS <= times[-1 - BURST_CASE.concurrency]:
        begin = end + second
        answered = bisect.bisect_left(times, begin + WINDOW_SECONDS) - bisect.bisect_left(times, begin)
        if answered / WINDOW_SECONDS < BACK * limit:
            back = None
        elif back is None:
            back = second + WINDOW_SECONDS
        second += 0.5
    return back


def measured(case: Case, prompts: Path, times: int) -> Found:
    """Run both in turn, each with a service of its own; then ours once more to see how late its loop is.

    Not in the same run: a probe that wakes two hundred times a second is no part of what a call costs.
    """
    steady: dict[str, list[float]] = {"ours": [], "gather": []}

    def fresh(make: Callable[[Case, str, Path], Run]) -> Run:
        with stub(*case.stub_options) as base_url:
            made = make(case, base_url, prompts)
            steady[make.__name__].append(steady_rate(told(base_url, "stats")["times"], case))
        return made

    series = interleaved({make.__name__: partial(fresh, make) for make in (ours, gather)}, times=times)
    medians = {name: statistics.median(each) for name, each in steady.items()}
    note(f"{case}: in steady state " + ", ".join(f"{name} {rate:.0f}/s" for name, rate in medians.items()))
    with stub(*case.stub_options) as base_url:
        found = json.loads(ours(case, base_url, prompts, lag=True).output)
    note(f"{case}: loop late, p99.9 {found['p999'] * 1000:.0f} ms")
    return Found(series=series, steady=medians, lag=found["p999"], blocks=Counter(found["blocks"]))


def recovery(prompts: Path, count: int) -> float | None:
    """Return the seconds from the end of a burst of refusals until our rate is back; None: it is not."""
    after, limit = count // 4, BURST_CASE.limit
    assert limit is not None
    with stub(*BURST_CASE.stub_options, "--burst", f"{after},{BURST_SECONDS}") as base_url:
        ours(BURST_CASE, base_url, prompts)
        return seconds_to_recover(told(base_url, "stats")["times"], after, limit)


def rows(case: Case, found: Found, count: int) -> Iterator[list[str]]:
    """Yield a row for each of the two."""
    for name, series in found.series.items():
        steady = found.steady[name]
        share = f"{steady / case.limit:.1%}" if case.limit else ""
        lag = f"{found.lag * 1000:.0f} ms" if name == "ours" else ""
        cpu = f"{series.cpu / count * 1000:.2f} ms"
        yield [str(case), name, f"{count / series.wall:.0f}/s", f"{steady:.0f}/s", share, cpu, lag]


def report(count: int, times: int, cases: Sequence[Case] = CASES, *, burst: bool = True) -> Iterator[str]:
    """Yield the section of docs/performance.md."""
    with tempfile.TemporaryDirectory(prefix="qwen-dataset-bench-") as folder:
        prompts = Path(folder) / "prompts.txt"
        write_prompts(prompts, count)
        found = {case: measured(case, prompts, times) for case in cases}
        back = recovery(prompts, count) if burst else None
    yield f"{count:,} prompts of 3 KB, answers of 1 KB, file to file, loopback stub; medians of {times}.\n\n"
    head = [
        "",
        "",
        "requests, whole run",
        "in steady state",
        "of what is possible",
        "CPU a request",
        "loop late, p99.9",
    ]
    yield table([head, *(row for case, each in found.items() for row in rows(case, each, count))])
    yield "\n"
    compared = [["ours against gather", "wall", "steady rate", "CPU"]]
    for case, each in found.items():
        mine, other = each.series["ours"], each.series["gather"]
        faster = each.steady["ours"] / each.steady["gather"]
        wall, cpu = ratios(mine, other, "wall"), ratios(mine, other, "cpu")
        compared.append([str(case), f"{wall:.2f} ×", f"{faster:.2f} ×", f"{cpu:.2f} ×"])
    yield table(compared)
    blocks = sum((each.blocks for each in found.values()), Counter[str]())
    yield f"\nBlocks of our event loop of more than 50 ms, in all runs:\n\n{blocks_told(blocks)}"
    if burst:
        when = "not in the run" if back is None else f"{back:.0f} s after its end"
        yield f"\nAfter {BURST_SECONDS} s of 429 ({BURST_CASE}), back above {BACK:.0%} of what is possible: {when}.\n"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = parser_of("Realtime: ours beside asyncio.gather.", prompts=20_000)
    parser.add_argument("--case", type=Case.of, action="append", help="CALLS/SECONDS[/SIGMA]; may be repeated [all]")
    parser.add_argument("--no-burst", action="store_true", help="leave out the burst of refusals")
    chosen = parser.parse_args(arguments)
    print(machine())
    print("".join(report(chosen.prompts, chosen.times, chosen.case or CASES, burst=not chosen.no_burst)))


if __name__ == "__main__":
    main()
