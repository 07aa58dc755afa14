"""What somebody else's backend says may hold the key: it is found in no file, no output, no log and no error."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import attrs
import pytest

from qwen_dataset.adapters.inference.concurrent import ConcurrentBackend
from qwen_dataset.domain.inference import Failure, FailureKind, Outcome, Request
from qwen_dataset.errors import BackendRejected, BackendUnavailable, QwenDatasetError
from qwen_dataset.ports.inference import BackendSettings, JobHandle, Limits, Offer, Progress
from tests.library.stage import Stage
from tests.library.test_keys import BOTH, everything_shown, hidden, no_file_holds

PROMPTS = ["What is a qubit?", "What is a phonon?"]


class Told(Exception):
    """An error of an SDK: it remembers the whole call."""

    def __init__(self, text: str, headers: dict[str, str]) -> None:
        super().__init__(text, headers)
        self.headers = headers


async def no_time(_: float) -> None:
    await asyncio.sleep(0)


def in_a_text(key: str) -> Exception:
    return RuntimeError(f"401: the key {key} is wrong")


def in_the_arguments(key: str) -> Exception:
    return Told("401", {"Authorization": f"Bearer {key}"})


def in_the_cause(key: str) -> Exception:
    error = RuntimeError("401")
    error.__cause__ = Told("inner", {"Authorization": key})
    return error


def in_a_note(key: str) -> Exception:
    error = RuntimeError("401")
    error.add_note(f"sent with {key}")
    return error


def in_several_lines(key: str) -> Exception:
    return ValueError(f"GET https://api.example/v1?api_key={key}\n{key}: {{'key': '{key}'}}")


def rejected(key: str) -> Exception:
    return BackendRejected(f"401: the key {key} is wrong")


def unavailable(key: str) -> Exception:
    error = BackendUnavailable(f"no reply to a call with {key}")
    error.__cause__ = in_the_arguments(key)
    return error


TROUBLES = [in_a_text, in_the_arguments, in_the_cause, in_a_note, in_several_lines, rejected, unavailable]
SAID = [in_a_text, in_the_arguments, in_several_lines, rejected, unavailable]  # the key is in the words themselves
Trouble = Callable[[str], Exception]


@attrs.define(kw_only=True)
class Remote:
    """A batch service that says its key where it is told to. Its repr shows it as well."""

    key: Callable[[], str]
    shown: str
    trouble: Trouble | None
    at: str = "submit"
    limits: Limits = Limits(settle_seconds=0.0)
    realm: str = "remote:1"

    def _say(self, where: str) -> None:
        today = self.key()
        if self.trouble is not None and where == self.at:
            raise self.trouble(today)

    async def submit(self, key: str, requests: AsyncIterable[Request]) -> JobHandle:
        self._say("submit")
        return JobHandle(backend="remote", key=key, token="t")

    async def poll(self, handle: JobHandle) -> Progress:
        self._say("poll")
        return Progress(ready=True)

    async def results(self, handle: JobHandle, requests: AsyncIterable[Request]) -> AsyncGenerator[Outcome, None]:
        async for each in requests:
            message = f"401 {self.key()}"
            yield Failure(request_id=each.id, kind=FailureKind.INVALID_REQUEST, message=message, retryable=False)
            self._say("results")

    async def cancel(self, handle: JobHandle) -> JobHandle:
        self._say("cancel")
        return handle

    async def __aenter__(self) -> Remote:
        self._say("__aenter__")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._say("__aexit__")


def realtime(trouble: Trouble, key: Callable[[], str]) -> Offer:
    async def complete(request: Request) -> Outcome:
        raise trouble(key())

    return Offer(backend=ConcurrentBackend(complete, realm="loud"), name="loud", realtime=True, sleep=no_time)


def batch(trouble: Trouble | None, key: Callable[[], str], at: str = "submit") -> Offer:
    remote = Remote(key=key, shown=key(), trouble=trouble, at=at)
    return Offer(backend=remote, name="remote", realtime=False, sleep=no_time)


class Records(logging.Handler):
    """A handler of the program that uses the library: it sees everything."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def records() -> Iterator[Records]:
    root, handler = logging.getLogger(), Records()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(before)
    root.removeHandler(handler)


def nothing_shows(key: str, stage: Stage, records: Records, capsys: pytest.CaptureFixture[str]) -> None:
    no_file_holds(stage, key)
    hidden("\n".join(records.lines), key, "the log")
    written = capsys.readouterr()
    hidden(written.out + written.err, key, "the terminal")


def tried(action: Callable[[], Any], key: str) -> str:
    """Do something, and return in words what came of it."""
    try:
        found = repr(action())
    except QwenDatasetError as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        found = everything_shown(error.with_traceback(trace))
    hidden(found, key, "what came of it")
    return found


def given(key: str, *, rotating: bool) -> Any:
    return (lambda: key) if rotating else key


@pytest.mark.parametrize("rotating", [False, True])
@pytest.mark.parametrize("key", BOTH)
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("make", [realtime, batch])
def test_a_client_that_was_given_a_backend(
    stage: Stage,
    records: Records,
    capsys: pytest.CaptureFixture[str],
    make: Callable[..., Offer],
    trouble: Trouble,
    key: str,
    rotating: bool,
) -> None:
    from qwen_dataset import BlockingClient, Config

    notices: list[str] = []
    config = Config(api_key=given(key, rotating=rotating), storage="file:batch_jobs", rounds=1)
    offer = make(trouble, lambda: key)
    with BlockingClient(config, backend=offer, notice=notices.append) as client:
        first = tried(lambda: client.run_prompts(PROMPTS, output="o.jsonl"), key)
        tried(lambda: client.resume(output="o.jsonl"), key)
        tried(client.list_jobs, key)
        tried(client.cancel, key)
    if trouble in SAID:
        assert "***" in first + "".join(records.lines) + str(stage.tree()), "it was never said at all"
    hidden(repr(notices), key, "a notice")
    nothing_shows(key, stage, records, capsys)


@pytest.mark.parametrize("key", BOTH)
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("at", ["poll", "results", "cancel", "__aenter__", "__aexit__"])
def test_wherever_a_backend_fails(
    stage: Stage, records: Records, capsys: pytest.CaptureFixture[str], at: str, trouble: Trouble, key: str
) -> None:
    from qwen_dataset import BlockingClient, Config

    config = Config(api_key=key, storage="file:batch_jobs", rounds=1)
    with BlockingClient(config, backend=batch(trouble, lambda: key, at)) as client:
        tried(lambda: client.submit_prompts(PROMPTS), key)
        if at == "cancel":
            tried(client.cancel, key)
        tried(lambda: client.collect(output="o.jsonl"), key)
    nothing_shows(key, stage, records, capsys)


@pytest.mark.parametrize("rotating", [False, True])
@pytest.mark.parametrize("key", BOTH)
@pytest.mark.parametrize("make", [pytest.param(realtime, marks=pytest.mark.long), batch])
def test_the_familiar_call(
    stage: Stage,
    records: Records,
    capsys: pytest.CaptureFixture[str],
    make: Callable[..., Offer],
    key: str,
    rotating: bool,
) -> None:
    from qwen_dataset import BatchInferenceManager

    for trouble in TROUBLES:
        desk = BatchInferenceManager(given(key, rotating=rotating), backend=make(trouble, lambda: key))
        ask = desk.run_batch_inference(prompts=PROMPTS, job_name=f"loud-{trouble.__name__}")
        tried(lambda: asyncio.run(ask), key)  # noqa: B023 - called at once
        for job in asyncio.run(desk.list_jobs()):
            tried(lambda: asyncio.run(desk.get_job_status(job["job_id"])), key)  # noqa: B023
    nothing_shows(key, stage, records, capsys)


def test_a_key_that_was_rotated_away_is_still_one(
    stage: Stage, records: Records, capsys: pytest.CaptureFixture[str]
) -> None:
    from qwen_dataset import BlockingClient, Config

    keys = ["the.first.key.of.the.day", "the.second.key.of.the.day"]
    today = [keys[0]]
    calls = 0

    async def complete(request: Request) -> Outcome:
        nonlocal calls
        calls += 1
        if calls > 1:
            today[0] = keys[1]
        raise RuntimeError(f"neither {keys[0]} nor {today[0]} is right")

    backend = ConcurrentBackend(complete, realm="loud", concurrency=1)
    config = Config(api_key=lambda: today[0], storage="file:batch_jobs", rounds=1)
    with BlockingClient(config, backend=Offer(backend=backend, name="loud", realtime=True, sleep=no_time)) as client:
        for key in keys:
            tried(lambda: client.run_prompts(PROMPTS * 3, output="o.jsonl"), key)
    for key in keys:
        nothing_shows(key, stage, records, capsys)


@pytest.mark.parametrize("source", ["environment", "qwen-dataset.toml"])
@pytest.mark.parametrize("key", BOTH)
@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("make", [realtime, batch])
def test_a_backend_that_is_named_on_the_command_line(
    stage: Stage,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[..., Offer],
    trouble: Trouble,
    key: str,
    source: str,
) -> None:
    from qwen_dataset.app.wiring import registry

    def factory(settings: BackendSettings) -> Offer:
        assert settings.api_key is not None
        return make(trouble, settings.api_key)

    module = ModuleType("loud_backend")
    module.factory = factory  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "loud_backend", module)
    entry = EntryPoint("loud", "loud_backend:factory", "qwen_dataset.backends")
    monkeypatch.setattr(registry, "installed", lambda: (("loud-backend", entry),))
    if source == "environment":
        monkeypatch.setenv("DASHSCOPE_API_KEY", key)
    else:
        stage.write(source, f'api_key = "{key}"\n')
    stage.papers()
    written = [stage.generate("papers", backend="loud"), stage.call("batch", "list"), stage.call("config", "show")]
    for said in written:
        assert "Traceback" not in said.out + said.err, said.err
        hidden(said.out + said.err, key, "the terminal")
    assert written[0].code in (1, 3), written[0].err
    for name, data in stage.tree().items():
        assert name == source or key.encode() not in data, name
    hidden(capsys.readouterr().err, key, "the terminal")


def test_the_command_line_hides_what_looks_like_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    from qwen_dataset.app.cli.session import fail_all

    with pytest.raises(SystemExit):
        fail_all([f"the key {BOTH[0]} is wrong", "and more"], 3)
    assert capsys.readouterr().err == "qwen-dataset: the key *** is wrong\nqwen-dataset: and more\n"
