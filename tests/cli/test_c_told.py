"""What the command tells while it waits, when it stops, and of what cannot be done."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from qwen_dataset.app.api import batch_words
from qwen_dataset.app.api.reports import Route
from qwen_dataset.app.cli import show, work
from qwen_dataset.app.cli.follow import carried, command
from qwen_dataset.app.cli.outage import Outage
from qwen_dataset.app.engine import guard
from qwen_dataset.app.wiring.config import Config
from qwen_dataset.domain.jobs import Way
from qwen_dataset.errors import BackendDenied, JobUnfinished
from tests.library.stage import Stage

FAKE = "fake:remote.jsonl"
REFUSED = "the service answered HTTP 404 model_not_found; check the model's name, and that this server offers it"


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def _route(way: Way = Way.BATCH) -> Route:
    return Route(way=way, by_size=False, backend="b", destination="", model="m")


# Options that count again when a job is gone on with


def test_the_command_to_go_on_carries_what_the_job_does_not_remember() -> None:
    given = {"finish": "realtime", "after": "6h", "clean_remote": True, "model": "m", "poll": "1"}
    assert carried(given) == " --finish realtime --after 6h --clean-remote"
    assert carried({"clean_remote": False, "model": "m"}) == ""
    assert command("resume", "a", "file:b c", " --after 6h") == "qwen-dataset resume a --storage 'file:b c' --after 6h"


def test_what_is_submitted_is_collected_with_the_same_options(inside: Stage) -> None:
    options = ("--prompt", "one", "--backend", "fake", "--finish", "realtime", "--after", "6h")
    said = inside.call("batch", "create", *options).works()
    assert "--finish realtime --after 6h\n" in said.out
    assert "at the end  qwen-dataset resume" in said.out


@pytest.mark.parametrize(("after", "when"), [("6h", "6h after it began"), (None, "nothing has moved for 2 hours")])
def test_a_run_that_waits_says_when_it_finishes_otherwise(
    capsys: pytest.CaptureFixture[str], after: str | None, when: str
) -> None:
    config = attrs.evolve(Config(), finish="realtime", after=after)
    with show.Display(quiet=False, waits_with=config) as display:
        display.watch.on_route(_route())
        display.watch.on_route(_route(Way.REALTIME))
    told = capsys.readouterr().err
    assert told.count("at full price") == 1
    assert when in told


# An outage


def test_an_outage_is_told_once_and_another_one_after_a_minute() -> None:
    said: list[str] = []
    now = 100.0
    outage = Outage(said.append, now=lambda: now)
    logger = logging.getLogger(guard.__name__)
    outage.begin()
    try:
        logger.warning("the backend could not be asked: %s", "no connection to h")
        logger.warning("the backend could not be asked: %s", "no connection to h")
        now += 300
        logger.warning("the backend could not be asked: %s", "no connection to h")
        assert said == ["the backend could not be asked: no connection to h; the run waits, and asks again"]
        outage.over()
        logger.warning("the backend could not be asked: %s", "api_key=sk-0123456789abcdef0123456789abcdef")
        assert len(said) == 2
        assert "0123456789" not in said[1]
        outage.over()
        logger.warning("the backend could not be asked: again")
        assert len(said) == 2, "less than a minute later"
    finally:
        outage.end()
    logger.warning("the backend could not be asked: nobody listens")
    assert len(said) == 2


def test_a_person_sees_that_the_backend_is_away(inside: Stage) -> None:
    said = inside.call("batch", "create", "--prompt", "one", "--wait", "--backend", f"{FAKE}?unavailable=0.5&seed=3")
    assert said.err.count("the run waits, and asks again") == 1


# What to do next


def _hint(error: Exception, *, stop: bool = False, batch: bool = True) -> None:
    display = show.Display(quiet=True)

    async def failing(stopped: asyncio.Event) -> None:
        display.watch.on_route(_route(Way.BATCH if batch else Way.REALTIME))
        display.job_id = "a-1"
        if stop:
            stopped.set()
        raise error

    with pytest.raises(SystemExit):
        work.run(display, failing, storage=Config().storage, more=" --after 6h")


def test_a_model_that_is_not_there_asks_for_another_one(capsys: pytest.CaptureFixture[str]) -> None:
    _hint(BackendDenied(REFUSED))
    told = capsys.readouterr().err
    assert told.endswith("; run again with another --model\n")
    assert "resume" not in told


def test_a_batch_that_was_interrupted_goes_on_at_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    _hint(JobUnfinished("interrupted"), stop=True)
    told = capsys.readouterr().err
    assert "what is submitted goes on at the service (qwen-dataset cancel a-1 stops it)" in told
    assert told.endswith("; go on with: qwen-dataset resume a-1 --after 6h\n")
    _hint(JobUnfinished("interrupted"), stop=True, batch=False)
    _hint(JobUnfinished("away"))
    assert "goes on at the service" not in capsys.readouterr().err


# What cannot be


def test_clean_remote_in_realtime_is_refused(inside: Stage) -> None:
    said = inside.call("generate", ".", "--backend", "fake", "--realtime", "--clean-remote")
    said.fails(2, "--clean-remote", "--realtime")


def test_a_state_that_no_batch_is_in_is_refused_with_those_there_are(inside: Stage) -> None:
    said = inside.call("batch", "list", "--remote", "--backend", FAKE, "--status", "done,failed")
    said.fails(2, "'done'", "completed, failed")
    assert "'failed'" not in said.err


def test_a_batch_that_is_not_known_says_where_to_look(inside: Stage) -> None:
    for verb in ("status", "cancel", "download"):
        said = inside.call("batch", verb, "batch_999999", "--backend", FAKE)
        said.fails(2, "`qwen-dataset batch list --remote` shows those that are there")


def test_the_local_server_without_its_package_says_what_to_install() -> None:
    program = "import sys, runpy; sys.modules['aiohttp'] = None; sys.argv = ['x'];"
    program += "import importlib.util as u; real = u.find_spec;"
    program += "u.find_spec = lambda name, *more: None if name == 'aiohttp' else real(name, *more);"
    program += "runpy.run_module('qwen_dataset.testing.bailian', run_name='__main__')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == 'the server needs aiohttp: pip install "qwen-dataset[testing]"\n'


# Lists


def test_failures_that_are_alike_are_told_once_with_their_number(inside: Stage) -> None:
    prompts = [part for n in range(6) for part in ("--prompt", f"p{n}")]
    inside.call("batch", "create", *prompts, "--wait", "--backend", f"{FAKE}?reject=1", "--rounds", "1")
    said = inside.call("rejects").works()
    lines = said.out.splitlines()
    assert len(lines) < 6
    assert lines[0].startswith("failed  ")
    assert "more]" in lines[0]
    assert len(inside.call("rejects", "--json").works().out.splitlines()) == 6


def test_a_line_of_the_service_s_list_begins_with_what_it_is_about(inside: Stage) -> None:
    inside.call("batch", "create", "--prompt", "one", "--backend", FAKE).works()
    (line,) = inside.call("batch", "list", "--remote", "--backend", FAKE).works().out.splitlines()
    assert line.split()[0] in vars(batch_words).values()
    assert "batch_000001" in line


def test_a_batch_that_ended_without_an_answer_is_not_called_completed(inside: Stage) -> None:
    job = inside.call("batch", "create", "--prompt", "one", "--backend", f"{FAKE}?fail=1", "--json").works().json["id"]
    for _ in range(60):
        found = inside.call("batch", "status", job).works().out
        if "ended at the service" in found:
            break
    assert "status      failed\n" in found
    assert f"go on with  qwen-dataset resume {job}\ndownload    qwen-dataset batch status {job} --download\n" in found
    assert "completed" not in found
    inside.call("batch", "download", job).works(1)


def test_cancelling_what_had_ended_says_so(inside: Stage) -> None:
    inside.call("batch", "create", "--prompt", "one", "--wait", "--backend", FAKE).works()
    said = inside.call("batch", "cancel", "batch_000001", "--backend", FAKE).works()
    assert said.out.startswith("batch batch_000001 had ended already, so there was nothing to cancel\n")
