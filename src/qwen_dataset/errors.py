"""Every error the package raises on purpose.

QwenDatasetError
├── SettingError            bad input or setting; nothing was spent (exit 2)
│   └── NotApproved         a person was asked whether to spend, and did not say yes
├── ReadError               one paper could not be read
├── OutputError             the dataset could not be written; everything stays in the job
├── StorageError            the storage could not do what was asked
│   ├── KeyNotFound
│   ├── KeyExists           a create-only put met an existing key
│   ├── InvalidKey          the key would leave the root, or is malformed
│   ├── StorageFull         no space left, or a size limit was met
│   └── StorageUnavailable  retryable; the write may or may not have happened
├── BackendError            the backend could not be asked (never: one request failed)
│   ├── BackendUnavailable  retryable; what was sent may or may not have arrived
│   │   └── BackendUnreached    retryable; nothing has arrived
│   ├── BackendRejected     a definite no; nothing was bought
│   └── BackendDenied       a definite no to everything until a person mends something (key, arrears, model)
└── JobError
    ├── JobNotFound
    ├── JobBusy             another live process has the job
    ├── JobOverlap          another job has some of the same requests under way
    ├── JobUnfinished       stopped early; everything is kept, `resume` goes on
    │   ├── CostLimitReached    nothing more may be bought below --max-cost
    │   └── PilotFailed         the pilot gave too few samples for the rest to be bought
    ├── LeaseLost           another process took the job over
    └── LedgerCorrupt       stored events contradict each other or cannot be read

``retryable`` is a class attribute: True where asking again later can help without any change by a person.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar, Self


class QwenDatasetError(Exception):
    """Base of the tree. ``str()`` is one clear sentence for a person."""

    retryable: ClassVar[bool] = False


class SettingError(QwenDatasetError):
    """Bad input or bad settings; each of ``problems`` is a sentence that names one and says what to do."""

    def __init__(self, message: str, problems: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)

    @classmethod
    def of(cls, problems: Iterable[str]) -> Self:
        """Return one error that tells every problem."""
        told = tuple(problems)
        return cls("\n".join(told), told)


class NotApproved(SettingError):
    """Nothing was spent, since nobody said yes to what it would cost."""


class ReadError(QwenDatasetError):
    """One paper could not be read; the sentence names the file (and line)."""


class OutputError(QwenDatasetError):
    """The dataset could not be written. Nothing that was paid for is lost."""


class StorageError(QwenDatasetError):
    """The storage could not do what was asked."""


class KeyNotFound(StorageError):
    """No object has this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"no object is stored under {key!r}")
        self.key = key


class KeyExists(StorageError):
    """A create-only put met an object that is already there."""

    def __init__(self, key: str) -> None:
        super().__init__(f"an object is already stored under {key!r}")
        self.key = key


class InvalidKey(StorageError):
    """The key is malformed or would leave the storage's root."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key!r} is not a storage key: {why}")
        self.key = key


class StorageFull(StorageError):
    """No space left, or a file size limit was met."""


class StorageUnavailable(StorageError):
    """The storage gave no reply: a write may or may not have happened."""

    retryable = True


class BackendError(QwenDatasetError):
    """The backend could not be asked. One failed request is a ``Failure``, never this."""


class BackendUnavailable(BackendError):
    """No definite answer came: what was sent may or may not have arrived."""

    retryable = True


class BackendUnreached(BackendUnavailable):
    """The backend was never reached: nothing that was sent has arrived, so nothing was bought."""


class BackendRejected(BackendError):
    """The backend answered no. Nothing was bought by this call."""


class BackendDenied(BackendError):
    """The backend takes nothing until a person mends something: a wrong key, arrears, a model that is not there.

    Nothing was bought by this call. The run stops and keeps everything; the sentence says what to mend.
    """


class JobError(QwenDatasetError):
    """The job cannot go on as asked."""


class JobNotFound(JobError):
    """No stored job has this name."""


class JobBusy(JobError):
    """Another live process has the job."""


class JobOverlap(JobError):
    """Another job has some of the same requests under way."""

    def __init__(self, job: str, requests: int) -> None:
        super().__init__(
            f"{requests} of these requests are under way in job {job}; nothing was submitted:"
            " resume or cancel that job, then run this again"
        )
        self.job = job


class JobUnfinished(JobError):
    """The run stopped before the end. Everything is kept and ``resume`` goes on."""


class CostLimitReached(JobUnfinished):
    """Nothing more can be bought below the job's limit. What is in flight was awaited, and everything is kept.

    ``needed`` is the least limit with which the job goes on, None where nobody can say.
    """

    def __init__(self, message: str, *, needed: Decimal | None = None) -> None:
        super().__init__(message)
        self.needed = needed


class PilotFailed(JobUnfinished):
    """The pilot gave fewer samples than a person asked for, so the rest was not bought."""


class LeaseLost(JobError):
    """Another process took the job over; this one must not write or spend any more."""


class LedgerCorrupt(JobError):
    """Stored events contradict each other or cannot be read."""
