"""Engines with one planted mistake each: a simulation that lets one live shows nothing.

A mutant is a piece of the engine's own source, replaced; its functions get the code that this makes.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

import attrs


@attrs.frozen
class Mutant:
    """In ``module`` of the engine ``old`` (which stands there once) becomes ``new``."""

    name: str
    module: str
    old: str
    new: str


MUTANTS = (
    Mutant("no look at the neighbours", "neighbours", "overlaps = job.index.overlaps()", "overlaps = {}"),
    Mutant(
        "neighbours that are still looking are not seen",
        "neighbours",
        "if glance.phase is not Phase.RUNNING:",
        "if not glance.cleared:",
    ),
    Mutant(
        "answers of neighbours are not reused", "neighbours", "await _reuse_answers(job, limits)", "await checkpoint()"
    ),
    Mutant("no settle time after a crash", "submitter", "if any(self._is", "if not any(self._is"),
    Mutant(
        "no settle time after a lost reply",
        "submitter",
        "at_least=self._backend.limits.settle_seconds",
        "at_least=0.0",
    ),
    Mutant(
        "stragglers are finished before they are cancelled", "guard", "if self._job.state.winding_down:", "if False:"
    ),
    Mutant(
        "shards left half submitted are forgotten",
        "submitter",
        "if shard.token is None]",
        "if shard.refused]",
    ),
    Mutant(
        "the lease is not read before spending",
        "submitter",
        "await self._job.lease.verify()",
        "await self._job.lease.check()",
    ),
    Mutant("a job lost while it was read is opened", "job", "await lease.verify()", "await asyncio.sleep(0)"),
    Mutant(
        "another owner's event is no reason to stop",
        "ledger",
        "await self._lease.verify()",
        "await asyncio.sleep(0)",
    ),
    Mutant(
        "an own event is not known again",
        "ledger",
        "if (found.nonce, found.serial) != (envelope.nonce, envelope.serial):",
        "if found.nonce:",
    ),
    Mutant(
        "an unknown owner is taken for dead",
        "lease",
        "alive is None and not await self._expires(number, stopped)",
        "alive is not None and alive",
    ),
    Mutant(
        "a lost lease is renewed",
        "lease",
        "if record is None or record.nonce != self.nonce:",
        "if record is None:",
    ),
    Mutant(
        "answered requests are asked again",
        "harvest",
        "await self._job.index.remaining(shard)",
        "await self._job.index.members(shard)",
    ),
)

RARE = {
    "a lost lease is renewed",
    "a job lost while it was read is opened",
    "another owner's event is no reason to stop",
    "stragglers are finished before they are cancelled",
}
"""Found only after many schedules."""


@contextmanager
def planted(mutant: Mutant) -> Iterator[None]:
    """Run the block with this mistake in the engine."""
    module = import_module(f"qwen_dataset.app.engine.{mutant.module}")
    source = inspect.getsource(module)
    found = source.count(mutant.old)
    assert found == 1, f"the engine has changed: {mutant.old!r} stands {found} times in {mutant.module}.py"
    namespace: dict[str, Any] = {"__name__": module.__name__, "__package__": module.__package__}
    exec(compile(source.replace(mutant.old, mutant.new), str(module.__file__), "exec"), namespace)
    pairs = list(_functions(module, namespace))
    kept = [(true, true.__code__) for true, _ in pairs]
    try:
        for true, false in pairs:
            true.__code__ = false.__code__
        yield
    finally:
        for true, code in kept:
            true.__code__ = code


def _functions(module: ModuleType, mutated: dict[str, Any]) -> Iterator[tuple[FunctionType, FunctionType]]:
    """Yield each function and method of a module with what the mutated source makes of it."""
    for name, value in list(vars(module).items()):
        if getattr(value, "__module__", None) != module.__name__ or name not in mutated:
            continue
        if isinstance(value, type):
            for method, function in list(vars(value).items()):
                other = vars(mutated[name]).get(method)
                both = isinstance(function, FunctionType) and isinstance(other, FunctionType)
                # What attrs generated for a class has no source of its own.
                if both and function.__code__.co_filename == module.__file__:
                    yield function, other
        elif isinstance(value, FunctionType):
            true, false = inspect.unwrap(value), inspect.unwrap(mutated[name])
            yield true, false
