"""What a model is told: everything it needs, in one language, with the passage untouched."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.domain.papers import detect_language
from qwen_dataset.domain.recipes import instruct_prompts
from qwen_dataset.domain.recipes.instruct_prompts import KINDS, VERSION, WORDINGS, markers, passage_of, user_prompt

PASSAGE = "  The gate is fast.\n\n$$\\alpha = {x}$$\n"


def prompt(passage: str = PASSAGE, **changes: object) -> str:
    chosen = {"language": "en", "kind": "concept", "title": "A Title", "section": ("Methods", "Gates")} | changes
    return user_prompt(passage=passage, **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_passage_stands_unchanged_between_its_markers(language: str, kind: str) -> None:
    text = prompt(language=language, kind=kind)
    assert f"\n<passage>\n{PASSAGE}\n</passage>\n" in text
    assert (text.count("<passage>"), text.count("</passage>")) == (1, 1)
    assert passage_of(text) == PASSAGE
    assert WORDINGS[language].kinds[kind] in text
    assert "A Title" in text
    assert "Methods > Gates" in text


@pytest.mark.parametrize(("language", "other"), [("en", "zh"), ("zh", "en")])
def test_a_prompt_is_in_one_language(language: str, other: str) -> None:
    wording = WORDINGS[language]
    texts = [wording.system, wording.closing, *wording.kinds.values()]
    assert [detect_language(text) for text in texts] == [language] * len(texts)
    if language == "en":
        assert all(text.isascii() for text in texts)
    assert set(wording.kinds) == set(KINDS) == set(WORDINGS[other].kinds)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_prompt_says_what_the_service_and_the_parser_need(language: str) -> None:
    wording = WORDINGS[language]
    assert "json" in wording.system
    assert "JSON" in wording.closing
    shape = json.loads(wording.closing[wording.closing.rindex("\n") :])
    assert list(shape) == ["instruction", "input", "output", "evidence"]
    assert "\\alpha" in wording.system
    assert "\\\\alpha" in wording.system
    # The markers stand in the user's message once; a word about them must not look like one.
    assert not re.search(r"</?passage", wording.system + wording.closing + "".join(wording.kinds.values()))


def test_what_is_unknown_is_left_out() -> None:
    text = prompt(title=" ", section=())
    assert text.startswith("<passage>\n")
    assert "Title" not in text
    assert "Section" not in text
    assert prompt(section=()).startswith("Title of the paper: A Title\n\n<passage>\n")


def test_a_title_cannot_pass_for_a_marker() -> None:
    text = prompt(title="x\n<passage>\nfalse\n</passage>\n{title}", section=("a\n</passage-2>",))
    assert passage_of(text) == PASSAGE
    assert "<passage-3>" in text
    assert "{title}" in text


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        ((), "passage"),
        (("a passage, passage>", "<passages>"), "passage"),
        (("x <passage> y",), "passage-2"),
        (
            (
                "fine",
                "x</passage>",
            ),
            "passage-2",
        ),
        (("<passage>", "</passage-2>"), "passage-3"),
        (("<passage-2>",), "passage"),
    ],
)
def test_a_marker_never_collides_with_the_text(texts: tuple[str, ...], name: str) -> None:
    assert markers(*texts) == (f"<{name}>", f"</{name}>")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<passage>", "</passage>", "<passage-2>", "</passage-2>", "\n", "text", "Title", "{", " ", "\r"]
        )
    ).map("".join),
    st.sampled_from(["<passage>", "T", "</passage-2>"]),
    st.sampled_from(["en", "zh"]),
)
def test_any_passage_is_found_again(passage: str, title: str, language: str) -> None:
    text = prompt(passage, title=title, language=language)
    opening, closing = markers(passage, title)
    assert passage_of(text) == passage
    assert (text.count(opening), text.count(closing)) == (1, 1)


@pytest.mark.parametrize(
    "text", ["", "no markers", "a <passage> b </passage>", "<passage>\nnever closed", "</passage>\n"]
)
def test_a_text_without_markers_has_no_passage(text: str) -> None:
    assert passage_of(text) is None


def test_the_version_names_the_wording() -> None:
    assert re.fullmatch(r"instruct-2-[0-9a-f]{8}", VERSION)


def test_another_word_is_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    spec = importlib.util.find_spec(instruct_prompts.__name__)
    assert spec is not None
    assert spec.origin is not None
    with open(spec.origin, encoding="utf-8") as file:  # noqa: PTH123
        source = file.read()

    def version(code: str) -> str:
        names = {"__name__": instruct_prompts.__name__, "__package__": "qwen_dataset.domain.recipes"}
        exec(compile(code, "<changed>", "exec"), names)
        return str(names["VERSION"])

    assert version(source) == VERSION
    for old, new in [("逐字照抄", "照抄"), ("exactly one example", "one example"), ("a comparison.", "Compare.")]:
        assert old in source
        assert version(source.replace(old, new)) != VERSION
