"""Markdown papers as people write them, as a strategy: the raw material of ``strategies.papers``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import attrs
from hypothesis import strategies as st

_CODE = (
    "```python\n# Step 1. Not a heading\n\nloss = model(x).sum()\n```",
    '~~~\nif a < b: print("$x$ 量子 \U0001f9ea")\n~~~',
)
_TABLES = (
    "| code | threshold |\n| --- | ---: |\n| surface | 1.1 % |\n| colour | 0.2 % |",
    "| 方法 | 损失 |\n|---|---|\n| 裁剪 | $0.3$ |",
    "<table>\n<tr><td>$\\alpha$</td><td>𝛼</td></tr>\n</table>",
)
_FORMULAS = (
    "$$ E = mc^2 $$",
    "$$\nH = -J \\sum_{i} Z_i Z_{i+1}\n\n- h \\sum_i X_i\n$$",
    "\\[\n\\langle 𝜓 | 𝒪 | 𝜓 \\rangle\n= 1\n\\]",
    "\\begin{align}\na &= b \\\\\n&- c\n\\end{align}",
)


@attrs.frozen(kw_only=True)
class _Language:
    """The words that papers of one language are made of."""

    titles: Sequence[str]
    headings: Sequence[str]
    back_matter: Sequence[str]
    authors: Sequence[str]
    subjects: Sequence[str]
    verbs: Sequence[str]
    objects: Sequence[str]
    sentence: str  # of subject, verb, object and a number
    between: str


_LANGUAGES: Mapping[str, _Language] = {
    "en": _Language(
        titles=("On Surface Codes", "Gradient Clipping in Practice", "𝒫𝒯-symmetric Networks", "Why $p_c > 1\\%$?"),
        headings=("Introduction", "2. Methods", "The decoder `union-find`", "Results for $d=3$", "Appendix A: Proofs"),
        back_matter=("References", "7. Acknowledgments", "Data availability"),
        authors=("Ada Lovelace", "Émilie du Châtelet", "李明"),
        subjects=("The decoder", "A code of distance $d$", "Smith et al. [3]", "The state $|𝜓\\rangle$", "Fig. 2"),
        verbs=("does not reach", "improves", "is limited by", "was compared with", "\\emph{cannot} change"),
        objects=(
            "the threshold",
            "the naïve baseline",
            "a “noisy” gate, i.e. its error",
            "the loss \\(L_1\\)",
            "H₂O 🧪",
        ),
        sentence="{} {} {} in {} of the runs.",
        between=" ",
    ),
    "zh": _Language(
        titles=("论表面码", "训练中的梯度裁剪", "𠮷田网络的对称性", "基于Transformer的$p_c$估计"),
        headings=("一、引言", "2 方法", "译码器 `union-find`", "当$d=3$时的结果", "附录A 证明"),
        back_matter=("参考文献", "致谢", "八、利益冲突声明"),
        authors=("王小云", "𠮷田健", "Ada Lovelace"),
        subjects=("表面码的译码器", "距离为$d$的量子纠错码", "我们在前文中提出的方法", "量子态$|𝜓\\rangle$的测量结果"),
        verbs=("并没有达到", "明显改善了", "主要受限于", "不能改变"),
        objects=("已知的阈值", "“噪声”门的错误率，即比特翻转", "损失函数\\(L_1\\)的上界", "𠮷田等人的基线🧪"),
        sentence="{}{}{}，这在{}次实验中都可以看到。",
        between="",
    ),
}
LANGUAGES = tuple(_LANGUAGES)


@cache
def documents(language: str) -> st.SearchStrategy[str]:
    """Texts of whole papers of one language; there is always a section with prose that can be asked about."""
    words = _LANGUAGES[language]
    blocks = _blocks(words)
    headings = st.builds(
        "{} {}".format,
        st.sampled_from(("##", "###", "####")),
        st.sampled_from((*words.headings, *words.back_matter)),
    )
    return st.builds(
        _document,
        title=st.builds("{} {}".format, st.sampled_from(words.titles), st.integers(1, 999)),
        authors=st.none() | st.lists(st.sampled_from(words.authors), max_size=2, unique=True),
        lead=st.just("") | _paragraphs(words),
        heading=st.sampled_from(words.headings),
        prose=_paragraphs(words),
        blocks=st.lists(blocks, max_size=3),
        sections=st.lists(st.tuples(headings, st.lists(blocks, max_size=3)), max_size=3),
    )


def _document(
    *,
    title: str,
    authors: Sequence[str] | None,
    lead: str,
    heading: str,
    prose: str,
    blocks: Sequence[str],
    sections: Sequence[tuple[str, Sequence[str]]],
) -> str:
    quoted = title.replace("\\", "\\\\")
    names = ", ".join(authors or ())
    front = "" if authors is None else f'---\ntitle: "{quoted}"\nauthors: [{names}]\n---'
    parts = [front, f"# {title}", lead, f"## {heading}", prose, *blocks]
    for name, content in sections:
        parts += [name, *content]
    return "\n\n".join(part for part in parts if part) + "\n"


def _sentences(words: _Language) -> st.SearchStrategy[str]:
    parts = (st.sampled_from(part) for part in (words.subjects, words.verbs, words.objects))
    return st.builds(words.sentence.format, *parts, st.integers(2, 9999))


def _paragraphs(words: _Language) -> st.SearchStrategy[str]:
    return st.lists(_sentences(words), min_size=1, max_size=8).map(words.between.join)


def _blocks(words: _Language) -> st.SearchStrategy[str]:
    said = _sentences(words)
    lists = st.lists(said, min_size=1, max_size=3).map(lambda items: "\n".join(f"- {item}" for item in items))
    return _paragraphs(words) | lists | said.map("> {}".format) | st.sampled_from(_CODE + _TABLES + _FORMULAS)
