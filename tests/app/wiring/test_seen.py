from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from qwen_dataset.adapters.readers.markdown import read_markdown
from qwen_dataset.adapters.readers.text import read_text
from qwen_dataset.app.wiring.corpus import ReadLimits, ReadReport, read_papers
from qwen_dataset.app.wiring.seen import SeenPapers
from qwen_dataset.domain.papers import Paper

WORDS = (
    "the correlation length of chain grows near critical coupling and falls with barrier height in every model".split()  # noqa: SIM905
)
PROSE = " ".join(
    f"{WORDS[n * 7 % 17]} {WORDS[n * n % 17]} {WORDS[n * 5 % 13]} sentence{chr(97 + n % 26)}." for n in range(60)
)
CHINESE = (
    "能级劈裂随势垒高度呈指数衰减，对于我们考虑的所有势垒，"
    "这一结果与半经典近似的估计相差不超过百分之五，而且势垒越高符合得越好。"
)


def markdown(title: str, text: str, source: str = "a.md") -> Paper:
    return read_markdown(f"# {title}\n\n## Method\n\n{text}\n".encode(), source=source)


def told(first: Paper, second: Paper) -> str | None:
    with SeenPapers() as seen:
        assert seen.alike(first) is None
        return seen.alike(second)


def test_a_paper_in_another_format_is_noticed() -> None:
    first = markdown("Tunnelling in Double Wells: $n=2$", f"{PROSE}\n\n$$\nE = mc^2\n$$\n\nAnd more of it.")
    second = read_text(f"TUNNELLING IN DOUBLE-WELLS (N=2)\n\n{PROSE} E = mc2\n".encode(), source="b.txt")
    assert told(first, second) == "b.txt looks like the same paper as a.md in another format; both are read"
    third = markdown("Tunnelling in double wells n", PROSE + " Now revised.", "c.md")
    assert told(first, third) == "c.md looks like the same paper as a.md in another version; both are read"
    chinese = markdown("双势阱中的隧穿", CHINESE)
    assert told(chinese, markdown("双势阱中的隧穿。", f"{CHINESE}完。", "c.md"))


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Tunnelling in triple wells", PROSE),
        ("Tunnelling in double wells", " ".join(reversed(PROSE.split()))),
        ("Tunnelling in double wells", "Only a few words stand here."),
        ("Tunnelling in double wells", "$$\nE = mc^2\n$$"),
    ],
)
def test_what_only_shares_a_title_or_a_text_is_another_paper(title: str, text: str) -> None:
    assert told(markdown("Tunnelling in double wells", PROSE), markdown(title, text, "b.md")) is None


def test_titles_that_say_nothing_are_not_compared() -> None:
    assert told(markdown("Paper 1", PROSE), markdown("Paper 2", PROSE, "b.md")) is None
    untitled = attrs.evolve(markdown("x", PROSE), title="")
    assert told(untitled, untitled) is None


def test_both_are_read_and_the_report_says_so(tmp_path: Path) -> None:
    title = "Tunnelling in double wells"
    (tmp_path / "a.md").write_text(f"# {title}\n\n{PROSE}\n")
    (tmp_path / "b.jsonl").write_text(json.dumps({"id": 1, "title": title.upper(), "text": f"{PROSE} The end."}))
    report = ReadReport()
    assert len(list(read_papers([tmp_path], report, limits=ReadLimits(processes=0)))) == 2
    assert (report.papers, report.alike) == (2, 1)
    base = tmp_path.name
    assert report.alike_notes == [
        f"{base}/b.jsonl#1 looks like the same paper as {base}/a.md in another format; both are read"
    ]


def test_many_papers_of_one_title_are_not_all_compared() -> None:
    with SeenPapers() as seen:
        for number in range(50):
            seen.alike(markdown("A title that everybody has", f"{number} " + " ".join(PROSE.split()[number:])))
        compared = seen._database.execute("SELECT count(*) FROM titles").fetchone()
    assert compared == (4,)
