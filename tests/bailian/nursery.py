"""Real processes, quickly: this program imports everything once and forks a child for each command line it is given.

A child is a process of its own in every respect (pid, lease, sockets, SIGKILL); only the second of importing is saved,
which makes hundreds of kills affordable. Nothing but imports happens before the fork: no loop, no object store.

One JSON object a line on standard input: ``argv``, ``cwd``, ``env``, ``seconds`` (at most), ``log`` (a file that gets
a line a step), ``at`` and ``when`` (the step to be killed before, after, or ``during``: ``delay`` seconds later) or
``after`` (seconds until it is killed). One a line on standard output: ``code`` (negative: the signal), ``out``,
``err``, ``seconds``.

Waits are shortened by ``haste`` (default 10; the clocks go as they do), so that what waits five seconds for a service
to recover, or a minute for it to settle, takes a tenth of it. A step is what ``CrashSwitch`` calls one, and each HTTP
request of the OpenAI SDK.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

STARTING_SECONDS = 60.0


@attrs.frozen(kw_only=True)
class Child:
    """How a child ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def report(self) -> dict[str, Any]:
        """What --json printed last."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


class Nursery:
    """The parent of all children, asked from a test; one child at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(STARTING_SECONDS)
        self._process.stdout.close()

    def run(self, *argv: object, cwd: Path, env: dict[str, str], seconds: float = 60.0, **kill: Any) -> Child:
        """Run the command line in a child until its end, at most so many seconds (then it is killed: code -14)."""
        wish = {"argv": [*map(str, argv)], "cwd": str(cwd), "env": env, "seconds": seconds, **kill}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the nursery is gone"
        return Child(**json.loads(answer))


@contextmanager
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    try:
        yield made
    finally:
        made.close()


# ---- the program ----------------------------------------------------------------------------------------------------


class Haste:
    """``asyncio.sleep`` for people in a hurry. Set before all imports, because defaults keep what they find."""

    def __init__(self) -> None:
        self.factor = 1.0
        self._sleep = asyncio.sleep

    async def sleep(self, delay: float, result: Any = None) -> Any:
        return await self._sleep(delay / self.factor, result)


HASTE = Haste()


def main() -> None:
    asyncio.sleep = HASTE.sleep
    import obstore.store
    import openai

    import qwen_dataset.app.cli.look
    import qwen_dataset.app.cli.work
    from qwen_dataset.app.wiring import plugins

    assert obstore.store
    assert openai
    assert qwen_dataset.app.cli.look
    assert qwen_dataset.app.cli.work
    for registry in (plugins.backends, plugins.storages):
        for row in registry.rows.values():
            row.load()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_bear(json.loads(line))) + "\n")
        sys.stdout.flush()


def _bear(wish: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            _live(wish, out.fileno(), err.fileno())
        code = _watch(pid, began, wish)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return {"code": code, "out": texts[0], "err": texts[1], "seconds": time.monotonic() - began}


def _watch(pid: int, began: float, wish: dict[str, Any]) -> int:
    ends = [(began + wish["seconds"], signal.SIGALRM)]
    if wish.get("after") is not None:
        ends.append((began + wish["after"], signal.SIGKILL))
    moment, number = min(ends)
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= moment:
            os.kill(pid, number)
            _, status = os.waitpid(pid, 0)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.004)


def _live(wish: dict[str, Any], out: int, err: int) -> None:
    code = 70
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, target in enumerate((nothing, out, err)):
            os.dup2(target, number)
        os.setsid()
        os.chdir(wish["cwd"])
        os.environ.update(wish["env"])
        HASTE.factor = wish.get("haste", 10.0)
        if wish.get("log"):
            _wrap(wish["log"], wish.get("at"), wish.get("when", "before"), wish.get("delay", 0.003))
        code = _command(wish["argv"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _command(argv: list[str]) -> int:
    from qwen_dataset.app.cli.main import main as command

    sys.argv = ["qwen-dataset", *argv]
    try:
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001 - as the interpreter would end
        import traceback

        traceback.print_exc()
        return 71
    return 0


def _wrap(log: str, at: int | None, when: str, delay: float) -> None:
    """Put the executioner between the program and both ports, and below the SDK."""
    import openai

    from qwen_dataset.app.wiring import bootstrap
    from qwen_dataset.ports.inference import Offer
    from qwen_dataset.ports.storage import Storage
    from qwen_dataset.testing.crash import CrashingBackend, CrashingStorage, CrashSwitch

    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    class Executioner(CrashSwitch):
        async def _reached(self, number: int, name: str, moment: str) -> None:
            os.write(file, f"{number} {moment} {name}\n".encode())
            if number != at:
                return
            if moment == when:
                os.kill(os.getpid(), signal.SIGKILL)
            if when == "during" and moment == "before":
                # What is on its way may still arrive, at a time when its sender is dead.
                asyncio.get_running_loop().call_later(delay, os.kill, os.getpid(), signal.SIGKILL)

    switch = Executioner()
    open_storage, open_backend = bootstrap.storage, bootstrap.backend
    # httpx or httpx2, by the version of the SDK.
    httpx = importlib.import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])
    send = httpx.AsyncHTTPTransport.handle_async_request

    def storage(address: str) -> Storage:
        return CrashingStorage(open_storage(address), switch)

    async def backend(*arguments: Any, **named: Any) -> Offer:
        offer = await open_backend(*arguments, **named)
        return attrs.evolve(offer, backend=CrashingBackend(offer.backend, switch))

    async def handle(self: Any, request: Any) -> Any:
        name = f"http.{request.method} {request.url.path}"
        return await switch.step(name, lambda: send(self, request))

    bootstrap.storage, bootstrap.backend = storage, backend
    httpx.AsyncHTTPTransport.handle_async_request = handle


if __name__ == "__main__":
    main()
