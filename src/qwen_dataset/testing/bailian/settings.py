"""Everything about the server that can be chosen: keyword arguments, flags, and the names of its control API."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Self, cast

import attrs

from ...errors import SettingError

ENDPOINTS = (
    *("upload", "list_files", "retrieve_file", "delete_file", "content"),
    *("create", "list", "retrieve", "cancel"),
    *("chat", "batch_chat", "native"),
)
"""The names of the server's endpoints, as in ``on`` and in the ledger's calls."""

LINE_SHAPES = ("code", "error_code", "body", "bare")
"""How a refused line says why: see ``line_shapes``."""

_YES, _NO = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


def _often(value: Any) -> float:
    """Read a fault: a whole number is how many times, one with a point is how likely."""
    number: Any = value
    if isinstance(value, str):
        number = int(value) if value.strip().isdigit() else float(value)
    _demand(isinstance(number, int | float) and not isinstance(number, bool))
    _demand(number >= 0 if isinstance(number, int) else 0.0 <= number <= 1.0)
    return cast("float", number)


def _whole(value: Any) -> int:
    number = int(value) if isinstance(value, str) else value
    _demand(isinstance(number, int) and not isinstance(number, bool))
    return int(number)


def _count(value: Any) -> int:
    number = _whole(value)
    _demand(number >= 1)
    return number


def _seconds(value: Any) -> float:
    number = float(value)
    _demand(0.0 <= number < math.inf)
    return number


def _positive(value: Any) -> float:
    number = _seconds(value)
    _demand(number > 0.0)
    return number


def _flag(value: Any) -> bool:
    word = str(value).strip().lower()
    _demand(word in _YES | _NO)
    return word in _YES


def _words(value: Any, allowed: tuple[str, ...] = ()) -> tuple[str, ...]:
    words = tuple(filter(None, value.split("+"))) if isinstance(value, str) else tuple(value)
    _demand(all(isinstance(word, str) and (not allowed or word in allowed) for word in words))
    return words


def _error(value: Any) -> str:
    status, code, _ = str(value).split(":", 2)
    _demand(400 <= int(status) <= 599 and bool(code))
    return str(value)


def _demand(good: bool) -> None:
    if not good:
        raise ValueError


def _convert(value: Any, _: Any, field: attrs.Attribute[Any]) -> Any:
    if value is None and field.default is None:
        return None
    try:
        return field.metadata["parse"](value)
    except (ValueError, TypeError):
        shown = "…" if field.name == "key" else value
        raise SettingError(
            f"bailian: {field.name}={shown} is not usable, it must be {field.metadata['wanted']}"
        ) from None


def _setting(default: Any, wanted: str, parse: Callable[[Any], Any]) -> Any:
    """Declare a parameter: its default, what it must be in words, and how a text or a value becomes it."""
    converter = attrs.Converter(_convert, takes_self=True, takes_field=True)
    return attrs.field(
        default=default, converter=converter, metadata={"wanted": wanted, "parse": parse}, repr=wanted != _KEY
    )


_KEY = "the key that clients must send"


def _fault(default: float = 0) -> Any:
    return _setting(default, "a chance from 0.0 to 1.0, or a whole number: the first so many times", _often)


def _choice(default: str, *words: str) -> Any:
    def parse(value: Any) -> str:
        _demand(value in words)
        return str(value)

    return _setting(default, " or ".join(words), parse)


@attrs.frozen(kw_only=True)
class BailianSettings:
    """The server's parameters. Times are virtual seconds unless it says real; several words are joined by ``+``.

    A fault is a chance (``0.3``, ``1.0``) or, as a whole number, how often it happens (``2``: the first two times it
    could). Chances are drawn from the seed, the fault's name, what it happens to (an endpoint, a line's custom_id, a
    call's content) and how often that was asked before. After ``at_most`` times in a row for the same thing a fault
    of chance spares it once, so that whoever keeps trying gets through.

    How it works:
        seed: chooses the faults. answer_seed: chooses the answers, as ``seed`` of the fake does.
        answers: ``fake`` (the fake's answers to the same messages) or ``echo`` (the question's head: fast).
        tokens: how they are counted: ``letters`` (about four a token: fast), or with the vocabulary ``qwen3`` or
            ``qwen3.5`` and the tokens of ChatML around each message.
        key: the API key to demand (default: any or none).
        speed: virtual seconds in a real one. duration: how long a batch takes. look_seconds: how much a batch moves
            on whenever it is retrieved, so that nobody waits. latency: how long a call takes. hold: how long Batch
            Chat holds a call.
        window: virtual seconds after which batches expire, whatever window they ask for (default: as asked).
        requests, file_bytes, line_bytes: the limits of an input file.
        models: the only ones that exist (default: all but those that begin with ``no-such-``).
        rates: enforce the service's rates of files and batches. rpm: calls a minute, enforced second by second.
        filters: of batch lists: ``yes``, ``ignored`` or ``refused`` (400). lists: ``yes`` or ``none`` (405).
        reasoning: whether result files hold ``reasoning_content``. unrun: whether lines that never ran stand in the
            ``error`` file or are ``absent``. shuffle: result lines come in another order.
        at_most: see above. on: the endpoints at which the faults of any call happen (default: all).

    Faults of any call, nothing is done:
        throttle, throttle_after: 429 without and with ``Retry-After: <retry_after>``. error_500, error_503.
        arrears: 400 Arrearage. other: as ``other_error`` says, ``status:code:message``.
    Faults of any call, it is done:
        slow: takes ``slow_seconds``. reset: the connection is reset in the middle of the reply.
        lose_upload, lose_create: done, and no reply.
    Files and batches:
        processing: an uploaded file is not ``processed`` until it is looked at.
        late: a created batch is in no list and cannot be retrieved for up to ``late_seconds``.
        invalid: validation fails, with ``invalid_code`` for each line.
        expire, expire_silent: it expires half-way, with the results so far and without. cancel: a person cancels it.
        refuse_cancel: cancelling is refused (400). drop_metadata: batches are shown without their metadata.
        list_refused, list_missing: the list of batches is a proxy's HTML page, 403 or 404. list_error_200: it is
            an error with status 200.
        truncate_download, truncate_clean: a download ends early, by a broken connection or as if complete.
        gone_410: a result file is said to be gone (410).
    Lines of a batch:
        fail: refused, not paid; also calls. With one of ``fail_codes``, written in one of ``line_shapes``: ``code``
            (code and message), ``error_code`` (error_code and error_message), ``body`` (in the response's body),
            ``bare`` (no response at all). fail_in_output: refused, but in the output file and counted as
            completed.
        missing, corrupt, duplicate, stray: ran and was paid, and its line is not there, is garbled, comes twice, comes
            with another of an id that nobody asked for.
        odd_code: not paid, and still counted as completed: status 200 with the error code ``something_new`` inside.
        error_beside: a good answer with an error of empty words beside it.
        inspect: refused for its content, for ever; also calls.
        string_body: the body is a JSON text. no_role: the message has no role; also calls.
    Calls:
        lose_reply: answered and paid, and no reply. abort_json: the 400 that asks for a retry, where a response_format
            is asked for. choices_null, not paid: 200 with an error inside. sse_error, not paid: a stream
            breaks off with an error. bare_502, paid, bare_503, not paid: a proxy's HTML page without a code.

    Raises ``SettingError`` for a value outside its range.
    """

    seed: int = _setting(0, "a whole number", _whole)
    answer_seed: int = _setting(0, "a whole number", _whole)
    answers: str = _choice("fake", "fake", "echo")
    tokens: str = _choice("letters", "letters", "qwen3", "qwen3.5")
    key: str | None = _setting(None, _KEY, str)
    speed: float = _setting(1.0, "a number above 0", _positive)
    duration: float = _setting(60.0, "seconds, above 0", _positive)
    look_seconds: float = _setting(15.0, "seconds", _seconds)
    latency: float = _setting(0.0, "seconds", _seconds)
    hold: float = _setting(0.0, "seconds", _seconds)
    window: float | None = _setting(None, "seconds, above 0", _positive)
    requests: int = _setting(50_000, "1 or more", _count)
    file_bytes: int = _setting(500_000_000, "1 or more", _count)
    line_bytes: int = _setting(1_000_000, "1 or more", _count)
    models: tuple[str, ...] = _setting((), "names of models", _words)
    rates: bool = _setting(False, "yes or no", _flag)
    rpm: int | None = _setting(None, "1 or more", _count)
    filters: str = _choice("yes", "yes", "ignored", "refused")
    lists: str = _choice("yes", "yes", "none")
    reasoning: bool = _setting(True, "yes or no", _flag)
    unrun: str = _choice("error", "error", "absent")
    shuffle: bool = _setting(True, "yes or no", _flag)
    at_most: int = _setting(3, "1 or more", _count)
    drop_metadata: bool = _setting(False, "yes or no", _flag)
    on: tuple[str, ...] = _setting(
        ENDPOINTS, "one or more of " + "+".join(ENDPOINTS), lambda value: _words(value, ENDPOINTS)
    )

    throttle: float = _fault()
    throttle_after: float = _fault()
    retry_after: float = _setting(1.0, "seconds", _seconds)
    error_500: float = _fault()
    error_503: float = _fault()
    arrears: float = _fault()
    other: float = _fault()
    other_error: str = _setting(
        "403:AllocationQuota.FreeTierOnly:The free tier is used up.", "status:code:text", _error
    )
    slow: float = _fault()
    slow_seconds: float = _setting(1.0, "seconds", _seconds)
    reset: float = _fault()
    lose_upload: float = _fault()
    lose_create: float = _fault()
    processing: float = _fault()
    late: float = _fault()
    late_seconds: float = _setting(48.0, "seconds", _seconds)
    invalid: float = _fault()
    invalid_code: str = _setting("model_not_found", "a code", str)
    expire: float = _fault()
    expire_silent: float = _fault()
    cancel: float = _fault()
    refuse_cancel: float = _fault()
    list_refused: float = _fault()
    list_missing: float = _fault()
    list_error_200: float = _fault()
    truncate_download: float = _fault()
    truncate_clean: float = _fault()
    gone_410: float = _fault()
    fail: float = _fault()
    fail_codes: tuple[str, ...] = _setting(("internal_error", "limit_requests"), "codes of errors", _words)
    line_shapes: tuple[str, ...] = _setting(
        LINE_SHAPES, "one or more of " + "+".join(LINE_SHAPES), lambda value: _words(value, LINE_SHAPES)
    )
    fail_in_output: float = _fault()
    missing: float = _fault()
    corrupt: float = _fault()
    duplicate: float = _fault()
    stray: float = _fault()
    odd_code: float = _fault()
    error_beside: float = _fault()
    inspect: float = _fault()
    string_body: float = _fault()
    no_role: float = _fault()
    lose_reply: float = _fault()
    abort_json: float = _fault()
    choices_null: float = _fault()
    sse_error: float = _fault()
    bare_502: float = _fault()
    bare_503: float = _fault()

    @classmethod
    def from_params(cls, params: Mapping[str, object]) -> Self:
        """Build settings from names and texts or values.

        Raises ``SettingError``, one sentence that names the parameter, for an unknown name or an unusable value.
        """
        return cls(**_known(params))

    def changed(self, params: Mapping[str, object]) -> Self:
        """Return these settings with some changed. Raises ``SettingError`` as ``from_params`` does."""
        return attrs.evolve(self, **_known(params))

    def shown(self) -> dict[str, Any]:
        """Return all values by name, without the key."""
        return {name: getattr(self, name) for name in attrs.fields_dict(type(self)) if name != "key"}


def _known(params: Mapping[str, object]) -> dict[str, Any]:
    for name in params:
        if name not in attrs.fields_dict(BailianSettings):
            raise SettingError(f"bailian: there is no parameter {name!r}; known parameters: {known_names()}")
    return dict(params)


def known_names() -> str:
    """Return the parameters' names, as a person reads them."""
    return ", ".join(attrs.fields_dict(BailianSettings))
