import asyncio
import json
from collections import Counter

import attrs
import pytest

from qwen_dataset.adapters.inference.fake.author import draft
from qwen_dataset.adapters.inference.fake.backend import FakeBackend
from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.inference.fake.settings import FAIL_KINDS, FakeSettings, Lie
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Message, Request
from qwen_dataset.domain.recipes.answers import Unparsed, parse_answer
from qwen_dataset.domain.samples import RejectReason
from qwen_dataset.errors import BackendRejected, BackendUnavailable
from qwen_dataset.testing.inference_contract import Asked, requests_of

MODES = ("batch", "realtime")


def _failures(outcomes):
    return [outcome for outcome in outcomes.values() if isinstance(outcome, Failure)]


def _texts(outcomes):
    return {each: outcome.text for each, outcome in outcomes.items()}


@pytest.fixture
def clean(kit):
    """The texts of a run without faults."""
    return _texts(kit.answered(FakeSettings(seed=3), kit.passage_requests(60))[0])


@pytest.mark.parametrize("mode", MODES)
def test_without_faults_every_request_is_answered_and_paid_once(kit, mode, clean):
    service = FakeService()
    outcomes, backend = kit.answered(FakeSettings(seed=3, mode=mode), kit.passage_requests(60), service)
    assert _texts(outcomes) == clean
    assert all(outcome.finish_reason == "stop" and outcome.model == "m" for outcome in outcomes.values())
    assert all(outcome.usage.prompt_tokens > 50 < outcome.usage.completion_tokens for outcome in outcomes.values())
    assert service.paid() == Counter(list(outcomes))
    assert not backend.counts


@pytest.mark.parametrize("mode", MODES)
def test_the_seed_alone_decides(kit, mode):
    faults = ("fail", "missing", "lose_reply", "truncate", "lie", "fence", "empty", "delay")
    everything = dict.fromkeys(faults, 0.2)
    requests = kit.passage_requests(40)
    one, _ = kit.answered(FakeSettings(mode=mode, seed=1, **everything), requests)
    again, _ = kit.answered(FakeSettings(mode=mode, seed=1, **everything), requests[::-1])
    other, _ = kit.answered(FakeSettings(mode=mode, seed=2, **everything), requests)
    assert one == again
    assert one != other
    assert {type(outcome) for outcome in one.values()} == {Completion, Failure}


@pytest.mark.parametrize("mode", MODES)
def test_fail_gives_failures_that_are_not_paid_and_leaves_the_rest_alone(kit, mode, clean):
    service = FakeService()
    settings = FakeSettings(seed=3, mode=mode, fail=0.5, fail_kinds=tuple(FAIL_KINDS))
    outcomes, _ = kit.answered(settings, kit.passage_requests(60), service)
    failures = _failures(outcomes)
    assert {failure.kind for failure in failures} == set(FAIL_KINDS)
    assert all(failure.retryable is FAIL_KINDS[failure.kind] for failure in failures)
    assert 15 < len(failures) < 45
    failed = {failure.request_id for failure in failures}
    assert service.paid() == Counter(set(outcomes) - failed)
    assert all(outcomes[each].text == clean[each] for each in set(outcomes) - failed)


@pytest.mark.parametrize("mode", MODES)
def test_a_retry_draws_anew(kit, mode):
    service = FakeService()
    backend = FakeBackend(FakeSettings(mode=mode, fail=0.5), service=service)

    async def scenario():
        waiting = requests_of(60)
        for number in range(12):
            outcomes = await kit.run_through(backend, waiting, f"job/{number}")
            waiting = [each for each in waiting if isinstance(outcomes[each.id], Failure)]
        return waiting

    assert asyncio.run(scenario()) == []
    assert set(service.paid().values()) == {1}


def test_delay_makes_a_batch_or_a_call_last_longer_and_changes_no_answer(kit):
    for mode in MODES:
        plain, quick = kit.answered(FakeSettings(mode=mode), requests_of(10))
        late, slow = kit.answered(FakeSettings(mode=mode, delay=1.0), requests_of(10))
        assert late == plain
        assert slow.clock.now() > quick.clock.now()


def test_latency_passes_on_the_clock_for_all_calls_in_flight_together(kit):
    _, backend = kit.answered(FakeSettings(mode="realtime", latency=2.0, concurrency=4), requests_of(4))
    assert 2.0 <= backend.clock.now() <= 6.0


def test_expire_delivers_what_was_done_and_fails_the_rest_unpaid(kit, clean):
    service = FakeService()
    outcomes, backend = kit.answered(FakeSettings(seed=3, expire=1.0), kit.passage_requests(60), service)
    failures = _failures(outcomes)
    assert {(failure.kind, failure.retryable) for failure in failures} == {(FailureKind.EXPIRED, True)}
    done = set(outcomes) - {failure.request_id for failure in failures}
    assert 5 < len(done) < 55
    assert service.paid() == Counter(done)
    assert all(outcomes[each].text == clean[each] for each in done)
    assert backend.clock.now() < 60.0


@pytest.mark.parametrize("mode", MODES)
def test_reject_buys_nothing_and_does_not_last(mode):
    async def scenario():
        service = FakeService()
        rejected = 0
        for number in range(40):
            backend = FakeBackend(FakeSettings(mode=mode, reject=0.5), service=service)
            for _ in range(20):
                try:
                    await backend.submit(f"k{number}", Asked(requests_of(1, start=number)))
                    break
                except BackendRejected as error:
                    assert "refused" in str(error)  # noqa: PT017
                    rejected += 1
                    backend = FakeBackend(FakeSettings(mode=mode, reject=0.5), service=service)  # a restart
            else:
                pytest.fail("never accepted")
        assert 15 < rejected < 90
        assert service.totals()["jobs"] == (40 if mode == "batch" else 0)

    asyncio.run(scenario())


def test_a_lost_reply_leaves_a_job_that_is_found(kit):
    async def scenario():
        service = FakeService()
        backend = FakeBackend(FakeSettings(lose_submit=1.0), service=service)
        with pytest.raises(BackendUnavailable, match="lost"):
            await backend.submit("k", Asked(requests_of(3)))
        assert service.totals()["jobs"] == 1
        await kit.run_through(backend, requests_of(3), "k")
        assert service.totals() == {"jobs": 1, "paid": 3, "paid_twice": 0, "ids_paid_twice": []}

    asyncio.run(scenario())


def test_a_lost_reply_to_a_job_that_is_visible_late_is_paid_twice_by_who_does_not_wait():
    async def scenario():
        settings = FakeSettings(lose_submit=1.0, late=1.0)
        impatient, patient = FakeService(), FakeService()
        for service, wait in ((impatient, 0.0), (patient, 60.0)):
            backend = FakeBackend(settings, service=service)
            with pytest.raises(BackendUnavailable):
                await backend.submit("k", Asked(requests_of(3)))
            await backend.clock.sleep(wait)
            try:
                await backend.submit("k", Asked(requests_of(3)))
            except BackendUnavailable:
                assert service is impatient
        assert impatient.totals()["paid_twice"] == 3
        assert patient.totals()["paid_twice"] == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("mode", MODES)
def test_unavailable_happens_before_anything_and_does_not_last(kit, mode):
    async def scenario():
        service = FakeService()
        always = FakeBackend(FakeSettings(mode=mode, unavailable=1.0), service=service)
        handle = await FakeBackend(FakeSettings(mode=mode), service=service).submit("k", Asked(requests_of(1)))
        before = service.totals()
        with pytest.raises(BackendUnavailable, match="submit"):
            await always.submit("k2", Asked(requests_of(1)))
        with pytest.raises(BackendUnavailable, match="poll"):
            await always.poll(handle)
        assert service.totals() == before
        failed = 0
        for _ in range(60):
            sometimes = FakeBackend(FakeSettings(mode=mode, unavailable=0.5), service=service)  # a restart each time
            try:
                await sometimes.poll(handle)
            except BackendUnavailable:
                failed += 1
        assert 0 < failed < 30

    asyncio.run(scenario())


def test_a_missing_line_was_paid_and_is_not_asked_for_again_by_itself(kit, clean):
    service = FakeService()
    outcomes, backend = kit.answered(FakeSettings(seed=3, missing=0.4), kit.passage_requests(60), service)
    failures = _failures(outcomes)
    assert {(failure.kind, failure.retryable) for failure in failures} == {(FailureKind.UNKNOWN, False)}
    assert service.paid() == Counter(list(outcomes))
    assert backend.counts == Counter(missing=len(failures))
    assert 10 < len(failures) < 40


def test_a_lost_reply_to_a_call_was_paid_and_may_be_asked_for_again(kit):
    service = FakeService()
    settings = FakeSettings(mode="realtime", lose_reply=0.4)
    outcomes, backend = kit.answered(settings, requests_of(60), service)
    failures = _failures(outcomes)
    assert {(failure.kind, failure.retryable) for failure in failures} == {(FailureKind.UNKNOWN, True)}
    assert service.paid() == Counter(list(outcomes))
    assert backend.counts == Counter(missing=len(failures))
    assert 10 < len(failures) < 40


@pytest.mark.parametrize(("fault", "shuffle"), [("duplicate", True), ("duplicate", False), ("stray", True)])
def test_lines_that_nobody_asked_for_are_counted_logged_and_dropped(kit, fault, shuffle, caplog):
    requests = requests_of(600)
    settings = FakeSettings(seed=3, shuffle=shuffle, **{fault: 0.3})
    service = FakeService()
    outcomes, backend = kit.answered(settings, requests, service)
    plain, _ = kit.answered(FakeSettings(seed=3), requests)
    assert outcomes == plain
    assert 100 < backend.counts[fault] < 260
    assert set(backend.counts) == {fault}
    assert fault in caplog.text
    assert service.paid() == Counter(list(outcomes))


def test_the_second_of_two_lines_may_say_something_else_and_never_wins(kit):
    requests = kit.passage_requests(30)
    outcomes, _ = kit.answered(FakeSettings(duplicate=1.0), requests)
    assert all(outcomes[each.id].text == draft(each, seed=0).text for each in requests)
    assert any(draft(each, seed=0, variant=1).text != draft(each, seed=0).text for each in requests)


def test_shuffle_changes_the_order_and_nothing_else():
    async def order(settings):
        backend = FakeBackend(settings)
        handle = await backend.submit("k", Asked(requests_of(50)))
        await backend.clock.sleep(60.0)
        return [outcome.request_id async for outcome in backend.results(handle, Asked(requests_of(50)))]

    asked = [request.id for request in requests_of(50)]
    shuffled = asyncio.run(order(FakeSettings()))
    assert asyncio.run(order(FakeSettings(shuffle=False))) == asked
    assert shuffled != asked
    assert sorted(shuffled) == sorted(asked)
    assert asyncio.run(order(FakeSettings(mode="realtime"))) != asked


def test_truncate_cuts_the_text_and_says_so(kit, clean):
    outcomes, _ = kit.answered(FakeSettings(seed=3, truncate=1.0), kit.passage_requests(60))
    for each, outcome in outcomes.items():
        assert outcome.finish_reason == "length"
        assert clean[each].startswith(outcome.text)
        assert 0 < len(outcome.text) < len(clean[each])


def test_broken_json_cannot_be_read_as_it_was_meant(kit):
    outcomes, _ = kit.answered(FakeSettings(broken_json=1.0), kit.passage_requests(60))
    for outcome in outcomes.values():
        with pytest.raises(json.JSONDecodeError):
            json.loads(outcome.text)
        read = parse_answer(outcome.text, truncated=False)
        assert isinstance(read, Unparsed)
        assert read.reason is RejectReason.BROKEN_JSON
    assert len({outcome.text.count('"') - outcome.text.count(",") for outcome in outcomes.values()}) > 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_fence_and_prose_surround_the_same_json(kit, language):
    passage = kit.PASSAGE if language == "en" else kit.CHINESE_PASSAGE
    request = kit.passage_request(passage, language=language, kind="concept")
    plain = draft(request, seed=0).text
    for settings in (FakeSettings(fence=1.0), FakeSettings(prose=1.0), FakeSettings(fence=1.0, prose=1.0)):
        outcomes, _ = kit.answered(settings, [request])
        text = outcomes[request.id].text
        assert plain in text
        assert ("```json" in text) == (settings.fence == 1.0)
        assert (not text.startswith(("{", "```"))) == (settings.prose == 1.0)
        assert parse_answer(text, truncated=False) == [json.loads(plain)]


def test_empty_is_empty_and_paid(kit):
    service = FakeService()
    outcomes, _ = kit.answered(FakeSettings(empty=0.5), requests_of(40), service)
    empty = [outcome for outcome in outcomes.values() if outcome.text == ""]
    assert 8 < len(empty) < 32
    assert service.paid() == Counter(list(outcomes))


def test_a_plain_answer_has_nothing_to_forge(kit):
    settings = FakeSettings(lie=1.0, broken_json=1.0, fence=1.0, prose=1.0)
    assert kit.answered(settings, requests_of(5))[0] == kit.answered(FakeSettings(), requests_of(5))[0]


@pytest.mark.parametrize("lie", list(Lie))
def test_a_lie_changes_one_quote_and_nothing_else(kit, lie, clean):
    outcomes, _ = kit.answered(FakeSettings(seed=3, lie=1.0, lies=(lie,)), kit.passage_requests(60))
    for each, outcome in outcomes.items():
        true, false = json.loads(clean[each]), json.loads(outcome.text)
        differing = [
            pair for pair in zip(true.pop("evidence"), false.pop("evidence"), strict=True) if pair[0] != pair[1]
        ]
        assert len(differing) == 1
        assert true == false


def test_mixed_faults_each_show(kit):
    settings = FakeSettings(
        seed=4, fail=0.1, expire=0.2, missing=0.1, duplicate=0.2, stray=0.2, truncate=0.1, broken_json=0.1, empty=0.1
    )
    outcomes, backend = kit.answered(settings, requests_of(200))
    kinds = Counter(outcome.kind for outcome in _failures(outcomes))
    assert kinds[FailureKind.UNKNOWN] == backend.counts["missing"] > 5
    assert kinds[FailureKind.RATE_LIMITED] > 2 < kinds[FailureKind.SERVER_ERROR]
    assert backend.counts["duplicate"] > 10 < backend.counts["stray"]
    completions = [outcome for outcome in outcomes.values() if isinstance(outcome, Completion)]
    assert Counter(each.finish_reason for each in completions)["length"] > 5
    assert sum(each.text == "" for each in completions) > 5


def test_a_submission_beyond_the_limits_is_refused():
    async def scenario():
        service = FakeService()
        long = Request(messages=(Message("user", "字" * 40),), model="m")
        twin = requests_of(1)
        for settings, requests, why in (
            (FakeSettings(requests=2), requests_of(3), "more than 2"),
            (FakeSettings(line_bytes=100), [long], "longer than 100"),
            (FakeSettings(), twin + twin, "twice"),
        ):
            with pytest.raises(BackendRejected, match=why):
                await FakeBackend(settings, service=service).submit("k", Asked(requests))
        assert service.totals()["jobs"] == 0
        assert service.tries("submit", "k") == 3

    asyncio.run(scenario())


def test_a_call_beyond_the_line_limit_fails_unpaid(kit):
    service = FakeService()
    outcomes, _ = kit.answered(FakeSettings(mode="realtime", line_bytes=3), requests_of(2), service)
    assert [(each.kind, each.retryable) for each in outcomes.values()] == [(FailureKind.TOO_LARGE, False)] * 2
    assert not service.paid()


def test_closing_the_results_of_a_batch_closes_the_requests():
    async def scenario():
        backend, requests, closed = FakeBackend(), requests_of(300), []

        async def source():
            try:
                for request in requests:
                    yield request
            finally:
                closed.append(True)

        handle = await backend.submit("k", source())
        await backend.clock.sleep(60.0)
        closed.clear()
        results = backend.results(handle, source())
        await anext(results)
        await results.aclose()
        assert closed == [True]

    asyncio.run(scenario())


def test_a_job_keeps_the_faults_it_was_bought_with(kit):
    async def scenario():
        service = FakeService()
        requests = requests_of(40)
        first = await kit.run_through(FakeBackend(FakeSettings(fail=0.5), service=service), requests, "k")
        later = await kit.run_through(FakeBackend(FakeSettings(), service=service), requests, "k")
        assert first == later

    asyncio.run(scenario())


def test_thinking_parameters_and_the_model_do_not_change_the_text(kit):
    request = kit.passage_request()
    other = attrs.evolve(request, model="another")
    assert draft(request, seed=0) == draft(other, seed=0)
    assert draft(request, seed=0) != draft(request, seed=1)
    assert draft(request, seed=0) != draft(attrs.evolve(request, index=1), seed=0)
