"""A canary key through the whole command line: no file, no output and no error holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.library.stage import Stage

CANARY = "sk-canary0123456789abcdef"
PLAIN = "CANARY.of.no.known.form.0123456789"
MANY = [
    ("generate", "papers", "-o", "o.jsonl"),
    ("generate", "papers", "-o", "o.jsonl", "--json"),
    ("generate", "nowhere", "-o", "o.jsonl"),
    ("generate", "papers", "-o", "missing/o.jsonl", "--json"),
    ("generate", "papers", "-o", "p.jsonl", "--backend", "fake:?fail=1", "--job-name", "failing"),
    ("generate", "papers", "-o", "q.jsonl", "--backend", "fake:?mode=realtime&seed=3", "--temperature", "hot"),
    ("batch", "create", "--prompt", "hello", "--job-name", "talk", "--wait", "-o", "a.jsonl"),
    ("batch", "create", "--input-file", "missing.txt"),
    ("batch", "status", "talk", "--download"),
    ("batch", "list"),
    ("batch", "cancel", "talk"),
    ("batch", "status", "ghost"),
    ("status",),
    ("status", "--json"),
    ("rejects",),
    ("resume", "ghost"),
    ("config", "show"),
    ("config", "show", "--json"),
    ("config", "init"),
    ("show-prompt", "papers/a.md"),
    ("prune", "--yes"),
]


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def search(inside: Stage, key: str, planted: str = "") -> None:
    for name, data in inside.tree().items():
        assert name == planted or key.encode() not in data, name


@pytest.mark.parametrize("planted", ["", ".env", "qwen-dataset.toml"])
def test_every_command_with_a_key_planted(inside: Stage, planted: str) -> None:
    inside.papers()
    env = {"QWEN_DATASET_BACKEND": "fake"}
    if planted == "qwen-dataset.toml":
        inside.write(planted, f'api_key = "{PLAIN}"\n')
    elif planted:
        inside.write(planted, f"export DASHSCOPE_API_KEY='{PLAIN}'\n")
    else:
        env |= {"DASHSCOPE_API_KEY": PLAIN, "QIANWEN_API_KEY": CANARY}
    for command in MANY:
        said = inside.call(*command, env=env)
        assert "Traceback" not in said.err, (command, said.err)
        for key in (PLAIN, CANARY):
            assert key not in said.out + said.err, command
    assert (inside.home / "o.jsonl").exists(), "the runs really ran"
    search(inside, PLAIN, planted)
    search(inside, CANARY)


@pytest.mark.parametrize(
    "args",
    [
        ("--backend", "fake:?api_key={0}"),
        ("--backend", "fake:?seed={0}"),
        ("--backend", "fake:?{0}=1"),
        ("--backend", "{0}"),
        ("--backend", "https://me:{0}@example.com/v1"),
        ("--backend", "fake", "--storage", "s3://id:{0}@bucket/x"),
        ("--backend", "fake", "--storage", "file:x?secret={0}"),
        ("--backend", "fake", "--base-url", "https://me:{0}@example.com/v1"),
        ("--backend", "fake", "--base-url", "https://example.com/v1?api_key={0}"),
        ("--backend", "fake", "--recipe", "{0}"),
        ("--backend", "fake", "--temperature", "{0}"),
        ("--backend", "fake", "--completion-window", "{0}"),
        ("--backend", "fake", "--config", "{0}"),
        ("--backend", "fake", "--{0}"),
        ("--backend", "fake", "--api-key", "{0}"),
    ],
)
def test_a_key_in_the_wrong_place_is_refused_without_being_said(inside: Stage, args: tuple[str, ...]) -> None:
    inside.papers()
    said = inside.call("generate", "papers", "-o", "o.jsonl", *(arg.format(CANARY) for arg in args)).works(2)
    assert said.problems, said.err
    assert CANARY not in said.out + said.err, said.err
    search(inside, CANARY)
    inside.nothing_was_made()


def test_a_key_in_somebody_elses_setting_is_not_said(inside: Stage) -> None:
    names = "TEMPERATURE BATCH_COMPLETION_WINDOW USE_BATCH QIANWEN_BASE_URL QWEN_DATASET_LANGUAGE QWEN_DATASET_APIKEY"
    for name in names.split():
        for command in (("config", "show"), ("config", "show", "--json"), ("generate", "papers", "--backend", "fake")):
            said = inside.call(*command, env={name: CANARY})
            assert "Traceback" not in said.err
            assert CANARY not in said.out + said.err, (name, command)


def test_broken_files_are_not_quoted(inside: Stage) -> None:
    files = {
        "qwen-dataset.toml": [f'api_key = "{PLAIN}\n', f"api_key = {PLAIN}\n", f'api_kee = "{PLAIN}"\n'],
        ".env": [f"DASHSCOPE_API_KEY {PLAIN}\n", f'DASHSCOPE_API_KEY="{PLAIN}\n', f"={PLAIN}\n"],
    }
    for name, texts in files.items():
        for text in texts:
            inside.write(name, text)
            for command in (("config", "show"), ("generate", "papers", "--backend", "fake")):
                said = inside.call(*command).works(2)
                assert PLAIN not in said.out + said.err, (text, said.err)
        (inside.home / name).unlink()
