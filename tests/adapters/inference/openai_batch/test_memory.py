"""Neither the file of a submission nor its results are ever held in memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[4]
MODULE = ".".join((Path(__file__).parent.relative_to(REPOSITORY) / "weigh").parts)


def grown(count: int) -> tuple[int, int]:
    """Return the size of the result file and the growth of the process, in bytes."""
    command = [sys.executable, "-m", MODULE, str(count)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return told["size"], told["grown"]


def test_ten_megabytes_pass_through_in_a_few():
    size, growth = grown(2_500)
    assert size > 10_000_000
    assert growth < 8_000_000


@pytest.mark.long
def test_two_hundred_megabytes_pass_through_in_forty():
    size, growth = grown(47_000)
    assert size > 200_000_000
    assert growth < 40_000_000
