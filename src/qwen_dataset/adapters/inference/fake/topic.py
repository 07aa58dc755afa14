"""What a passage is about: a phrase that a question can be asked about."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from ....domain.papers import detect_language
from .passage import Prompt
from .phrases import GENERIC_TITLES

_LABELS: Mapping[str, str] = {
    "kind": "kind|kind of sample|kind of example|样例类型|sample kind|type|类型|样本类型|题型|种类",
    "section": "section|section path|章节|小节|所在章节",
    "title": "title|paper|paper title|title of the paper|标题|题目|论文标题|论文题目|论文",
}
_LINES = {
    what: re.compile(rf"^\W*(?:{words})\W*?\s*[:：]\s*(?P<value>[^\n]+)$", re.MULTILINE | re.IGNORECASE)
    for what, words in _LABELS.items()
}
_MARKED_TERM = re.compile(
    r"\*\*([^*\n]{3,40})\*\*|(?<![*\w])[*_]([^*_\n$]{3,40})[*_](?![*\w])|[“「《]([^”」》\n]{2,20})[”」》]"
)
_ENGLISH_RUN = re.compile(r"[A-Za-z][A-Za-z\-]+(?: [A-Za-z][A-Za-z\-]+)*")
_CHINESE_RUN = re.compile(r"[\u4e00-\u9fff]+")
_CHINESE_JOINTS = re.compile(
    "[的了是在和与及或等这那其而且为以于我们可将把被从到对由有也都并不一个种中上下会能要使用通过如果因此但之所则当即让它他她]+"
)
_NOT_PROSE = re.compile(
    r"(```|~~~).*?\1|\$\$.*?\$\$|\$[^$\n]*\$|`[^`\n]*`|https?://\S+|\\[A-Za-z]+|\[@[^\]]*\]|\]\([^)]*\)", re.DOTALL
)
_PATH_JOINT = re.compile(r"\s*(?:>|›|»|→| / )\s*")
_DULL = frozenset(
    """
    a about after again against al all allow allows along also am among an and another any are as at based be
    because been before being between both but by called can could did different do does done down during each
    either equation et even every example few fig figure first following for from get gets given had has have he
    her here his how however if in into is it its just less let like made make makes many may me more most much
    must my neither new no nor not note now of off often on one only or other our out over per same second
    section see several she should show shown shows since so some still such table take takes than that the
    their them then there therefore these they this those three through thus to too two under up upon us use
    used using very via was way ways we well were what when where whether which while who whose will with within
    without would yet you your
    keep keeps give gives find finds reduces increases improves requires provides measure measures consists contains
    depends leads means becomes remains holds yields achieves performs occur occurs written falls
    """.split()  # noqa: SIM905  # two hundred words are easier to read without quotation marks
)
_NUMBERING = re.compile(r"^[\d.\s]+")
_NO_SUBJECT = re.compile(
    r"^(?:what|how|why|when|where|which|who|in|on|if|to|we|the)\b|[^\w\s\-'’()（）/&,:：，、]|_|\d{3}"
)
_TITLE_WORDS = 7
_ENDS = ".,;:，。；："
_MOST_WORDS = 3
_LONGEST = 60
_CANDIDATES = 4


def labelled(text: str, what: str) -> str | None:
    """Return what stands behind a label such as ``Kind:`` (``kind``, ``section`` or ``title``), or None."""
    match = _LINES[what].search(text)
    return match["value"].strip() if match else None


def topics(prompt: Prompt, passage: str) -> list[str]:
    """Return at least one phrase the passage is about: a section's own title, marked terms, what is said often."""
    section = _PATH_JOINT.split(labelled(prompt.rest, "section") or "")[-1]
    title = labelled(prompt.rest, "title") or ""
    found = [*([_NUMBERING.sub("", section)] if _specific(section) else []), *_marked(passage), *_frequent(passage)]
    fallback = title if _specific(title) else ("这一主题" if prompt.language == "zh" else "this subject")
    return found[:_CANDIDATES] or [fallback]


def plain_topic(text: str, language: str) -> str:
    """Return what a prompt without a passage asks about."""
    return next(_frequent(text, least=1), "这个问题" if language == "zh" else "this question")


def _specific(title: str) -> bool:
    """Say whether a title names a subject: no part of every paper, no question, no formula, no sentence."""
    words = _NUMBERING.sub("", title).strip().lower()
    return (
        2 <= len(words) <= _LONGEST
        and words not in GENERIC_TITLES
        and len(words.split()) <= _TITLE_WORDS
        and not _NO_SUBJECT.search(words)
    )


def _marked(passage: str) -> list[str]:
    terms = (next(filter(None, match.groups())).strip() for match in _MARKED_TERM.finditer(passage))
    short = (
        term.rstrip(_ENDS) for term in terms if _specific(term) and len(_CHINESE_RUN.sub("", term)) + 12 >= len(term)
    )
    return list(dict.fromkeys(short))[:2]


def _frequent(passage: str, *, least: int = 2) -> Iterator[str]:
    """Yield phrases said at least so often, the most telling first; longer ones win over their parts."""
    prose = _NOT_PROSE.sub("\n", passage)
    counts = _chinese_phrases(prose) if detect_language(prose) == "zh" else Counter(_english_phrases(prose))
    telling = sorted(counts.items(), key=lambda item: (-item[1] * _weight(item[0]), item[0]))
    kept: list[str] = []
    for phrase, count in telling:
        if count >= least and not any(phrase in other or other in phrase for other in kept):
            kept.append(phrase)
            yield phrase
        if len(kept) == _CANDIDATES:
            return


def _weight(phrase: str) -> float:
    if _CHINESE_RUN.match(phrase):
        return float(len(phrase))
    words = len(phrase.split())
    return words * math.sqrt(words) * min(len(phrase), 20)


def _english_phrases(prose: str) -> Iterator[str]:
    for run in _ENGLISH_RUN.finditer(" ".join(prose.split(" "))):
        words = run[0].split(" ")
        for begin in range(len(words)):
            for end in range(begin + 1, min(begin + _MOST_WORDS, len(words)) + 1):
                part = words[begin:end]
                if any(word.lower() in _DULL for word in part):
                    break
                if end - begin > 1 or len(part[0]) > 5:
                    yield " ".join(part)


def _chinese_phrases(prose: str) -> Counter[str]:
    """Count stretches of three to eight characters, without those that only occur as a part of a longer one."""
    counts: Counter[str] = Counter()
    for run in _CHINESE_RUN.findall(prose):
        for piece in _CHINESE_JOINTS.split(run):
            for length in range(3, 9):
                counts.update(piece[at : at + length] for at in range(len(piece) - length + 1))
    parts = {part for phrase, count in counts.items() for part in (phrase[1:], phrase[:-1]) if counts[part] == count}
    return Counter({phrase: count for phrase, count in counts.items() if phrase not in parts})
