"""One job between a folder or a bucket and one server: run it, kill it, and compare its books with the server's."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import attrs
import orjson
from stored import StoredJob, read_job

from qwen_dataset.adapters.storage.file import FileStorage
from qwen_dataset.app.wiring import bootstrap
from qwen_dataset.domain.inference import Completion, Failure, FailureKind
from qwen_dataset.testing.bailian import RunningServer
from tests.bailian.nursery import Child, Nursery

KEY = "sk-test0123456789abcdef"
DONE, PART_FAILED, BAD_INPUT, NOT_FINISHED = 0, 1, 2, 3
HASTE = 10.0  # how much shorter our children wait than they think
SETTLE = 0.5  # seconds, really; the service's is a minute
LATE = 0.8 * SETTLE  # by the server's clock, which goes as ours does
CONCURRENCY = 4
POSSIBLY_PAID = frozenset({FailureKind.UNKNOWN})
_ROUNDS = 12


@attrs.define(kw_only=True)
class Scene:
    """A server, a storage and a command line. ``parameters`` are those of the backend's address."""

    folder: Path
    papers: Path
    server: RunningServer
    children: Nursery
    storage: str
    backend: str = "openai-batch"
    parameters: dict[str, object] = attrs.field(factory=lambda: {"requests": 3})
    options: tuple[object, ...] = ()
    env: dict[str, str] = attrs.field(factory=dict)
    haste: float = HASTE

    # ---- running

    @property
    def output(self) -> Path:
        return self.folder / "out.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "steps.log"

    def generate(self, **kill: Any) -> Child:
        """Run ``generate`` to its end, or to its death at a step (``at``, ``when``) or a moment (``after``)."""
        self.log.unlink(missing_ok=True)
        return self._run(
            *("generate", self.papers, "--output", self.output, "--max-samples", 99, *self.options, *self._common),
            log=str(self.log),
            **kill,
        )

    def resume(self, *options: object, **kill: Any) -> Child:
        """Run ``resume`` of the only job."""
        return self._run("resume", self.job(), "--output", self.output, *options, *self._common, **kill)

    @property
    def _common(self) -> list[object]:
        url = self.server.batch_chat_url if self.backend == "batch-chat" else self.server.base_url
        address = f"{self.backend}:?{urlencode({'settle': SETTLE * self.haste, **self.parameters})}"
        backend = ["--backend", address, "--base-url", url, "--poll", 0.5, "--concurrency", CONCURRENCY]
        return ["--storage", self.storage, *backend, "--json"]

    def _run(self, *arguments: object, **kill: Any) -> Child:
        env = {"DASHSCOPE_API_KEY": KEY, "QWEN_DATASET_LANG": "en", **self.env}
        child = self.children.run(*arguments, cwd=self.folder, env=env, haste=self.haste, **kill)
        assert "Traceback" not in child.err, child.err
        assert KEY not in child.out + child.err
        assert child.code != -14, f"no end in {child.seconds:.0f} seconds: {child.err}"
        return child

    def to_the_end(self, *, resumes: int = _ROUNDS) -> Child:
        """Run ``generate`` and then ``resume`` as long as it says that something is left and something may come."""
        child = self.generate()
        for _ in range(resumes):
            if child.code != NOT_FINISHED:
                break
            child = self.resume()
        assert child.code in {DONE, PART_FAILED}, f"exit {child.code}: {child.err}"
        return child

    # ---- reading

    def job(self) -> str:
        """Return the id of the only job."""
        if self.storage.startswith("file:"):
            (folder,) = (self.folder / "batch_jobs").iterdir()
            return folder.name
        child = self._run("status", "--storage", self.storage, "--json")
        assert child.code == DONE, child.err
        (line,) = child.out.splitlines()
        return str(orjson.loads(line)["job"])

    def has_job(self) -> bool:
        """Say whether a local storage has a job that is planned."""
        return any((self.folder / "batch_jobs").glob("*/spec.json"))

    def log_of_job(self) -> str:
        """Return what the runs of the only job said, in its log."""
        return "".join(file.read_text() for file in sorted((self.folder / "batch_jobs").glob("*/log/*.log")))

    def status(self) -> dict[str, Any]:
        """Return what ``status JOB --json`` says."""
        child = self._run("status", self.job(), "--storage", self.storage, "--json")
        assert child.code == DONE, child.err
        return child.report

    def stored(self) -> StoredJob:
        """Read the job's objects back, past the engine."""
        job = self.job()
        if self.storage.startswith("file:"):
            return asyncio.run(read_job(FileStorage(self.folder / "batch_jobs"), job))
        return asyncio.run(_read(self.storage, job))

    def steps(self) -> list[str]:
        """Return the names of the steps that the last ``generate`` began, in order; the first is step 1."""
        lines = [line.split(" ", 2) for line in self.log.read_text().splitlines()]
        return [name for _, when, name in lines if when == "before"]

    def samples(self) -> list[tuple[str, str, str]]:
        """Return the dataset without what differs between servers."""
        records = [orjson.loads(line) for line in self.output.read_bytes().splitlines()]
        return [(each["instruction"], each["input"], each["output"]) for each in records]

    def check(self, said: dict[str, Any] | None = None) -> Books:
        """Assert what must hold at the end of every run, and return the books of both sides.

        ``said`` is the report of the run; without it ``status --json`` is asked.
        """
        status, stored, ledger = said or self.status(), self.stored(), self.server.totals()
        stored.check()
        final = {id_: found[-1] for id_, found in stored.outcomes.items()}
        completed = {id_ for id_, outcome in final.items() if isinstance(outcome, Completion)}
        sums = tuple(status[name] for name in ("requests", "completions", "failures", "unanswered"))
        assert sums == (len(stored.planned), len(completed), len(final) - len(completed), 0)
        unknown = {
            id_
            for id_, found in stored.outcomes.items()
            if any(isinstance(each, Failure) and each.kind in POSSIBLY_PAID for each in found)
        }
        return Books(
            status=status, completed=completed, unknown=unknown, planned=set(stored.planned), ledger=ledger, final=final
        )


async def _read(storage: str, job: str) -> StoredJob:
    opened = bootstrap.storage(storage)
    return await read_job(opened, job)


@attrs.frozen(kw_only=True)
class Books:
    """What a finished job and the server say of the same requests."""

    status: dict[str, Any]
    planned: set[str]
    completed: set[str]
    unknown: set[str]
    final: dict[str, Completion | Failure]
    ledger: dict[str, Any]

    def check_batch(self, *, may_lose: bool = False) -> None:
        """Nothing paid twice; every paid answer stored, but for what the service itself lost."""
        ledger = self.ledger
        assert (ledger["paid_twice"], ledger["bodies_paid_twice"], ledger["paid_realtime"]) == (0, 0, 0)
        paid = set(ledger["paid"])
        assert paid <= self.planned
        assert self.completed <= paid
        assert paid - self.completed <= self.unknown
        assert may_lose or paid == self.completed
        assert self.status["possibly_paid"] >= len(paid - self.completed)

    def check_realtime(self, *, at_most: int) -> int:
        """Return how often an answer was paid that nobody has; that is at most so often."""
        assert set(self.ledger["calls"]) <= {"chat", "batch_chat", "native"}
        again = int(self.ledger["paid_total"]) - len(self.completed)
        assert 0 <= again <= at_most
        return again
