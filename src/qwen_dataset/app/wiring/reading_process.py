"""One process that reads, seen from the one that started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

from ...errors import SettingError
from ..codec import encode
from .read_limits import ReadLimits
from .reading_task import Task
from .reading_wire import ASK, Reply, Unframed, framed
from .settings import by_name

_PIECE = 1024 * 1024
_START_SECONDS = 60.0
# Nothing of a folder that happens to be the current one is imported, and everything that can be imported here can be
# there. A user's own script is not run again, as it would be by a pool of the standard library.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from qwen_dataset.app.wiring.reading_worker import main; main(sys.argv[2].encode())"
)


class ReadingProcess:
    """A process that reads one thing at a time, and the time since it was last heard of.

    It is in a session of its own: Ctrl-C is for this process, which stops that one. Raises SettingError where no
    process can be started.
    """

    def __init__(self, limits: ReadLimits) -> None:
        command = [sys.executable, "-P", "-c", _PROGRAM, json.dumps(sys.path), encode(limits).decode()]
        hidden = by_name("api_key").variables
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and a program of ours
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                bufsize=0, env=environment, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise _cannot_start(str(error.strerror)) from None
        self._messages = Unframed()
        self._limits = limits
        self._is_ready = False
        self.is_idle = True
        self.since = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        """Return what becomes readable when it has something to say, or has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def ask(self, task: Task, lines: bytes) -> None:
        """Hand over what to read."""
        assert self._process.stdin is not None
        view = memoryview(framed(ASK, encode(task) + lines))
        self.is_idle = False
        self.since = time.monotonic()
        try:
            while view:
                view = view[self._process.stdin.write(view) or 0 :]
        except BrokenPipeError:
            # It has ended, which is noticed when it is listened to.
            return

    def hear(self) -> list[tuple[Reply, bytes]] | None:
        """Return what it says, None where it has ended. Waits until it says something or ends.

        Raises SettingError where it has ended before it could begin.
        """
        data = os.read(self.fileno(), _PIECE)
        self.since = time.monotonic()
        if not data:
            self._check_began(self.verdict())
            return None
        try:
            found = [(Reply(kind), payload) for kind, payload in self._messages.feed(data)]
        except ValueError:
            return None
        if not self._is_ready and found:
            self._is_ready = True
            del found[0]
        return found

    def overdue(self, now: float) -> bool:
        """Say whether it has been silent for too long; in the beginning a slow disk is given its time.

        Raises SettingError where it did not even begin.
        """
        seconds = self._limits.seconds if self._is_ready else max(self._limits.seconds, _START_SECONDS)
        is_late = now - self.since > seconds
        if is_late:
            self._check_began("it does not answer")
        return is_late

    def due(self) -> float:
        """Return when it should have been heard of."""
        return self.since + self._limits.seconds

    def verdict(self) -> str:
        """Wait for it to end, and return how it did."""
        code = self._process.wait()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name

    def stop(self) -> None:
        """End it at once, whatever it does; nothing of it is left."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()

    def _check_began(self, why: str) -> None:
        if not self._is_ready:
            raise _cannot_start(why)


def _cannot_start(why: str) -> SettingError:
    return SettingError(f"no process to read papers in could be started ({why}); read_processes = 0 does without")
