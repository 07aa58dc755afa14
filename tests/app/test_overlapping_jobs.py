"""Jobs that share papers: each request is paid once, whoever asks first."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path
from typing import Any

import pytest
from commands import Desk
from stored import check_grounded, papers_below, records
from world import KillAt, Program, World, write_papers

from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.app.api.client import Report
from qwen_dataset.errors import JobOverlap, JobUnfinished

LEFT, RIGHT = ["alpha", "beta", "gamma"], ["beta", "gamma", "delta"]
EACH = 3  # requests a paper
UNION = EACH * 4
MODES = ["batch", "realtime"]


def corpora(folder: Path) -> tuple[Path, Path]:
    return write_papers(folder / "left", LEFT), write_papers(folder / "right", RIGHT)


def generate(program: Program, papers: Path, **settings: Any) -> Report:
    report = program.generate(papers, papers.with_suffix(".jsonl"), **settings)
    program.die()
    return report


def check(world: World, papers: Path, report: Report, *, reused: int) -> None:
    assert report.sums is not None
    assert report.sums.reused == reused
    stored = world.stored(report.job_id)
    stored.check(report.sums)
    check_grounded(records(papers.with_suffix(".jsonl")), papers_below([papers]), stored.planned)


@pytest.mark.parametrize("first", MODES)
@pytest.mark.parametrize("second", MODES)
def test_one_after_the_other_pays_only_for_the_rest(world: World, first: str, second: str) -> None:
    """Answers are reused in one realm, however they were asked for."""
    left, right = corpora(world.folder)
    check(world, left, generate(world.program(FakeSettings(mode=first)), left), reused=0)
    check(world, right, generate(world.program(FakeSettings(mode=second)), right), reused=2 * EACH)
    assert world.service.paid().total() == UNION
    assert world.paid_twice() == 0


def test_adding_a_paper_costs_one_paper(world: World) -> None:
    papers = write_papers(world.papers, LEFT)
    generate(world.program(), papers)
    before = world.service.paid()
    write_papers(papers, ["delta"])
    report = world.program().generate(papers, world.folder / "grown.jsonl")
    assert (world.service.paid() - before).total() == EACH
    assert report.sums is not None
    assert (report.sums.requests, report.sums.reused) == (EACH * 4, EACH * 3)
    # What was reused reads as what was asked: a corpus made in one go gives the same bytes.
    grown = (world.folder / "grown.jsonl").read_bytes()
    world.renew()
    world.program().generate(papers, world.output)
    assert world.output.read_bytes() == grown


def test_another_realm_or_other_settings_reuse_nothing(world: World) -> None:
    papers = write_papers(world.papers, LEFT)
    generate(world.program(), papers)
    for number, (settings, options) in enumerate([(FakeSettings(seed=9), {}), (FakeSettings(), {"temperature": 0.1})]):
        report = world.program(settings).generate(papers, world.folder / f"{number}.jsonl", **options)
        assert report.sums is not None
        assert report.sums.reused == 0
    assert world.service.paid().total() == 3 * 3 * EACH


def test_failures_are_not_reused(world: World) -> None:
    left, right = corpora(world.folder)
    failing = generate(world.program(FakeSettings(fail=1.0)), left)
    assert failing.sums is not None
    assert failing.sums.failures == 3 * EACH
    check(world, right, generate(world.program(FakeSettings()), right), reused=0)


class Interleaving(MemoryStorage):
    """Memory in which every call takes a turn or two of the loop, so that two programs get in between each other."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._rng = random.Random(seed)

    async def _turn(self) -> None:
        for _ in range(self._rng.randint(1, 3)):
            await asyncio.sleep(0)

    async def get(self, key: str) -> bytes:
        await self._turn()
        return await super().get(key)

    async def put(self, key: str, data: bytes | AsyncIterable[bytes], *, if_absent: bool = False) -> None:
        await self._turn()
        await super().put(key, data, if_absent=if_absent)
        await self._turn()

    async def keys(self, prefix: str = "") -> AsyncGenerator[str, None]:
        await self._turn()
        async for key in super().keys(prefix):
            yield key


def start_together(world: World, mode: str, turns: int) -> int:
    """Run two programs in one loop, the second some turns of the loop later; return how many gave way."""
    left, right = corpora(world.folder)
    for papers in (left, right):
        papers.with_suffix(".jsonl").unlink(missing_ok=True)

    async def delayed(papers: Path, turns: int) -> Report | JobOverlap:
        program = world.program(FakeSettings(mode=mode), segment_outcomes=2, requests=4)
        for _ in range(turns):
            await asyncio.sleep(0)
        try:
            return await program.generating(papers, papers.with_suffix(".jsonl"))
        except JobOverlap as overlap:
            return overlap

    async def together() -> list[Report | JobOverlap]:
        return await asyncio.gather(delayed(left, 0), delayed(right, turns))

    ends = asyncio.run(together())
    assert any(isinstance(end, Report) for end in ends), "two that give way to each other get nothing done"
    assert world.paid_twice() == 0
    reports = [generate(world.program(FakeSettings(mode=mode)), papers) for papers in (left, right)]
    for papers, end, report in zip((left, right), ends, reports, strict=True):
        reused = report.sums.reused if report.sums else 0
        check(world, papers, report, reused=reused)
        if isinstance(end, JobOverlap):
            assert reused == 2 * EACH
            assert "nothing was submitted" in str(end)
    assert world.service.paid().total() == UNION
    assert world.paid_twice() == 0
    return sum(isinstance(end, JobOverlap) for end in ends)


@pytest.mark.parametrize("mode", MODES)
def test_started_together_each_request_is_paid_once(world: World, mode: str) -> None:
    gave_way = 0
    for turns in (0, 1, 3, 8, 20, 60, 160):
        world.renew()
        world.storage = Interleaving(turns)
        gave_way += start_together(world, mode, turns)
    assert gave_way > 0, "they were never at work at the same time"


def crash_with_requests_under_way(world: World, papers: Path, mode: str) -> str:
    """Kill a program right after its first submission; return its job."""
    program = world.program(FakeSettings(mode=mode), switch=KillAt("backend.submit"))
    program.killed(papers, papers.with_suffix(".jsonl"))
    return world.job()


class Counting(MemoryStorage):
    """Memory that notes which job's objects were read or listed."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = Counter[str]()

    async def get(self, key: str) -> bytes:
        self.asked[key.partition("/")[0]] += 1
        return await super().get(key)

    async def keys(self, prefix: str = "") -> AsyncGenerator[str, None]:
        self.asked[prefix.partition("/")[0]] += 1
        async for key in super().keys(prefix):
            yield key


def test_while_a_job_waits_for_another_to_give_way_it_reads_no_third_one(world: World) -> None:
    """A storage may hold many, on a service that counts what is read."""
    left, right = corpora(world.folder)
    ids = {papers: generate(world.program(), papers).job_id for papers in (left, right)}
    for papers in ids:
        papers.with_suffix(".jsonl").unlink()
    ours, rival = sorted((left, right), key=lambda papers: ids[papers])
    world.renew()
    storage = world.storage = Counting()
    third = generate(world.program(), write_papers(world.folder / "third", ["epsilon"])).job_id
    killed = world.program(switch=KillAt("storage.put", "events/000000000005"))
    killed.killed(rival, rival.with_suffix(".jsonl"))
    assert world.state(ids[rival]).round == 1
    assert not world.state(ids[rival]).cleared
    storage.asked.clear()
    generate(world.program(), write_papers(world.folder / "fourth", ["zeta"]))
    one_look = storage.asked[third]
    storage.asked.clear()
    with pytest.raises(JobOverlap, match=f"under way in job {ids[rival]}"):
        generate(world.program(), ours)
    assert 0 < storage.asked[third] <= one_look
    assert storage.asked[ids[rival]] > 2 * one_look, "it was not waited for"


@pytest.mark.parametrize("mode", MODES)
def test_a_crashed_job_keeps_others_from_its_requests_until_it_is_resumed(world: World, mode: str) -> None:
    left, right = corpora(world.folder)
    crashed = crash_with_requests_under_way(world, left, mode)
    for _ in range(2):
        with pytest.raises(JobOverlap, match=f"under way in job {crashed}.*resume or cancel"):
            generate(world.program(FakeSettings(mode=mode)), right)
    assert world.service.paid().total() == (3 * EACH if mode == "batch" else 0)
    world.program(FakeSettings(mode=mode)).resume(crashed, left.with_suffix(".jsonl"))
    check(world, right, generate(world.program(FakeSettings(mode=mode)), right), reused=2 * EACH)
    assert world.service.paid().total() == UNION
    assert world.paid_twice() == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_crashed_job_keeps_others_from_its_requests_until_it_is_cancelled(world: World, mode: str) -> None:
    left, right = corpora(world.folder)
    crashed = crash_with_requests_under_way(world, left, mode)
    with pytest.raises(JobOverlap):
        generate(world.program(FakeSettings(mode=mode)), right)
    asyncio.run(world.program(FakeSettings(mode=mode)).client().cancel(crashed))
    assert world.service.paid().total() == 0  # cancelled before a line had run
    check(world, right, generate(world.program(FakeSettings(mode=mode)), right), reused=0)
    with pytest.raises(JobUnfinished, match="resume"):
        generate(world.program(FakeSettings(mode=mode)), left)
    world.program(FakeSettings(mode=mode)).resume(crashed, left.with_suffix(".jsonl"))
    assert world.service.paid().total() == UNION
    assert world.paid_twice() == 0


def overlap_of_two_processes(folder: Path, mode: str, parameters: dict[str, object]) -> int:
    """Start two at the same moment; return how many gave way to the other."""
    left, right = corpora(folder / "papers")
    with Desk(folder / "desk", left) as desk:
        backend = desk.backend(mode, **parameters)
        outputs = {papers: desk.folder / f"{papers.name}.jsonl" for papers in (left, right)}
        running = {papers: desk.generate(backend, papers=papers, output=outputs[papers]) for papers in outputs}
        ended = {papers: each.wait() for papers, each in running.items()}
        codes = sorted(each.code for each in ended.values())
        assert codes in ([0, 0], [0, 3]), [each.err for each in ended.values()]
        assert desk.paid()["paid_twice"] == 0
        for papers, each in ended.items():
            if each.code == 0:
                continue
            (other,) = (fine.report["job"] for fine in ended.values() if fine.code == 0)
            assert f"under way in job {other}" in each.err
            again = desk.generate(backend, papers=papers, output=outputs[papers]).wait()
            assert again.code == 0, again.err
            assert again.report["reused"] == 2 * EACH
        assert desk.paid()["paid"] == UNION
        assert desk.paid()["paid_twice"] == 0
        for job in desk.jobs():
            desk.stored(job).check()
        return codes.count(3)


def parameters_of(mode: str) -> dict[str, object]:
    return {"duration": 1.5} if mode == "batch" else {"latency": 0.5, "concurrency": 4}


@pytest.mark.parametrize("mode", MODES)
def test_two_processes_started_together_pay_each_request_once(tmp_path: Path, mode: str) -> None:
    overlap_of_two_processes(tmp_path, mode, parameters_of(mode))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
def test_many_times_two_processes_started_together_pay_each_request_once(tmp_path: Path, mode: str) -> None:
    gave_way = [overlap_of_two_processes(tmp_path / str(number), mode, parameters_of(mode)) for number in range(20)]
    assert sum(gave_way) > 0, "they were never at work at the same time"
    print(f"\n{mode}: 20 pairs, {sum(gave_way)} times one gave way")  # noqa: T201 - the figures of the long run
