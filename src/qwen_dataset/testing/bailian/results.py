"""Writes the output and the error file of a batch when somebody asks for one of them."""

from __future__ import annotations

import random
import uuid
from pathlib import Path
from typing import Any

import attrs
import orjson

from .answers import answer_to, fault_of
from .batch import Batch
from .completion import compatible
from .errors import Refusal, refusal
from .faults import Faults
from .inputs import Fate
from .settings import BailianSettings

_NEVER_RAN = {
    "cancelled": refusal("batch_cancelled", "This request was not executed because the batch was cancelled."),
    "expired": refusal("batch_expired", "This request could not be executed before the completion window expired."),
}
_ODD = {"error": {"code": "something_new"}}
_NO_ERROR = {"code": "", "message": ""}


class ResultWriter:
    """Writes both files of an ended batch, some lines at a time: the answers are made here, and not kept."""

    def __init__(
        self, batch: Batch, *, output: Path, error: Path, settings: BailianSettings, faults: Faults, now: float
    ) -> None:
        self._batch = batch
        self._settings = settings
        self._faults = faults
        self._created = int(now)
        self._share = batch.final_share
        self._never_ran = _NEVER_RAN.get(batch.end()[1])
        self._output, self._error = output, error
        self._number = 0
        self._offset = 0
        self._done = False
        self._random = random.Random(f"{settings.seed} {batch.analysis.custom_ids[0]}")
        for path in (output, error):
            path.touch()

    def expects(self) -> tuple[bool, bool]:
        """Say whether there will be an output and an error file."""
        fates = self._batch.analysis.fates(self._share)
        refused = sum(fates[fate] for fate in (Fate.WRONG, Fate.INSPECTED, Fate.FAILED))
        unrun = len(self._batch.analysis) - fates.total() if self._settings.unrun == "error" else 0
        return fates.total() > refused, refused + unrun > 0

    def step(self, lines: int) -> bool:
        """Write so many lines more; return whether both files are complete."""
        if self._done:
            return True
        good: list[bytes] = []
        bad: list[bytes] = []
        with self._batch.input.path.open("rb") as file:
            file.seek(self._offset)
            for _ in range(lines):
                raw = file.readline()
                self._done = not raw
                if self._done:
                    break
                if raw.strip():
                    self._take(orjson.loads(raw), good, bad)
            self._offset = file.tell()
        for path, made in ((self._output, good), (self._error, bad)):
            self._append(path, made)
        return self._done

    def _append(self, path: Path, lines: list[bytes]) -> None:
        if self._settings.shuffle:
            self._random.shuffle(lines)
        with path.open("ab") as file:
            file.writelines(line + b"\n" for line in lines)

    def _take(self, line: dict[str, Any], good: list[bytes], bad: list[bytes]) -> None:
        number, self._number = self._number, self._number + 1
        custom_id, body, fate = line["custom_id"], line["body"], self._batch.analysis.fate(number)
        if not self._batch.analysis.runs(number, self._share):
            if self._never_ran is not None and self._settings.unrun == "error":
                bad.append(self._refused(custom_id, self._never_ran))
            return
        match fate:
            case Fate.WRONG:
                bad.append(self._refused(custom_id, fault_of(body, self._settings) or refusal("internal_error")))
            case Fate.INSPECTED:
                bad.append(self._refused(custom_id, refusal("data_inspection_failed")))
            case Fate.FAILED:
                bad.append(self._refused(custom_id, self._drawn(custom_id)))
            case Fate.FAILED_IN_OUTPUT:
                good.append(_line(custom_id, _answered_with(self._drawn(custom_id)), None))
            case Fate.ODD:
                good.append(_line(custom_id, {"status_code": 200, "request_id": str(uuid.uuid4()), "body": _ODD}, None))
            case Fate.MISSING:
                pass
            case Fate.CORRUPT:
                good.append(self._garbled(self._answered(custom_id, body), custom_id))
            case Fate.TWICE:
                good += [self._answered(custom_id, body), self._answered(custom_id, body)]
            case Fate.STRAY:
                good += [self._answered(custom_id, body), self._answered(f"stray-{uuid.uuid4().hex}", body)]
            case _:
                good.append(self._answered(custom_id, body))

    def _answered(self, custom_id: str, body: dict[str, Any]) -> bytes:
        rid = str(uuid.uuid4())
        answer = answer_to(body, self._settings)
        if not self._settings.reasoning:
            answer = attrs.evolve(answer, reasoning=None)
        role = not self._faults.hits("no_role", custom_id)
        made: Any = compatible(answer, rid=rid, created=self._created, details=False, role=role)
        if self._faults.hits("string_body", custom_id):
            made = orjson.dumps(made).decode()
        error = _NO_ERROR if self._faults.hits("error_beside", custom_id) else None
        return _line(custom_id, {"status_code": 200, "request_id": rid, "body": made}, error, rid)

    def _drawn(self, custom_id: str) -> Refusal:
        return refusal(self._faults.pick(self._settings.fail_codes or ("internal_error",), "code", custom_id))

    def _refused(self, custom_id: str, why: Refusal) -> bytes:
        """Write a refused line in one of the shapes in which it may come."""
        match self._faults.pick(self._settings.line_shapes or ("code",), "shape", custom_id):
            case "body":
                return _line(custom_id, _answered_with(why), None)
            case "error_code":
                return _line(custom_id, None, {"error_code": why.code, "error_message": why.message})
            case "bare":
                error = {"code": why.code, "message": why.message}
                return orjson.dumps({"id": str(uuid.uuid4()), "custom_id": custom_id, "error": error})
        return _line(custom_id, None, {"code": why.code, "message": why.message})

    def _garbled(self, line: bytes, custom_id: str) -> bytes:
        at = 1 + int(self._faults.draw("garbled at", custom_id) * (len(line) - 2))
        return line[:at] if self._faults.draw("garbled how", custom_id) < 0.5 else line[:at] + b"\xff" + line[at + 1 :]


def _answered_with(why: Refusal) -> dict[str, Any]:
    return {"status_code": why.status, "request_id": str(uuid.uuid4()), "body": {"error": why.compatible()}}


def _line(custom_id: str, response: object, error: object, rid: str | None = None) -> bytes:
    whole = {"id": rid or str(uuid.uuid4()), "custom_id": custom_id, "response": response, "error": error}
    return orjson.dumps(whole)
