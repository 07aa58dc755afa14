"""Checks the lines of an input file as the service does before it runs any."""

from __future__ import annotations

from typing import Any

import attrs
import orjson

from .models import TEST_MODEL, TEST_URL, exists
from .settings import BailianSettings

_URLS = frozenset({"/v1/chat/completions", "/v1/embeddings", TEST_URL})
_LONGEST_ID = 256
_TEST_LINES, _TEST_BYTES = 100, 1_000_000


@attrs.frozen
class Problem:
    """One entry of ``errors.data``; ``line`` begins at 1."""

    code: str
    message: str
    param: str | None
    line: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as the service writes it."""
        return attrs.asdict(self)


class LineChecker:
    """Looks at one line after the other, and at the file as a whole."""

    def __init__(self, *, endpoint: str, settings: BailianSettings) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._ids: set[str] = set()
        self._model: str | None = None
        self._thinking: object = None
        self._lines = 0
        self._bytes = 0

    def check(self, raw: bytes) -> tuple[dict[str, Any], Problem | None]:
        """Return the line's content, and what is wrong with it."""
        self._lines += 1
        self._bytes += len(raw)
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            line = None
        if not isinstance(line, dict) or not isinstance(line.get("body"), dict):
            return {}, self._problem("invalid_json_line", "The line is not a JSON object with a body.", None)
        return line, self._too_large(raw) or self._id_problem(line) or self._url_problem(line) or self._alike(line)

    def whole(self) -> Problem | None:
        """Return what is wrong with the file, after its last line."""
        if self._lines == 0:
            return Problem("empty_file", "The input file is empty.", None, None)
        most = _TEST_LINES if self._model == TEST_MODEL else self._settings.requests
        if self._lines > most:
            return Problem("too_many_tasks", f"The input file has more than {most} requests.", None, None)
        if self._model == TEST_MODEL and self._bytes > _TEST_BYTES:
            return Problem("file_too_large", f"A file for {TEST_MODEL} may have 1 MB.", None, None)
        return None

    def _problem(self, code: str, message: str, param: str | None) -> Problem:
        return Problem(code, message, param, self._lines)

    def _too_large(self, raw: bytes) -> Problem | None:
        if len(raw) <= self._settings.line_bytes:
            return None
        return self._problem("line_too_long", f"A line may have {self._settings.line_bytes} bytes.", None)

    def _id_problem(self, line: dict[str, Any]) -> Problem | None:
        custom_id = line.get("custom_id")
        if not isinstance(custom_id, str) or not 0 < len(custom_id) <= _LONGEST_ID:
            return self._problem("invalid_custom_id", "The custom_id must have 1 to 256 characters.", "custom_id")
        if custom_id in self._ids:
            message = (
                f"The custom_id '{custom_id}' for this request is a duplicate of another request. The custom_id"
                " parameter must be unique for each request in a batch."
            )
            return self._problem("duplicate_custom_id", message, "custom_id")
        self._ids.add(custom_id)
        return None

    def _url_problem(self, line: dict[str, Any]) -> Problem | None:
        url, model = str(line.get("url")), line["body"].get("model")
        if url not in _URLS or line.get("method") != "POST":
            return self._problem("url_not_found", f"The provided url '{url}' is not supported by the Batch API.", "url")
        if (url == TEST_URL) != (model == TEST_MODEL):
            message = f"The provided URL '{url}' does not match the test model '{TEST_MODEL}'."
            return self._problem("mismatched_test_url", message, "url")
        if url != self._endpoint:
            message = f"The provided url '{url}' does not match the batch endpoint '{self._endpoint}'."
            return self._problem("mismatched_url", message, "url")
        return None

    def _alike(self, line: dict[str, Any]) -> Problem | None:
        """Check what must be the same on every line: the model and whether it thinks."""
        model, thinking = str(line["body"].get("model")), line["body"].get("enable_thinking")
        if self._model is None:
            self._model, self._thinking = model, thinking
        if model != self._model:
            message = (
                f"The model '{model}' for this request does not match the rest of the batch. Each batch must contain"
                " requests for a single model."
            )
            return self._problem("mismatched_model", message, "model")
        if not exists(model, self._settings):
            message = f"The provided model '{model}' is not supported by the Batch API."
            return self._problem("model_not_found", message, "model")
        if thinking != self._thinking:
            message = "The thinking mode of this request does not match the rest of the batch."
            return self._problem("mismatched_thinking", message, "enable_thinking")
        return None
