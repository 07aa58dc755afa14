"""Lines of a paragraph become one text: hyphens at line ends undone, no spaces between Chinese characters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from .letters import is_cjk
from .lines import Line

_WORD = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")
_LAST = re.compile(r"(?:[^\W_]+[-‐])*[^\W_]+$")
_FIRST = re.compile(r"[^\W_]+")
# Longer than a word or the address in front of a line's end.
_TAIL = 120
_HYPHENS = ("-", "‐")
# Words by themselves, and the first halves of words that are broken there.
_SYLLABLES = re.compile(
    r"a|ab|ac|ad|al|an|ap|ar|as|at|be|bi|can|car|com|con|de|dis|en|ex|for|her|ho|im|in|is|it|man|mo|no"
    r"|of|on|or|out|over|par|pa|per|pre|pro|re|sub|so|super|the|to|un|under|up|us"
)
# First halves of compounds as often as of longer words: open-source, opening.
_FIRSTS = re.compile(
    r"open|high|low|long|short|real|time|state|single|multi|cross|first|second|third|large|small|full"
    r"|end|user|data|near|free|best|black|white|fine|left|right|wide|deep|fast|slow|light|hand|side"
    r"|field"
)
_SUFFIX = re.compile(
    r"(?:ing|ings|ed|er|ers|est|ly|s|es|ment|ments|ness|ity|ities|ist|ism|ize[ds]?|izing|ization|ise[ds]?|able|ful|less|en|ened"
    r"|ening|dom|hood|ship|al|ally|ic|ion|ions|ive|ous|fy|wards?|out|line|back|up|down|over|base|bases|set|sets|set|point|points)"
)
# First halves of compounds that are written with a hyphen wherever they stand.
_COMPOUNDS = re.compile(r"non|self|well|ill|half|quasi|pseudo|one|two|three|four|five|six|seven|eight|nine|ten")
_ALTERNATIVE = re.compile(r"(?:and|or|to|und|oder|et|ou)\s")
_LINK = re.compile(r"(?:https?://|www\.|doi\.org)\S*$")


@attrs.define
class Words:
    """The words of a document, which tell a word that is broken at a line's end from a compound."""

    _counts: Counter[str] = attrs.Factory(Counter)

    def learn(self, lines: Iterable[Line]) -> None:
        """Count the words of the lines; what goes on in the next line is no word."""
        broken = False
        for line in lines:
            words = [word.casefold() for word in _WORD.findall(line.text)]
            whole = words[1 if broken else 0 : -1 if line.hyphen else None]
            self._counts.update(whole)
            broken = line.hyphen or line.text.endswith(_HYPHENS)

    def hyphen_stays(self, before: str, after: str) -> bool:
        """Say whether the hyphen between the end of one line and the beginning of the next is written anywhere."""
        before = before[-_TAIL:]
        first, second = _LAST.search(before), _FIRST.match(after[:_TAIL])
        if first is None or second is None or _LINK.search(before):
            return True
        left, right = first[0], second[0]
        rest = after[second.end() : second.end() + 2]
        # "state- / of-the-art", "level- / 2", "GPU- / based", "Ginzburg- / Landau".
        certain = rest.startswith(_HYPHENS) and rest[1:].isalpha()
        last = re.split("[-‐]", left)[-1].casefold()
        whole, parted = self._counts[last + right.casefold()], self._counts[f"{left}-{right}".casefold()]
        if (whole or parted) and not certain:
            return parted > whole
        if certain or not right[0].islower() or left[-1].isdigit() or (left.isupper() and len(left) > 1):
            return True
        return self._is_compound(left, last, right)

    def _is_compound(self, left: str, last: str, right: str) -> bool:
        """Say whether two parts that the document writes nowhere else as one are two words."""
        if _COMPOUNDS.fullmatch(last) or (last == "so" and right == "called"):
            return True
        if _FIRSTS.fullmatch(last):
            return len(right) > 3 and not _SUFFIX.fullmatch(right)
        if "-" in left:
            return len(last) > 2 and bool(self._counts[last])
        known = self._counts[last] and self._counts[right.casefold()]
        return bool(known and not _SYLLABLES.fullmatch(last) and len(last) > 2 and len(right) > 3)


def join(lines: Sequence[Line], words: Words) -> str:
    """Return the text of a paragraph's lines."""
    parts: list[str] = []
    before: Line | None = None
    for line in lines:
        if line.text:
            if before is not None:
                parts[-1], between = _between(before.text, line.text, words, hyphen=before.hyphen)
                parts.append(between)
            parts.append(line.text)
            before = line
    return "".join(parts)


def _between(text: str, more: str, words: Words, *, hyphen: bool) -> tuple[str, str]:
    """Return a line as it stands before the next, and what stands between the two."""
    if hyphen:
        if _ALTERNATIVE.match(more):
            # "upper- and lower-bound"
            return text, "- "
        return text, "-" if words.hyphen_stays(text, more) else ""
    if text.endswith(_HYPHENS) and text[-2:-1].isalnum():
        return (text, "") if words.hyphen_stays(text[:-1], more) else (text[:-1], "")
    if is_cjk(text[-1]) or is_cjk(more[0]) or (text[-1] in "/_" and _LINK.search(text[-_TAIL:])):
        return text, ""
    return text, " "
