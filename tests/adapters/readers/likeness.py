"""How much of one reading of a paper stands in another: word 5-grams of prose, without formulas and back matter."""

from __future__ import annotations

import re
import unicodedata

from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import is_back_matter

_FORMULA = re.compile(
    r"\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)|\$[^$\n]{1,500}\$|\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL
)
_MARKUP = re.compile(r"\[@[^\]]*\]|<[^<>]{1,300}>|\]\([^)\s]*\)|https?://\S+|\\[A-Za-z]+")
# reStructuredText: formulas and references by role, substitutions and the names of directives are no prose.
_RST = re.compile(
    r":(?:math|cite|eq|numref|ref|doc):`[^`]{1,500}`|:[a-z:]{2,20}:(?=`)|\|\w[^|\n]{0,40}\||\.\. [a-z-]+::"
)
# "(Kruse et al. 2019; Hamilton, 2017)" is how a page prints what a source writes as "[@kruse; @hamilton]".
_CITED = re.compile(r"\((?:[A-Z][^()\d]{2,80}(?:19|20)\d\d[a-z]?(?:[,;]\s*)?)+\)")
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+")


def grams(paper: Paper, size: int = 5) -> set[tuple[str, ...]]:
    """Return the word n-grams of a paper's prose; a Chinese character is a word, numbers are none."""
    parts = [
        paper.text[block.start : block.end]
        for section in paper.sections
        if not any(is_back_matter(title) for title in section.path)
        for block in section.blocks
        if block.kind is BlockKind.PARAGRAPH
    ]
    text = _CITED.sub(" ", _MARKUP.sub(" ", _RST.sub(" ", _FORMULA.sub(" ", "\n".join(parts)))))
    return word_grams(text, size)


def word_grams(text: str, size: int = 5) -> set[tuple[str, ...]]:
    """Return the word n-grams of a plain text; a Chinese character is a word, numbers are none."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return set(zip(*(words[i:] for i in range(size)), strict=False))


def shared(one: Paper, other: Paper) -> float:
    """Return the share of the smaller reading's 5-grams that the other has, 0 to 1."""
    first, second = grams(one), grams(other)
    return len(first & second) / max(1, min(len(first), len(second)))
