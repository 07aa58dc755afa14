import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import attrs
import orjson
import pytest

from qwen_dataset.adapters.inference.fake.backend import FakeBackend
from qwen_dataset.adapters.inference.fake.clock import RealClock, VirtualClock
from qwen_dataset.adapters.inference.fake.counter import CompactCounter
from qwen_dataset.adapters.inference.fake.service import FakeService, main
from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.domain.inference import Failure, FailureKind
from qwen_dataset.errors import BackendRejected, BackendUnavailable
from qwen_dataset.ports.inference import JobHandle
from qwen_dataset.testing.inference_contract import Asked, requests_of

PLAIN = FakeSettings()


def _create(service, key="k", ids=("a", "b"), now=0.0, settings=PLAIN):
    return service.create(key, list(ids), settings=settings, now=now)


def _call(service, request_id, failure=None, settings=PLAIN):
    return service.call(request_id, settings=settings, decide=lambda _: failure, now=0.0)


def test_paid_counts_lines_and_calls_that_gave_an_answer(tmp_path):
    service = FakeService(tmp_path / "r")
    _create(service, ids=("a", "b"))
    _call(service, "a")
    _call(service, "c", FailureKind.SERVER_ERROR)
    service.refuse("k2", "no", now=0.0)
    assert service.paid() == Counter({"a": 2, "b": 1})
    assert FakeService(tmp_path / "r").paid() == service.paid()


def test_paid_leaves_out_lines_that_failed_expired_or_were_cancelled(kit):
    requests = requests_of(60)
    for settings in (FakeSettings(fail=0.5), FakeSettings(expire=1.0), FakeSettings(fail=0.5, expire=1.0, missing=0.5)):
        service = FakeService()
        outcomes, _ = kit.answered(settings, requests, service)
        unpaid = {each for each, o in outcomes.items() if isinstance(o, Failure) and o.kind is not FailureKind.UNKNOWN}
        assert 0 < len(unpaid) < 60
        assert service.paid() == Counter(set(outcomes) - unpaid)


def test_paid_leaves_out_what_was_cancelled_before_it_ran(kit):
    async def scenario():
        service = FakeService()
        backend = FakeBackend(service=service)
        requests = requests_of(60)
        handle = await backend.submit("k", Asked(requests))
        await backend.clock.sleep(30)
        handle = await backend.cancel(handle)
        assert not (await backend.poll(handle)).ready  # it takes a moment to wind up
        outcomes = await kit.run_through(backend, requests, "k")
        cancelled = {each for each, o in outcomes.items() if isinstance(o, Failure)}
        assert {outcomes[each].kind for each in cancelled} == {FailureKind.CANCELLED}
        assert 10 < len(cancelled) < 50
        assert service.paid() == Counter(set(outcomes) - cancelled)
        await backend.cancel(handle)  # again, later: nothing changes
        assert service.paid() == Counter(set(outcomes) - cancelled)

    asyncio.run(scenario())


def test_two_jobs_with_one_key_are_two_payments_and_the_oldest_is_found():
    service = FakeService()
    first = _create(service, now=1.0)
    second = _create(service, now=2.0)
    assert first != second
    assert service.find("k", now=5.0) == first
    assert service.paid() == Counter({"a": 2, "b": 2})
    assert service.totals() == {"jobs": 2, "paid": 4, "paid_twice": 2, "ids_paid_twice": ["a", "b"]}


def test_a_job_is_not_found_before_it_is_visible():
    service = FakeService()
    settings = FakeSettings(late=1.0, settle=100.0)
    job = _create(service, settings=settings, now=10.0)
    visible_at = service.job(job).visible_at
    assert 10.0 < visible_at <= 90.0
    assert service.find("k", now=visible_at - 0.01) is None
    assert service.find("k", now=visible_at) == job
    assert service.find("other", now=1_000.0) is None


def test_another_process_sees_at_once_what_was_added(tmp_path):
    one, two = FakeService(tmp_path / "r"), FakeService(tmp_path / "r")
    job = _create(one)
    assert two.find("k", now=0.0) == job
    assert two.job(job).ids == ("a", "b")
    two.cancel(job, now=5.0)
    assert one.cancelled_at(job) == 5.0
    one.cancel(job, now=6.0)
    assert one.cancelled_at(job) == 5.0


def test_cancelling_what_has_ended_or_never_was_changes_nothing():
    service = FakeService()
    job = _create(service)
    service.cancel(job, now=60.0)
    assert service.cancelled_at(job) is None
    with pytest.raises(BackendRejected, match="job-7"):
        service.cancel("job-7", now=0.0)


def test_earlier_runs_of_an_id_are_counted_by_every_process(tmp_path):
    settings = FakeSettings(fail=0.5)
    seen = []

    def decide(run):
        seen.append(run)

    for _ in range(3):
        FakeService(tmp_path / "r").call("a", settings=settings, decide=decide, now=0.0)
    service = FakeService(tmp_path / "r")
    job = _create(service, ids=("a", "b"), settings=settings)
    assert seen == [0, 1, 2]
    assert service.job(job).runs == {"a": 3}
    service.call("b", settings=settings, decide=decide, now=0.0)
    assert seen[-1] == 1


@pytest.mark.parametrize("torn", [b'{"op":"call","id":"x","ki', b"\x00\x00", b'{"op":"call"', b"[]"])
def test_a_torn_last_line_is_healed_and_skipped(tmp_path, torn, caplog):
    path = tmp_path / "r"
    before = FakeService(path)
    _call(before, "a")
    with path.open("ab") as file:
        file.write(torn)
    after = FakeService(path)
    assert after.paid() == Counter("a")
    with caplog.at_level(logging.WARNING):
        _call(after, "b")
        _call(before, "c")
    assert "torn" in caplog.text
    assert before.paid() == after.paid() == FakeService(path).paid() == Counter("abc")
    assert len(path.read_bytes().splitlines()) == 4


def test_a_line_that_lacks_only_its_end_counts_once_the_next_writer_came(tmp_path):
    path = tmp_path / "r"
    _call(FakeService(path), "a")
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    service = FakeService(path)
    assert service.paid() == Counter()
    _call(service, "b")
    assert service.paid() == Counter("ab")


def test_a_file_that_cannot_be_used_is_unavailable(tmp_path):
    with pytest.raises(BackendUnavailable, match="cannot be used"):
        FakeService(tmp_path)


def test_the_totals_are_printed(tmp_path, capsys):
    path = tmp_path / "r"
    service = FakeService(path)
    for number in range(30):
        for _ in range(2):
            _call(service, f"id{number:02}")
    _create(service)
    assert main([str(path)]) == 0
    totals = orjson.loads(capsys.readouterr().out)
    assert (totals["jobs"], totals["paid"], totals["paid_twice"]) == (1, 62, 30)
    assert totals["ids_paid_twice"] == [f"id{number:02}" for number in range(20)]
    assert main([str(tmp_path / "absent")]) == 2
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_the_compact_counter_counts_like_a_counter():
    counter, expected = CompactCounter(), Counter()
    for number in range(5_000):
        word = f"id {number * number % 3_001}"
        counter.add(word)
        expected[word] += 1
    assert all(counter[word] == count for word, count in expected.items())
    assert counter["never"] == 0
    for _ in range(300):
        counter.add("often")
    assert counter["often"] == 255


def test_time_goes_on_where_another_process_left_it(tmp_path):
    async def scenario():
        clock = VirtualClock(FakeService(tmp_path / "r"))
        assert clock.now() == 0.0
        await clock.sleep(100.0)
        await clock.sleep(-5.0)
        assert clock.now() == 100.0
        other = VirtualClock(FakeService(tmp_path / "r"))
        assert other.now() == 100.0
        await asyncio.gather(*(other.sleep(10.0) for _ in range(5)))
        assert other.now() == 110.0

    asyncio.run(scenario())


def test_looking_takes_time_only_where_nobody_sleeps():
    async def scenario():
        clock = VirtualClock(FakeService())
        times = []
        for what in ("a", "b", "c", "a", "c", "b", "b"):
            await clock.look(what, 10.0)
            times.append(clock.now())
        # The first one of the clock; b and c together with it; then each that was looked at before.
        assert times == [10.0, 10.0, 10.0, 20.0, 20.0, 20.0, 30.0]
        for _ in range(3):
            await clock.sleep(1.0)
            await clock.look("b", 10.0)
            await clock.look("a", 10.0)
        assert clock.now() == 33.0

    asyncio.run(scenario())


def test_looks_from_ever_new_processes_take_time(tmp_path):
    async def scenario():
        for _ in range(3):
            await VirtualClock(FakeService(tmp_path / "r")).look("a", 10.0)

    asyncio.run(scenario())
    assert FakeService(tmp_path / "r").latest == 30.0


def test_the_real_clock_is_the_clock():
    async def scenario():
        clock = RealClock()
        before = time.time()
        await clock.sleep(0.0)
        assert before <= clock.now() <= time.time()

    asyncio.run(scenario())
    assert isinstance(FakeBackend(FakeSettings(clock="real")).clock, RealClock)


def test_submitted_here_and_collected_there(tmp_path):
    async def submit():
        backend = FakeBackend(service=FakeService(tmp_path / "r"))
        handle = await backend.submit("k", Asked(requests_of(20)))
        assert not (await backend.poll(handle)).ready
        await backend.clock.sleep(61.0)
        return handle

    async def collect(handle):
        backend = FakeBackend(service=FakeService(tmp_path / "r"))
        assert (await backend.poll(handle)).ready
        return [outcome async for outcome in backend.results(handle, Asked(requests_of(20)))]

    assert len(asyncio.run(collect(asyncio.run(submit())))) == 20


def test_progress_is_partial_and_grows():
    async def scenario():
        backend = FakeBackend(FakeSettings(duration=100.0, fail=0.3))
        handle = await backend.submit("k", Asked(requests_of(200)))
        seen = []
        while not (progress := await backend.poll(handle)).ready:
            assert progress.retry_after == 25.0
            seen.append((progress.completed, progress.failed))
            assert progress.total == 200
            await backend.clock.sleep(progress.retry_after)
        assert seen == sorted(seen)
        assert len(set(seen)) == 4
        assert seen[0] == (0, 0)
        assert progress.completed + progress.failed == 200
        assert seen[-1][0] < progress.completed

    asyncio.run(scenario())


def test_results_of_a_batch_that_runs_or_never_was_are_refused():
    async def scenario():
        backend = FakeBackend()
        handle = await backend.submit("k", Asked(requests_of(2)))
        with pytest.raises(BackendUnavailable, match="not finished"):
            await anext(backend.results(handle, Asked(requests_of(2))))
        unknown = JobHandle(backend="fake", key="k", token="job-999999")
        with pytest.raises(BackendRejected, match="job-999999"):
            await backend.poll(unknown)

    asyncio.run(scenario())


def test_requests_that_the_job_does_not_hold_are_lost_and_logged(caplog):
    async def scenario():
        backend = FakeBackend()
        handle = await backend.submit("k", Asked(requests_of(2)))
        await backend.clock.sleep(60.0)
        outcomes = [outcome async for outcome in backend.results(handle, Asked(requests_of(3)))]
        lost = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
        assert [(each.kind, each.retryable) for each in lost] == [(FailureKind.UNKNOWN, False)]
        assert backend.counts == Counter(missing=1)

    asyncio.run(scenario())
    assert "missing" in caplog.text


def _run(code, *arguments, **options):
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, **options)


_SUBMIT = """
import asyncio, sys
from qwen_dataset.adapters.inference.fake.backend import FakeBackend
from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.testing.inference_contract import Asked, requests_of

async def main():
    service = FakeService(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(30):
        backend = FakeBackend(service=service)
        handle = await backend.submit(f"key {number}", Asked(requests_of(40, start=100 * number)))
        print(handle.token, flush=True)

asyncio.run(main())
"""


def test_two_processes_may_submit_one_key_at_the_same_time(tmp_path):
    path = tmp_path / "r"
    processes = [_run(_SUBMIT, path, stdin=subprocess.PIPE, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    tokens = [process.communicate(timeout=60)[0].split() for process in processes]
    assert all(process.returncode == 0 for process in processes)
    service = FakeService(path)
    records = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    created = [record for record in records if record["op"] == "create"]
    assert len({record["job"] for record in created}) == len(created)
    for number in range(30):
        jobs = {record["job"] for record in created if record["key"] == f"key {number}"}
        assert {tokens[0][number], tokens[1][number]} == jobs
        assert service.find(f"key {number}", now=0.0) == min(jobs)
        paid = service.paid()
        assert all(paid[request.id] == len(jobs) for request in requests_of(40, start=100 * number))


_CALL = """
import asyncio, sys
from qwen_dataset.adapters.inference.fake.backend import FakeBackend
from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.testing.inference_contract import Asked, requests_of

async def main():
    backend = FakeBackend(FakeSettings(mode="realtime", concurrency=4), service=FakeService(sys.argv[1]))
    handle = await backend.submit("k", Asked([]))
    async for outcome in backend.results(handle, Asked(requests_of(5_000))):
        print(outcome.request_id, flush=True)

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_what_a_killed_process_paid_for_stays_counted(tmp_path):
    path = tmp_path / "r"
    received = []
    for number in range(3):
        process = _run(_CALL, path, text=True)
        got = [process.stdout.readline() for _ in range(20 + 17 * number)]
        os.kill(process.pid, signal.SIGKILL)
        got += process.stdout.read().splitlines()  # not communicate: it would pass by what readline has buffered
        process.communicate(timeout=60)
        received.append({each.strip() for each in got if len(each.strip()) == 32})
    paid = FakeService(path).paid()
    handed_over = Counter(each for ids in received for each in ids)
    assert all(paid[each] >= count for each, count in handed_over.items())
    # Only what was in flight when a process died was paid for and not handed over.
    assert paid.total() - handed_over.total() <= 3 * (4 + 1)
    output = subprocess.run(
        [sys.executable, "-m", "qwen_dataset.adapters.inference.fake.service", str(path)],
        capture_output=True,
        check=True,
    ).stdout
    totals = orjson.loads(output)
    assert totals["paid"] == paid.total()
    assert totals["jobs"] == 0
    assert totals["paid_twice"] == sum(count > 1 for count in paid.values()) > 20


def test_only_one_submission_is_held_in_memory():
    service = FakeService()
    backend = FakeBackend(service=service)

    async def scenario():
        for shard in range(5):
            requests = requests_of(50, start=1_000 * shard)
            handle = await backend.submit(f"k{shard}", Asked(requests))
            await backend.clock.sleep(60.0)
            assert (await backend.poll(handle)).ready
            assert len([each async for each in backend.results(handle, Asked(requests))]) == 50

    asyncio.run(scenario())
    assert service._loaded is not None
    assert len(service._loaded.ids) == 50
    assert service._runs is None  # counted only where a fault needs it
    assert all("ids" not in attrs.asdict(entry) for entry in service._by_id.values())
    assert backend._side._timelines == {}
