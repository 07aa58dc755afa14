"""What the server was asked for, and what the real service would have billed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Protocol


class BilledBatch(Protocol):
    """A batch as the ledger sees it."""

    def paid_lines(self) -> Iterable[tuple[str, str]]:
        """Yield the custom_id and the body's hash of each line that ran, or will if nothing comes between."""
        ...

    def bill(self) -> Iterable[tuple[int, int]]:
        """Yield the tokens in and out of each line that was paid."""
        ...

    def summary(self) -> dict[str, Any]:
        """Return what a reader of the ledger wants to know."""
        ...


class Ledger:
    """Counts payments. A batch's line is paid when it ran, a call when its answer was made, whoever received it.

    A batch that still runs counts as it will end if nobody cancels it. ``calls`` counts what came in, by endpoint, also
    what was refused; ``faults`` what went wrong on purpose (lines: see the ``fates`` of their batch).
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self._realtime: Counter[str] = Counter()
        self._calls_billed: list[tuple[int, int]] = []
        self._batches: list[BilledBatch] = []

    def pay_call(self, request_hash: str, tokens: tuple[int, int]) -> None:
        """Bill one realtime answer; ``tokens`` are those in and out."""
        self._realtime[request_hash] += 1
        self._calls_billed.append(tokens)

    def add_batch(self, batch: BilledBatch) -> None:
        """Keep the books of a created batch."""
        self._batches.append(batch)

    def paid(self) -> dict[str, int]:
        """Return how often each request was paid: lines by their custom_id, realtime calls by ``request_hash``.

        Where one custom_id came with different bodies, the body's hash stands behind it.
        """
        lines: Counter[tuple[str, str]] = Counter()
        for batch in self._batches:
            lines.update(batch.paid_lines())
        bodies = Counter(custom_id for custom_id, _ in lines)
        named = {
            (custom_id if bodies[custom_id] == 1 else f"{custom_id} {body}"): times
            for (custom_id, body), times in lines.items()
        }
        return {**named, **self._realtime}

    def paid_bodies(self) -> dict[str, int]:
        """Return how often each ``request_hash`` was paid, whichever way: equal requests of one job count together."""
        bodies = Counter(self._realtime)
        for batch in self._batches:
            bodies.update(body for _, body in batch.paid_lines())
        return dict(bodies)

    def paid_twice(self) -> int:
        """Return how many payments were too many."""
        return sum(times - 1 for times in self.paid().values())

    def bill(self) -> dict[str, list[tuple[int, int]]]:
        """Return the tokens in and out of every payment, of batches and of calls: what money is reckoned from.

        The answers of batches are made anew for it, so it takes as long as they do.
        """
        return {"batch": [tokens for batch in self._batches for tokens in batch.bill()], "realtime": self._calls_billed}

    def batches(self) -> list[dict[str, Any]]:
        """Return the batches in the order of their creation."""
        return [batch.summary() for batch in self._batches]

    def as_dict(self) -> dict[str, Any]:
        """Return everything, as ``GET {control}/ledger`` does."""
        paid, bodies = self.paid(), self.paid_bodies()
        return {
            "paid": paid,
            "paid_total": sum(paid.values()),
            "paid_twice": sum(times - 1 for times in paid.values()),
            "paid_realtime": sum(self._realtime.values()),
            "bodies_paid_twice": sum(times - 1 for times in bodies.values()),
            "calls": dict(self.calls),
            "faults": dict(self.faults),
            "batches": self.batches(),
        }
