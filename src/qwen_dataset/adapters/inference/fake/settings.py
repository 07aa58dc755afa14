"""Everything about the fake that can be chosen, and how it is written in a ``fake:?name=value`` URL."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import attrs

from ....domain.inference import FailureKind
from ....errors import SettingError

FAIL_KINDS: Mapping[FailureKind, bool] = {
    FailureKind.RATE_LIMITED: True,
    FailureKind.SERVER_ERROR: True,
    FailureKind.TIMEOUT: True,
    FailureKind.CONTENT_FILTER: False,
    FailureKind.INVALID_REQUEST: False,
}
"""The failures ``fail`` can give, and whether asking again may help."""

_DEFAULT_SETTLE = 60.0


class Lie(StrEnum):
    """How an evidence quote can be wrong."""

    INVENTED = "invented"  # a sentence that no paper holds
    ALTERED = "altered"  # a real quote with one number, word or negation changed
    PASSAGE = "passage"  # a sentence of another passage
    PAPER = "paper"  # a sentence of another paper
    TWICE = "twice"  # a fragment that stands twice in the passage
    OFFSETS = "offsets"  # the right quote, with a start and an end that are not where it stands


def _bad(name: str, value: object, wanted: str) -> SettingError:
    return SettingError(f"fake: {name}={value} is not usable, it must be {wanted}; known parameters: {known_names()}")


def _number(text: str) -> float:
    return float(text)


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    return words[text.strip().lower()]


def _kinds(text: str) -> tuple[FailureKind, ...]:
    return tuple(FailureKind(word) for word in text.split("+") if word)


def _lies(text: str) -> tuple[Lie, ...]:
    return tuple(Lie(word) for word in text.split("+") if word)


def _decoys(path: str) -> tuple[str, ...]:
    text = Path(path).read_text(encoding="utf-8")
    return tuple(part.strip() for part in text.split("\n\n") if part.strip())


def _setting(default: Any, wanted: str, parse: Callable[[str], Any], ok: Callable[[Any], bool]) -> Any:
    """Declare one parameter: its default, what it must be in words, and how a URL's text becomes it."""

    def check(_: FakeSettings, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not ok(value):
            raise _bad(attribute.name, value, wanted)

    return attrs.field(default=default, validator=check, metadata={"wanted": wanted, "parse": parse})


def _chance() -> Any:
    return _setting(0.0, "a probability from 0 to 1", _number, lambda value: 0.0 <= value <= 1.0)


def _seconds(default: float | None, *, least: float = 0.0) -> Any:
    wanted = f"a number of seconds, {least:g} or more"
    return _setting(default, wanted, _number, lambda value: value is None or least <= value < math.inf)


def _count(default: int) -> Any:
    return _setting(default, "a whole number, 1 or more", int, lambda value: value >= 1)


def _choice(default: str, *words: str) -> Any:
    return _setting(default, " or ".join(words), str, lambda value: value in words)


@attrs.frozen(kw_only=True)
class FakeSettings:
    """The fake's parameters. Faults are probabilities from 0 (never, the default) to 1 (always); times are seconds.

    A fault is drawn from the seed, the fault's name, the request's id and how often the fake has run that request
    before (for submissions: the key and how often it was tried), so the same run meets the same faults on every
    machine, in any order of arrival, and a retry draws anew.

    How it works:
        mode: ``batch`` (takes time, then delivers) or ``realtime`` (one call a request, spends while iterated).
        seed: chooses the answers and the faults; part of the realm.
        clock: ``virtual`` (sleeping takes no time) or ``real``.
        duration: how long a batch takes. latency: how long a realtime call takes.
        window: a batch that takes longer expires after so long: what is done is delivered, the rest is neither run
            nor paid (default: it may take for ever).
        requests, line_bytes, concurrency: the limits it reports, and enforces.

    Faults of one request:
        fail: refused and not paid, as one of ``fail_kinds`` (joined by ``+`` in a URL).
        delay: takes up to five times as long (a batch as a whole; a realtime call at least a second).
        missing: batch; the line ran and was paid, and its result is not in the file.
        lose_reply: realtime; the call ran and was paid, and its reply was lost.
        duplicate: batch; the result comes twice, the second time perhaps with another text.
        stray: batch; results of ids that nobody asked for.
        shuffle: results come in another order than the requests (a switch, on).

    Faults of a submission:
        reject: refused, nothing bought. unavailable: ``submit`` or ``poll`` gets no answer, nothing happened.
        lose_submit: batch; the job exists, its reply was lost.
        late: batch; the job cannot be found by its key for up to 0.8 of ``settle`` seconds.
        settle: how long that may last, as promised by ``limits`` (default 0, or 60 with ``late``).
        expire: batch; it expires before all lines ran, whatever its ``window``.

    Faults of the text, all paid:
        truncate, broken_json, fence, prose, empty: cut off; not JSON; in a code fence; between sentences; nothing.
        lie: one evidence quote is wrong in one of the ways of ``lies`` (joined by ``+`` in a URL).
        decoys: passages for the lie ``passage``; in a URL the path of a text file, passages parted by empty lines.

    Raises ``SettingError`` for a value outside its range.
    """

    mode: str = _choice("batch", "batch", "realtime")
    seed: int = _setting(0, "a whole number", int, lambda value: isinstance(value, int))
    clock: str = _choice("virtual", "virtual", "real")
    duration: float = _seconds(60.0, least=0.001)
    window: float | None = _seconds(None, least=0.001)
    latency: float = _seconds(0.0)
    requests: int = _count(50_000)
    concurrency: int = _count(16)
    line_bytes: int = _count(1_000_000)
    fail: float = _chance()
    fail_kinds: tuple[FailureKind, ...] = _setting(
        (FailureKind.RATE_LIMITED, FailureKind.SERVER_ERROR),
        "one or more of " + "+".join(FAIL_KINDS),
        _kinds,
        lambda kinds: bool(kinds) and all(kind in FAIL_KINDS for kind in kinds),
    )
    delay: float = _chance()
    missing: float = _chance()
    lose_reply: float = _chance()
    duplicate: float = _chance()
    stray: float = _chance()
    shuffle: bool = _setting(True, "true or false", _flag, lambda value: isinstance(value, bool))
    reject: float = _chance()
    unavailable: float = _chance()
    lose_submit: float = _chance()
    late: float = _chance()
    settle: float | None = _seconds(None)
    expire: float = _chance()
    truncate: float = _chance()
    broken_json: float = _chance()
    fence: float = _chance()
    prose: float = _chance()
    empty: float = _chance()
    lie: float = _chance()
    lies: tuple[Lie, ...] = _setting(tuple(Lie), "one or more of " + "+".join(Lie), _lies, bool)
    decoys: tuple[str, ...] = _setting((), "the path of a readable UTF-8 text file", _decoys, lambda _: True)

    @property
    def settle_seconds(self) -> float:
        """How long a created job may stay invisible: a promise of the batch side, 0 in realtime."""
        if self.mode == "realtime":
            return 0.0
        if self.settle is not None:
            return self.settle
        return _DEFAULT_SETTLE if self.late > 0 else 0.0

    @property
    def draws_per_run(self) -> bool:
        """Whether anything depends on how often a request was run before."""
        chances = (self.fail, self.delay, self.missing, self.lose_reply, self.duplicate, self.stray, self.truncate)
        return any(chances) or any((self.broken_json, self.fence, self.prose, self.empty, self.lie))

    @classmethod
    def from_url_params(cls, params: Mapping[str, str]) -> Self:
        """Build settings from the parameters of a ``fake:?…`` URL.

        Raises ``SettingError``, one sentence that names the parameter and lists the known ones, for an unknown name
        or an unusable value.
        """
        fields = attrs.fields_dict(cls)
        values = {}
        for name, text in params.items():
            if name not in fields:
                raise SettingError(f"fake: there is no parameter {name!r}; known parameters: {known_names()}")
            metadata = fields[name].metadata
            try:
                values[name] = metadata["parse"](text)
            except (ValueError, KeyError, OSError):  # OSError: the file of decoys
                raise _bad(name, text, metadata["wanted"]) from None
        return cls(**values)

    def to_url_params(self) -> dict[str, str]:
        """Return what differs from the defaults, as ``from_url_params`` reads it; without ``decoys``."""
        fields = (field for field in attrs.fields(type(self)) if field.name != "decoys")
        values = ((field.name, getattr(self, field.name), field.default) for field in fields)
        return {name: _written(value) for name, value, default in values if value != default}


def _written(value: object) -> str:
    return "+".join(value) if isinstance(value, tuple) else str(value)


def known_names() -> str:
    """Return the parameters' names, as a person reads them."""
    return ", ".join(attrs.fields_dict(FakeSettings))
