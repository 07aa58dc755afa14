"""The command as a stranger meets it: a process, its words, its exit code, and what lies in the folder afterwards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MAIN = "from qwen_dataset.app.cli.main import main; main()"
LEDGER = ".qwen-dataset-fake.jsonl"

ENGLISH = """# Tunnelling in double wells

## Method

We solve the Schrödinger equation on a grid of 512 points. First the potential is discretised. Then the Hamiltonian is
diagonalised with the Lanczos method. Finally the splitting of the two lowest levels is read off.

$$
\\Delta E = E_1 - E_0 \\propto e^{-S / \\hbar}
$$

## Results

The splitting falls exponentially with the barrier height. This agrees with the semiclassical estimate within five per
cent for all barriers that we considered here, and the agreement improves as the barrier grows.
"""

CHINESE = """# 双势阱中的隧穿

## 方法

我们在五百一十二个点的网格上求解薛定谔方程。首先将势能离散化。然后用兰乔斯方法对哈密顿量进行对角化。最后读出两个最低能级的劈裂。

## 结果

能级劈裂随势垒高度呈指数衰减。对于我们考虑的所有势垒，这一结果与半经典近似的估计相差不超过百分之五，而且势垒越高符合得越好。
"""


@dataclass(frozen=True)
class Said:
    """What one call left: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one sentence on stderr (usage errors of click: the `Error:` line)."""
        lines = [line for line in self.err.splitlines() if line.startswith(("qwen-dataset: ", "Error: "))]
        assert len(lines) == 1, f"expected one sentence, got:\n{self.err}"
        assert self.err.rstrip().endswith(lines[0]), f"words after the sentence:\n{self.err}"
        return lines[0]

    def fails(self, code: int, *words: str) -> Said:
        """It ended with `code` and one sentence that holds every word; nothing like a traceback anywhere."""
        self.clean()
        assert self.code == code, f"exit {self.code}, expected {code}\n{self.err}\n{self.out}"
        sentence = self.complaint
        missing = [word for word in words if word not in sentence]
        assert not missing, f"{missing} not in: {sentence}"
        return self

    def works(self, code: int = 0) -> Said:
        self.clean()
        assert self.code == code, f"exit {self.code}, expected {code}\n{self.err}\n{self.out}"
        return self

    def clean(self) -> Said:
        assert "Traceback" not in self.err + self.out, self.err
        return self


class Cli:
    """Calls the command in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def papers(self, folder: str = "papers") -> str:
        self.write(f"{folder}/a.md", ENGLISH)
        self.write(f"{folder}/b.md", CHINESE)
        return folder

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-c", MAIN, *args]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key not in {"COLUMNS", "NO_COLOR", "TERM"}}
        return kept | more

    def run(self, *args: str, env: dict[str, str] | None = None, timeout: float = 60, **options: Any) -> Said:
        done = subprocess.run(
            self.command(*args),
            cwd=self.home,
            env=self.environment(**(env or {})),
            capture_output=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
            **options,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def generate(self, *args: str, output: str = "o.jsonl", backend: str = "fake", **options: Any) -> Said:
        """Ask in batches unless told otherwise: papers as few as a test's would go one by one."""
        way = () if "mode=" in backend or {"--batch", "--realtime"} & set(args) else ("--batch",)
        return self.run("generate", *args, "--backend", backend, "-o", output, *way, **options)

    def start(self, *args: str, **options: Any) -> subprocess.Popen[bytes]:
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen(self.command(*args), cwd=self.home, env=self.environment(), **options)

    def samples(self, name: str = "o.jsonl") -> list[dict[str, Any]]:
        lines = (self.home / name).read_bytes().splitlines()
        return [json.loads(line) for line in lines]

    def paid(self) -> dict[str, Any]:
        """The fake's own ledger of what was really paid."""
        module = "qwen_dataset.adapters.inference.fake.service"
        done = subprocess.run(
            [sys.executable, "-m", module, LEDGER], cwd=self.home, capture_output=True, check=True, text=True
        )
        return json.loads(done.stdout)

    def nothing_was_made(self) -> None:
        assert not (self.home / "o.jsonl").exists()
        assert not (self.home / "batch_jobs").exists()
        ledger = self.home / LEDGER
        assert not ledger.exists() or not ledger.read_bytes(), "something was asked"

    def finishes(self, *args: str, output: str = "o.jsonl", samples: int | None = None, backend: str = "fake") -> Said:
        """A correct run after a broken one gets everything and pays nothing twice."""
        said = self.generate(*args, "--json", output=output, backend=backend).works()
        assert_sums(said.json)
        assert said.json["unanswered"] == 0
        assert len(self.samples(output)) == said.json["samples"]
        if samples is not None:
            assert said.json["samples"] == samples
        assert self.paid()["paid_twice"] == 0
        return said


def assert_sums(report: dict[str, Any]) -> None:
    assert report["requests"] == report["completions"] + report["failures"] + report["unanswered"], report
    assert report["candidates"] == report["samples"] + report["rejects"], report


def grounded(samples: Iterable[dict[str, Any]], texts: dict[str, str]) -> None:
    """Every quote stands at its span of its own paper, inside its own passage."""
    for sample in samples:
        about = sample["metadata"]
        text = texts[about["paper"]["id"]]
        passage = about["passage"]
        assert 0 <= passage["start"] < passage["end"] <= len(text)
        assert about["evidence"]
        for evidence in about["evidence"]:
            assert text[evidence["start"] : evidence["end"]] == evidence["quote"]
            assert passage["start"] <= evidence["start"] < evidence["end"] <= passage["end"]


def printed_sums(text: str) -> tuple[list[int], list[int]]:
    requests = re.search(r"requests\s+(\d+) = (\d+) completions \+ (\d+) failures \+ (\d+) not yet answered", text)
    candidates = re.search(r"candidates\s+(\d+) = (\d+) samples \+ (\d+) rejects", text)
    assert requests is not None, text
    assert candidates is not None, text
    return [int(n) for n in requests.groups()], [int(n) for n in candidates.groups()]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    home = tmp_path / "home"
    home.mkdir()
    return Cli(home)


@pytest.fixture
def check() -> Any:
    """The assertions above, for modules that cannot import this one."""

    class Checks:
        sums = staticmethod(assert_sums)
        grounded = staticmethod(grounded)
        printed = staticmethod(printed_sums)
        english = ENGLISH
        chinese = CHINESE
        ledger = LEDGER

    return Checks


@pytest.fixture
def shared() -> Path:
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "papers"
    if not folder.is_dir():
        pytest.skip("the folder of shared papers is not there")
    return folder
