"""What `papers` shows: what was read, what would be asked about, what is left out, and the sums of it."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from qwen_dataset.app.cli.columns import both_ends, shortened, width
from qwen_dataset.app.wiring.tokens import vocabulary_of
from tests.library.stage import Stage

LONG = "Surface codes correct the errors of qubits that stand on a lattice, and a decoder finds what to correct. "
PAPER = f"""---
title: On *Codes*
---

arXiv:2101.00001v2 [quant-ph] 3 Jan 2021

# On Codes

## 1. Introduction

{LONG * 3}

### 1.1 A deeper level

{LONG * 9}

$$E = mc^2$$

## 2. Remarks

A remark.

## References

[1] A. Author, On things, 2001.
"""
CHINESE = f"""# 论表面码的译码方法与量子纠错阈值之间的关系以及它们在大规模量子计算中的一些应用和若干开放的问题

## 一、引言

{"表面码的译码器在一千次实验中都达到了阈值，这与已知的结果一致。" * 12}

## 参考文献

[1] 李明. 量子纠错[J]. 物理学报, 2001.
"""


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage(tmp_path, monkeypatch)
    stage.write("papers/a.md", PAPER)
    stage.write("papers/b.md", CHINESE)
    return stage


def objects(inside: Stage, *args: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in inside.call("papers", *args, "--json").works().out.splitlines()]


def test_each_paper_says_what_it_is_and_the_last_object_is_the_totals(inside: Stage) -> None:
    inside.write("papers/copy.md", PAPER)
    inside.write("papers/logo.png", "x")
    one, two, last = objects(inside, "papers", "--model", "qwen3-max")
    count = vocabulary_of("qwen3-max").count
    assert (one["title"], one["format"], one["language"], one["sections"]) == ("On Codes", "markdown", "en", 5)
    assert (two["language"], two["passages"]) == ("zh", 1)
    assert two["tokens"] == count("表面码的译码器在一千次实验中都达到了阈值，这与已知的结果一致。" * 12)
    assert set(one["left_out"]) == {"front_matter", "references", "too_short"}
    assert last.keys() == {"totals"}
    totals = last["totals"]
    for name in ("passages", "tokens", "characters"):
        assert totals[name] == one[name] + two[name]
        for parts in (totals["languages"], totals["formats"]):
            assert sum(part[name] for part in parts.values()) == totals[name]
    assert totals["papers"] == 2
    assert set(totals["languages"]) == {"en", "zh"}
    assert set(totals["formats"]) == {"markdown"}
    assert totals["left_out"]["references"] == one["left_out"]["references"] + two["left_out"]["references"]
    assert (totals["unread"], totals["ignored"], totals["repeated"]) == (0, 1, 1)
    assert (totals["model"], totals["vocabulary"], totals["vocabulary_is_sure"]) == ("qwen3-max", "qwen3", True)


def test_the_parts_are_exact_spans_of_the_text_and_in_order(inside: Stage) -> None:
    paper, _ = objects(inside, "papers/a.md", "--text", "--show", "--passage-tokens", "64", "--passage-overlap", "30")
    parts = paper["parts"]
    assert [part["start"] for part in parts] == sorted(part["start"] for part in parts)
    passages = [part for part in parts if "left_out" not in part]
    assert len(passages) == paper["passages"] > 2
    assert sum(part["tokens"] for part in passages) == paper["tokens"]
    for part in parts:
        content = paper["text"][part["start"] : part["end"]]
        assert content == content.strip() != ""
    assert any(part["overlap"] for part in passages)
    assert {part["left_out"] for part in parts if "left_out" in part} == {"front_matter", "references", "too_short"}


def test_passages_are_what_generate_would_ask_about(inside: Stage) -> None:
    sizes = ("--passage-tokens", "64", "--passage-overlap", "20")
    paper, _ = objects(inside, "papers/a.md", "--show", "--text", *sizes)
    asked = inside.call("show-prompt", "papers/a.md", "--all", "--json", "--max-samples", "99", *sizes).works().out
    prompts = [json.loads(line)["messages"][-1]["content"] for line in asked.splitlines()]
    passages = [part for part in paper["parts"] if "left_out" not in part]
    assert len(prompts) == len(passages)
    for prompt, part in zip(prompts, passages, strict=True):
        assert f"\n{paper['text'][part['start'] : part['end']]}\n" in prompt


def test_the_tree_shows_sections_passages_and_what_is_left_out(inside: Stage) -> None:
    out = inside.call("papers", "papers/a.md", "--show", "--model", "qwen3-max").works().out
    lines = out.splitlines()
    titles = [line for line in lines if line.strip() in {"1. Introduction", "1.1 A deeper level", "References"}]
    assert titles == ["  1. Introduction", "    1.1 A deeper level", "  References"]
    assert any("left out (references): [1] A. Author, On things, 2001." in line for line in lines)
    assert any("left out (too_short): A remark." in line for line in lines)
    assert any(line.startswith("    1  ") and line.endswith("what to correct.") for line in lines)
    assert "counted as" not in out


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("columns", [None, "100"])
def test_the_tree_keeps_to_the_screen(inside: Stage, language: str, columns: str | None) -> None:
    inside.write(
        "papers/c.md", f"# {'Long title ' * 20}\n\n## {'部分' * 50}\n\n{LONG * 40}\n\n```\n{'x = 1 ' * 900}\n```\n"
    )
    env = {} if columns is None else {"COLUMNS": columns}
    said = inside.call("--lang", language, "papers", "papers", "--show", "--model", "qwen3-max", env=env).works()
    rows = [line for line in said.out.splitlines() if line[:6].strip().isdigit() or line.startswith("    -")]
    assert len(rows) > 7
    assert max(map(width, rows)) <= int(columns or 80)
    titles = [line for line in said.out.splitlines() if line.startswith("  ") and "部分部分" in line]
    assert len(titles) == 1
    assert width(titles[0]) <= int(columns or 80)
    assert ("(cannot be cut)" if language == "en" else "（不可切断）") in said.out


def test_totals_are_told_for_a_person_where_there_are_several(inside: Stage) -> None:
    out = inside.call("papers", "papers").works().out
    assert "\nin all: 2 papers, 3 passages, " in out
    assert "\n  en        1 papers, 2 passages, " in out
    assert "\n  zh        1 papers, 1 passages, " in out
    assert "\n  markdown  2 papers, 3 passages, " in out
    assert "in all" not in inside.call("papers", "papers/a.md").works().out


def test_an_estimate_says_that_it_is_one(inside: Stage) -> None:
    said = inside.call("papers", "papers").works().out.splitlines()[-1]
    assert said == "qwen-plus: tokens counted as Qwen3's; as Qwen3.5's English +3 %, Chinese -12 %"
    assert len(said) <= 80
    said = inside.call("papers", "papers", "--model", "qwen3.8-max").works().out.splitlines()[-1]
    assert said == "qwen3.8-max: tokens counted as Qwen3.5's; as Qwen3's English -3 %, Chinese +14 %"
    assert len(said) <= 80
    assert "may not be" in inside.call("papers", "papers", "--model", "deepseek-v3.2").works().out
    assert "counted as" not in inside.call("papers", "papers", "--model", "qwen3.5-plus").works().out
    assert "counted as" not in inside.call("papers", "papers/a.md", "--text").works().out


def test_what_cannot_be_cut_is_counted(inside: Stage) -> None:
    inside.write("papers/code.md", f"# Code\n\n{LONG * 3}\n\n```\n{'x = 1 ' * 900}\n```\n")
    said = inside.call("papers", "papers/code.md").works().out
    assert "1 passages have more than 1024 tokens: a formula, table, code block or sentence is never cut" in said


def test_contradicting_options_are_one_sentence(inside: Stage) -> None:
    inside.call("papers", "papers", "--show", "--text").fails(2, "--show", "--text")
    inside.call("papers", "papers", "--passage-tokens", "63").fails(2, "passage_tokens is '63'", "from 64")
    inside.call("papers", "papers", "--passage-overlap", "257").fails(2, "passage_overlap is 257", "512")
    assert inside.call("papers", "papers", "--passage-overlap", "256").works().code == 0


def test_the_text_alone_is_printed_without_counting(inside: Stage) -> None:
    text = inside.call("papers", "papers/a.md", "--text").works().out
    assert text == PAPER


# Columns


def test_columns_count_wide_characters_twice_and_accents_not_at_all() -> None:
    assert width("量子 a") == 6
    assert width(unicodedata.normalize("NFD", "é")) == 1
    assert width("") == 0


@pytest.mark.parametrize(
    "text", ["", "a", "word " * 50, "量子" * 60, "x" * 200, "量 " * 70, "a\u0301" * 90, "\x1b[31m" * 40]
)
@pytest.mark.parametrize("columns", [10, 11, 30])
def test_what_is_shortened_fits(text: str, columns: int) -> None:
    for shown in (shortened(text, columns), both_ends(text, columns)):
        assert width(shown) <= columns
        assert shown.isprintable()


def test_both_ends_of_a_text_are_whole_words_where_they_can_be() -> None:
    assert both_ends("Short enough.", 30) == "Short enough."
    assert both_ends("The first words of it are here,\nand the last words are there.", 40) == (
        "The first words of it … words are there."
    )
    assert both_ends("量子纠错码的译码器在实验中达到了阈值并且误差低于百分之一", 23) == "量子纠错码的 … 百分之一"
    assert shortened("A title that is too long", 12) == "A title…"


def test_an_empty_name_is_not_the_current_folder(inside: Stage) -> None:
    inside.call("papers", "").fails(2, "one of the papers is named by an empty text")


def test_what_a_dump_calls_its_papers_does_not_steer_the_terminal(inside: Stage) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\r\n\x9b1mx"
    records = [{"id": evil, "title": f"{number} {evil}", "text": f"{number} {LONG}"} for number in (1, 2, 2)]
    records.append({"id": evil, "title": evil})
    inside.write("d/a.jsonl", "".join(json.dumps(record) + "\n" for record in records))
    inside.write("d/b\x1b[2J.md", b"\0")
    for args in ((), ("--show",), ("--text",)):
        said = inside.call("papers", "d", *args)
        assert not {each for each in said.out + said.err if unicodedata.category(each) == "Cc"} - {"\n"}
    said = inside.call("papers", "d")
    assert "  1 \ufffd]0;owned\ufffd\ufffd[2J \ufffd1mx\n" in said.out
    assert "read once: d/a.jsonl#\ufffd]0;owned" in said.err
    assert "not read: d/b\ufffd[2J.md is not a text file" in said.err
    said = inside.call("papers", "d/b\x1b[2J.md")
    assert "no paper could be read" in said.err
    assert "\x1b" not in said.err
