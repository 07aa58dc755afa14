"""Many long prompts in three submissions: everything is paid once and comes back in order, in little memory."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.bailian.stage_http import KEY, Home, Weight, far_server

PROMPT_BYTES = 3_000
MOST_MEGABYTES = 150
_FILLING = "what does the passage say of the surface code and of the noise that it was made for; "

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="weighs a program by /proc")


def question(number: int) -> str:
    """Return a prompt of about three thousand bytes that begins with its number."""
    head = f"Question {number}: "
    return (head + _FILLING * (PROMPT_BYTES // len(_FILLING) + 1))[: PROMPT_BYTES - 1]


def ask(folder: Path, count: int, *, seconds: float) -> tuple[float, Weight]:
    """Ask so many prompts in three submissions and look at everything; return the seconds and the memory."""
    folder.joinpath("prompts.txt").write_text("".join(f"{question(each)}\n" for each in range(count)), encoding="utf-8")
    home = Home(folder, {"DASHSCOPE_API_KEY": KEY, "NO_PROXY": "127.0.0.1"})
    with far_server(home, answers="echo", duration=1, look_seconds=1) as far:
        ended, weight = home.weighed(
            *("batch", "create", "--input-file", "prompts.txt", "--wait", "-o", "answers.jsonl", "--json"),
            *("--backend", f"openai-batch:?settle=1&requests={-(-count // 3)}"),
            *("--base-url", far.base_url, "--poll", 0.5),
            seconds=seconds,
        )
        ledger = far.ledger()
    assert (ledger["paid_total"], ledger["paid_twice"], ledger["bodies_paid_twice"]) == (count, 0, 0)
    assert ledger["calls"]["create"] == ledger["calls"]["upload"] == len(ledger["batches"]) == 3
    said = ended.report
    assert (said["requests"], said["completions"], said["failures"]) == (count, count, 0), said
    with folder.joinpath("answers.jsonl").open(encoding="utf-8") as answers:
        number = -1
        for number, line in enumerate(answers):
            answer = json.loads(line)
            assert answer["output"].startswith(f"Question {number}: "), f"line {number + 1}: {answer['output'][:40]}"
    assert number + 1 == count
    return ended.seconds, weight


def test_three_thousand_prompts_in_three_submissions(tmp_path: Path) -> None:
    _, weight = ask(tmp_path, 3_000, seconds=60)
    assert weight.own < MOST_MEGABYTES, weight


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_and_twenty_thousand_prompts_in_three_submissions(tmp_path: Path) -> None:
    seconds, weight = ask(tmp_path, 120_000, seconds=3_000)
    print(  # noqa: T201 - the figures of the long run
        f"\n120,000 prompts: {seconds:.0f} s, peak {weight.peak:.0f} MB, of which imports {weight.imports:.0f} MB"
    )
    assert weight.own < MOST_MEGABYTES, weight
