"""Papers as values: their ids, their sections, their language."""

from __future__ import annotations

import attrs
import pytest

from qwen_dataset.domain.papers import Paper, Section, detect_language


def paper(text: str = "Text.", title: str = "Title", source: str = "a.md") -> Paper:
    return Paper(title=title, text=text, source=source, sections=(), language="en", reader="test/1")


def test_the_same_paper_has_the_same_id_wherever_it_was_found() -> None:
    assert paper(source="a.md").id == paper(source="b/c.md").id
    assert paper().id == attrs.evolve(paper(), language="zh", authors=("Ada",)).id


def test_another_title_or_text_is_another_paper() -> None:
    assert len({paper().id, paper(text="Texts.").id, paper(title="Titles").id}) == 3


def test_a_section_is_called_by_the_last_title_of_its_path() -> None:
    assert Section(path=("Methods", "Fits"), start=0, end=0).title == "Fits"
    assert Section(path=(), start=0, end=0).title == ""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A quantum state.", "en"),
        ("量子态的测量。", "zh"),
        ("我们用 variational quantum eigensolver (VQE) 求解哈密顿量的基态能量。", "zh"),
        ("The surface code (表面码) protects a logical qubit against local errors of any kind.", "en"),
        ("", "en"),
        ("12345 + 67", "en"),
    ],
)
def test_a_text_has_the_language_that_its_reader_needs(text: str, language: str) -> None:
    assert detect_language(text) == language
