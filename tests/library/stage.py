"""A folder, the commands in this process, and the fake's own ledger: a process per call would take minutes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import signal
import sys
import traceback
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

LEDGER = ".qwen-dataset-fake.jsonl"
FAMILIAR = [
    "DASHSCOPE_API_KEY",
    "QIANWEN_API_KEY",
    "QIANWEN_MODEL",
    "QIANWEN_BASE_URL",
    "USE_BATCH",
    "BATCH_COMPLETION_WINDOW",
    "DATA_DIR",
    "MAX_SAMPLES_PER_PAPER",
    "OUTPUT_FILE",
    "TEMPERATURE",
    "MAX_TOKENS",
    "TOP_P",
    "LANG",
    "LC_ALL",
    "LC_MESSAGES",
    "LANGUAGE",
    "NO_COLOR",
    "COLUMNS",
]

METHOD = """# Tunnelling in double wells

## Method

We solve the Schrödinger equation on a grid of 512 points. First the potential is discretised. Then the Hamiltonian is
diagonalised with the Lanczos method. Finally the splitting of the two lowest levels is read off.

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
THIRD = """# Cooling of trapped ions

## Cooling

Sideband cooling removes one phonon per cycle from the axial mode of the ion crystal. After forty cycles the mean phonon
number is 0.04, which was measured by comparing the red and the blue sideband of the clock transition.
"""


@attrs.frozen
class Said:
    """What one call of the command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def problems(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith(("qwen-dataset: ", "Error: "))]

    def works(self, code: int = 0) -> Said:
        assert "Traceback" not in self.err + self.out, self.err
        assert self.code == code, f"exit {self.code}, expected {code}\n{self.err}\n{self.out}"
        return self

    def fails(self, code: int, *words: str, sentences: int = 1) -> Said:
        """It ended with `code` and so many sentences; each word stands in them, capitals aside."""
        self.works(code)
        assert len(self.problems) == sentences, f"expected {sentences} sentence(s):\n{self.err}"
        text = " ".join(self.problems).lower()
        missing = [word for word in words if word.lower() not in text]
        assert not missing, f"{missing} not in: {self.problems}"
        return self


class Stage:
    """A folder of its own and a clean environment."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        for name in list(os.environ):
            if name in FAMILIAR or name.startswith(("QWEN_DATASET_", "LC_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("LC_ALL", "C.UTF-8")
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.chdir(home)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def papers(self, folder: str = "papers") -> str:
        """Two papers: four requests."""
        self.write(f"{folder}/a.md", METHOD)
        self.write(f"{folder}/b.md", CHINESE)
        return folder

    def dump(self, count: int, name: str = "dump.jsonl") -> str:
        """So many papers of one passage each: so many requests."""
        lines = [
            {
                "title": f"Paper {n}",
                "text": f"The ion trap number {n} holds {n + 3} ions at {n * 7 + 1} millikelvin. "
                f"Their lifetime was measured with laser {n} in run {n * n} and it agrees with the theory.",
            }
            for n in range(count)
        ]
        self.write(name, "".join(json.dumps(line) + "\n" for line in lines))
        return name

    def call(self, *args: str, env: dict[str, str] | None = None, stdin: str | None = None) -> Said:
        """Run the command here; an exception that escapes is shown as the traceback a person would see."""
        from qwen_dataset.app.cli.main import main

        kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            result = CliRunner().invoke(main, list(args), env=env, input=stdin)
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)
        err = result.stderr
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            err += "".join(traceback.format_exception(result.exception))
        return Said(result.exit_code, result.stdout, err)

    def generate(self, *args: str, output: str = "o.jsonl", backend: str = "fake", **options: Any) -> Said:
        return self.call("generate", *args, "--backend", backend, "-o", output, **options)

    def paid(self, ledger: str = LEDGER) -> dict[str, Any]:
        """What the fake's service was really paid, by its own count."""
        if not (self.home / ledger).exists():
            return {"jobs": 0, "paid": 0, "paid_twice": 0, "ids_paid_twice": []}
        words = io.StringIO()
        argv, sys.argv = sys.argv, ["service", str(self.home / ledger)]
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(words), contextlib.suppress(SystemExit):
                warnings.simplefilter("ignore", RuntimeWarning)
                runpy.run_module("qwen_dataset.adapters.inference.fake.service", run_name="__main__")
        finally:
            sys.argv = argv
        found: dict[str, Any] = json.loads(words.getvalue())
        return found

    def samples(self, name: str = "o.jsonl") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.home / name).read_bytes().splitlines()]

    def tree(self, *below: str) -> dict[str, bytes]:
        """Every file of the folder (or of these parts of it), by name."""
        roots = [self.home / name for name in below] or [self.home]
        found = [path for root in roots for path in ([root] if root.is_file() else root.rglob("*")) if path.is_file()]
        return {path.relative_to(self.home).as_posix(): path.read_bytes() for path in sorted(found)}

    def requests(self, job: str = "*") -> list[dict[str, Any]]:
        """The stored requests of a job, in order."""
        files = sorted((self.home / "batch_jobs").glob(f"{job}/requests/*.jsonl"))
        return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]

    def specs(self) -> dict[str, dict[str, Any]]:
        """The stored specs by job id."""
        found = (self.home / "batch_jobs").glob("*/spec.json")
        return {path.parent.name: json.loads(path.read_text(encoding="utf-8"))["spec"] for path in found}

    def nothing_was_made(self) -> None:
        """No job, no output, nothing asked."""
        left = sorted(name for name in self.tree() if name.startswith("batch_jobs/") or name == "o.jsonl")
        assert not left, left
        assert self.paid()["paid"] == 0, self.paid()


def without_backend(samples: Iterable[dict[str, Any]]) -> list[str]:
    """The samples as text, each without the one field that names the backend."""
    texts = []
    for sample in samples:
        about = {name: value for name, value in sample["metadata"].items() if name != "backend"}
        texts.append(json.dumps(sample | {"metadata": about}, ensure_ascii=False))
    return texts


def contents(result: dict[str, Any]) -> list[str | None]:
    """The answers of a façade's result, in the order given; None where the prompt failed."""
    found: list[str | None] = []
    for line in result["results"]:
        answer = line.get("response")
        found.append(None if answer is None else answer["body"]["choices"][0]["message"]["content"])
    return found
