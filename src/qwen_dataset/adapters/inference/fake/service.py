"""The far side of the fake: what a service would remember, and what it would bill.

``python -m qwen_dataset.adapters.inference.fake.service PATH`` prints what was paid, as JSON.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import orjson

from ....domain.inference import FailureKind
from ....errors import BackendRejected
from .counter import CompactCounter
from .fate import RemoteJob, visible_after
from .log import AppendLog, Place, Transaction
from .settings import FakeSettings
from .shelf import NewFile, Shelf

_ANSWERED = "ok"
_IDS_SHOWN = 20


@attrs.frozen(kw_only=True)
class _Entry:
    """A job without its lines, small enough to keep for every job."""

    id: str
    at: float
    visible_at: float
    place: Place


class FakeService:
    """Batches, calls and cancels in one append-only file (or in this object when ``path`` is None).

    The file is outside the storage of any job: what a killed process paid for stays counted. Many processes may use
    it at once. Every method first reads what others have added; times are seconds of the caller's clock. All raise
    ``BackendUnavailable`` when the file cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._log = AppendLog(path)
        self.shelf = Shelf(path)
        self._by_key: dict[str, list[_Entry]] = {}
        self._by_id: dict[str, _Entry] = {}
        self._tries: Counter[tuple[str, str]] = Counter()
        self._cancelled: dict[str, float] = {}
        self._files: set[str] = set()
        self._deleted: set[str] = set()
        self._runs: CompactCounter | None = None
        self._loaded: RemoteJob | None = None
        self._latest = 0.0
        with self._reading():
            pass

    @property
    def latest(self) -> float:
        """The latest moment that anyone has recorded, as far as this object has read."""
        return self._latest

    def note_time(self, at: float) -> None:
        """Record that it is at least this late, so that no process starts earlier."""
        with self._reading() as log:
            if at > self._latest:
                self._append(log, {"op": "clock", "at": at})

    def tries(self, what: str, key: str) -> int:
        """Count what was recorded for a key: ``submit`` (created or refused) or ``unavailable …``."""
        with self._reading():
            return self._tries[what, key]

    def note_unavailable(self, what: str, key: str, *, now: float) -> None:
        """Record that a question got no answer, so that a later process does not meet the same one again."""
        with self._reading() as log:
            self._append(log, {"op": "unavailable", "what": what, "key": key, "at": now})

    def find(self, key: str, *, now: float) -> str | None:
        """Return the id of the oldest job that has this key and is visible, or None."""
        with self._reading():
            visible = [entry for entry in self._by_key.get(key, ()) if entry.visible_at <= now]
            return min(visible, key=lambda entry: (entry.at, entry.id)).id if visible else None

    def refuse(self, key: str, why: str, *, now: float) -> None:
        """Record a submission that was refused: nothing is bought."""
        with self._reading() as log:
            self._append(log, {"op": "refuse", "key": key, "why": why, "at": now})

    def upload(self, new: NewFile, name: str, *, now: float) -> str:
        """Keep a file and return its id. Spends nothing."""
        with self._reading() as log:
            file = self._shelve(new)
            self._append(log, {"op": "upload", "file": file, "name": name, "at": now})
            return file

    def lines(self, file: str) -> Iterator[bytes]:
        """Yield the lines of an uploaded file. Raises ``BackendRejected`` for one that is not there."""
        with self._reading():
            known = file in self._files and file not in self._deleted
        if not known:
            raise BackendRejected(f"the fake has no file {file!r}; is this the remote file it was uploaded to?")
        return self.shelf.lines(file)

    def delete(self, file: str, *, now: float) -> None:
        """Take a file away. What was made of it stays, as at a real service; so its lines are kept underneath."""
        with self._reading() as log:
            if file not in self._deleted:
                self._append(log, {"op": "delete", "file": file, "at": now})

    def is_deleted(self, file: str) -> bool:
        """Say whether somebody has deleted this file."""
        with self._reading():
            return file in self._deleted

    def job_ids(self, *, now: float) -> list[str]:
        """Return the ids of the jobs that can be seen, the newest first."""
        with self._reading():
            return [entry.id for entry in reversed(self._by_id.values()) if entry.visible_at <= now]

    def create(
        self,
        key: str,
        ids: Sequence[str],
        *,
        settings: FakeSettings,
        now: float,
        lines: NewFile | str | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> str:
        """Buy a batch and return its id. Spends. As a real service it never looks whether the key exists.

        ``lines`` are those of its requests, to be kept or kept already; ``about`` see ``RemoteJob``.
        """
        with self._reading() as log:
            file = self._shelve(lines) if isinstance(lines, NewFile) else lines
            counted = self._counted(log) if settings.draws_per_run else None
            attempt = self._tries["submit", key]
            record = {
                "op": "create",
                "job": f"batch_{len(self._by_id) + 1:06d}",
                "key": key,
                "at": now,
                "visible_at": now + visible_after(settings, key, attempt),
                "attempt": attempt,
                "runs": {} if counted is None else {each: counted[each] for each in ids if counted[each]},
                "settings": settings.to_url_params(),
                "ids": ids,
                "file": file,
            }
            if about:
                record["about"] = about
            self._append(log, record)
            return str(record["job"])

    def call(
        self, request_id: str, *, settings: FakeSettings, decide: Callable[[int], FailureKind | None], now: float
    ) -> tuple[int, FailureKind | None]:
        """Record a realtime call before its answer is handed over. Spends, unless ``decide`` names a failure.

        ``decide`` gets the number of earlier runs of this id. Returns that number and what ``decide`` said.
        """
        with self._reading() as log:
            run = self._counted(log)[request_id] if settings.draws_per_run else 0
            failure = decide(run)
            self._append(log, {"op": "call", "id": request_id, "kind": failure or _ANSWERED, "at": now})
            return run, failure

    def cancel(self, job_id: str, *, now: float) -> None:
        """Stop a job: lines that are not done never run. Again, or after its end, it changes nothing.

        Raises ``BackendRejected`` for an id that does not exist.
        """
        with self._reading() as log:
            job = self._load(log, job_id)
            if job_id not in self._cancelled and now < job.end(None)[0]:
                self._append(log, {"op": "cancel", "job": job_id, "at": now})

    def job(self, job_id: str) -> RemoteJob:
        """Return a job with its lines. Raises ``BackendRejected`` for an id that does not exist."""
        with self._reading() as log:
            return self._load(log, job_id)

    def cancelled_at(self, job_id: str) -> float | None:
        """Say when a job was cancelled before its end, or None."""
        with self._reading():
            return self._cancelled.get(job_id)

    def paid(self) -> Counter[str]:
        """Count how often each request id was paid for, by this service's own books.

        A batch line costs when it ran or will run: also if nobody ever fetches it, and if its result is missing or
        garbled; not if it failed, expired or was cancelled before. A call costs when it gave a completion, also if
        its reply was lost.
        """
        paid: Counter[str] = Counter()
        with self._reading() as log:
            for record in log.everything():
                if record["op"] == "create":
                    paid.update(RemoteJob.from_record(record).paid_ids(self._cancelled.get(record["job"])))
                elif record["op"] == "call" and record["kind"] == _ANSWERED:
                    paid[record["id"]] += 1
        return paid

    def totals(self) -> dict[str, Any]:
        """Return ``jobs``, ``paid``, ``paid_twice`` (ids paid more than once) and some ``ids_paid_twice``."""
        paid = self.paid()
        twice = sorted(request_id for request_id, count in paid.items() if count > 1)
        return {
            "jobs": len(self._by_id),
            "paid": paid.total(),
            "paid_twice": len(twice),
            "ids_paid_twice": twice[:_IDS_SHOWN],
        }

    def _shelve(self, new: NewFile) -> str:
        """Keep a file under the next number. The log is locked, so nobody else takes it."""
        name = f"file-batch-{len(self._files) + 1:06d}"
        self.shelf.keep(new, name)
        return name

    @contextmanager
    def _reading(self) -> Iterator[Transaction]:
        with self._log.locked() as log:
            self._catch_up(log)
            yield log

    def _catch_up(self, log: Transaction) -> None:
        for place, record in log.unread():
            self._note(place, record)
            if self._runs is not None:
                _count_runs(self._runs, record)

    def _append(self, log: Transaction, record: dict[str, Any]) -> None:
        log.append(record)
        self._catch_up(log)

    def _note(self, place: Place, record: dict[str, Any]) -> None:
        """Keep of a record what finding needs."""
        self._latest = max(self._latest, record["at"])
        match record["op"]:
            case "create":
                entry = _Entry(id=record["job"], at=record["at"], visible_at=record["visible_at"], place=place)
                self._by_key.setdefault(record["key"], []).append(entry)
                self._by_id[entry.id] = entry
                self._tries["submit", record["key"]] += 1
                if record.get("file"):
                    self._files.add(record["file"])
            case "upload":
                self._files.add(record["file"])
            case "delete":
                self._deleted.add(record["file"])
            case "refuse":
                self._tries["submit", record["key"]] += 1
            case "unavailable":
                self._tries[record["what"], record["key"]] += 1
            case "cancel":
                self._cancelled.setdefault(record["job"], record["at"])

    def _load(self, log: Transaction, job_id: str) -> RemoteJob:
        if self._loaded is None or self._loaded.id != job_id:
            if job_id not in self._by_id:
                raise BackendRejected(f"the fake has no batch {job_id!r}; is this the remote file it was created in?")
            self._loaded = RemoteJob.from_record(log.at(self._by_id[job_id].place))
        return self._loaded

    def _counted(self, log: Transaction) -> CompactCounter:
        """Return the count of runs by id; read only by runs that have faults, so that others need no memory for it."""
        if self._runs is None:
            self._runs = CompactCounter()
            for record in log.everything():
                _count_runs(self._runs, record)
        return self._runs


def _count_runs(runs: CompactCounter, record: dict[str, Any]) -> None:
    if record["op"] == "create":
        for request_id in record["ids"]:
            runs.add(request_id)
    elif record["op"] == "call":
        runs.add(record["id"])


def main(arguments: Sequence[str]) -> int:
    """Print the totals of a remote file as one line of JSON; 2 when it is not there."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        sys.stderr.write("usage: python -m qwen_dataset.adapters.inference.fake.service PATH-OF-AN-EXISTING-FILE\n")
        return 2
    sys.stdout.write(orjson.dumps(FakeService(arguments[0]).totals()).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
