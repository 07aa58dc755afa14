"""Evidence that is wrong, in each of the ways a curator must notice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .author import Draft
from .dice import Dice
from .passage import bare
from .settings import Lie
from .stock import INVENTED, OTHER_PAPERS, OTHER_PASSAGES

_SEED_LENGTH = 12  # of a fragment that stands twice
_WEIGHT = 8  # letters and digits below which a fragment says nothing
_NUMBER = re.compile(r"\d+")
_ENGLISH_VERB = re.compile(r"\b(is|are|was|were|can|does|do|has|have|will|must|should)\b(?! not\b)")
_CHINESE_VERB = re.compile(r"(?<!不)(是|能|会|可以|需要|存在)")
_WORD = re.compile(r"[A-Za-z]{5,}|[\u4e00-\u9fff]{2}")
_OTHER_WORDS: Mapping[str, tuple[str, ...]] = {
    "en": ("granite", "weekly", "outward", "lantern", "opposite"),
    "zh": ("花岗", "每周", "向外", "灯笼", "相反"),
}

_Options = tuple[Lie, ...]


def lie(draft: Draft, dice: Dice, lies: _Options, decoys: Sequence[str], salt: tuple[str | int, ...]) -> dict[str, Any]:
    """Return the draft's sample with one quote of its evidence made wrong, the others untouched.

    One way of ``lies`` is drawn; where a passage does not allow it (nothing stands twice), the next is taken, and an
    invented sentence where it allows none of them. The draft must hold a sample.
    """
    sample = dict(draft.sample or {})
    evidence: list[Any] = list(sample["evidence"])
    at = dice.pick(range(len(evidence)), "lie at", *salt)
    first = dice.pick(range(len(lies)), "lies", *salt)
    tried = (
        _WAYS[kind](draft, evidence[at], dice, decoys, salt) for kind in (*lies[first:], *lies[:first], Lie.INVENTED)
    )
    evidence[at] = next(wrong for wrong in tried if wrong is not None)
    sample["evidence"] = evidence
    return sample


_Salt = tuple[str | int, ...]


def _absent(text: str, passage: str) -> bool:
    return bool(bare(text)) and bare(text) not in bare(passage)


def _from(stock: Sequence[str], draft: Draft, dice: Dice, salt: _Salt) -> str | None:
    passage = draft.prompt.passage or ""
    fit = [text for text in stock if _absent(text, passage)]
    return dice.pick(fit, "lie text", *salt) if fit else None


def _invented(draft: Draft, quote: str, dice: Dice, decoys: Sequence[str], salt: _Salt) -> str:  # noqa: ARG001
    number = 3 + int(dice.draw("lie number", *salt) * 95)
    passage = draft.prompt.passage or ""
    text = dice.pick(INVENTED[draft.prompt.language], "lie text", *salt).format(topic=draft.topic, number=number)
    while not _absent(text, passage):
        text += str(number)
    return text


def _altered(draft: Draft, quote: str, dice: Dice, decoys: Sequence[str], salt: _Salt) -> str | None:  # noqa: ARG001
    """Change a number, put in a negation, or exchange a word; whatever the quote offers."""
    other = dice.pick(_OTHER_WORDS["zh" if re.search(r"[\u4e00-\u9fff]", quote) else "en"], "lie word", *salt)
    changes: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
        (_NUMBER, lambda match: str(int(match[0][-4:]) + 1 + int(dice.draw("lie digit", *salt) * 8))),
        (_ENGLISH_VERB, lambda match: f"{match[0]} not"),
        (_CHINESE_VERB, lambda match: f"不{match[0]}"),
        (_WORD, lambda _: other),
    ]
    first = dice.pick(range(len(changes)), "lie change", *salt)
    for pattern, changed in (*changes[first:], *changes[:first]):
        text = pattern.sub(changed, quote, count=1)
        if text != quote and _absent(text, draft.prompt.passage or ""):
            return text
    return None


def _passage(draft: Draft, quote: str, dice: Dice, decoys: Sequence[str], salt: _Salt) -> str | None:  # noqa: ARG001
    return _from(decoys or OTHER_PASSAGES[draft.prompt.language], draft, dice, salt)


def _paper(draft: Draft, quote: str, dice: Dice, decoys: Sequence[str], salt: _Salt) -> str | None:  # noqa: ARG001
    return _from(OTHER_PAPERS[draft.prompt.language], draft, dice, salt)


def _twice(draft: Draft, quote: str, dice: Dice, decoys: Sequence[str], salt: _Salt) -> str | None:  # noqa: ARG001
    return repeated(draft.prompt.passage or "")


def _offsets(draft: Draft, quote: str, dice: Dice, decoys: Sequence[str], salt: _Salt) -> dict[str, Any]:  # noqa: ARG001
    """Give a span whose length is not the quote's: wrong wherever one begins to count, in the passage or the paper."""
    start = (draft.prompt.passage or "").index(quote) + 1 + int(dice.draw("lie start", *salt) * 40)
    longer = 1 + int(dice.draw("lie end", *salt) * 9)
    return {"quote": quote, "start": start, "end": start + len(quote) + longer}


_WAYS: Mapping[Lie, Callable[[Draft, str, Dice, Sequence[str], _Salt], Any]] = {
    Lie.INVENTED: _invented,
    Lie.ALTERED: _altered,
    Lie.PASSAGE: _passage,
    Lie.PAPER: _paper,
    Lie.TWICE: _twice,
    Lie.OFFSETS: _offsets,
}


def repeated(passage: str) -> str | None:
    """Return the first stretch of a line, 12 characters or more, that stands in two places of the passage, or None."""
    places: dict[str, int] = {}
    for at in range(len(passage) - _SEED_LENGTH + 1):
        seed = passage[at : at + _SEED_LENGTH]
        if "\n" in seed or seed != seed.strip():
            continue
        earlier = places.setdefault(seed, at)
        if earlier + _SEED_LENGTH <= at and len(bare(seed)) >= _WEIGHT:
            return _extended(passage, earlier, at)
    return None


def _extended(passage: str, first: int, second: int) -> str:
    """Lengthen two equal stretches while they stay equal and apart."""
    length = _SEED_LENGTH
    while (
        first + length < second
        and second + length < len(passage)
        and passage[first + length] == passage[second + length] != "\n"
    ):
        length += 1
    return passage[first : first + length].rstrip()
