"""The blocking client and its background thread: Ctrl-C, closing at a bad moment, calls from the wrong place."""

from __future__ import annotations

import asyncio
import gc
import inspect
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.library.stage import LEDGER, Stage

PATIENCE = 20.0
SLOW = "fake:?mode=realtime&clock=real&latency=1&concurrency=2"
FAST = "fake:?mode=realtime"
PROMPTS = [f"prompt {n}" for n in range(6)]
VERBS = [
    ("generate", (["papers"],)),
    ("submit", (["papers"],)),
    ("run_prompts", (["a"],)),
    ("submit_prompts", (["a"],)),
    ("collect", ()),
    ("resume", ()),
    ("rebuild", ()),
    ("cancel", ()),
    ("status", ()),
    ("poll", ()),
    ("list_jobs", ()),
    ("answers", ()),
    ("rejects", ()),
    ("preview", (["papers"],)),
    ("plan", (["papers"],)),
]

# What a shell starts in the background ignores Ctrl-C, and so would what we start.
_HEARS_CTRL_C = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"


@pytest.fixture(autouse=True)
def _hear_ctrl_c() -> Iterator[None]:
    """Hear Ctrl-C in this process as well, whoever started it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def blocking(backend: Any = FAST, **more: Any) -> Any:
    from qwen_dataset import BlockingClient, Config

    return BlockingClient(Config(), backend=backend, **more)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def calls(home: Path) -> int:
    """How many calls the fake has taken money for, finished or not."""
    ledger = home / LEDGER
    return ledger.read_bytes().count(b'"op":"call"') if ledger.exists() else 0


class Aside:
    """Work in another thread: what it returned or raised, or that it hangs."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._result: Any = None
        self._thread = threading.Thread(target=self._keep, args=(work,), daemon=True)
        self._thread.start()

    def _keep(self, work: Callable[[], Any]) -> None:
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001 - shown to the test, whatever it is
            self._result = error

    def ended(self) -> Any:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "it hangs"
        return self._result


def no_warning() -> None:
    """Collect now what may warn (a coroutine never awaited, an error in a generator): that is an error."""
    gc.collect()


class Program:
    """A program of somebody else in a process of its own, which can be interrupted; warnings are errors there."""

    def __init__(self, stage: Stage, text: str) -> None:
        head = (
            f"from qwen_dataset import BlockingClient, Config\nSLOW, FAST, PROMPTS = {SLOW!r}, {FAST!r}, {PROMPTS!r}\n"
        )
        self._home = stage.home
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", _HEARS_CTRL_C + head + text],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=stage.home,
            text=True,
        )

    def interrupt(self, *, when_called: int = 0) -> None:
        until(lambda: calls(self._home) >= when_called or self._process.poll() is not None)
        self._process.send_signal(signal.SIGINT)

    def ended(self) -> tuple[int, list[str]]:
        out, err = self._process.communicate(timeout=PATIENCE)
        for word in ("Exception ignored", "never awaited", "never retrieved", "was destroyed"):
            assert word not in err, err
        return self._process.returncode, out.splitlines()


GOES_ON_BUYING = """
with BlockingClient(Config(), backend=SLOW) as client:
    try:
        for prompts in (PROMPTS[:{count}], ["next"]):
            client.run_prompts(prompts)
    except KeyboardInterrupt as stopped:
        print(type(stopped.__cause__).__name__, client.status().state.completed)
    print(client.run_prompts(["later"]).sums.completions)
"""


@pytest.mark.parametrize(("count", "cause"), [(2, "NoneType"), (3, "JobUnfinished")])
def test_ctrl_c_ends_the_script_also_when_the_run_ends_well(stage: Stage, count: int, cause: str) -> None:
    program = Program(stage, GOES_ON_BUYING.format(count=count))
    program.interrupt(when_called=2)
    code, said = program.ended()
    assert (code, said) == (0, [f"{cause} 2", "1"]), "what was in flight is stored, and the next call is another one"
    assert stage.paid() == stage.paid() | {"paid": 3, "paid_twice": 0}, "nothing else was bought"


def test_ctrl_c_that_nobody_catches_ends_the_process_as_usual(stage: Stage) -> None:
    program = Program(stage, "BlockingClient(Config(), backend=SLOW).run_prompts(PROMPTS[:3])")
    program.interrupt(when_called=2)
    assert program.ended() == (-signal.SIGINT, [])
    with blocking() as client:
        assert client.status().state.completed == 2


TWICE = """
try:
    with BlockingClient(Config(), backend=SLOW) as client:
        client.run_prompts(PROMPTS)
except KeyboardInterrupt:
    pass
with BlockingClient(Config(), backend=FAST) as client:
    print(client.status().state.completed)
    print(client.resume().sums.completions)
"""


def test_a_second_ctrl_c_stores_what_is_finished_and_gives_the_job_back(stage: Stage) -> None:
    program = Program(stage, TWICE)
    program.interrupt(when_called=4)  # two are finished, and not stored yet
    time.sleep(0.2)
    program.interrupt()
    assert program.ended() == (0, ["2", "6"])
    assert stage.paid() == stage.paid() | {"paid": 8, "paid_twice": 2}, "only what was in flight is paid again"


def test_a_third_ctrl_c_gives_up(stage: Stage) -> None:
    from qwen_dataset import Completion, ConcurrentBackend, Offer

    seen: list[str] = []

    def ctrl_c(why: str) -> None:
        seen.append(why)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    async def stubborn(request: Any) -> Any:
        ctrl_c("first")
        await client._client.stop.wait()
        ctrl_c("second")
        while not over:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                ctrl_c("third")
        return Completion(request_id=request.id, text="ok")

    async def at_once(request: Any) -> Any:
        return Completion(request_id=request.id, text="ok")

    over: list[bool] = []
    offer = Offer(backend=ConcurrentBackend(stubborn, realm="x", concurrency=1), name="x", realtime=True)
    client = blocking(offer)
    with pytest.raises(KeyboardInterrupt), client:
        client.run_prompts(["a"])
    assert seen == ["first", "second", "third"]
    over.append(True)
    assert Aside(client._thread.join).ended() is None, "what was given up still ends, and its thread with it"
    quick = ConcurrentBackend(at_once, realm="x", concurrency=1)
    with blocking(Offer(backend=quick, name="x", realtime=True)) as again:
        assert again.resume().sums.completions == 1, "the job was given back"


def test_closing_while_another_thread_waits_stores_what_is_finished(stage: Stage) -> None:
    from qwen_dataset import SettingError

    client = blocking(SLOW)
    call = Aside(lambda: client.run_prompts(PROMPTS))
    until(lambda: calls(stage.home) >= 4)
    client.close()
    error = call.ended()
    assert isinstance(error, SettingError)
    assert "closed" in str(error)
    assert "resume" in str(error)
    with blocking() as other:
        assert other.status().state.completed == 2
        assert other.resume().sums.completions == 6
    assert stage.paid() == stage.paid() | {"paid": 8, "paid_twice": 2}
    no_warning()


def test_closing_twice_and_from_two_threads(stage: Stage) -> None:
    client = blocking()
    ends = [Aside(client.close) for _ in range(4)]
    assert [each.ended() for each in ends] == [None] * 4
    client.close()
    assert not client._thread.is_alive()


@pytest.mark.parametrize(("verb", "given"), VERBS)
def test_a_closed_client_says_so(stage: Stage, verb: str, given: tuple[Any, ...]) -> None:
    from qwen_dataset import SettingError

    with blocking() as client:
        pass
    with pytest.raises(SettingError, match="BlockingClient is closed"):
        getattr(client, verb)(*given)
    no_warning()


def test_a_verb_inside_a_callback_is_refused_and_does_not_wait_for_itself(stage: Stage) -> None:
    from qwen_dataset import SettingError, Watch

    with blocking() as client:
        inside: list[Callable[[], Any]] = [
            client.status,
            lambda: client.run_prompts(["more"]),
            lambda: list(client.answers()),
            client.close,
        ]
        for number, call in enumerate(inside):
            watch = Watch(on_job=lambda *_, call=call: call())
            error = Aside(lambda n=number, w=watch: client.run_prompts([f"p{n}"], watch=w)).ended()
            assert isinstance(error, SettingError)
            assert "callback" in str(error)
        assert client.run_prompts(["p0"]).sums.completions == 1, "the client still works"
    no_warning()


def test_an_exit_inside_a_callback_is_the_callers_and_the_client_goes_on(stage: Stage) -> None:
    from qwen_dataset import Watch

    def leave(_: Any) -> None:
        sys.exit("enough")

    with blocking() as client:
        error = Aside(lambda: client.run_prompts(["a"], watch=Watch(on_progress=leave))).ended()
        assert isinstance(error, SystemExit)
        assert client.run_prompts(["a"]).sums.completions == 1
    assert stage.paid()["paid"] == 1


@pytest.mark.parametrize("end", ["close", "collect", "go on"])
def test_an_iteration_that_outlives_its_client(stage: Stage, end: str) -> None:
    from qwen_dataset import SettingError

    client = blocking()
    client.run_prompts(["a", "b"])
    items: Iterator[Any] | None = client.answers()
    assert items is not None
    next(items)
    client.close()
    if end == "close":
        items.close()  # type: ignore[attr-defined]
    elif end == "go on":
        with pytest.raises(SettingError, match="closed"):
            next(items)
    items = None
    no_warning()


def test_an_iteration_that_is_left_early_or_collected_anywhere(stage: Stage) -> None:
    from qwen_dataset import Watch

    with blocking() as client:
        client.run_prompts(["a", "b"])
        for _ in client.answers():
            break
        held = [client.answers(), client.answers()]
        next(held[0])
        # Collected in the background thread, where nothing may be waited for.
        client.run_prompts(["c"], watch=Watch(on_job=lambda *_: held.clear()))
        assert len(list(client.answers())) == 1
        assert list(client.rejects()) == []
    no_warning()


def test_ctrl_c_stops_the_calls_of_this_moment_only(stage: Stage) -> None:
    from qwen_dataset import Watch

    def ctrl_c(*_: Any) -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with blocking() as client:
        with pytest.raises(KeyboardInterrupt):
            client.run_prompts(["a"], watch=Watch(on_job=ctrl_c))
        assert client.run_prompts(["a"]).sums.completions == 1
    assert stage.paid()["paid"] == 1


def test_a_cancelled_call_that_nobody_closed_is_the_backends(stage: Stage) -> None:
    from concurrent.futures import CancelledError

    from qwen_dataset import Watch

    def give_up(*_: Any) -> None:
        raise asyncio.CancelledError

    with blocking() as client:
        with pytest.raises(CancelledError):
            client.run_prompts(["a"], watch=Watch(on_job=give_up))
        assert client.config.model == "qwen-plus"


def test_an_interrupt_right_before_a_call_begins_waits_for_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with blocking() as client:

        def interrupted(work: Any, ended: Any) -> None:
            work.close()
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(client, "_begin", interrupted)
            with pytest.raises(KeyboardInterrupt):
                client.list_jobs()
        assert client.list_jobs() == []
        assert not client._client.stop.is_set(), "the next call is not stopped"


@pytest.mark.parametrize("verb", [verb for verb, _ in VERBS])
def test_help_says_what_a_verb_does(verb: str) -> None:
    from qwen_dataset import BlockingClient, Client

    told = inspect.getdoc(getattr(BlockingClient, verb))
    assert told
    assert told == inspect.getdoc(getattr(Client, verb))
    assert verb in dict(VERBS)


def test_every_public_name_has_help() -> None:
    from qwen_dataset import BlockingClient

    public = {name for name in vars(BlockingClient) if not name.startswith("_")}
    assert public == dict(VERBS).keys() | {"close", "config"}
    assert all(getattr(BlockingClient, name).__doc__ for name in public)
