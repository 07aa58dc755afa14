"""The fake's batches one by one: lines in, states, answers like the port's, faults, and what was paid."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.fake.backend import FakeBackend, open_fake
from qwen_dataset.adapters.inference.fake.batch_file import asked, request_line
from qwen_dataset.adapters.inference.fake.clock import VirtualClock
from qwen_dataset.adapters.inference.fake.remote import FakeBatches
from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.adapters.inference.openai_api.lines import outcome_of_line
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Message, Parameters, Request
from qwen_dataset.errors import BackendRejected, BackendUnavailable
from qwen_dataset.ports.inference import BackendSettings
from qwen_dataset.ports.remote import BatchFilter, RemoteBatch
from qwen_dataset.testing.inference_contract import Asked, requests_of

URL = "/v1/chat/completions"


@attrs.frozen
class Desk:
    """The fake with both its sides, on one service."""

    backend: FakeBackend
    batches: FakeBatches
    service: FakeService

    async def ended(self, batch_id: str) -> RemoteBatch:
        for _ in range(100):
            found = await self.batches.retrieve(batch_id)
            if found.is_ended:
                return found
        raise AssertionError("it never ends")

    async def lines(self, file_id: str | None) -> list[dict[str, Any]]:
        assert file_id is not None
        data = b"".join([piece async for piece in self.batches.download(file_id)])
        return [json.loads(line) for line in data.splitlines()]

    async def listed(self, *wanted: BatchFilter, limit: int | None = None) -> list[str]:
        return [batch.id async for batch in self.batches.list(*wanted, limit=limit)]


def desk(path: Path | None = None, **settings: Any) -> Desk:
    chosen = FakeSettings(**settings)
    service = FakeService(path)
    backend = FakeBackend(chosen, service=service)
    return Desk(backend, FakeBatches(chosen, service, backend.clock, backend.maybe_unavailable), service)


def line(custom_id: str, said: str = "Hello", **more: Any) -> dict[str, Any]:
    body = {"model": "m", "messages": [{"role": "user", "content": said}], "enable_thinking": False}
    return {"custom_id": custom_id, "method": "POST", "url": URL, "body": body | more}


def write(path: Path, lines: Sequence[Any]) -> Path:
    path.write_text("".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines), "utf-8")
    return path


async def create(at: Desk, path: Path, lines: Sequence[Any], **more: Any) -> RemoteBatch:
    file_id = await at.batches.upload(write(path, lines), name="in.jsonl")
    return await at.batches.create(file_id, **{"completion_window": "24h", **more})


def by_id(lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found = dict(filter(None, map(outcome_of_line, lines)))
    assert len(found) == len(lines)
    return found


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_batch_goes_from_validating_to_completed_and_is_paid_once(tmp_path: Path, in_memory: bool) -> None:
    at = desk(None if in_memory else tmp_path / "remote.jsonl")

    async def scenario() -> None:
        made = await create(at, tmp_path / "in", [line("a"), line("b", "二")], metadata={"ds_name": "demo"})
        assert (made.status, made.is_ended, made.output_file_id) == ("validating", False, None)
        assert (made.total, made.completion_window, made.endpoint) == (0, "24h", URL)
        assert made.metadata == {"ds_name": "demo"}
        seen = []
        while not (found := await at.batches.retrieve(made.id)).is_ended:
            seen.append(found.status)
        assert list(dict.fromkeys(seen)) == ["validating", "in_progress"]
        assert (found.status, found.total, found.completed, found.failed) == ("completed", 2, 2, 0)
        assert found.error_file_id is None
        assert found.ended_at is not None
        assert found.created_at is not None
        assert found.ended_at > found.created_at
        answers = by_id(await at.lines(found.output_file_id))
        assert answers.keys() == {"a", "b"}
        assert await at.lines(found.input_file_id) == [line("a"), line("b", "二")]

    asyncio.run(scenario())
    assert sorted(at.service.paid().values()) == [1, 1]


def test_the_same_request_gets_the_same_answer_by_hand_and_through_the_port(tmp_path: Path, kit: Any) -> None:
    requests = [*requests_of(4), attrs.evolve(requests_of(1)[0], index=1)]
    outcomes, _ = kit.answered(FakeSettings(seed=5), requests)
    at = desk(seed=5)
    named = {f"n{number}": request for number, request in enumerate(requests)}

    async def scenario() -> dict[str, Any]:
        lines = [json.loads(request_line(request)) | {"custom_id": name} for name, request in named.items()]
        for each in lines:
            each.pop("index", None)  # no service knows it: the second equal line is the second
        made = await create(at, tmp_path / "in", lines)
        return by_id(await at.lines((await at.ended(made.id)).output_file_id))

    found = asyncio.run(scenario())
    for name, request in named.items():
        assert found[name].text == outcomes[request.id].text
        assert found[name].usage == outcomes[request.id].usage
    assert at.service.paid() == dict.fromkeys((request.id for request in requests), 1)


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_job_of_the_port_is_a_batch_as_well(tmp_path: Path, kit: Any, in_memory: bool) -> None:
    at = desk(None if in_memory else tmp_path / "remote.jsonl", fail=0.4, duplicate=0.5, stray=0.3, shuffle=True)
    requests = requests_of(300)

    async def scenario() -> None:
        outcomes = await kit.run_through(at.backend, requests, "job/1/a")
        handle = await at.backend.submit("job/1/a", Asked(requests))
        assert await at.listed() == [handle.token]
        batch = await at.batches.retrieve(handle.token)
        assert batch.metadata["qwen_dataset_key"] == "job/1/a"
        assert (batch.status, batch.total) == ("completed", 300)
        good, bad = await at.lines(batch.output_file_id), await at.lines(batch.error_file_id)
        assert len(good) > batch.completed, "duplicates and strangers are in the file"
        read = dict(filter(None, map(outcome_of_line, [*reversed(good), *bad])))
        for request in requests:
            mine, theirs = outcomes[request.id], read[request.id]
            if isinstance(mine, Failure):
                assert isinstance(theirs, Failure)
                assert theirs.kind is mine.kind
            else:
                assert isinstance(theirs, Completion)
                assert theirs.text == mine.text
        assert batch.failed == sum(isinstance(each, Failure) for each in outcomes.values())

    asyncio.run(scenario())


def test_a_batch_of_another_process_is_found_and_read(tmp_path: Path) -> None:
    path = tmp_path / "remote.jsonl"

    async def scenario() -> None:
        made = await create(desk(path), tmp_path / "in", [line("a")])
        later = desk(path)
        answers = await later.lines((await later.ended(made.id)).output_file_id)
        assert [each["custom_id"] for each in answers] == ["a"]

    asyncio.run(scenario())


def test_a_cancelled_batch_keeps_what_had_run(tmp_path: Path) -> None:
    at = desk()

    async def scenario() -> None:
        made = await create(at, tmp_path / "in", [line(str(n), f"Number {n}") for n in range(60)])
        await at.backend.clock.sleep(30)
        assert (await at.batches.cancel(made.id)).status == "cancelling"
        found = await at.ended(made.id)
        assert found.status == "cancelled"
        assert found.completed + found.failed == found.total == 60
        assert 0 < found.completed < 60
        errors = by_id(await at.lines(found.error_file_id))
        assert len(errors) == found.failed
        assert all(isinstance(each, Failure) for each in errors.values())
        assert len(await at.lines(found.output_file_id)) == found.completed == at.service.paid().total()
        assert await at.batches.cancel(made.id) == found, "again it changes nothing"

    asyncio.run(scenario())


def test_a_batch_that_takes_longer_than_its_window_expires(tmp_path: Path) -> None:
    at = desk(duration=30 * 3600.0)

    async def scenario() -> None:
        made = await create(at, tmp_path / "in", [line(str(n), f"Number {n}") for n in range(60)])
        found = await at.ended(made.id)
        assert found.status == "expired"
        assert 0 < found.completed < 60
        longer = await create(at, tmp_path / "in", [line("a")], completion_window="14d")
        assert (await at.ended(longer.id)).status == "completed"

    asyncio.run(scenario())


BAD = [
    ("{", "invalid_json_line"),
    ("[]", "invalid_json_line"),
    (line("a") | {"url": "/v1/chat/completion"}, "url_not_found"),
    (line("a") | {"custom_id": 7}, "invalid_custom_id"),
    (line("a") | {"custom_id": "x" * 257}, "invalid_custom_id"),
    (line("a") | {"body": None}, "invalid_request"),
    (line("a", messages=[]), "invalid_request"),
    (line("first"), "duplicate_custom_id"),
    (line("a", model="other"), "mismatched_model"),
    (line("a", enable_thinking=True), "mismatched_thinking"),
    (line("a", "long" * 300), "line_too_large"),
]


@pytest.mark.parametrize(("bad", "code"), BAD, ids=[code for _, code in BAD])
def test_bad_lines_fail_the_batch_with_their_places_and_cost_nothing(tmp_path: Path, bad: Any, code: str) -> None:
    at = desk(line_bytes=1000)

    async def scenario() -> None:
        made = await create(at, tmp_path / "in", [line("first"), bad, line("last")])
        assert (made.status, made.errors) == ("validating", ()), "as a real service: told later"
        found = await at.ended(made.id)
        assert (found.status, found.total, found.output_file_id, found.error_file_id) == ("failed", 0, None, None)
        (error,) = found.errors
        assert (error.code, error.line) == (code, 2)
        assert error.message

    asyncio.run(scenario())
    assert not at.service.paid()


def test_an_empty_file_and_one_of_too_many_requests_fail(tmp_path: Path) -> None:
    at = desk(requests=2)

    async def scenario() -> None:
        empty = await at.ended((await create(at, tmp_path / "in", ["", " "])).id)
        assert [(error.code, error.line) for error in empty.errors] == [("empty_file", None)]
        many = await at.ended((await create(at, tmp_path / "in", [line(name) for name in "abcd"])).id)
        assert [(error.code, error.line) for error in many.errors] == [
            ("too_many_requests", 3),
            ("too_many_requests", 4),
        ]

    asyncio.run(scenario())


def test_the_list_is_newest_first_and_takes_every_filter(tmp_path: Path) -> None:
    at = desk()

    def moment(seconds: float) -> dt.datetime:
        return dt.datetime.fromtimestamp(seconds, tz=dt.UTC)

    async def scenario() -> None:
        one = await create(at, tmp_path / "in", [line("a")], metadata={"ds_name": "first of all"})
        await at.backend.clock.sleep(100)
        two = await create(at, tmp_path / "in", [line("a")])
        three = await create(at, tmp_path / "in", ["{"])
        await at.ended(three.id)
        assert await at.listed() == [three.id, two.id, one.id]
        assert await at.listed(limit=2) == [three.id, two.id]
        assert await at.listed(BatchFilter(name="of")) == [one.id]
        assert await at.listed(BatchFilter(statuses=("failed", "expired"))) == [three.id]
        assert await at.listed(BatchFilter(input_file_ids=(two.input_file_id or "", "ghost"))) == [two.id]
        assert await at.listed(BatchFilter(created_after=moment(50))) == [three.id, two.id]
        assert await at.listed(BatchFilter(created_before=moment(50))) == [one.id]
        assert await at.listed(BatchFilter(after=three.id), limit=1) == [two.id]
        assert await at.listed(BatchFilter(after=one.id)) == await at.listed(BatchFilter(after="ghost")) == []

    asyncio.run(scenario())


def test_a_batch_that_is_created_late_is_not_listed_before(tmp_path: Path) -> None:
    at = desk(late=1.0, settle=60.0)

    async def scenario() -> None:
        made = await create(at, tmp_path / "in", [line("a")])
        assert await at.listed() == []
        await at.backend.clock.sleep(60)
        assert await at.listed() == [made.id]

    asyncio.run(scenario())


def test_what_is_not_there_is_a_definite_no(tmp_path: Path) -> None:
    at = desk()

    async def drained(pieces: AsyncIterator[bytes]) -> None:
        async for _ in pieces:
            pass

    async def scenario() -> None:
        made = await create(at, tmp_path / "in", [line("a")])
        for asking in (
            at.batches.retrieve("batch_9"),
            at.batches.cancel("batch_9"),
            at.batches.create("file-9", completion_window="24h"),
            at.batches.upload(tmp_path / "nowhere", name="x"),
            drained(at.batches.download("file-9")),
            drained(at.batches.download("file-batch_output-batch_9")),
            drained(at.batches.download(f"file-batch_output-{made.id}")),
        ):
            with pytest.raises(BackendRejected):
                await asking
        for window in ("1h", "15d", "24", "day"):
            with pytest.raises(BackendRejected, match="24h"):
                await at.batches.create(made.input_file_id or "", completion_window=window)
        await at.batches.delete_file("file-9")

    asyncio.run(scenario())
    assert at.service.paid().total() == 1


def test_a_deleted_file_is_gone_and_its_batch_goes_on(tmp_path: Path) -> None:
    at = desk(tmp_path / "remote.jsonl")

    async def scenario() -> None:
        made = await create(at, tmp_path / "in", [line("a")])
        await at.batches.delete_file(made.input_file_id or "")
        await at.batches.delete_file(made.input_file_id or "")
        found = await at.ended(made.id)
        with pytest.raises(BackendRejected, match="any more"):
            await at.lines(found.input_file_id)
        with pytest.raises(BackendRejected, match="uploaded"):
            await at.batches.create(made.input_file_id or "", completion_window="24h")
        assert len(await at.lines(found.output_file_id)) == 1

    asyncio.run(scenario())


def test_faults_of_a_submission(tmp_path: Path) -> None:
    async def scenario() -> None:
        lost = desk(lose_submit=1.0)
        with pytest.raises(BackendUnavailable):
            await create(lost, tmp_path / "in", [line("a")])
        assert len(await lost.listed()) == 1, "it exists all the same"
        assert lost.service.paid().total() == 1
        refused = desk(reject=1.0)
        with pytest.raises(BackendRejected):
            await create(refused, tmp_path / "in", [line("a")])
        assert not refused.service.paid()
        silent = desk(unavailable=1.0)
        for asking in (silent.batches.retrieve("b"), silent.batches.cancel("b"), silent.listed()):
            with pytest.raises(BackendUnavailable):
                await asking

    asyncio.run(scenario())


def test_a_file_that_was_lost_underneath_is_told(tmp_path: Path) -> None:
    at = desk(tmp_path / "remote.jsonl")

    async def scenario() -> None:
        made = await create(at, tmp_path / "in", [line("a")])
        for path in (tmp_path / "remote.jsonl.files").iterdir():
            path.unlink()
        found = await at.ended(made.id)
        for file_id in (found.input_file_id, found.output_file_id):
            with pytest.raises(BackendRejected, match="any more"):
                await at.lines(file_id)
        empty = desk()
        with pytest.raises(BackendRejected, match="any more"):
            list(empty.service.shelf.lines("file-1"))

    asyncio.run(scenario())


def test_a_place_that_takes_no_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "remote.jsonl.files").write_text("in the way")
    at = desk(tmp_path / "remote.jsonl")

    async def scenario() -> None:
        with pytest.raises(BackendUnavailable, match="beside"):
            await create(at, tmp_path / "in", [line("a")])
        with pytest.raises(BackendUnavailable, match="beside"):
            await at.backend.submit("k", Asked(requests_of(1)))

    asyncio.run(scenario())


def test_a_refused_submission_leaves_no_file(tmp_path: Path) -> None:
    at = desk(tmp_path / "remote.jsonl", reject=1.0)

    async def scenario() -> None:
        with pytest.raises(BackendRejected):
            await at.backend.submit("k", Asked(requests_of(3)))

    asyncio.run(scenario())
    assert list((tmp_path / "remote.jsonl.files").iterdir()) == []


def test_a_batch_of_an_earlier_version_has_no_files_to_hand_out(tmp_path: Path) -> None:
    at = desk()
    job_id = at.service.create("k", ["x"], settings=FakeSettings(), now=0.0)

    async def scenario() -> None:
        found = await at.ended(job_id)
        assert (found.status, found.total) == ("completed", 1)
        assert found.input_file_id is found.output_file_id is found.error_file_id is None

    asyncio.run(scenario())


def test_only_the_batch_side_offers_batches_and_both_offer_their_clock() -> None:
    def offer(realtime: bool) -> Any:
        return open_fake(BackendSettings(location="memory", realtime=realtime))

    assert offer(True).remote is None
    assert isinstance(offer(False).remote, FakeBatches)
    for realtime in (True, False):
        found = offer(realtime)
        asyncio.run(found.sleep(7.0))
        assert found.now() == 7.0
        assert isinstance(found.backend.clock, VirtualClock)


values = st.none() | st.floats(0, 2, allow_nan=False)
parameters = st.builds(
    Parameters,
    temperature=values,
    top_p=values,
    max_tokens=st.none() | st.integers(1, 1 << 40),
    seed=st.none() | st.integers(0, 1 << 40),
    enable_thinking=st.booleans(),
    thinking_budget=st.none() | st.integers(1, 9999),
    response_format=st.none() | st.just({"type": "json_object"}),
    extra_body=st.dictionaries(
        st.sampled_from(["top_k", "tools", "seed", "model", "enable_thinking"]), st.integers(0, 9)
    ),
)
requests = st.builds(
    Request,
    messages=st.lists(
        st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(st.characters())), min_size=1
    ).map(tuple),
    model=st.text(min_size=1),
    parameters=parameters,
    index=st.integers(0, 3),
)


@given(requests)
def test_a_request_comes_out_of_its_line_as_it_went_in(request: Request) -> None:
    (found,) = asked([request_line(request)])
    assert found.request == request
    assert found.custom_id == found.request.id == request.id


def test_half_a_character_survives_its_line() -> None:
    request = Request(messages=(Message("user", "half \ud83d of it"),), model="m")
    (found,) = asked([request_line(request)])
    assert found.request == request


def test_a_message_in_parts_says_its_texts(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "image_url"}, {"type": "text", "text": "two"}]
    found = asked([json.dumps(line("a", messages=[{"role": "user", "content": parts}, {"role": "tool"}])).encode()])
    assert next(found).request.messages == (Message("user", "one\ntwo"), Message("tool", ""))


def test_every_failure_of_the_fake_is_told_in_the_services_words(tmp_path: Path) -> None:
    kinds = (
        FailureKind.RATE_LIMITED,
        FailureKind.SERVER_ERROR,
        FailureKind.CONTENT_FILTER,
        FailureKind.INVALID_REQUEST,
    )

    async def scenario(kind: FailureKind) -> None:
        at = desk(fail=1.0, fail_kinds=(kind,))
        found = await at.ended((await create(at, tmp_path / "in", [line("a")])).id)
        assert (found.completed, found.failed, found.output_file_id) == (0, 1, None)
        (outcome,) = by_id(await at.lines(found.error_file_id)).values()
        assert outcome.kind is kind

    for kind in kinds:
        asyncio.run(scenario(FailureKind(kind)))
