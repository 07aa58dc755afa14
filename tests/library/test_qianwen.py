"""The single steps of a batch by hand: the same words over the fake and over HTTP, and what goes wrong with them."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import attrs
import pytest

from qwen_dataset.domain.inference import FailureKind
from qwen_dataset.errors import (
    BackendRejected,
    BackendUnavailable,
    JobUnfinished,
    OutputError,
    SettingError,
)
from qwen_dataset.ports.inference import Offer
from qwen_dataset.ports.remote import RemoteBatch
from tests.library.stage import Stage

KEY = "sk-nobody0123456789"
FAKE = "fake:remote.jsonl"


def desk(backend: Any = FAKE, **more: Any) -> Any:
    from qwen_dataset import QianWenBatchInference

    return QianWenBatchInference(KEY, model="qwen-plus", backend=backend, **more)


async def from_start_to_end(at: Any, prompts: list[Any], **more: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    requests = at.create_batch_requests(prompts, **more)
    made = await at.create_batch_job(await at.upload_file(at.write_batch_file(requests, "in.jsonl")), job_name="demo")
    ended = await at.wait_for_completion(made["id"], poll=0.01)
    await at.download_results(made["id"], "out.jsonl")
    return ended, at.parse_results("out.jsonl", requests)


# Requests and files


def test_requests_are_lines_of_one_thinking_mode(stage: Stage) -> None:
    made = desk().create_batch_requests(["a", {"prompt": "b", "id": "mine"}, "c"], system="Be brief.", temperature=0.2)
    assert [line["custom_id"] for line in made] == ["request-1", "mine", "request-3"]
    assert made[0] == {
        "custom_id": "request-1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "qwen-plus",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "a"}],
            "temperature": 0.2,
            "top_p": 0.9,
            "max_tokens": 2000,
            "enable_thinking": False,
        },
    }
    assert json.loads(json.dumps(made)) == made


def test_requests_take_every_parameter(stage: Stage) -> None:
    (made,) = desk().create_batch_requests(
        [{"prompt": "a", "system": "Mine."}],
        system="Not used.",
        top_p=0.5,
        max_tokens=7,
        seed=3,
        enable_thinking=True,
        thinking_budget=64,
        response_format={"type": "json_object"},
        extra_body={"top_k": 5},
        model="qwen3-max",
        url="/v1/chat/ds-test",
    )
    body = made["body"]
    assert made["url"] == "/v1/chat/ds-test"
    assert [message["content"] for message in body["messages"]] == ["Mine.", "a"]
    wanted = {"top_p": 0.5, "max_tokens": 7, "seed": 3, "enable_thinking": True, "thinking_budget": 64, "top_k": 5}
    assert {name: body[name] for name in wanted} == wanted
    assert (body["model"], body["response_format"]) == ("qwen3-max", {"type": "json_object"})


@pytest.mark.parametrize(
    ("prompts", "word"),
    [
        ([], "at least one"),
        ("lone", "list"),
        ([" "], "empty"),
        ([{"prompt": "a", "id": "x"}, {"prompt": "b", "id": "x"}], "'x'"),
        ([{"prompt": "a", "id": "request-2"}, "b"], "'request-2'"),
    ],
)
def test_prompts_that_cannot_be_asked_are_told(stage: Stage, prompts: Any, word: str) -> None:
    with pytest.raises(SettingError, match=word):
        desk().create_batch_requests(prompts)


def test_a_parameter_that_cannot_be_is_told(stage: Stage) -> None:
    with pytest.raises(SettingError, match="temperature"):
        desk().create_batch_requests(["a"], temperature=9)


def test_a_file_that_cannot_be_written_or_is_not_there_is_told(stage: Stage) -> None:
    at = desk()
    with pytest.raises(OutputError, match="nowhere"):
        at.write_batch_file([], "nowhere/in.jsonl")
    with pytest.raises(SettingError, match="write_batch_file"):
        asyncio.run(at.upload_file("nowhere.jsonl"))
    with pytest.raises(SettingError, match="nowhere"):
        at.parse_results("nowhere.jsonl")


# The whole way


@pytest.mark.parametrize("held", [True, False])
def test_all_steps_over_the_fake(stage: Stage, held: bool) -> None:
    at = desk()

    async def scenario() -> None:
        if held:
            async with at as same:
                assert same is at
                ended, results = await from_start_to_end(at, ["a", "b"])
        else:
            ended, results = await from_start_to_end(at, ["a", "b"])
        assert (ended["status"], ended["request_counts"]) == ("completed", {"total": 2, "completed": 2, "failed": 0})
        assert ended["metadata"] == {"ds_name": "demo"}
        assert isinstance(ended["completed_at"], int)
        assert ended["failed_at"] is ended["errors"] is None
        assert [each["custom_id"] for each in results] == ["request-1", "request-2"]
        assert all(each["content"] and each["error"] is None for each in results)
        assert results[0]["usage"]["total_tokens"] == sum(
            results[0]["usage"][name] for name in ("prompt_tokens", "completion_tokens")
        )
        assert results[0]["response"]["status_code"] == 200
        assert (await at.get_batch_status(ended["id"])) == ended
        assert [each["id"] for each in await at.list_batches(name="demo", statuses=["completed"])] == [ended["id"]]
        assert await at.list_batches(after=ended["id"]) == []

    asyncio.run(scenario())
    assert stage.paid("remote.jsonl")["paid"] == 2
    assert not list(stage.home.glob(".*part")), "no draft is left"


def test_all_steps_over_http(stage: Stage, bailian_server: Any) -> None:
    from qwen_dataset import load_config

    config = load_config(base_url=bailian_server.base_url, backend="openai-batch")
    at = desk("openai-batch", config=config)

    async def scenario() -> None:
        async with at:
            ended, results = await from_start_to_end(at, ["a", "b", {"prompt": "c", "id": "mine"}])
            assert ended["status"] == "completed"
            assert [each["custom_id"] for each in results] == ["request-1", "request-2", "mine"]
            assert all(each["content"] for each in results)
            assert [each["id"] for each in await at.list_batches(name="demo")] == [ended["id"]]
            assert (await at.cancel_batch(ended["id"]))["status"] == "completed"
            twins = [at.create_batch_requests(["a"])[0]] * 2
            bad = await at.create_batch_job(await at.upload_file(at.write_batch_file(twins, "in.jsonl")))
            failed = await at.wait_for_completion(bad["id"], poll=0.01)
            assert failed["status"] == "failed"
            assert "duplicate" in failed["errors"]["data"][0]["code"]

    asyncio.run(scenario())


def test_over_http_the_answers_are_those_of_the_fake(stage: Stage, bailian_server: Any) -> None:
    from qwen_dataset import load_config

    config = load_config(base_url=bailian_server.base_url, backend="openai-batch")
    _, there = asyncio.run(from_start_to_end(desk("openai-batch", config=config), ["What is a qubit?", "什么是量子？"]))
    _, here = asyncio.run(from_start_to_end(desk(), ["What is a qubit?", "什么是量子？"]))
    assert [each["content"] for each in there] == [each["content"] for each in here]


# Waiting


def test_waiting_tells_each_change_once(stage: Stage) -> None:
    at = desk()
    seen: list[dict[str, Any]] = []

    async def scenario() -> None:
        file_id = await at.upload_file(at.write_batch_file(at.create_batch_requests(["a", "b"]), "in.jsonl"))
        made = await at.create_batch_job(file_id)
        await at.wait_for_completion(made["id"], poll=1.0, on_status=seen.append)

    asyncio.run(scenario())
    states = [(each["status"], *each["request_counts"].values()) for each in seen]
    assert states[0][0] == "validating"
    assert states[-1] == ("completed", 2, 2, 0)
    assert len(states) == len(set(states))


def test_waiting_survives_a_service_that_does_not_answer(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    calm, at = desk(), desk("fake:remote.jsonl?unavailable=0.7&seed=1")

    async def scenario() -> dict[str, Any]:
        file_id = await calm.upload_file(calm.write_batch_file(calm.create_batch_requests(["a"]), "in.jsonl"))
        made = await calm.create_batch_job(file_id)
        with caplog.at_level(logging.WARNING):
            ended: dict[str, Any] = await at.wait_for_completion(made["id"], poll=1.0)
        return ended

    assert asyncio.run(scenario())["status"] == "completed"
    assert "tried again" in caplog.text


class Stub:
    """Batches that are what a test says."""

    def __init__(self, *states: RemoteBatch | Exception, files: dict[str, list[bytes]] | None = None) -> None:
        self.states = list(states)
        self.files = files or {}
        self.downloads = 0

    async def retrieve(self, batch_id: str) -> RemoteBatch:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return state

    async def download(self, file_id: str) -> Any:
        versions = self.files[file_id]
        self.downloads += 1
        yield versions.pop(0) if len(versions) > 1 else versions[0]


def offer(stub: Stub, stage: Stage) -> tuple[Offer, list[float]]:
    from qwen_dataset.adapters.inference.fake.backend import FakeBackend

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    made = Offer(
        backend=FakeBackend(), name="stub", realtime=False, sleep=sleep, now=lambda: sum(slept), remote=stub  # type: ignore[arg-type]
    )  # fmt: skip
    return made, slept


RUNNING = RemoteBatch(id="b", status="in_progress", is_ended=False, completion_window="24h", total=2)
DONE = RemoteBatch(
    id="b", status="completed", is_ended=True, completion_window="24h", output_file_id="o", total=2, completed=2
)


@pytest.mark.parametrize(("said", "hours"), [("24h", 24), ("2d", 48), ("whenever", 24)])
def test_waiting_ends_an_hour_after_the_window(stage: Stage, said: str, hours: int) -> None:
    given, slept = offer(Stub(attrs.evolve(RUNNING, completion_window=said)), stage)
    with pytest.raises(JobUnfinished, match=f"{hours} hours"):
        asyncio.run(desk(given).wait_for_completion("b", poll=60))
    assert hours * 3600 + 3600 < sum(slept) < hours * 3600 + 4000
    assert slept[:3] == [60, 90, 135]
    assert max(slept) == 300


def test_waiting_does_not_outlast_a_service_that_never_answers(stage: Stage) -> None:
    given, slept = offer(Stub(BackendUnavailable("gone")), stage)
    with pytest.raises(JobUnfinished):
        asyncio.run(desk(given).wait_for_completion("b"))
    assert sum(slept) > 24 * 3600


def test_a_batch_that_is_not_known_ends_the_wait_at_once(stage: Stage) -> None:
    given, slept = offer(Stub(BackendRejected("no such batch")), stage)
    with pytest.raises(BackendRejected):
        asyncio.run(desk(given).wait_for_completion("b"))
    assert not slept


# Downloads and results


def test_a_download_that_was_cut_off_is_fetched_again(stage: Stage) -> None:
    whole = b'{"custom_id": "a"}\n{"custom_id": "b"}'
    stub = Stub(DONE, files={"o": [whole[:10], whole]})
    given, _ = offer(stub, stage)
    done = asyncio.run(desk(given).download_results("b", "out.jsonl"))
    assert done == {"output_file": "out.jsonl", "error_file": None, "missing": 0}
    assert Path("out.jsonl").read_bytes() == whole
    assert stub.downloads == 2


def test_a_download_that_stays_short_says_what_is_missing(stage: Stage) -> None:
    stub = Stub(attrs.evolve(DONE, error_file_id="e"), files={"o": [b'{"custom_id": "a"}\n'], "e": [b"{}\n"]})
    given, _ = offer(stub, stage)
    done = asyncio.run(desk(given).download_results("b", "out.jsonl"))
    assert done == {"output_file": "out.jsonl", "error_file": "out.jsonl.errors.jsonl", "missing": 1}
    assert stub.downloads == 4
    assert asyncio.run(desk(given).download_results("b", "out.jsonl", "bad.jsonl"))["error_file"] == "bad.jsonl"


def test_a_batch_that_has_not_ended_is_not_downloaded(stage: Stage) -> None:
    given, _ = offer(Stub(RUNNING), stage)
    with pytest.raises(JobUnfinished, match="in_progress"):
        asyncio.run(desk(given).download_results("b", "out.jsonl"))
    assert not Path("out.jsonl").exists()


def test_a_place_that_cannot_be_written_is_told(stage: Stage) -> None:
    given, _ = offer(Stub(DONE, files={"o": [b"{}\n{}\n"]}), stage)
    with pytest.raises(OutputError, match="nowhere"):
        asyncio.run(desk(given).download_results("b", "nowhere/out.jsonl"))


def answer(custom_id: str, text: str = "yes", **more: Any) -> dict[str, Any]:
    body = {"model": "m", "choices": [{"message": {"content": text, **more}, "finish_reason": "stop"}]}
    return {"id": "x", "custom_id": custom_id, "response": {"status_code": 200, "body": body}, "error": None}


def test_results_of_every_shape_are_read_in_prompt_order(stage: Stage) -> None:
    text = answer("request-3")
    text["response"]["body"] = json.dumps(text["response"]["body"])
    refused = {"status_code": 400, "body": {"error": {"code": "data_inspection_failed", "message": "no"}}}
    output = [
        answer("request-10"),
        answer("request-2", reasoning_content="hm"),
        text,
        "cut off {",
        {"no": "id"},
        [],
        {"custom_id": "request-4", "response": refused, "error": None},
        answer("request-2", "a second time"),
    ]
    errors = [
        {"custom_id": "request-5", "response": None, "error": {"code": "c5", "message": "m5"}},
        {"custom_id": "request-6", "response": None, "error": {"error_code": "c6", "error_message": "m6"}},
        {"custom_id": "request-3", "response": None, "error": {"code": "late", "message": "an answer counts more"}},
        {"custom_id": "request-7", "response": None, "error": None},
    ]
    for path, lines in (("out.jsonl", output), ("out.jsonl.errors.jsonl", errors)):
        stage.write(path, "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines))
    found = desk().parse_results("out.jsonl")
    assert [each["custom_id"] for each in found] == [f"request-{n}" for n in (2, 3, 4, 5, 6, 7, 10)]
    told = {each["custom_id"].removeprefix("request-"): each for each in found}
    assert [told[n]["content"] for n in ("2", "3", "10")] == ["yes", "yes", "yes"]
    assert told["2"]["reasoning_content"] == "hm"
    assert told["4"]["error"]["code"] == FailureKind.CONTENT_FILTER
    assert "m5" in told["5"]["error"]["message"]
    assert "m6" in told["6"]["error"]["message"]
    assert told["7"]["error"]["code"] == FailureKind.UNKNOWN
    assert all(told[n]["content"] is None for n in ("4", "5", "6", "7"))
    asked = [{"custom_id": "request-3"}, {"custom_id": "request-99"}, {"custom_id": "request-2"}]
    chosen = desk().parse_results("out.jsonl", asked)
    assert [(each["custom_id"], each["content"]) for each in chosen] == [
        ("request-3", "yes"), ("request-99", None), ("request-2", "yes"),
    ]  # fmt: skip
    assert chosen[1]["error"]["code"] == "unknown"


def test_a_result_with_half_a_character_is_one_and_what_cannot_be_read_is_told(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [json.dumps(answer("request-1", "half \ud83d")), "cut off {", json.dumps(answer("request-2"))]
    stage.write("out.jsonl", "\n".join(lines))
    found = desk().parse_results("out.jsonl", [{"custom_id": "request-1"}, {"custom_id": "request-2"}])
    assert [each["content"] for each in found] == ["half \ufffd", "yes"]
    assert "a line that cannot be read and is passed over: 2" in caplog.text


def test_results_without_numbers_stay_in_the_files_order(stage: Stage) -> None:
    stage.write("out.jsonl", "".join(json.dumps(answer(name)) + "\n" for name in ("z", "request-1", "a")))
    assert [each["custom_id"] for each in desk().parse_results(Path("out.jsonl"))] == ["z", "request-1", "a"]


# Settings


def test_a_backend_without_batches_is_told(stage: Stage) -> None:
    with pytest.raises(SettingError, match="no batches of its own"):
        asyncio.run(desk("fake:?mode=realtime").list_batches())


def test_nobody_to_ask_is_told(stage: Stage) -> None:
    from qwen_dataset import QianWenBatchInference

    with pytest.raises(SettingError, match="fake"):
        asyncio.run(QianWenBatchInference().get_batch_status("batch_1"))


def test_a_key_that_is_none_is_told_and_not_shown(stage: Stage) -> None:
    from qwen_dataset import QianWenBatchInference

    with pytest.raises(SettingError) as caught:
        QianWenBatchInference("sk-nobody 0123456789")
    assert "nobody" not in str(caught.value)


def test_the_key_is_in_no_error_of_the_service(stage: Stage) -> None:
    given, _ = offer(Stub(BackendRejected(f"the key {KEY} is wrong")), stage)
    with pytest.raises(BackendRejected) as caught:
        asyncio.run(desk(given).get_batch_status("b"))
    assert KEY not in str(caught.value)
    assert caught.value.__context__ is None
