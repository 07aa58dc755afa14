"""Lines on the local disk: whatever is appended and read in between, each line is the one that was put there."""

from __future__ import annotations

import random

import pytest

from qwen_dataset.app.engine import scratch
from qwen_dataset.app.engine.scratch import ScratchDatabase, Spool


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece is so small that lines are shorter, as long and longer than it."""
    monkeypatch.setattr(scratch, "_GATHERED", 64)
    monkeypatch.setattr(scratch, "_READ_AHEAD", 32)


@pytest.mark.parametrize("seed", range(30))
def test_lines_come_back_whatever_is_done_in_between(seed: int) -> None:
    dice = random.Random(seed)
    with Spool() as spool:
        put: list[tuple[tuple[int, int], bytes]] = []
        for _ in range(200):
            deed = dice.random()
            if deed < 0.6 or not put:
                line = dice.randbytes(dice.choice([0, 1, 30, 63, 64, 300])).replace(b"\n", b"x") + b"\n"
                put.append((spool.append(line), line))
            elif deed < 0.8:
                place, line = dice.choice(put)
                assert spool.read(*place) == line
            else:
                begin = dice.randrange(len(put))
                for place, line in put[begin : begin + dice.randrange(1, 30)]:
                    assert spool.read(*place) == line
        assert spool.size == sum(len(line) for _, line in put)
        found = []
        for number, line in enumerate(spool):
            found.append(line)
            if number % 7 == 0:
                place, other = dice.choice(put)
                assert spool.read(*place) == other
        assert found == [line for _, line in put]
        assert list(spool) == found, "it is read as often as one likes"


def test_a_spool_without_lines_gives_none() -> None:
    with Spool() as spool:
        assert list(spool) == []


def test_a_place_beyond_the_end_is_no_line() -> None:
    with Spool() as spool:
        spool.append(b"one\n")
        with pytest.raises(Exception, match="no room for temporary files"):
            spool.read(0, 400)


def test_rows_are_there_at_once() -> None:
    with ScratchDatabase("CREATE TABLE t (n INTEGER)") as database:
        database.executemany("INSERT INTO t VALUES (?)", ((n,) for n in range(5)))
        assert database.execute("SELECT sum(n) FROM t").fetchone() == (10,)
