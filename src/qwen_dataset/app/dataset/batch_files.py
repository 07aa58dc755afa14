"""The result lines of a job as the Batch API hands them out: a file of answers and a file of errors, in the job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import orjson

from ...ports.storage import Storage
from ..engine.layout import Layout
from ..engine.scratch import Spool
from .pieces import Pieces


class BatchFiles:
    """Takes result lines, on the local disk until they are stored.

    They are written without the job's lease. A job that rests may be read by several processes at once, and a lease
    would turn all but one of them away (and note an owner for every look). It is safe because nothing ever reads these
    files to go on with the job: they are made anew of the stored outcomes at each call, the same outcomes give the same
    bytes, and each file is replaced at once. Who reads a job while another resumes it may put an older state there,
    until results are asked for again.
    """

    def __init__(self) -> None:
        self._spools = {name: Spool() for name in ("output", "errors")}
        self._used: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for spool in self._spools.values():
            spool.__exit__()

    def add(self, line: Mapping[str, Any]) -> None:
        """Add a result line; one whose ``error`` is not None is an error."""
        name = "output" if line["error"] is None else "errors"
        self._spools[name].append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._used.add(name)

    async def store(self, storage: Storage, layout: Layout) -> tuple[str | None, str | None]:
        """Put both files into the job, and return the key of the answers and that of the errors.

        None stands for a file without lines: there is none then, also where an earlier call had left one.
        """
        return await self._put(storage, layout, "output"), await self._put(storage, layout, "errors")

    async def _put(self, storage: Storage, layout: Layout, name: str) -> str | None:
        key = layout.results(name)
        if name not in self._used:
            await storage.delete(key)
            return None
        await storage.put(key, Pieces(self._spools[name]))
        return key
