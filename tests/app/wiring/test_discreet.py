from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import attrs
import pytest

from qwen_dataset.adapters.inference.fake.backend import FakeBackend
from qwen_dataset.adapters.inference.fake.service import FakeService
from qwen_dataset.adapters.inference.fake.settings import FakeSettings
from qwen_dataset.app.wiring.discreet import Discreet, discreet
from qwen_dataset.app.wiring.discretion import Discretion
from qwen_dataset.app.wiring.secrets import Secret
from qwen_dataset.domain.inference import Completion, Failure, FailureKind, Outcome, Parameters, Request
from qwen_dataset.errors import (
    BackendDenied,
    BackendError,
    BackendRejected,
    BackendUnavailable,
    KeyNotFound,
    LeaseLost,
    QwenDatasetError,
    SettingError,
    StorageError,
)
from qwen_dataset.ports.inference import InferenceBackend, JobHandle, Limits, Offer, Progress
from qwen_dataset.ports.remote import BatchFilter, LineError, RemoteBatch
from qwen_dataset.testing.inference_contract import Asked, InferenceBackendContract, requests_of

KEY = "PLAIN.key/of+no=form"
CANARY = "sk-canary0123456789abcdef"
HANDLE = JobHandle(backend="b", key="k", token="t")
CALLS = ["submit", "poll", "cancel", "results", "__aenter__", "__aexit__"]


@attrs.define(kw_only=True)
class Talkative:
    """Yields what it was given and raises where it was told to. Its repr shows its key, and so do its variables."""

    api_key: str = KEY
    raising: BaseException | None = None
    at: str = "submit"
    outcomes: Iterable[Outcome] = ()
    closed: int = 0
    limits: Limits = Limits(requests=7)
    realm: str = "talk:1"

    def _say(self, where: str) -> None:
        header = f"Bearer {self.api_key}"
        if self.raising is not None and where == self.at and header:
            try:
                raise LookupError(header)
            except LookupError:
                raise self.raising  # noqa: B904 - with the key in its context

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        self._say("submit")
        return attrs.evolve(HANDLE, key=key, token=str(len([each async for each in requests])))

    async def poll(self, handle: JobHandle) -> Progress:
        self._say("poll")
        return Progress(ready=True, total=int(handle.token == "t"))

    async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        try:
            for outcome in self.outcomes:
                yield outcome
            self._say("results")
        finally:
            self.closed += 1

    async def cancel(self, handle: JobHandle) -> JobHandle:
        self._say("cancel")
        return attrs.evolve(handle, token="cancelled")

    async def __aenter__(self) -> Self:
        self._say("__aenter__")
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._say("__aexit__")


def failure(message: Any) -> Failure:
    return Failure(request_id="r", kind=FailureKind.UNKNOWN, message=message, retryable=True)


async def call(backend: InferenceBackend, what: str) -> Any:
    asked = Asked(requests_of(2))
    if what == "results":
        return [outcome async for outcome in backend.results(HANDLE, asked)]
    arguments = {"submit": ("k", asked), "__aenter__": (), "__aexit__": (None, None, None)}
    return await getattr(backend, what)(*arguments.get(what, (HANDLE,)))


def raised_by(
    error: BaseException, what: str = "submit", keys: Callable[[], Iterable[str]] = lambda: [KEY]
) -> BaseException:
    inner = Talkative(raising=error, at=what, outcomes=[failure(f"before: {KEY}")])
    try:
        asyncio.run(call(Discreet(inner, keys), what))
    except BaseException as told:  # noqa: BLE001 - whatever comes out
        return told
    raise AssertionError("nothing was raised")


def everything_shown(error: BaseException) -> str:
    """Return a traceback with the variables of every frame but those of this file."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    shown = traceback.TracebackException(type(error), error, trace, capture_locals=True)
    return "\n".join([*shown.format(), str(error), repr(error), repr(error.args), repr(vars(error))])


def told(message: str, keys: Iterable[str] = (KEY,)) -> str:
    backend = Discreet(Talkative(outcomes=[failure(message)]), lambda: keys)
    (outcome,) = asyncio.run(call(backend, "results"))
    assert isinstance(outcome, Failure)
    return outcome.message


# ------------------------------------------------------------------------------------------- what passes


def test_what_is_not_said_passes_as_it_is() -> None:
    asked = 0

    def keys() -> list[str]:
        nonlocal asked
        asked += 1
        return [KEY]

    answer = Completion(request_id="r", text=f"{KEY} {CANARY}", reasoning=KEY)
    inner = Talkative(outcomes=[answer])
    backend = Discreet(inner, keys)

    async def scenario() -> None:
        async with backend as entered:
            assert entered is backend
            assert (await backend.submit("k", Asked(requests_of(3)))).token == "3"
            assert await backend.poll(HANDLE) == Progress(ready=True, total=1)
            assert (await backend.cancel(HANDLE)).token == "cancelled"
            (outcome,) = await call(backend, "results")
            assert outcome is answer

    asyncio.run(scenario())
    assert (backend.limits, backend.realm) == (inner.limits, inner.realm)
    assert asked == 0
    assert inner.closed == 1
    assert KEY not in repr(backend)


def test_a_failure_without_a_key_is_the_same_object() -> None:
    plain = failure("the service is busy")
    assert asyncio.run(call(Discreet(Talkative(outcomes=[plain]), lambda: [KEY]), "results"))[0] is plain


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError()])
def test_what_ends_a_process_or_task_is_no_words_of_a_backend(error: BaseException) -> None:
    assert type(raised_by(error)) is type(error)


# ------------------------------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        (f"401 for {KEY}!", "401 for ***!"),
        (f"GET /v1?key={'PLAIN.key%2Fof%2Bno%3Dform'}", "GET /v1?key=***"),
        (f"{{'Authorization': 'Bearer {KEY}'}}", "{'Authorization': 'Bearer ***'}"),
        (f"wrong key {CANARY}", "wrong key ***"),
        ("nothing", "nothing"),
    ],
)
def test_the_message_of_a_failure_holds_no_key(message: str, wanted: str) -> None:
    assert told(message) == wanted


def test_a_key_that_is_escaped_where_it_is_shown_is_found() -> None:
    key = 'it\'s\\a "key"'
    shown = str({"key": key})
    assert key not in shown
    assert told(shown, [key]) == "{'key': '***'}"
    assert told(shown, [Secret(key)]) == "{'key': '***'}"


def test_a_stand_in_is_no_key() -> None:
    assert told("the fake did not answer", ["fake"]) == "the fake did not answer"


def test_a_message_that_is_no_text_becomes_one() -> None:
    assert told(ValueError(KEY)) == "***"  # type: ignore[arg-type]


def test_everything_else_of_a_failure_stays() -> None:
    (found,) = asyncio.run(call(Discreet(Talkative(outcomes=[failure(KEY)]), lambda: [KEY]), "results"))
    assert found == attrs.evolve(failure(KEY), message="***")


def test_a_key_that_was_rotated_away_stays_hidden() -> None:
    keys = ["the-first-key", "the-second-key"]
    inner = Talkative(outcomes=[failure("nothing"), failure("the-first-key the-second-key")])
    found = asyncio.run(call(Discreet(inner, lambda: [keys.pop(0)]), "results"))
    assert [each.message for each in found] == ["nothing", "*** ***"]


def test_where_the_keys_cannot_be_had_those_of_before_must_do() -> None:
    keys = iter([["the-first-key"]])
    inner = Talkative(outcomes=[failure("nothing"), failure(f"the-first-key {CANARY}")])
    found = asyncio.run(call(Discreet(inner, lambda: next(keys)), "results"))
    assert [each.message for each in found] == ["nothing", "*** ***"]


# ------------------------------------------------------------------------------------------- errors


class Theirs(BackendUnavailable):
    """Made of a sentence alone."""


class Chatty(BackendRejected):
    """Puts more than the sentence into itself."""

    def __init__(self, text: str) -> None:
        super().__init__(text, f"sent with {KEY}")


class Numbered(BackendUnavailable):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.headers = status, {"Authorization": KEY}


class Silent(BackendRejected):
    def __str__(self) -> str:
        raise RuntimeError(KEY)


class Unmade(BackendRejected):
    def __init__(self) -> None:
        super().__init__(f"401 for {KEY}")


class Mixed(ConnectionError, BackendUnavailable):
    """An error of Python's as well; its class is kept."""


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (BackendUnavailable(f"no reply for {KEY}"), BackendUnavailable, "no reply for ***"),
        (BackendRejected(f"401 {CANARY}"), BackendRejected, "401 ***"),
        (BackendError("no"), BackendError, "no"),
        (BackendUnavailable(), BackendUnavailable, "BackendUnavailable"),
        (Theirs(KEY), Theirs, "***"),
        (Mixed(KEY), Mixed, "***"),
        (Chatty(f"no: {KEY}"), BackendRejected, "('no: ***', 'sent with ***')"),
        (Numbered(401, KEY), BackendUnavailable, "***"),
        (Unmade(), BackendRejected, "401 for ***"),
        (Silent(KEY), BackendRejected, "Silent"),
        (SettingError(f"it holds {KEY}"), SettingError, "it holds ***"),
        (LeaseLost("taken over"), LeaseLost, "taken over"),
        (KeyNotFound(KEY), StorageError, "no object is stored under '***'"),
    ],
)
def test_an_error_keeps_its_class_and_its_sentence_alone(
    what: str, error: QwenDatasetError, kind: type[QwenDatasetError], sentence: str
) -> None:
    error.add_note(KEY)
    found = raised_by(error, what)
    assert (type(found), str(found), found.args) == (kind, sentence, (sentence,))
    assert found is not error
    assert found.__cause__ is None
    assert found.__context__ is None
    shown = everything_shown(found)
    assert KEY not in shown, shown
    assert CANARY not in shown
    assert "Talkative(" not in shown
    if isinstance(found, SettingError):
        assert found.problems == (sentence,)


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("error", [RuntimeError(f"401\n{KEY}"), SystemExit(f"401 {KEY}"), KeyError(f"401 {KEY}")])
def test_a_mistake_of_an_adapter_is_neither_asked_again_nor_refused(what: str, error: BaseException) -> None:
    found = raised_by(error, what)
    # What is unavailable is asked again at once, what is rejected is submitted anew: either may buy twice.
    assert type(found) is BackendError
    assert str(found).startswith(type(error).__name__)
    assert "401 ***" in str(found)
    assert "(test_discreet.py, line " in str(found)
    shown = everything_shown(found)
    assert KEY not in shown, shown


def test_several_mistakes_at_once_are_one() -> None:
    found = raised_by(ExceptionGroup("several", [ValueError(KEY), OSError(KEY)]))
    assert type(found) is BackendError
    assert KEY not in everything_shown(found)


def test_a_mistake_that_cannot_be_put_into_words_is_named() -> None:
    class Wordless(RuntimeError):
        def __str__(self) -> str:
            raise ValueError(KEY)

    found = raised_by(Wordless(KEY))
    assert (type(found), str(found)) == (BackendError, "Wordless")
    assert found.__context__ is None


def test_the_traceback_of_a_mistake_is_for_the_log_without_a_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    raised_by(RuntimeError(f"boom {KEY} {CANARY}"))
    assert "RuntimeError: boom *** ***" in caplog.text
    assert "in _say" in caplog.text
    assert KEY not in caplog.text
    assert CANARY not in caplog.text


def test_an_adapter_that_fails_before_it_gives_anything_to_wait_for() -> None:
    class Rude(Talkative):
        def submit(self, key: str, requests: AsyncIterable[Request]) -> Any:
            raise ValueError(KEY)

        def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> Any:
            raise BackendUnavailable(KEY)

    for what, kind in (("submit", BackendError), ("results", BackendUnavailable)):
        with pytest.raises(kind, match=r"\*\*\*") as info:
            asyncio.run(call(Discreet(Rude(), lambda: [KEY]), what))
        assert KEY not in everything_shown(info.value)


def test_where_the_keys_cannot_be_had_what_looks_like_one_is_hidden() -> None:
    def keys() -> list[str]:
        raise SettingError("the vault is closed")

    assert str(raised_by(BackendRejected(f"401 {CANARY}"), keys=keys)) == "401 ***"


# ------------------------------------------------------------------------------------------- the stream


def test_the_inner_stream_is_closed_with_the_outer_one() -> None:
    inner = Talkative(outcomes=[failure(KEY)] * 3)

    async def scenario() -> None:
        stream = Discreet(inner, lambda: [KEY]).results(HANDLE, Asked([]))
        assert (await anext(stream)).request_id == "r"
        assert inner.closed == 0
        await stream.aclose()
        assert inner.closed == 1

    asyncio.run(scenario())


def test_the_inner_stream_is_closed_after_an_error_and_what_came_before_is_yielded() -> None:
    inner = Talkative(outcomes=[failure("one"), failure("two")], at="results", raising=BackendUnavailable(KEY))
    seen: list[Outcome] = []

    async def scenario() -> None:
        async for outcome in Discreet(inner, lambda: [KEY]).results(HANDLE, Asked([])):
            seen.append(outcome)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(BackendUnavailable):
        asyncio.run(scenario())
    assert len(seen) == 2
    assert inner.closed == 1


def test_what_goes_wrong_while_the_stream_is_closed_is_told_without_a_key() -> None:
    class Sticky(Talkative):
        async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
            try:
                yield failure("one")
            finally:
                raise OSError(f"cannot close {KEY}")

    async def scenario() -> None:
        stream = Discreet(Sticky(), lambda: [KEY]).results(HANDLE, Asked([]))
        await anext(stream)
        await stream.aclose()

    with pytest.raises(BackendError, match=r"OSError: cannot close \*\*\*") as info:
        asyncio.run(scenario())
    assert KEY not in everything_shown(info.value)


# ------------------------------------------------------------------------------------------- the contract


class _Wrapped(InferenceBackendContract):
    settings: ClassVar[FakeSettings]

    def make(self, tmp_path: Path) -> InferenceBackend:
        self.inner = FakeBackend(self.settings, service=FakeService(tmp_path / "remote.jsonl"))
        return Discreet(self.inner, lambda: [KEY])

    async def sleep(self, backend: InferenceBackend, seconds: float) -> None:
        await self.inner.clock.sleep(seconds)

    def paid(self, tmp_path: Path) -> Counter[str]:
        return FakeService(tmp_path / "remote.jsonl").paid()


class TestBatch(_Wrapped):
    settings = FakeSettings()


class TestRealtime(_Wrapped):
    settings = FakeSettings(mode="realtime", latency=0.5)
    realtime = True


class TestBatchWithFaults(_Wrapped):
    settings = FakeSettings(seed=5, fail=0.2, expire=0.3, reject=0.3, lose_submit=0.4, unavailable=0.3, missing=0.2)


# ---- what an offer has besides its backend ---------------------------------------------------------------------------


@attrs.define(kw_only=True)
class Batches:
    """The batches of a service, one by one: each call says the key, or raises what it was told to."""

    raising: BaseException | None = None
    closed: int = 0
    asked: list[Any] = attrs.Factory(list)

    def _batch(self) -> RemoteBatch:
        if self.raising is not None:
            raise self.raising
        return RemoteBatch(
            id="batch_1", status="failed", is_ended=True, errors=(LineError(code="c", message=f"no {KEY}", line=1),)
        )

    async def upload(self, lines: Path, *, name: str) -> str:
        self.asked.append((lines, name))
        return self._batch().id

    async def create(self, input_file_id: str, **more: Any) -> RemoteBatch:
        self.asked.append((input_file_id, more))
        return self._batch()

    async def retrieve(self, batch_id: str) -> RemoteBatch:
        return self._batch()

    async def list(self, wanted: BatchFilter, *, limit: int | None = None) -> AsyncGenerator[RemoteBatch, None]:
        self.asked.append((wanted, limit))
        try:
            yield attrs.evolve(RemoteBatch(id="batch_0", status="completed", is_ended=True))
            yield self._batch()
        finally:
            self.closed += 1

    async def cancel(self, batch_id: str) -> RemoteBatch:
        return self._batch()

    async def download(self, file_id: str) -> AsyncGenerator[bytes, None]:
        yield KEY.encode()
        self._batch()

    async def delete_file(self, file_id: str) -> None:
        self._batch()


def offer_of(**parts: Any) -> Offer:
    offer = Offer(backend=Talkative(), name="talk", realtime=False, destination=f"https://{KEY}/", **parts)
    return discreet(offer, lambda: [KEY], shared=lambda backend: backend)


def test_what_an_offer_does_not_have_it_does_not_get() -> None:
    offer = offer_of()
    parts = (offer.sleep, offer.now, offer.remote, offer.clean, offer.probe, offer.advice)
    assert parts == (None,) * 6
    assert offer.destination == "https://***/"
    assert isinstance(offer.backend, Discreet)


def test_the_parts_of_an_offer_do_what_they_did() -> None:
    slept: list[float] = []
    cleaned: list[JobHandle] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def clean(handle: JobHandle) -> None:
        cleaned.append(handle)

    async def probe() -> str:
        return f"answers to {KEY}"

    async def all_of_them() -> None:
        offer = offer_of(
            sleep=sleep, now=lambda: 7.0, clean=clean, probe=probe, advice=lambda m, _: [f"{m}: {KEY}", "b"]
        )
        assert None not in (offer.sleep, offer.now, offer.clean, offer.probe, offer.advice)
        await offer.sleep(3.5)
        await offer.clean(HANDLE)
        assert offer.now() == 7.0
        assert await offer.probe() == "answers to ***"
        assert offer.advice("m", Parameters()) == ["m: ***", "b"]

    asyncio.run(all_of_them())
    assert (slept, cleaned) == ([3.5], [HANDLE])


@pytest.mark.parametrize("part", ["sleep", "now", "clean", "probe", "advice"])
@pytest.mark.parametrize("error", [BackendDenied(f"401 {KEY}"), LookupError(KEY), SystemExit(KEY)], ids=repr)
def test_no_part_of_an_offer_shows_a_key_in_what_it_raises(part: str, error: BaseException) -> None:
    def now(*_: Any) -> Any:
        raise error

    async def later(*_: Any) -> Any:
        raise error

    offer = offer_of(**{part: now if part in {"now", "advice"} else later})
    given = {"sleep": (1.0,), "clean": (HANDLE,), "advice": ("m", Parameters())}.get(part, ())

    async def ask() -> None:
        found = getattr(offer, part)(*given)
        if part not in {"now", "advice"}:
            await found

    with pytest.raises(BackendError) as caught:
        asyncio.run(ask())
    assert KEY not in str(caught.value)
    assert type(caught.value) is (BackendDenied if isinstance(error, BackendDenied) else BackendError)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_person_who_interrupts_a_sleep_interrupts_it() -> None:
    async def sleep(seconds: float) -> None:
        await asyncio.Event().wait()

    async def interrupt() -> None:
        offer = offer_of(sleep=sleep)
        assert offer.sleep is not None
        task = asyncio.ensure_future(offer.sleep(9))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupt())


def test_what_a_service_tells_of_its_batches_holds_no_key() -> None:
    async def all_of_them() -> None:
        inner = Batches()
        remote = offer_of(remote=inner).remote
        assert remote is not None
        assert await remote.upload(Path("x"), name="n") == "batch_1"
        await remote.delete_file("f")
        created = await remote.create("f", completion_window="24h", metadata={"a": "b"})
        listed = [batch async for batch in remote.list(BatchFilter(name="n"), limit=3)]
        for batch in (created, await remote.retrieve("b"), await remote.cancel("b"), listed[1]):
            assert batch.errors == (LineError(code="c", message="no ***", line=1),)
        assert listed[0].id == "batch_0"
        assert b"".join([piece async for piece in remote.download("f")]) == KEY.encode(), "data is data"
        assert [each async for each in remote.list()]
        assert inner.asked == [
            (Path("x"), "n"),
            ("f", {"completion_window": "24h", "endpoint": None, "metadata": {"a": "b"}}),
            (BatchFilter(name="n"), 3),
            (BatchFilter(), None),
        ]

    asyncio.run(all_of_them())


@pytest.mark.parametrize("call", ["upload", "create", "retrieve", "list", "cancel", "download", "delete_file"])
def test_no_batch_of_a_service_shows_a_key_in_what_it_raises(call: str) -> None:
    async def ask() -> None:
        remote: Any = offer_of(remote=Batches(raising=BackendUnavailable(f"lost {KEY}"))).remote
        if call == "upload":
            await remote.upload(Path("x"), name="n")
        elif call == "create":
            await remote.create("f", completion_window="24h")
        elif call in {"list", "download"}:
            async for _ in remote.list() if call == "list" else remote.download("f"):
                pass
        else:
            await getattr(remote, call)("x")

    with pytest.raises(BackendUnavailable, match=r"^lost \*\*\*$"):
        asyncio.run(ask())


def test_a_list_that_is_left_early_is_closed() -> None:
    async def leave() -> int:
        inner = Batches()
        remote: Any = offer_of(remote=inner).remote
        async with contextlib.aclosing(remote.list()) as found:
            async for _ in found:
                break
        return inner.closed

    assert asyncio.run(leave()) == 1


def test_a_list_that_cannot_be_closed_is_read_all_the_same() -> None:
    class Plain:
        def __init__(self) -> None:
            self.left = [1, 2]

        def __aiter__(self) -> Plain:
            return self

        async def __anext__(self) -> int:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    async def read() -> list[int]:
        return [each async for each in Discretion(list).each(Plain)]

    assert asyncio.run(read()) == [2, 1]
