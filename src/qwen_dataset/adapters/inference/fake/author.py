"""Writes the fake's answers: what a good model would say, made of sentences of the passage, the same every time."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar

import attrs

from ....domain.inference import Request, Usage
from .dice import Dice
from .passage import Prompt, Quote, quotable, read_prompt
from .phrases import CHINESE, ENGLISH, KIND_WORDS, PLAIN, Phrases
from .topic import labelled, plain_topic, topics

_T = TypeVar("_T")

_CHINESE_RUN = re.compile(r"[\u4e00-\u9fff]+")
_OUTPUT_SENTENCES = 4
_INPUT_SHARE = 0.25


@attrs.frozen(kw_only=True)
class Draft:
    """An answer before anything has happened to it. ``sample`` is None for a plain prompt, answered by ``text``."""

    prompt: Prompt
    topic: str
    sample: dict[str, Any] | None
    text: str


def draft(request: Request, *, seed: int, variant: int = 0) -> Draft:
    """Answer a request; the same messages, index, seed and variant give the same draft."""
    words = [message.content for message in request.messages]
    dice = _SaltedDice(Dice(seed), (*words, request.index, variant))
    prompt = read_prompt(request)
    quotes = [] if prompt.passage is None else quotable(prompt.passage)
    if prompt.passage is None or not quotes:
        topic = plain_topic(words[-1] if words else "", prompt.language)
        text = dice.pick(PLAIN[prompt.language], "plain").format(topic=topic)
        return Draft(prompt=prompt, topic=topic, sample=None, text=text[:1].upper() + text[1:])
    return _sample_draft(prompt, prompt.passage, quotes, dice)


def usage(request: Request, text: str) -> Usage:
    """Estimate the tokens of a prompt and its answer: about 4 letters each, 1.5 in Chinese."""
    asked = "\n".join(message.content for message in request.messages)
    return Usage(prompt_tokens=_tokens(asked), completion_tokens=_tokens(text))


def written(sample: dict[str, Any]) -> str:
    """Write a sample as the JSON text a model gives."""
    return json.dumps(sample, ensure_ascii=False, indent=2)  # also what is not quite Unicode: half a surrogate pair


@attrs.frozen
class _SaltedDice:
    dice: Dice
    salt: tuple[str | int, ...]

    def draw(self, word: str) -> float:
        return self.dice.draw("author", word, *self.salt)

    def pick(self, options: Sequence[_T], word: str) -> _T:
        return options[int(self.draw(word) * len(options))]


def _sample_draft(prompt: Prompt, passage: str, quotes: Sequence[Quote], dice: _SaltedDice) -> Draft:
    """Choose a topic and neighbouring sentences about it, and word them as the kind of sample that was asked for."""
    words = (CHINESE if prompt.language == "zh" else ENGLISH)[_asked_kind(prompt.rest, dice)]
    topic = dice.pick(topics(prompt, passage), "topic")
    chosen = _neighbours(quotes, topic, dice)
    evidence = chosen[: 1 + int(dice.draw("quotes") * min(3, len(chosen)))]
    context = ""
    if len(chosen) > max(len(evidence), 2) and dice.draw("input") < _INPUT_SHARE:
        context = _flat(chosen[-1].text)
        chosen = chosen[:-1]
    sample = {
        "instruction": dice.pick(words.instructions, "instruction").format(topic=topic),
        "input": context,
        "output": _output(words, topic, chosen, prompt.language, dice),
        "evidence": [quote.text for quote in evidence],
    }
    return Draft(prompt=prompt, topic=topic, sample=sample, text=written(sample))


def _asked_kind(rest: str, dice: _SaltedDice) -> str:
    """Find the kind a prompt asks for: on a line that says so, else the first that is named anywhere."""
    label = (labelled(rest, "kind") or "").lower()
    for text in (label, rest.lower()):
        named = [
            (text.index(word), -len(word), kind) for kind, words in KIND_WORDS.items() for word in words if word in text
        ]
        if named:
            return min(named)[2]
    return dice.pick(tuple(KIND_WORDS), "kind")


def _neighbours(quotes: Sequence[Quote], topic: str, dice: _SaltedDice) -> list[Quote]:
    """Choose up to four sentences in a row, beginning where the topic is named if it is."""
    naming = [at for at, quote in enumerate(quotes) if topic.lower() in _flat(quote.text).lower()]
    begin = dice.pick(naming or range(len(quotes)), "begin")
    begin = min(begin, max(len(quotes) - 2, 0))  # one sentence alone makes a poor answer
    return list(quotes[begin : begin + _OUTPUT_SENTENCES])


def _output(words: Phrases, topic: str, quotes: Sequence[Quote], language: str, dice: _SaltedDice) -> str:
    opener = dice.pick(words.openers, "opener").format(topic=topic)
    opener = opener[:1].upper() + opener[1:]
    closer = dice.pick(words.closers, "closer")
    sentences = [_flat(quote.text) for quote in quotes]
    if words.shape == "steps":
        lines = [f"{number}. {sentence}" for number, sentence in enumerate(sentences, 1)]
    elif words.shape == "points":
        lines = [f"- {sentence}" for sentence in sentences]
    else:
        joint = "" if language == "zh" else " "
        return joint.join(part for part in (opener, *sentences, closer) if part)
    return "\n".join([opener, *lines])


def _flat(text: str) -> str:
    return " ".join(text.split())


def _tokens(text: str) -> int:
    chinese = sum(len(run) for run in _CHINESE_RUN.findall(text))
    return round(chinese / 1.5 + (len(text) - chinese) / 4)
