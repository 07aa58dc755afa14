from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.app.wiring.prompts import PromptLike, as_prompts, read_prompts
from qwen_dataset.domain.inference import Message
from qwen_dataset.domain.recipes.prompts import Prompt
from qwen_dataset.errors import SettingError


def read(tmp_path: Path, data: str | bytes, name: str = "p.jsonl") -> list[Prompt]:
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return list(read_prompts(path))


def problems(values: list[Any]) -> tuple[str, ...]:
    with pytest.raises(SettingError) as caught:
        list(as_prompts(values))
    return caught.value.problems


def problems_of(tmp_path: Path, data: str | bytes, name: str = "p.jsonl") -> list[str]:
    with pytest.raises(SettingError) as caught:
        read(tmp_path, data, name)
    assert all(problem.startswith(f"{tmp_path / name} line ") for problem in caught.value.problems)
    return [problem.removeprefix(f"{tmp_path / name} ") for problem in caught.value.problems]


def said(prompts: list[Prompt]) -> list[str]:
    return [prompt.messages[-1].content for prompt in prompts]


def test_a_text_file_is_a_prompt_a_line(tmp_path: Path) -> None:
    text = "\ufeffone\r\n\r\n \t \n  二 with {braces} # and space  \nno end"
    assert said(read(tmp_path, text, "p.txt")) == ["one", "  二 with {braces} # and space  ", "no end"]


def test_a_text_file_is_not_read_as_json(tmp_path: Path) -> None:
    assert said(read(tmp_path, '{"prompt": "x"}\n', "P.TXT")) == ['{"prompt": "x"}']


@pytest.mark.parametrize("name", ["p.jsonl", "p.ndjson", "p.JSONL"])
def test_a_jsonl_file_is_an_object_a_line(tmp_path: Path, name: str) -> None:
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    rows = [
        {"prompt": "one"},
        {"prompt": "two", "system": "Be brief.", "id": 7},
        {"messages": talk, "id": "talk", "system": None},
    ]
    found = read(tmp_path, "\ufeff" + "\r\n\n".join(json.dumps(row) for row in rows), name)
    assert found == [
        Prompt.of("one"),
        Prompt.of("two", "Be brief.", "7"),
        Prompt(tuple(Message(each["role"], each["content"]) for each in talk), "talk"),
    ]


def test_all_problems_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    lines = [
        '{"prompt": "fine"}',
        "not json",
        "[1]",
        "",
        '{"prompt": 5}',
        '{"prompt": "a", "messages": [{"role": "user", "content": "b"}]}',
        '{"messages": []}',
        '{"messages": [{"role": "robot", "content": "x"}]}',
        '{"messages": ["x"]}',
        '{"prompt": "x", "id": true}',
        '{"prompt": "x", "id": ""}',
        '{"prompt": "x", "temperature": 1}',
        '{"prompt": "x", "system": 1}',
        '{"prompt": " \\t"}',
        '{"messages": [{"role": "system", "content": "only"}]}',
        '{"prompt": "x", "id": "twin"}',
        '{"prompt": "y", "id": "twin"}',
    ]
    found = problems_of(tmp_path, "\n".join(lines))
    assert [problem.split()[1] for problem in found] == [str(n) for n in (2, 3, *range(5, 16), 17)]
    assert found[0] == "line 2 is not JSON (invalid literal, expected 'null', at column 1); write one object a line"
    assert found[-1] == f"line 17 has the id 'twin', as {tmp_path / 'p.jsonl'} line 16 has; give each its own"
    assert "'temperature', which is no field of a prompt; there are id, messages, prompt, system" in found[9]


def test_an_id_that_is_the_place_of_another_prompt_is_explained() -> None:
    (told,) = problems(["first", {"prompt": "x", "id": "0"}])
    assert told == (
        "prompt 2 has the id '0', as prompt 1 has (a prompt without an id is known by its place, counted from 0);"
        " give each its own"
    )


def test_bytes_that_are_not_utf_8_are_told_by_line(tmp_path: Path) -> None:
    assert problems_of(tmp_path, b"fine\n\xff\n", "p.txt") == ["line 2 is not UTF-8; save the file as UTF-8"]
    (told,) = problems_of(tmp_path, b'{"prompt": "\xff"}\n')
    assert told.startswith("line 1 is not JSON")


def test_twenty_problems_are_told_and_the_rest_are_counted() -> None:
    told = problems([""] * 25)
    assert len(told) == 21
    assert told[-1] == "… and 5 more prompts that cannot be asked"


def test_nothing_comes_after_the_first_problem() -> None:
    prompts = as_prompts(["good", "", "good too"])
    assert next(prompts) == Prompt.of("good")
    with pytest.raises(SettingError, match="prompt 2 is empty"):
        next(prompts)


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf\r\n"])
def test_a_file_without_a_prompt_is_named(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SettingError, match=r"there are no prompts in .*p\.txt; give at least one"):
        read(tmp_path, data, "p.txt")


def test_no_prompts_at_all() -> None:
    assert problems([]) == ("there are no prompts; give at least one",)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name, words in (("p.docx", r"name a \.txt file"), ("p", r"a \.jsonl file"), ("no.txt", "No such file")):
        with pytest.raises(SettingError, match=words):
            list(read_prompts(tmp_path / name))
    (tmp_path / "d.txt").mkdir()
    with pytest.raises(SettingError, match="Is a directory"):
        list(read_prompts(tmp_path / "d.txt"))


@pytest.mark.parametrize("value", ["one prompt", {"prompt": "one"}])
def test_one_prompt_is_not_a_list(value: Any) -> None:
    with pytest.raises(SettingError, match=r"put the one prompt into one: \[prompt\]"):
        list(as_prompts(value))


def test_python_values_of_every_kind() -> None:
    message = Message("user", "c")
    found = list(as_prompts(["a", {"prompt": "b"}, {"messages": (message,)}, Prompt.of("d", "s", "x")]))
    assert found == [Prompt.of("a"), Prompt.of("b"), Prompt((message,)), Prompt.of("d", "s", "x")]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5, "is int; a prompt is a text"),
        (None, "is NoneType"),
        (b"bytes", "is bytes"),
        ({}, "must have either `prompt` or `messages`"),
        ({1: "x", "prompt": "a"}, "has '1', which is no field"),
        ("half \ud800", "has a `prompt` with half a character"),
        ({"prompt": "x", "id": "\ud800"}, "has a `id` with half a character"),
        (Prompt.of("\ud800"), "has a `content` with half a character"),
        (Prompt.of("x", label=""), "has an `id` that is neither a text nor a whole number"),
        (Prompt((Message("robot", "x"),)), "a `role` of system, user, assistant"),
        ({"messages": [{"role": ["user"], "content": "a"}]}, "a `role` of system, user, assistant"),
        ({"messages": [{"role": "user", "content": None}]}, "has a `content` that is not a text"),
        ({"prompt": "x", "id": 1.5}, "neither a text nor a whole number"),
    ],
)
def test_python_values_that_cannot_be_asked(value: PromptLike, words: str) -> None:
    (told,) = problems([value])
    assert told.startswith("prompt 1 ")
    assert words in told


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip), min_size=1, max_size=8))
def test_what_is_written_as_json_is_read_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("prompts")
    data = "".join(json.dumps({"prompt": text}, ensure_ascii=len(text) % 2 == 0) + "\n" for text in texts)
    assert said(read(folder, data)) == texts


@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["prompt", "messages", "id", "system", "role", "content"]), inner)
            ),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_anything_is_prompts_or_sentences(values: list[Any]) -> None:
    told: tuple[str, ...] = ()
    found = []
    try:
        found = list(as_prompts(values))
    except SettingError as error:
        told = error.problems
    assert told or len(found) == len(values)
    assert all("\n" not in problem for problem in told)
