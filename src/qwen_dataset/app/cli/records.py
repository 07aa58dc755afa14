"""Jobs and runs as JSON objects, for --json."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from ..api.reports import DamagedJob, JobStatus, Report


def _told(amount: Decimal | None) -> str | None:
    """Return an amount exactly, as text: a number of JSON may be rounded by whoever reads it."""
    return None if amount is None else f"{amount.normalize():f}"


def status_record(status: JobStatus | DamagedJob) -> dict[str, Any]:
    """Return a job's status as a JSON object."""
    if isinstance(status, DamagedJob):
        return {"job": status.job_id, "phase": "damaged", "damage": status.damage}
    state = status.state
    return {
        "job": status.job_id,
        "phase": state.phase,
        "round": state.round,
        "requests": state.requests,
        "completions": state.completed,
        "failures": state.failed,
        "unanswered": state.unanswered,
        "reused": state.reused,
        "possibly_paid": state.possibly_paid,
        "cost": None if state.unpriced else _told(state.spent),
        "reserved": None if state.unpriced else _told(state.at_most - state.spent),
        "max_cost": _told(state.cost_limit),
        "currency": state.currency or None,
        "model": status.spec.model,
        "realm": status.spec.realm,
        "way": status.spec.way,
        "output": state.output,
        "created_at": status.created_at,
        "updated_at": status.updated_at,
    }


def report_record(report: Report) -> dict[str, Any]:
    """Return how a run ended as a JSON object."""
    output = None if report.output is None else str(report.output)
    record: dict[str, Any] = {"job": report.job_id, "output": output, "submitted_only": report.sums is None}
    if report.sums is not None:
        record |= attrs.asdict(report.sums) | {"kept": report.kept, "known": report.known}
        record |= {"cost": _told(report.charged), "currency": report.currency or None, "is_play": report.is_play}
        record["off_by"] = {each.what: round(float(each.off), 4) for each in report.compared if each.off is not None}
    if report.reading is not None:
        record["reading"] = attrs.asdict(report.reading)
    return record
