"""What happens to an answer's text on its way: lies first, then the wrapping and the damage."""

from __future__ import annotations

from collections.abc import Mapping

from ....domain.inference import Request
from .author import Draft, draft, usage, written
from .dice import Dice
from .lies import lie
from .settings import FakeSettings

_PROSE: Mapping[str, tuple[str, str]] = {
    "en": ("Sure! Here is the sample you asked for:\n\n", "\n\nLet me know if you would like another one."),
    "zh": ("好的，以下是您需要的样本：\n\n", "\n\n如果需要更多样本，请告诉我。"),
}
_SHORTEST_SHARE, _LONGEST_SHARE = 0.3, 0.9
_NEXT_KEY = '\n  "output":'  # where the damage is done: after the first fields were read


def answer(
    request: Request, *, settings: FakeSettings, decoys: tuple[str, ...], run: int, variant: int = 0
) -> dict[str, object]:
    """Return the body of an answer as the fake service words it: text, finish reason, tokens."""
    first = draft(request, seed=settings.seed, variant=variant)
    text, finish_reason = _spoiled(first, request.id, settings=settings, decoys=decoys, run=run)
    tokens = usage(request, text)
    return {
        "text": text,
        "finish_reason": finish_reason,
        "prompt_tokens": tokens.prompt_tokens,
        "completion_tokens": tokens.completion_tokens,
    }


def _spoiled(
    first: Draft, request_id: str, *, settings: FakeSettings, decoys: tuple[str, ...], run: int
) -> tuple[str, str]:
    """Return the text that arrives and why it ended. A plain answer has no JSON to break and no evidence to forge."""
    dice = Dice(settings.seed)
    salt = (request_id, run)
    text = first.text
    if first.sample is not None:
        if dice.hits(settings.lie, "lie", *salt):
            text = written(lie(first, dice, settings.lies, decoys, salt))
        if dice.hits(settings.broken_json, "broken_json", *salt):
            text = _broken(text, dice, salt)
        if dice.hits(settings.fence, "fence", *salt):
            text = f"```json\n{text}\n```"
        if dice.hits(settings.prose, "prose", *salt):
            before, after = _PROSE[first.prompt.language]
            text = f"{before}{text}{after}"
    finish_reason = "stop"
    if dice.hits(settings.truncate, "truncate", *salt):
        share = _SHORTEST_SHARE + (_LONGEST_SHARE - _SHORTEST_SHARE) * dice.draw("truncate at", *salt)
        text, finish_reason = text[: int(share * len(text))], "length"
    if dice.hits(settings.empty, "empty", *salt):
        text = ""
    return text, finish_reason


def _broken(text: str, dice: Dice, salt: tuple[str | int, ...]) -> str:
    """Break the JSON where nobody can mend it without guessing: a comma, a colon or a quotation mark is gone."""
    head, key, tail = text.partition(_NEXT_KEY)
    ways = (
        f"{head.rstrip(',')}{key}{tail}",
        f"{head}{key.rstrip(':')}{tail}",
        f"{head}{key}{tail.replace(chr(34), '', 1)}",
    )
    return dice.pick(ways, "broken_json how", *salt)
