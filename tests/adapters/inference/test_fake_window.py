"""A batch of the fake ends when its window closes, and moves on for one who only ever looks."""

import asyncio
from collections import Counter

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.fake.backend import FakeBackend, open_fake
from qwen_dataset.adapters.inference.fake.fate import Ending
from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.domain.inference import Completion, Failure, FailureKind
from qwen_dataset.ports.inference import BackendSettings
from qwen_dataset.testing.inference_contract import Asked, requests_of

TOO_LONG = FakeSettings(duration=100.0, window=40.0)


def _expired(outcomes):
    """Return the ids of the lines that expired; any other failure fails the test."""
    failures = {each: outcome for each, outcome in outcomes.items() if isinstance(outcome, Failure)}
    assert all((failure.kind, failure.retryable) == (FailureKind.EXPIRED, True) for failure in failures.values())
    return set(failures)


def _job(settings, ids=("a", "b")):
    service = FakeService()
    return service.job(service.create("k", list(ids), settings=settings, now=1_000.0))


def test_what_is_done_when_the_window_closes_is_delivered_and_paid_and_the_rest_neither(kit):
    service = FakeService()
    outcomes, backend = kit.answered(TOO_LONG, requests_of(100), service)
    expired = _expired(outcomes)
    assert 40 < len(expired) < 80
    assert service.paid() == Counter(set(outcomes) - expired)
    assert backend.clock.now() < 100.0
    everything, _ = kit.answered(FakeSettings(duration=100.0), requests_of(100))
    assert all(outcomes[each] == everything[each] for each in set(outcomes) - expired)


def test_nothing_is_ready_before_the_window_closes_and_all_is_when_it_does():
    async def scenario():
        backend = FakeBackend(TOO_LONG, clock=_SetClock())
        handle = await backend.submit("k", Asked(requests_of(50)))
        backend.clock.at = 39.999
        before = await backend.poll(handle)
        backend.clock.at = 40.0
        after = await backend.poll(handle)
        assert (before.ready, after.ready) == (False, True)
        assert before.retry_after == 10.0  # a quarter of the time that there is
        assert before.completed == after.completed > 0
        assert after.completed + after.failed == after.total == 50

    asyncio.run(scenario())


class _SetClock:
    """A clock that stands where it was put."""

    at = 0.0

    def now(self):
        return self.at

    async def sleep(self, seconds):
        raise AssertionError("nobody sleeps on this clock")


@pytest.mark.parametrize("window", [None, 100.0, 100.001, 1e9])
def test_a_duration_of_exactly_the_window_or_less_does_not_expire(window):
    job = _job(FakeSettings(duration=100.0, window=window))
    assert job.end(None) == (1_100.0, Ending.COMPLETED)
    assert job.line_failure("a", None) is None


def test_a_duration_above_the_window_by_a_hair_expires():
    job = _job(FakeSettings(duration=100.001, window=100.0))
    assert job.end(None) == (1_100.0, Ending.EXPIRED)


def test_a_line_that_is_done_when_the_window_closes_is_delivered():
    done_after = _job(TOO_LONG).done_at("a") - 1_000.0
    assert _job(FakeSettings(duration=100.0, window=done_after)).line_failure("a", None) is None
    before = FakeSettings(duration=100.0, window=done_after - 0.001)
    assert _job(before).line_failure("a", None) is FailureKind.EXPIRED


def test_a_delayed_batch_expires_where_its_window_is_too_short_for_the_delay(kit):
    outcomes, _ = kit.answered(FakeSettings(delay=1.0, window=60.0), requests_of(60))
    assert 0 < len(_expired(outcomes)) < 60
    assert not _expired(kit.answered(FakeSettings(window=60.0), requests_of(60))[0])


def test_the_fault_expire_comes_before_the_window(kit):
    early, _ = kit.answered(FakeSettings(expire=1.0, window=60.0), requests_of(60))
    assert early == kit.answered(FakeSettings(expire=1.0), requests_of(60))[0]
    both, _ = kit.answered(FakeSettings(expire=1.0, window=1.0), requests_of(60))
    assert len(_expired(both)) == 60


def test_a_cancel_before_the_window_closes_is_a_cancel():
    job = _job(TOO_LONG)
    assert job.end(1_039.0) == (1_039.0, Ending.CANCELLED)
    assert job.ready_at(1_039.0) == 1_041.0


def test_lines_that_fail_by_themselves_do_so_in_an_expired_batch_too(kit):
    settings = FakeSettings(duration=100.0, window=40.0, fail=0.5, fail_kinds=(FailureKind.CONTENT_FILTER,))
    service = FakeService()
    outcomes, _ = kit.answered(settings, requests_of(100), service)
    kinds = Counter(outcome.kind if isinstance(outcome, Failure) else "done" for outcome in outcomes.values())
    assert set(kinds) == {"done", FailureKind.EXPIRED, FailureKind.CONTENT_FILTER}
    assert service.paid().total() == kinds["done"]


def test_another_process_sees_the_window_a_batch_was_bought_with(tmp_path, kit):
    path = tmp_path / "remote.jsonl"

    async def submit():
        return await FakeBackend(TOO_LONG, service=FakeService(path)).submit("k", Asked(requests_of(60)))

    handle = asyncio.run(submit())
    other = FakeSettings(window=1e9, duration=5.0)  # what these processes would buy with

    async def collect():
        return await kit.run_through(FakeBackend(other, service=FakeService(path)), requests_of(60), handle.key)

    there = asyncio.run(collect())
    assert 0 < len(_expired(there)) < 60
    assert there == asyncio.run(collect())
    assert FakeService(path).totals()["jobs"] == 1
    assert FakeService(path).job(handle.token).settings == TOO_LONG


def test_a_remote_file_from_before_there_was_a_window_has_none(tmp_path):
    path = tmp_path / "remote.jsonl"
    FakeService(path).create("k", ["a"], settings=FakeSettings(duration=1e6), now=0.0)
    assert "window" not in orjson.loads(path.read_bytes())["settings"]
    assert FakeService(path).job("batch_000001").end(None) == (1e6, Ending.COMPLETED)


def test_the_next_round_finishes_the_rest_if_its_duration_allows(kit):
    service = FakeService()
    requests = requests_of(80)

    async def one_round(number, chosen, waiting):
        backend = FakeBackend(chosen, service=service)
        outcomes = await kit.run_through(backend, waiting, f"job/{number}/a")
        expired = _expired(outcomes)
        return [request for request in waiting if request.id in expired]

    async def scenario():
        left = await one_round(1, TOO_LONG, requests)
        fewer = await one_round(2, TOO_LONG, left)
        assert 0 < len(fewer) < len(left) < 80  # as long again: again only a part is done
        assert await one_round(3, FakeSettings(duration=40.0, window=40.0), fewer) == []

    asyncio.run(scenario())
    assert service.paid() == Counter(request.id for request in requests)


@pytest.mark.parametrize(
    ("hours", "parameters", "window"),
    [
        (24, {}, 86_400.0),
        (336, {}, 1_209_600.0),
        (24, {"window": "30"}, 30.0),
    ],
)
def test_the_window_is_the_addresss_else_that_of_the_settings(tmp_path, hours, parameters, window):
    path = tmp_path / "remote.jsonl"
    offer = open_fake(BackendSettings(location=str(path), parameters=parameters, window_hours=hours))

    async def submit():
        return await offer.backend.submit("k", Asked(requests_of(1)))

    assert FakeService(path).job(asyncio.run(submit()).token).settings.window == window


def test_a_day_is_too_short_for_a_batch_of_two_and_a_longer_window_is_not(kit):
    def outcomes(hours):
        given = BackendSettings(location="memory", parameters={"duration": "172800"}, window_hours=hours)
        return asyncio.run(kit.run_through(open_fake(given).backend, requests_of(40)))

    assert 10 < len(_expired(outcomes(24))) < 30
    assert not _expired(outcomes(48))


def _look(path, handle, chosen):
    """Poll once, as a new process that ends then."""
    return asyncio.run(FakeBackend(chosen, service=FakeService(path)).poll(handle))


@pytest.mark.parametrize("chosen", [FakeSettings(), TOO_LONG, FakeSettings(delay=1.0)])
def test_one_who_only_ever_looks_sees_a_batch_progress_and_end(tmp_path, chosen):
    path = tmp_path / "remote.jsonl"
    requests = requests_of(200)

    async def submit():
        return await FakeBackend(chosen, service=FakeService(path)).submit("k", Asked(requests))

    handle = asyncio.run(submit())
    seen = [_look(path, handle, chosen)]
    while not seen[-1].ready:
        assert len(seen) < 10  # eighths of a time may add up to a hair less than the whole
        seen.append(_look(path, handle, chosen))
    assert len(seen) >= 9
    done = [progress.completed for progress in seen]
    assert done == sorted(done)
    assert len(set(done)) >= 8
    assert (done[0], done[-1] > 50) == (0, True)
    size = path.stat().st_size
    assert _look(path, handle, chosen) == seen[-1]
    assert path.stat().st_size == size  # looking at what has ended takes no time

    async def collect():
        backend = FakeBackend(chosen, service=FakeService(path))
        return [outcome async for outcome in backend.results(handle, Asked(requests))]

    assert sum(isinstance(outcome, Completion) for outcome in asyncio.run(collect())) == done[-1]


def test_one_process_that_polls_two_batches_and_never_sleeps_sees_both_end():
    async def scenario():
        backend = FakeBackend()
        handles = [await backend.submit(f"k{number}", Asked(requests_of(20, start=number))) for number in range(2)]
        ready = [[(await backend.poll(handle)).ready for handle in handles] for _ in range(9)]
        assert ready == [[False, False]] * 7 + [[False, True], [True, True]]

    asyncio.run(scenario())


def test_a_cancelled_batch_ends_for_one_who_only_looks(tmp_path):
    path = tmp_path / "remote.jsonl"

    async def submit_and_cancel():
        backend = FakeBackend(service=FakeService(path))
        return await backend.cancel(await backend.submit("k", Asked(requests_of(5))))

    handle = asyncio.run(submit_and_cancel())
    assert [_look(path, handle, FakeSettings()).ready for _ in range(3)] == [False, True, True]


def test_looking_takes_no_time_on_the_real_clock(tmp_path):
    chosen = FakeSettings(clock="real", duration=1e6)

    async def scenario():
        backend = FakeBackend(chosen, service=FakeService(tmp_path / "r"))
        handle = await backend.submit("k", Asked(requests_of(5)))
        for _ in range(20):
            assert not (await backend.poll(handle)).ready

    asyncio.run(scenario())
    assert len((tmp_path / "r").read_bytes().splitlines()) == 1


@settings(max_examples=60, deadline=None)
@given(
    duration=st.floats(0.001, 1e7),
    window=st.none() | st.floats(0.001, 1e7),
    faults=st.fixed_dictionaries(
        {name: st.sampled_from([0.0, 0.5]) for name in ("delay", "expire", "fail", "missing")}
    ),
    seed=st.integers(0, 50),
)
def test_whatever_the_window_the_books_agree_with_what_was_delivered(kit, duration, window, faults, seed):
    chosen = FakeSettings(duration=duration, window=window, seed=seed, **faults)
    service = FakeService()
    outcomes, _ = kit.answered(chosen, requests_of(12), service)
    job = service.job("batch_000001")
    assert job.end(None)[0] - job.at <= job.longest <= job.span
    unpaid = {
        each
        for each, outcome in outcomes.items()
        if isinstance(outcome, Failure) and outcome.kind is not FailureKind.UNKNOWN
    }
    assert service.paid() == Counter(set(outcomes) - unpaid)
    if window is None or window >= job.span:
        assert faults["expire"] or not any(
            isinstance(outcome, Failure) and outcome.kind is FailureKind.EXPIRED for outcome in outcomes.values()
        )
