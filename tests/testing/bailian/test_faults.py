"""Every fault happens, as often as it should, and its books are right."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

import pytest

from qwen_dataset.testing.bailian import BailianSettings
from qwen_dataset.testing.bailian.faults import Faults
from tests.testing.bailian.asking import BROKEN, Asker, line


def outcomes(asker: Asker, batch: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return asker.lines(batch[name]) if batch[name] else []


def test_a_whole_number_is_how_many_times_and_a_chance_a_share() -> None:
    twice = Faults(BailianSettings(fail=2))
    assert [twice.hits("fail", str(n)) for n in range(4)] == [True, True, False, False]
    share = Faults(BailianSettings(fail=0.3, seed=7))
    hits = [share.hits("fail", str(n)) for n in range(2000)]
    assert 500 < sum(hits) < 700
    again = Faults(BailianSettings(fail=0.3, seed=7))
    assert [again.hits("fail", str(n)) for n in reversed(range(2000))] == hits[::-1], "order does not matter"
    other = Faults(BailianSettings(fail=0.3, seed=8))
    assert [other.hits("fail", str(n)) for n in range(2000)] != hits


def test_whoever_keeps_trying_gets_through() -> None:
    always = Faults(BailianSettings(lose_reply=1.0, at_most=3))
    assert [always.hits("lose_reply", "x") for _ in range(8)] == [True] * 3 + [False] + [True] * 3 + [False]


def test_what_lies_in_the_thing_stays() -> None:
    first = Faults(BailianSettings(inspect=1))
    assert [first.marks("inspect", "a"), first.marks("inspect", "b"), first.marks("inspect", "a")] == [
        True,
        False,
        True,
    ]
    share = Faults(BailianSettings(inspect=0.5))
    assert all(share.marks("inspect", str(n)) == share.marks("inspect", str(n)) for n in range(20))
    assert not Faults(BailianSettings()).marks("inspect", "a")


def test_a_number_that_changed_counts_anew() -> None:
    faults = Faults(BailianSettings(fail=1, missing=1))
    assert faults.hits("fail", "a")
    assert faults.hits("missing", "a")
    faults.use(BailianSettings(fail=2, missing=1))
    assert [faults.hits("fail", "a") for _ in range(3)] == [True, True, False]
    assert not faults.hits("missing", "a")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("throttle", 429, "limit_requests"),
        ("throttle_after", 429, "limit_requests"),
        ("error_500", 500, "internal_error"),
        ("error_503", 503, "ModelUnavailable"),
        ("arrears", 400, "Arrearage"),
        ("other", 418, "Teapot"),
    ],
)
def test_any_call_can_be_refused_and_then_nothing_is_done(asker: Asker, fault: str, status: int, code: str) -> None:
    file = asker.upload([line(1)]).json["id"]
    asker.server.configure(**{fault: 4}, retry_after=2, other_error="418:Teapot:Short, stout: no.")
    for ask in (lambda: asker.create(file), asker.chat, lambda: asker.get("/batches")):
        reply = ask()
        assert (reply.status, reply.json["error"]["code"]) == (status, code)
        assert reply.headers.get("retry-after") == ("2" if fault == "throttle_after" else None)
    native = asker.native("qwen-plus")
    assert native.status == status
    assert set(native.json) == {"code", "message", "request_id"}
    assert asker.create(file).status == 200
    totals = asker.server.totals()
    assert totals["faults"] == {fault: 4}
    assert len(totals["batches"]) == 1
    assert totals["paid_realtime"] == 0


@pytest.mark.bailian(error_500=1.0, on="create+chat", at_most=1000)
def test_faults_happen_only_where_they_are_wanted(asker: Asker) -> None:
    assert asker.get("/batches").status == 200
    assert asker.chat().status == 500
    assert asker.native("qwen-plus").status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_reset_in_the_middle_of_a_paid_reply(asker: Asker, stream: bool) -> None:
    asker.server.configure(reset=2)
    with pytest.raises(BROKEN):
        asker.chat(stream=stream)
    headers = {"X-DashScope-SSE": "enable"} if stream else {}
    with pytest.raises(BROKEN):
        asker.native("qwen-plus", headers=headers, result_format="message")
    assert asker.server.totals()["paid_realtime"] == 2
    assert asker.chat().status == 200


def test_a_reset_of_a_refusal_and_of_a_download(asker: Asker) -> None:
    batch = asker.run(3)
    asker.server.configure(reset=2)
    with pytest.raises(BROKEN):
        asker.get("/batches/batch_x")
    with pytest.raises(BROKEN):
        asker.lines(batch["output_file_id"])
    assert len(asker.lines(batch["output_file_id"])) == 3


def test_done_and_no_reply(asker: Asker) -> None:
    asker.server.configure(lose_upload=1, lose_create=1)
    with pytest.raises(BROKEN):
        asker.upload([line(1)])
    (file,) = asker.get("/files").json["data"]
    with pytest.raises(BROKEN):
        asker.create(file["id"], metadata={"ds_name": "mine"})
    (batch,) = asker.get("/batches", ds_name="mine").json["data"]
    assert asker.wait(batch)["status"] == "completed"
    assert asker.server.totals()["paid_total"] == 1


@pytest.mark.bailian(late=1.0, late_seconds=100, look_seconds=0, duration=1000)
def test_a_created_batch_shows_up_late(asker: Asker) -> None:
    batch = asker.start(1)
    assert asker.get(f"/batches/{batch['id']}").status == 404
    assert asker.post(f"/batches/{batch['id']}/cancel").status == 404
    assert asker.get("/batches").json["data"] is None
    asker.server.advance(100)
    assert asker.get(f"/batches/{batch['id']}").status == 200
    assert len(asker.get("/batches").json["data"]) == 1


@pytest.mark.bailian(processing=1)
def test_an_upload_that_is_not_processed_yet(asker: Asker) -> None:
    file = asker.upload([line(1)]).json
    assert file["status"] == "uploaded"
    assert [asker.get(f"/files/{file['id']}").json["status"] for _ in range(2)] == ["uploaded", "processed"]


def test_downloads_that_end_early(asker: Asker) -> None:
    batch = asker.run(20)
    path = f"/files/{batch['output_file_id']}"
    whole = asker.get(f"{path}/content").content
    assert len(whole) == asker.get(path).json["bytes"]
    asker.server.configure(truncate_clean=1)
    cut = asker.get(f"{path}/content").content
    assert len(cut) < len(whole)
    assert whole.startswith(cut)
    asker.server.configure(truncate_clean=0, truncate_download=1)
    with pytest.raises(BROKEN):
        asker.get(f"{path}/content")
    assert asker.get(f"{path}/content").content == whole, "the same bytes as often as it is asked for"


@pytest.mark.bailian(missing=3, corrupt=3, duplicate=3, stray=3)
def test_result_lines_that_ran_and_were_paid_but_are_not_as_they_should_be(asker: Asker) -> None:
    batch = asker.run(20)
    assert batch["request_counts"] == {"total": 20, "completed": 20, "failed": 0}
    ids: Counter[str] = Counter()
    garbled = 0
    for raw in asker.get(f"/files/{batch['output_file_id']}/content").content.splitlines():
        try:
            ids[json.loads(raw)["custom_id"]] += 1
        except ValueError:
            garbled += 1
    assert garbled == 3
    assert sum(1 for name in ids if name.startswith("stray-")) == 3
    assert sorted(times for name, times in ids.items() if name.startswith("id-")) == [1] * 11 + [2] * 3
    totals = asker.server.totals()
    assert (totals["paid_total"], totals["paid_twice"]) == (20, 0)
    assert totals["batches"][0]["fates"] == {"missing": 3, "corrupt": 3, "twice": 3, "stray": 3, "answered": 8}


def test_refused_lines_in_every_shape(asker: Asker) -> None:
    shapes = {}
    for shape in ("code", "error_code", "body", "bare"):
        asker.server.configure(fail=0, line_shapes=(shape,), fail_codes=("limit_requests",))
        asker.server.configure(fail=2)
        batch = asker.run(5)
        assert batch["request_counts"] == {"total": 5, "completed": 3, "failed": 2}
        assert len(outcomes(asker, batch, "output_file_id")) == 3
        errors = outcomes(asker, batch, "error_file_id")
        assert len(errors) == 2
        shapes[shape] = errors[0]
    code = {"code": "limit_requests", "message": "You exceeded your current requests limit."}
    assert shapes["code"]["response"] is None
    assert shapes["code"]["error"] == code
    assert shapes["error_code"]["error"] == {"error_code": code["code"], "error_message": code["message"]}
    assert shapes["body"]["response"]["status_code"] == 429
    assert shapes["body"]["response"]["body"]["error"]["code"] == "limit_requests"
    assert shapes["body"]["error"] is None
    assert "response" not in shapes["bare"]
    assert shapes["bare"]["error"] == code
    assert asker.server.totals()["paid_total"] == 4 * 3


@pytest.mark.bailian(fail_in_output=2)
def test_refused_lines_in_the_output_file(asker: Asker) -> None:
    batch = asker.run(5)
    assert batch["request_counts"] == {"total": 5, "completed": 5, "failed": 0}
    assert batch["error_file_id"] is None
    states = Counter(one["response"]["status_code"] for one in asker.lines(batch["output_file_id"]))
    assert states[200] == 3
    assert asker.server.totals()["paid_total"] == 3


@pytest.mark.bailian(fail=1.0, at_most=1)
def test_when_nothing_succeeds_there_is_no_output_file(asker: Asker) -> None:
    batch = asker.run(5)
    assert batch["status"] == "completed"
    assert batch["output_file_id"] is None
    assert len(asker.lines(batch["error_file_id"])) == 5
    assert asker.run(5)["request_counts"]["completed"] == 5, "spared the second time"


def test_expired_with_and_without_its_results(asker: Asker) -> None:
    asker.server.configure(expire=1)
    batch = asker.run(60)
    counts = batch["request_counts"]
    assert batch["status"] == "expired"
    assert 0 < counts["completed"] < 60
    assert len(asker.lines(batch["output_file_id"])) == counts["completed"]
    assert len(asker.lines(batch["error_file_id"])) == 60 - counts["completed"]
    asker.server.configure(expire_silent=1)
    silent = asker.run([line(n) for n in range(60, 120)])
    assert silent["status"] == "expired"
    assert silent["output_file_id"] is silent["error_file_id"] is None
    assert silent["request_counts"]["completed"] > 0
    paid = counts["completed"] + silent["request_counts"]["completed"]
    assert asker.server.totals()["paid_total"] == paid


@pytest.mark.bailian(expire=1, unrun="absent")
def test_lines_that_never_ran_may_stand_nowhere(asker: Asker) -> None:
    assert asker.run(60)["error_file_id"] is None


@pytest.mark.bailian(cancel=1)
def test_cancelled_by_a_person(asker: Asker) -> None:
    assert asker.run(60)["status"] == "cancelled"
    assert asker.run(60)["status"] == "completed"


@pytest.mark.bailian(invalid=1, invalid_code="internal_error")
def test_a_validation_that_fails_for_no_reason(asker: Asker) -> None:
    batch = asker.run(2)
    assert [(one["code"], one["line"]) for one in batch["errors"]["data"]] == [
        ("internal_error", 1),
        ("internal_error", 2),
    ]
    assert asker.run(2)["status"] == "completed"


@pytest.mark.bailian(inspect=2, line_shapes="code")
def test_content_inspection_is_for_ever_in_batches_and_calls(asker: Asker) -> None:
    for _ in range(2):
        batch = asker.run(5)
        errors = asker.lines(batch["error_file_id"])
        assert [one["error"]["code"] for one in errors] == ["data_inspection_failed"] * 2
    number = int(errors[0]["custom_id"].removeprefix("id-"))
    reply = asker.chat(text=f"What is {number}?")
    assert (reply.status, reply.json["error"]["type"]) == (400, "data_inspection_failed")


@pytest.mark.bailian(line_shapes="code")
def test_a_request_that_is_at_fault_itself(asker: Asker) -> None:
    lines = [line(1), line(2, response_format={"type": "json_object"}), line(3, response_format={"type": "text"})]
    batch = asker.run(lines)
    (error,) = asker.lines(batch["error_file_id"])
    assert error["custom_id"] == "id-2"
    assert "must contain the word 'json'" in error["error"]["message"]


def test_bodies_as_text_and_messages_without_a_role(asker: Asker) -> None:
    asker.server.configure(string_body=1, no_role=1)
    batch = asker.run(3)
    bodies = [one["response"]["body"] for one in asker.lines(batch["output_file_id"])]
    texts = [body for body in bodies if isinstance(body, str)]
    assert len(texts) == 1
    parsed = [json.loads(body) if isinstance(body, str) else body for body in bodies]
    assert sorted("role" in body["choices"][0]["message"] for body in parsed) == [False, True, True]
    asker.server.configure(no_role=2)
    assert "role" not in asker.chat().json["choices"][0]["message"]


def test_reasoning_stands_in_result_files_or_not(asker: Asker) -> None:
    lines = [line(1, model="qwen3.7-plus", enable_thinking=True)]
    for wanted in (True, False):
        asker.server.configure(reasoning=wanted)
        body = asker.lines(asker.run(lines)["output_file_id"])[0]["response"]["body"]
        assert ("reasoning_content" in body["choices"][0]["message"]) == wanted
        assert body["usage"]["completion_tokens"] > 20, "thinking is billed"


def test_realtime_faults_and_who_pays_for_them(asker: Asker) -> None:
    asker.server.configure(lose_reply=2, fail=1)
    assert asker.chat().status in {429, 500}
    assert asker.server.totals()["paid_realtime"] == 0
    for ask in (asker.chat, lambda: asker.native("qwen-plus")):
        with pytest.raises(BROKEN):
            ask()
    assert asker.server.totals()["paid_realtime"] == 2
    asker.server.configure(choices_null=1)
    inside = asker.chat()
    assert inside.status == 200
    assert inside.json["choices"] is None
    assert inside.json["error"]["code"] == "internal_error"
    assert asker.server.totals()["paid_realtime"] == 2, "an error is not billed"
    asker.server.configure(abort_json=1)
    asked = {"text": "json, please", "response_format": {"type": "json_object"}}
    assert "Please retry the request." in asker.chat(**asked).json["error"]["message"]
    assert asker.chat(**asked).status == 200


@pytest.mark.bailian(slow=1, slow_seconds=30, speed=100)
def test_slow_is_slow(asker: Asker) -> None:
    began = time.monotonic()
    asker.get("/batches")
    assert time.monotonic() - began >= 0.25
    began = time.monotonic()
    asker.get("/batches")
    assert time.monotonic() - began < 0.25


@pytest.mark.bailian(
    seed=5, throttle=0.3, error_500=0.2, reset=0.2, lose_create=0.5, lose_upload=0.5, truncate_download=0.6, fail=0.5
)
def test_a_client_that_keeps_trying_always_comes_to_an_end(asker: Asker) -> None:
    def stubborn(ask: Any) -> Any:
        for _ in range(60):
            try:
                reply = ask()
            except BROKEN:
                continue
            if reply.status == 200:
                return reply
        raise AssertionError(ask)

    file = stubborn(lambda: asker.upload([line(n) for n in range(5)])).json["id"]
    batch = stubborn(lambda: asker.create(file)).json
    while batch["status"] != "completed":
        batch = stubborn(lambda path=f"/batches/{batch['id']}": asker.get(path)).json
    for name in ("output_file_id", "error_file_id"):
        stubborn(lambda name=name: asker.get(f"/files/{batch[name]}/content"))
