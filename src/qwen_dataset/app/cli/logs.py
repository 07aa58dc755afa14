"""The log of one run: a file in the job's own folder, where jobs are kept in a local folder."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import time
from collections import deque
from pathlib import Path
from typing import Self, TextIO

from ... import __name__ as package_name
from ... import __version__
from ...errors import SettingError
from ..wiring import plugins
from ..wiring.config import Config
from ..wiring.secrets import redact

_EARLY = 1000  # lines that are kept until the job is known

_log = logging.getLogger(__name__)


class JobLog(logging.Handler):
    """Writes what the package logs, from INFO up, to ``<job>/log/<UTC start>-<pid>.log``, without a key in it.

    What was logged before the job was known comes first. A log is a help and not a duty: where it cannot be written
    there is none, and nobody hears of it.
    """

    def __init__(self, config: Config) -> None:
        super().__init__(logging.INFO)
        formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)
        self._config = config
        self._secrets = [config.api_key] if isinstance(config.api_key, str) else []
        self._folder = _local_folder(config.storage)
        self._began = dt.datetime.now(dt.UTC)
        self._early: deque[str] = deque(maxlen=_EARLY)
        self._file: TextIO | None = None
        self._package = logging.getLogger(package_name)
        self._level_before = self._package.level

    def __enter__(self) -> Self:
        if self._folder is not None:
            self._level_before = self._package.level
            self._package.setLevel(logging.INFO)
            self._package.addHandler(self)
            _log.info("version %s, process %d, %r", __version__, os.getpid(), self._config)
        return self

    def __exit__(self, *_: object) -> None:
        if self in self._package.handlers:
            self._package.removeHandler(self)
            self._package.setLevel(self._level_before)
        self._drop()
        self.close()

    def begin(self, job_id: str) -> None:
        """Open the file, now that the job is known."""
        if self._folder is None or self._file is not None:
            return
        path = self._folder / job_id / "log" / f"{self._began:%Y%m%dT%H%M%SZ}-{os.getpid()}.log"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A line at a time, so that a process that is killed has told everything.
            self._file = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        except OSError:
            self._drop()
        while self._early:
            self._write(self._early.popleft())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = redact(self.format(record), *self._secrets)
        except Exception:  # noqa: BLE001 - a record that cannot be formatted must not end the run
            self.handleError(record)
        else:
            self._write(line)

    def _write(self, line: str) -> None:
        if self._folder is None:
            return
        if self._file is None:
            self._early.append(line)
            return
        try:
            self._file.write(f"{line}\n")
        except OSError:
            self._drop()

    def _drop(self) -> None:
        """Write no more."""
        file, self._file, self._folder = self._file, None, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()


def _local_folder(storage: str) -> Path | None:
    try:
        return plugins.local_folder(storage)
    except SettingError:
        # Whoever opens the storage says what is wrong with it.
        return None
