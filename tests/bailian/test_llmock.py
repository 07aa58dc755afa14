"""Batches and chat against llmock, a server that we did not write: it takes metadata, and ignores every filter."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from qwen_dataset.app.wiring import plugins
from qwen_dataset.ports.inference import BackendSettings
from qwen_dataset.ports.remote import BatchFilter, RemoteBatches
from tests import loopback
from tests.bailian.stage_http import KEY, ROOT, Ended, Home, LLMock, end_of, llmock, wait_until

LONG = pytest.mark.long
PROMPTS, A_BATCH, BATCHES = 2_000, 700, 3
BACKEND = f"openai-batch:?requests={A_BATCH}&settle=0.5"


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLMock]:
    with llmock(tmp_path_factory.mktemp("llmock")) as server:
        yield server


@attrs.frozen
class Desk:
    """Two thousand prompts that no other test has, and what llmock holds of them."""

    home: Home
    far: LLMock
    word: str

    def command(self, base_url: str = "") -> tuple[object, ...]:
        asked = ("batch", "create", "--input-file", "prompts.txt", "--job-name", self.word, "--wait", "--json")
        return *asked, "-o", "out.jsonl", "--backend", BACKEND, "--base-url", base_url or self.far.base_url, "--poll", 1

    def create(self, base_url: str = "") -> Ended:
        return self.home.run(*self.command(base_url)).works()

    def batches(self) -> list[dict[str, Any]]:
        """Return the batches of this job; the newest first."""
        return [each for each in self.far.batches() if self.word in each["metadata"]["qwen_dataset_key"]]

    def check(self, ended: Ended) -> None:
        """Everything was answered, in order, and nothing was created twice."""
        assert (ended.report["requests"], ended.report["completions"]) == (PROMPTS, PROMPTS)
        assert ended.report["possibly_paid"] == 0
        lines = (self.home.folder / "out.jsonl").read_text(encoding="utf-8").splitlines()
        answers = [json.loads(line)["output"] for line in lines]
        assert answers == [f"Hello! You said: {question}" for question in self.questions]
        batches = self.batches()
        assert sorted(each["request_counts"]["completed"] for each in batches) == [600, 700, 700]
        assert len(batches) == len({each["metadata"]["ds_name"] for each in batches}) == BATCHES
        assert {each["status"] for each in batches} == {"completed"}

    @property
    def questions(self) -> list[str]:
        return [f"{self.word} question {number}" for number in range(PROMPTS)]


@pytest.fixture
def desk(tmp_path: Path, far: LLMock, request: pytest.FixtureRequest) -> Desk:
    home = Home(tmp_path, {"DASHSCOPE_API_KEY": KEY, "NO_PROXY": "127.0.0.1"})
    made = Desk(home, far, re.sub(r"\W", "-", request.node.name).rstrip("-"))
    (tmp_path / "prompts.txt").write_text("".join(f"{each}\n" for each in made.questions), encoding="utf-8")
    return made


def test_two_thousand_prompts_in_three_batches(desk: Desk) -> None:
    desk.check(desk.create())
    desk.check(desk.create())
    look_at_one(desk)


@pytest.mark.parametrize("made", [pytest.param(number, marks=LONG) for number in (1, 2, 3)])
def test_killed_in_the_middle(desk: Desk, made: int) -> None:
    """At a moment when llmock has so many of the three batches."""
    desk.home.killed(*desk.command(), when=lambda: len(desk.batches()) >= made)
    assert len(desk.batches()) <= BATCHES
    desk.check(desk.create())


@pytest.mark.parametrize("number", [1, pytest.param(2, marks=LONG), pytest.param(3, marks=LONG)])
def test_killed_when_a_batch_was_created_and_before_it_heard_of_it(desk: Desk, number: int) -> None:
    created: list[loopback.Asked] = []
    running: list[int] = []

    def dies(asked: loopback.Asked) -> bool:
        if asked.method != "POST" or not asked.target.endswith("/batches"):
            return False
        created.append(asked)
        if len(created) != number:
            return False
        os.kill(running[0], signal.SIGKILL)
        return True

    with loopback.relay(desk.far.port, dies) as between:
        process = desk.home.start(*desk.command(f"{between.endpoint}/v1"))
        running.append(process.pid)
        ended = end_of(process)
        assert ended.code == -signal.SIGKILL, ended.err
        assert len(desk.batches()) == number
        desk.check(desk.create(f"{between.endpoint}/v1"))
    assert len(created) == BATCHES, "the one whose reply was lost is found, not made again"


@pytest.mark.long
def test_the_reply_to_each_creation_is_lost(desk: Desk) -> None:
    created: list[loopback.Asked] = []

    def loses(asked: loopback.Asked) -> bool:
        if asked.method == "POST" and asked.target.endswith("/batches"):
            created.append(asked)
            return True
        return False

    with loopback.relay(desk.far.port, loses) as between:
        desk.check(desk.create(f"{between.endpoint}/v1"))
    assert len(created) == BATCHES


def look_at_one(desk: Desk) -> None:
    """Each single command on one of the batches, by llmock's id of it."""
    where = ("--backend", "openai-batch", "--base-url", desk.far.base_url)
    last = next(each for each in desk.batches() if each["request_counts"]["total"] == 600)
    listed = desk.home.run("batch", "list", "--remote", "--name", last["metadata"]["ds_name"], "--json", *where)
    assert [json.loads(line)["id"] for line in listed.works().out.splitlines()] == [last["id"]]
    shown = desk.home.run("batch", "status", last["id"], "--json", *where).works().report
    assert (shown["status"], shown["request_counts"]["completed"]) == ("completed", 600)
    desk.home.run("batch", "download", last["id"], "-o", "lines.jsonl", *where).works()
    assert len((desk.home.folder / "lines.jsonl").read_text(encoding="utf-8").splitlines()) == 600
    desk.home.run("batch", "cancel", last["id"], *where).works()


@pytest.mark.parametrize("backend", ["openai-chat", pytest.param("openai-chat:?stream=yes", marks=LONG), ""])
def test_chat_one_call_at_a_time(tmp_path: Path, far: LLMock, backend: str) -> None:
    """llmock says what it was asked, which is no sample: each answer is one reject."""
    before = len(far.batches())
    where = ("--backend", backend, "--base-url", far.base_url) if backend else ("--backend", far.base_url)
    home = Home(tmp_path, {"DASHSCOPE_API_KEY": KEY, "NO_PROXY": "127.0.0.1"})
    papers = ROOT / "examples" / "papers"
    said = home.run("generate", papers, "-o", "out.jsonl", "--realtime", "--json", *where).works().report
    assert said["requests"] == said["completions"] == said["rejects"] == said["candidates"] > 10
    assert (said["failures"], said["samples"], said["possibly_paid"]) == (0, 0, 0)
    assert len(far.batches()) == before


def with_remote(far: LLMock, scenario: Any) -> Any:
    """Run a scenario with the batches that the backend offers by their own ids."""
    settings = BackendSettings(base_url=far.base_url, api_key=lambda: KEY)
    offer = plugins.open_backend("openai-batch:?settle=0", settings)

    async def run() -> Any:
        async with offer.backend:
            assert offer.remote is not None
            return await scenario(offer.remote)

    return asyncio.run(run())


def line(number: int) -> str:
    body = {"model": "m", "messages": [{"role": "user", "content": f"{number}"}]}
    return json.dumps({"custom_id": f"id-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body})


def test_every_step_by_hand(tmp_path: Path, far: LLMock) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text("\n".join(map(line, range(5))) + "\nnot json\n", encoding="utf-8")

    async def scenario(remote: RemoteBatches) -> None:
        file_id = await remote.upload(file, name="by-hand.jsonl")
        batch = await remote.create(file_id, completion_window="24h", metadata={"ds_name": "by hand"})
        assert (batch.status, batch.input_file_id, batch.is_ended) == ("validating", file_id, False)
        named = [each.id async for each in remote.list(BatchFilter(name="by hand"))]
        assert named == [batch.id], "llmock ignores the filter, so it is filtered here"
        while not batch.is_ended:
            await asyncio.sleep(0.2)
            batch = await remote.retrieve(batch.id)
        assert (batch.status, batch.total, batch.completed, batch.failed) == ("completed", 6, 5, 1)
        assert batch.output_file_id
        assert batch.error_file_id
        lines = b"".join([piece async for piece in remote.download(batch.output_file_id)]).splitlines()
        assert [json.loads(each)["custom_id"] for each in lines] == [f"id-{number}" for number in range(5)]
        assert (await remote.cancel(batch.id)).status == "completed"
        other = await remote.create(file_id, completion_window="48h")
        assert (await remote.cancel(other.id)).status == "cancelled"
        for _ in range(2):
            await remote.delete_file(file_id)

    with_remote(far, scenario)


def test_a_batch_is_found_behind_more_than_a_page_of_others(tmp_path: Path, far: LLMock) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(line(1) + "\n", encoding="utf-8")

    async def scenario(remote: RemoteBatches) -> None:
        file_id = await remote.upload(file, name="pages.jsonl")
        first = await remote.create(file_id, completion_window="24h", metadata={"ds_name": "the first"})
        # Its list is in order of seconds.
        made = first.created_at
        while made == first.created_at:
            await asyncio.sleep(0.1)
            made = (await remote.create(file_id, completion_window="24h")).created_at
        for _ in range(230):
            await remote.create(file_id, completion_window="24h")
        assert [each.id async for each in remote.list(BatchFilter(name="the first"))] == [first.id]
        everything = [each.id async for each in remote.list()]
        assert len(everything) == len(set(everything)) == len(far.batches()) > 230

    with_remote(far, scenario)


def test_the_server_of_these_tests_ends_with_them(tmp_path: Path) -> None:
    with llmock(tmp_path) as server:
        pid = server.pid

    def is_gone() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    wait_until(is_gone, 5)
