"""The language of a sample is the one asked for; a quote is always the paper's own words."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

HAN = re.compile(r"[\u4e00-\u9fff]")


def _own_words(sample: dict[str, Any], text: str) -> str:
    """What is left of instruction and answer when the words quoted from the paper are taken out."""
    left = sample["instruction"] + "\n" + sample["output"]
    for evidence in sample["metadata"]["evidence"]:
        left = left.replace(evidence["quote"], "")
    for line in re.split(r"[\n。.！!？?]", text):
        if len(line.strip()) > 4:
            left = left.replace(line.strip(), "")
    return left


def test_auto_follows_each_paper(cli: Any) -> None:
    cli.generate(cli.papers()).works()
    for sample in cli.samples():
        chinese = sample["metadata"]["paper"]["source"].endswith("b.md")
        assert sample["metadata"]["language"] == ("zh" if chinese else "en")
        assert bool(HAN.search(sample["instruction"])) == chinese


@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.long)])
def test_a_forced_language_with_quotes_in_the_papers(cli: Any, check: Any, language: str) -> None:
    cli.generate(cli.papers(), "--language", language).works()
    samples = cli.samples()
    texts = {
        paper["id"]: paper["text"]
        for paper in map(json.loads, cli.run("papers", "papers", "--json", "--text").out.splitlines()[:-1])
    }
    assert len({sample["metadata"]["paper"]["id"] for sample in samples}) == 2
    check.grounded(samples, texts)
    for sample in samples:
        about = sample["metadata"]
        assert about["language"] == language
        if language == "zh":
            assert HAN.search(sample["instruction"]), sample["instruction"]
        else:
            # a term of the paper may stay in its own script; the sentence around it is English
            assert re.search(r"[A-Za-z]{3,} [a-z]{2,}", sample["instruction"]), sample["instruction"]
        chinese_paper = about["paper"]["source"].endswith("b.md")
        assert all(bool(HAN.search(evidence["quote"])) == chinese_paper for evidence in about["evidence"])


@pytest.mark.long
def test_the_prompt_is_in_the_language_asked_for(cli: Any) -> None:
    cli.generate(cli.papers(), "--language", "zh").works()
    (requests,) = (cli.home / "batch_jobs").glob("*/requests/*.jsonl")
    for line in requests.read_text(encoding="utf-8").splitlines():
        system = json.loads(line)["request"]["messages"][0]["content"]
        assert len(HAN.findall(system)) > 50


@pytest.mark.long
def test_a_language_is_part_of_the_job(cli: Any) -> None:
    cli.papers()
    jobs = {
        cli.generate("papers", "--language", language, "--json", output=f"{language}.jsonl").works().json["job"]
        for language in ("auto", "zh")
    }
    assert len(jobs) == 2
