"""The answers of one batch: its files streamed, checked against what the service promised, and joined by id."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Collection, Iterator
from contextlib import aclosing
from enum import IntEnum
from functools import partial

from ....domain.inference import Failure, Outcome, Request
from ....errors import BackendUnavailable
from ....ports.remote import RemoteBatch
from ..asked import asked_ids
from .batch_object import ENDED, Seen
from .leftover import leftover_of, never_ran
from .lines import id_in, outcome_of_line, read_line, tells_of_a_completion
from .remote import OpenAIBatches
from .scratch import ScratchFile
from .service import Refused
from .usual import packed, unpacked, usual_answer

logger = logging.getLogger(__name__)

_FETCHES = 4  # a download that is shorter than promised is fetched three times more
_PAUSE = 5.0
_LONGEST_LINE = 32 << 20  # bytes; the longest answers have a few megabytes
_AROUND = b"\xef\xbb\xbf \t\r\n"  # what may stand around a line; some tools begin a file with a byte order mark


async def results_of(
    batches: OpenAIBatches,
    batch_id: str,
    requests: AsyncIterable[Request],
    *,
    look: Callable[[], Awaitable[Seen | None]],
    sleep: Callable[[float], Awaitable[None]],
    fetched: Counter[str],
) -> AsyncGenerator[Outcome, None]:
    """Yield one outcome for each request. Spends nothing; nothing but ids is held in memory.

    ``look`` returns the batch, None where the service knows it no more. ``fetched`` counts the downloads of each
    batch that were too short, also over calls that an outage cut short. Raises BackendUnavailable for network trouble
    and for a batch that has not ended, before anything is yielded.
    """
    asked = await asked_ids(requests)
    if not asked:
        return
    with ScratchFile() as scratch:
        harvest = Harvest(scratch, asked.keys())
        while True:
            await _fetch(batches, batch_id, harvest, look)
            if harvest.is_whole:
                break
            fetched[batch_id] += 1
            if fetched[batch_id] >= _FETCHES:
                break
            await sleep(_PAUSE * fetched[batch_id])
        del fetched[batch_id]
        harvest.log(batch_id)
        scratch.flush()
        for outcome in harvest.found():
            yield outcome
        rest = leftover_of(batch_id, harvest.batch, may_be_billed=harvest.may_be_billed)
        for request_id in harvest.missing():
            yield rest.failure(request_id)


async def _fetch(
    batches: OpenAIBatches, batch_id: str, harvest: Harvest, look: Callable[[], Awaitable[Seen | None]]
) -> None:
    """Look at the batch and read its files."""
    seen = await look()
    if seen is None:
        harvest.begin(None, is_counted=False)
        return
    batch = seen.batch
    if not batch.is_ended:
        raise BackendUnavailable(f"batch {batch_id} has not ended yet: it is {batch.status!r}")
    harvest.begin(batch, is_counted=seen.is_counted)
    for file_id, is_output in ((batch.output_file_id, True), (batch.error_file_id, False)):
        if file_id is not None:
            await _read(batches, file_id, harvest, is_output=is_output)


async def _read(batches: OpenAIBatches, file_id: str, harvest: Harvest, *, is_output: bool) -> None:
    lines = _Lines(partial(harvest.add, is_output=is_output))
    try:
        async with aclosing(batches.download(file_id)) as pieces:
            async for piece in pieces:
                lines.feed(piece)
    except Refused as error:
        if not error.is_gone:
            raise
        harvest.file_is_gone()
        return
    lines.end()


class _Kept(IntEnum):
    """What lies in the scratch file of what was taken."""

    FAILURE = 0  # its line, read again at the end: what became of the batch is known then
    LINE = 1  # a completion's whole line, where it is not of the usual form
    ANSWER = 2  # a completion as ``packed``: a good deal shorter than its line and sooner read again


_Place = tuple[int, int, _Kept]  # offset and length


class Harvest:
    """What was read so far of the files of one batch. Lines found in one fetch stay found in the next.

    Of several lines of one id a completion is taken before a failure, else the first; the lines that were taken lie
    in ``scratch``. Success lines are counted by the output file, for there the service puts what it counted.
    """

    def __init__(self, scratch: ScratchFile, asked: Collection[str]) -> None:
        self.batch: RemoteBatch | None = None
        self._scratch = scratch
        self._asked = asked
        self._places: dict[str, _Place] = {}  # where what was taken lies
        self._strangers: set[str] = set()  # ids that have lines and were not asked for
        self._output_ids: set[str] = set()
        self._this_fetch: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._is_counted = False
        self._is_gone = False

    def begin(self, batch: RemoteBatch | None, *, is_counted: bool) -> None:
        """Begin a fetch; ``batch`` is None where the service does not know it."""
        self.batch = batch
        self._is_counted = is_counted
        self._is_gone = batch is None
        self._this_fetch.clear()
        self._counts.clear()

    def file_is_gone(self) -> None:
        """Note that a file of the batch is not there any more."""
        self._is_gone = True

    def add(self, raw: bytes | None, *, is_output: bool) -> None:
        """Take a line; None for one that is too long to be read."""
        answer = None if raw is None else usual_answer(raw)
        line = None if raw is None or answer is not None else read_line(raw)
        request_id = id_in(line) if answer is None else answer.request_id
        if raw is None or request_id is None:
            self._counts["unreadable"] += 1
            return
        if request_id in self._this_fetch:
            self._counts["duplicate"] += 1
        self._this_fetch.add(request_id)
        if is_output:
            self._output_ids.add(request_id)
        if request_id not in self._asked:
            self._counts["unasked"] += 1
            self._strangers.add(request_id)
            return
        place = self._places.get(request_id)
        if place is not None and place[2] is not _Kept.FAILURE:
            return
        if answer is not None:
            kept, kind = packed(answer), _Kept.ANSWER
        elif tells_of_a_completion(line):
            kept, kind = raw, _Kept.LINE
        elif place is None:
            kept, kind = raw, _Kept.FAILURE
        else:
            return
        self._places[request_id] = (self._scratch.write(kept), len(kept), kind)

    @property
    def is_whole(self) -> bool:
        """Whether everything came that the service promised."""
        batch = self.batch
        if batch is None or self._is_gone or self._is_short:
            return False
        if _should_be_complete(batch):
            return self._ids_found >= batch.total and len(self._places) == len(self._asked)
        return not self._counts["unreadable"]

    @property
    def may_be_billed(self) -> bool:
        """Whether a request without a line may have been answered, and billed, all the same."""
        batch = self.batch
        if batch is None or self._is_gone or self._is_short or _should_be_complete(batch):
            return True
        if batch.status == "failed":
            return False
        too_many = 0 < batch.total < self._ids_found  # strangers among them: the count proves nothing
        return not self._is_counted or self._counts["unreadable"] > 0 or too_many

    @property
    def _ids_found(self) -> int:
        """How many ids have lines."""
        return len(self._places) + len(self._strangers)

    @property
    def _is_short(self) -> bool:
        """Whether the service counts more successes than were found."""
        batch = self.batch
        if batch is None:
            return True
        found = self._output_ids
        if len(self._asked) >= batch.total > 0:  # everything was asked for, so strangers can be told
            found = found.intersection(self._asked)
        return len(found) < batch.completed

    def found(self) -> Iterator[Outcome]:
        """Yield the outcomes of the lines that were taken."""
        for offset, length, kind in self._places.values():
            kept = self._scratch.read(offset, length)
            yield unpacked(kept) if kind is _Kept.ANSWER else self._outcome_in(kept)

    def missing(self) -> Iterator[str]:
        """Yield the ids that have no line."""
        return (request_id for request_id in self._asked if request_id not in self._places)

    def log(self, batch_id: str) -> None:
        """Say in one warning what is not as it should be."""
        total = self.batch.total if self.batch else 0
        unasked = self._counts.pop("unasked", 0)
        # Where only a part was asked for, the other lines are strangers only as far as there are too many.
        strays = unasked if len(self._asked) >= total > 0 else max(0, self._ids_found - total) if total else 0
        said = {"unknown": strays, **self._counts, "missing": sum(1 for _ in self.missing())}
        if self.batch is not None and self.batch.status != "completed":
            del said["missing"]
        words = [f"{count} {what}" for what, count in sorted(said.items()) if count]
        if words:
            logger.warning(
                "the result files of batch %s are not as they should be: %s lines", batch_id, ", ".join(words)
            )

    def _outcome_in(self, raw: bytes) -> Outcome:
        """Return what a line tells of, a failure as the end of the batch has it."""
        line = read_line(raw)
        told = outcome_of_line(line)
        assert told is not None  # it was read before
        outcome = told[1]
        if isinstance(outcome, Failure) and self.batch is not None and not line.get("response"):
            return never_ran(outcome, self.batch.status)
        return outcome


def _should_be_complete(batch: RemoteBatch) -> bool:
    """Whether every request must have a line. Of an end by a word that is new nobody knows that any has not run."""
    return batch.status == "completed" or batch.status not in ENDED


class _Lines:
    """Takes a download apart into lines and forgets each at once. Empty ones are left out.

    Nearly all lie in one piece as a whole; only those at its borders are put together.
    """

    def __init__(self, take: Callable[[bytes | None], None]) -> None:
        self._take = take
        self._begun = bytearray()
        self._is_too_long = False

    def feed(self, piece: bytes) -> None:
        """Take the next bytes."""
        first, *rest = piece.split(b"\n")
        self._go_on(first)
        if rest:
            self.end()
            begun = rest.pop()
            for line in rest:
                self._give(line)
            self._go_on(begun)

    def end(self) -> None:
        """End the line that was begun."""
        line = bytes(self._begun)
        self._begun.clear()
        if self._is_too_long:
            self._is_too_long = False
            self._take(None)
        else:
            self._give(line)

    def _give(self, line: bytes) -> None:
        if len(line) > _LONGEST_LINE:
            self._take(None)
        elif line := line.strip(_AROUND):
            self._take(line)

    def _go_on(self, part: bytes) -> None:
        if len(self._begun) + len(part) > _LONGEST_LINE:
            self._begun.clear()
            self._is_too_long = True
        if not self._is_too_long:
            self._begun += part
