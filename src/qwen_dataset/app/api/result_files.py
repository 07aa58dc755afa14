"""Downloaded result files of the Batch API, read: one plain result a request."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from ...domain.characters import whole
from ...domain.inference import Completion, FailureKind, Outcome
from ...errors import SettingError
from ..wiring.batch_format import outcome_of_line, read_line
from .remote import errors_beside

_log = logging.getLogger(__name__)

_NOTHING: Mapping[str, Any] = dict.fromkeys(
    ("custom_id", "content", "reasoning_content", "finish_reason", "usage", "model", "response", "error")
)
_NAMED = re.compile(r"request-([0-9]+)")


def read_results(path: Path, requests: Iterable[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """Return what a file of answers says, and the file of errors beside it: see ``QianWenBatchInference``."""
    found: dict[str, dict[str, Any]] = {}
    beside = errors_beside(path)
    for line in _lines([path, beside] if beside.exists() else [path]):
        read = outcome_of_line(line)
        # Of several lines of a request the first answer counts, else the first error.
        if read is not None and (read[0] not in found or (found[read[0]]["error"] and _is_answer(read[1]))):
            found[read[0]] = _result(*read, line)
    if requests is not None:
        return [found.get(name) or _missing(name) for name in (str(each["custom_id"]) for each in requests)]
    if all(_NAMED.fullmatch(name) for name in found):
        return sorted(found.values(), key=lambda each: int(each["custom_id"].removeprefix("request-")))
    return list(found.values())


def _lines(paths: Iterable[Path]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of files of lines. Raises SettingError where a file cannot be read."""
    for path in paths:
        try:
            with path.open("rb") as file:
                for number, raw in enumerate(file, start=1):
                    line = read_line(raw)
                    if isinstance(line, dict):
                        yield line
                    elif raw.strip():
                        _log.warning("the file %s has a line that cannot be read and is passed over: %d", path, number)
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror or error}"
            raise SettingError(message) from error


def _is_answer(outcome: Outcome) -> bool:
    return isinstance(outcome, Completion)


def _result(custom_id: str, outcome: Outcome, line: Mapping[str, Any]) -> dict[str, Any]:
    result = {**_NOTHING, "custom_id": custom_id, "response": line.get("response")}
    if not isinstance(outcome, Completion):
        return result | {"error": {"code": outcome.kind.value, "message": outcome.message}}
    usage = attrs.asdict(outcome.usage)
    return result | {
        "content": whole(outcome.text),
        "reasoning_content": outcome.reasoning,
        "finish_reason": outcome.finish_reason,
        "usage": usage | {"total_tokens": outcome.usage.prompt_tokens + outcome.usage.completion_tokens},
        "model": outcome.model,
    }


def _missing(custom_id: str) -> dict[str, Any]:
    message = "the service has no result for this request"
    return {**_NOTHING, "custom_id": custom_id, "error": {"code": FailureKind.UNKNOWN.value, "message": message}}
