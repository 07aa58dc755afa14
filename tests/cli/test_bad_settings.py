"""Settings that cannot be: one sentence that names the setting, exit 2, nothing made, nothing asked."""

from __future__ import annotations

from typing import Any

import pytest

LONG = pytest.mark.long


def test_no_backend_named_offers_the_fake(cli: Any) -> None:
    cli.run("generate", cli.papers(), "-o", "o.jsonl").fails(2, "--backend fake")
    cli.nothing_was_made()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--max-samples", "0"), ("max", "samples", "0")),
        (("--temperature", "nan"), ("temperature", "nan")),
        pytest.param(("--top-p", "0"), ("top", "0"), marks=LONG),
        (("--language", "fr"), ("language", "fr", "zh")),
        (("--job-name", "a/b"), ("a/b",)),
        pytest.param(("--storage", "ftp:here"), ("ftp", "file"), marks=LONG),
        pytest.param(("--max-samples", "-1"), ("max", "-1"), marks=LONG),
        pytest.param(("--max-samples", "many"), ("max-samples", "many"), marks=LONG),
        pytest.param(("--temperature", "inf"), ("temperature", "inf"), marks=LONG),
        pytest.param(("--temperature", "2"), ("temperature", "2"), marks=LONG),
        pytest.param(("--temperature", "-0.1"), ("temperature", "-0.1"), marks=LONG),
        pytest.param(("--top-p", "nan"), ("top", "nan"), marks=LONG),
        pytest.param(("--top-p", "1.01"), ("top", "1.01"), marks=LONG),
        pytest.param(("--max-tokens", "0"), ("max", "tokens", "0"), marks=LONG),
        pytest.param(("--max-tokens", "9" * 24), ("max", "tokens"), marks=LONG),
        pytest.param(("--poll", "nan"), ("poll", "nan"), marks=LONG),
        pytest.param(("--poll", "0"), ("poll", "0"), marks=LONG),
        pytest.param(("--poll", "inf"), ("poll", "inf"), marks=LONG),
        pytest.param(("--recipe", "stew"), ("stew", "instruct"), marks=LONG),
        pytest.param(("--model", ""), ("model",), marks=LONG),
        pytest.param(("--job-name", ""), ("job",), marks=LONG),
        pytest.param(("--job-name", ".."), ("..",), marks=LONG),
        pytest.param(("--job-name", "/abs"), ("/abs",), marks=LONG),
        pytest.param(("--job-name", "a" * 300), ("80",), marks=LONG),
        pytest.param(("--job-name", "a\nb"), ("name",), marks=LONG),
        pytest.param(("--storage", ""), ("storage", "file"), marks=LONG),
        pytest.param(("--storage", "file:"), ("folder",), marks=LONG),
        pytest.param(("--storage", "file:x?y=1"), ("parameters",), marks=LONG),
        pytest.param(("--storage", "s3://bucket"), ("s3", "file"), marks=LONG),
        pytest.param(("--bogus",), ("--bogus",), marks=LONG),
    ],
)
def test_a_silly_option_is_one_sentence_and_makes_nothing(cli: Any, args: tuple[str, ...], words: Any) -> None:
    said = cli.generate(cli.papers(), *args, timeout=30)
    said.fails(2, *words)
    cli.nothing_was_made()


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        pytest.param("cloud", ("cloud", "fake"), marks=LONG),
        ("fake:?bogus=1", ("bogus", "seed")),
        ("fake:?seed=1&seed=2", ("seed", "twice")),
        pytest.param("fake:?seed=x", ("seed", "x"), marks=LONG),
        pytest.param("fake:?seed=", ("seed",), marks=LONG),
        pytest.param("fake:?seed", ("name=value",), marks=LONG),
        pytest.param("fake:?mode=slow", ("mode", "batch", "realtime"), marks=LONG),
        pytest.param("fake:?fail=2", ("fail", "2"), marks=LONG),
        pytest.param("fake:?fail=nan", ("fail", "nan"), marks=LONG),
        pytest.param("fake:?fail=-1", ("fail", "-1"), marks=LONG),
        pytest.param("fake:?duration=inf", ("duration", "inf"), marks=LONG),
        pytest.param("fake:?lies=white", ("lies", "white"), marks=LONG),
        pytest.param("fake:?fail_kinds=odd", ("fail_kinds", "odd"), marks=LONG),
        pytest.param("fake:?requests=0", ("requests", "0"), marks=LONG),
        pytest.param("fake:?concurrency=0", ("concurrency", "0"), marks=LONG),
        pytest.param("fake?seed=1", ("fake?seed=1",), marks=LONG),
        pytest.param("", ("backend",), marks=LONG),
        pytest.param("fake:papers", ("papers",), marks=LONG),
    ],
)
def test_a_bad_backend_is_one_sentence_and_makes_nothing(cli: Any, backend: str, words: Any) -> None:
    cli.generate(cli.papers(), backend=backend, timeout=30).fails(2, *words)
    cli.nothing_was_made()


@pytest.mark.long
def test_a_usage_error_comes_before_the_papers_are_read(cli: Any) -> None:
    cli.generate("nowhere", "--max-samples", "0").fails(2, "max")


@pytest.mark.long
def test_the_command_without_anything_shows_its_help(cli: Any) -> None:
    said = cli.run().clean()
    assert "generate" in said.out + said.err
    assert cli.run("--version").works().out.strip()
    cli.run("bogus").fails(2, "bogus")
