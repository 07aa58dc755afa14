"""A program that was killed and is started again, all in one test. Public API.

A job belongs to one living process, and a simulated crash leaves this one alive: to a client of the next run it must
look as if the owner had died, or that answers ``JobBusy``::

    Client(config, backend=..., storage=..., host=another_process())
"""

from __future__ import annotations

import itertools

import attrs

from ..app.engine.job import Host
from ..app.wiring import bootstrap

_starts = itertools.count(1)


def another_process() -> Host:
    """Return a process that was started just now, on this machine, where all before it are dead."""
    real = bootstrap.host()
    process = attrs.evolve(real.process, started=f"start {next(_starts)} in one test")
    return attrs.evolve(real, process=process, is_alive=lambda other: other == process)
