"""A disk that is full at every moment: planning, storing answers, writing the dataset. Nothing done is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

resource = pytest.importorskip("resource")

ACTION = ("space", "limit", "could not be written", "larger")


def _limit(size: int) -> Callable[[], None]:
    def apply() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return apply


def _short(cli: Any, size: int, said: Any) -> None:
    said.clean()
    if said.code == 0:
        return
    said.fails(3)
    assert any(word in said.complaint for word in ACTION), said.complaint


@pytest.mark.parametrize(
    "size",
    [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 50, 300, 600, 1000, 1500, 2500, 5000, 9000, 12000))],
)
def test_full_while_planning(cli: Any, size: int) -> None:
    folder = cli.papers()
    said = cli.generate(folder, "-q", preexec_fn=_limit(size))
    _short(cli, size, said)
    assert not (cli.home / "o.jsonl").exists() or said.code == 0
    cli.finishes(folder, samples=4)


@pytest.mark.parametrize(
    "size",
    [300, 2000, *(pytest.param(n, marks=pytest.mark.long) for n in (0, 10, 100, 200, 400, 600, 1000, 1500, 3000))],
)
def test_full_while_collecting(cli: Any, size: int) -> None:
    """The plan is stored and submitted; then the answers, the events or the dataset find no room."""
    folder = cli.papers()
    cli.generate(folder, "--no-wait").works()
    said = cli.run("resume", "-q", preexec_fn=_limit(size), timeout=20)
    _short(cli, size, said)
    report = cli.finishes(folder, samples=4).json
    assert cli.paid()["paid"] == report["requests"]


@pytest.mark.parametrize("size", [1000, *(pytest.param(n, marks=pytest.mark.long) for n in (0, 100, 400, 2000, 3000))])
def test_full_while_the_dataset_is_written_again(cli: Any, size: int) -> None:
    folder = cli.papers()
    cli.generate(folder).works()
    before = (cli.home / "o.jsonl").read_bytes()
    _short(cli, size, cli.run("rebuild", "instruct", "-q", preexec_fn=_limit(size)))
    assert (cli.home / "o.jsonl").read_bytes() == before, "the good dataset is gone"
    cli.run("rebuild", "instruct").works()
    assert (cli.home / "o.jsonl").read_bytes() == before


@pytest.mark.long
@pytest.mark.parametrize("size", [200, 700, 1500, 3000, 6000, 10000])
@pytest.mark.parametrize("mode", ["batch", "realtime"])
def test_full_with_more_papers_and_both_modes(cli: Any, size: int, mode: str) -> None:
    for number in range(12):
        cli.papers(f"many/{number}")
        paper = cli.home / "many" / str(number) / "a.md"
        paper.write_text(paper.read_text() + f"\nThis is copy number {number} of the paper.\n")
    backend = f"fake:?mode={mode}"
    _short(cli, size, cli.generate("many", "-q", backend=backend, preexec_fn=_limit(size)))
    said = cli.generate("many", "--json", backend=backend).works()
    assert said.json["unanswered"] == 0
    if mode == "batch":
        assert cli.paid()["paid_twice"] == 0


@pytest.mark.long
def test_no_temporary_folder_is_one_sentence(cli: Any) -> None:
    """Scratch files need room too; where there is none, it is said, not shown as a stack."""
    cli.papers()
    said = cli.generate("papers", "-q", env={"TMPDIR": str(cli.home / "nowhere")})
    said.clean()
    assert said.code in {0, 2, 3}
