"""Batches and files as recorded: ids, states, nulls, filters, validation."""

from __future__ import annotations

import datetime as dt
import re
import socket
from typing import Any

import pytest

from tests.testing.bailian.asking import CHAT, Asker, ask, line

TIMES = ("in_progress", "expires", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")


def set_times(batch: dict[str, Any]) -> set[str]:
    return {name for name in TIMES if batch[f"{name}_at"] is not None}


def test_a_batch_from_upload_to_results_as_recorded(asker: Asker) -> None:
    uploaded = asker.upload([line(n) for n in range(3)]).json
    assert re.fullmatch(r"file-batch-[0-9a-f]{24}", uploaded["id"])
    assert (uploaded["object"], uploaded["purpose"], uploaded["status"]) == ("file", "batch", "processed")
    assert uploaded["filename"] == "input.jsonl"
    metadata = {"ds_name": "demo", "qwen_dataset_key": "k"}
    created = asker.create(uploaded["id"], metadata=metadata).json
    assert re.fullmatch(r"batch_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", created["id"])
    assert created["status"] == "validating"
    assert created["metadata"] == metadata
    assert set_times(created) == set()
    assert created["errors"] is created["output_file_id"] is created["error_file_id"] is None
    assert created["request_counts"] == {"total": 0, "completed": 0, "failed": 0}
    assert not {"model", "usage"} & created.keys()
    seen = [asker.look(created) for _ in range(4)]
    assert [one["status"] for one in seen] == ["in_progress", "in_progress", "finalizing", "completed"]
    assert seen[0]["in_progress_at"] == created["created_at"]
    assert seen[0]["output_file_id"] is None
    done = seen[-1]
    assert set_times(done) == {"in_progress", "finalizing", "completed"}
    assert done["finalizing_at"] == done["completed_at"] == created["created_at"] + 60
    assert done["error_file_id"] is None
    assert done["request_counts"] == {"total": 3, "completed": 3, "failed": 0}
    assert re.fullmatch(r"file-batch_output-[0-9a-f]{24}", done["output_file_id"])
    results = {one["custom_id"]: one for one in asker.lines(done["output_file_id"])}
    assert set(results) == {"id-0", "id-1", "id-2"}
    one = results["id-1"]
    assert one["error"] is None
    assert one["id"] == one["response"]["request_id"]
    body = one["response"]["body"]
    assert body["id"] == f"chatcmpl-{one['id']}"
    assert set(body["usage"]) == {"completion_tokens", "prompt_tokens", "total_tokens"}
    assert body["choices"][0]["message"]["role"] == "assistant"


def test_a_download_has_no_content_type_and_is_chunked(asker: Asker) -> None:
    reply = asker.get(f"/files/{asker.run(1)['output_file_id']}/content")
    assert "content-type" not in reply.headers
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.headers["x-request-id"]


@pytest.mark.bailian(look_seconds=0)
def test_time_alone_moves_a_batch_on(asker: Asker) -> None:
    batch = asker.start(2)
    assert asker.look(batch)["status"] == asker.look(batch)["status"] == "validating"
    asker.server.advance(10)
    assert asker.look(batch)["status"] == "in_progress"
    asker.server.advance(50)
    assert asker.look(batch)["status"] == "completed"


@pytest.mark.bailian(look_seconds=0, speed=100_000)
def test_time_passes_at_the_speed_that_was_chosen(asker: Asker) -> None:
    assert asker.run(1, completion_window="14d")["status"] == "completed"


@pytest.mark.bailian(duration=100_000, look_seconds=50_000)
def test_a_batch_that_takes_longer_than_its_window_expires(asker: Asker) -> None:
    batch = asker.run(20)
    assert batch["status"] == "expired"
    assert set_times(batch) == {"in_progress", "expired"}
    assert batch["expired_at"] == batch["created_at"] + 86_400


def test_the_newest_is_first_and_pages_follow(asker: Asker) -> None:
    file = asker.upload([line(1)]).json["id"]
    ids = [asker.create(file).json["id"] for _ in range(5)][::-1]
    first = asker.get("/batches", limit=3).json
    assert [one["id"] for one in first["data"]] == ids[:3]
    assert (first["first_id"], first["last_id"], first["has_more"]) == (ids[0], ids[2], True)
    second = asker.get("/batches", limit=3, after=first["last_id"]).json
    assert [one["id"] for one in second["data"]] == ids[3:]
    assert second["has_more"] is False


def test_an_empty_list_is_null(asker: Asker) -> None:
    empty = {"object": "list", "data": None, "first_id": None, "last_id": None, "has_more": False}
    assert asker.get("/batches").json == empty
    asker.start(1)
    assert asker.get("/batches", input_file_ids="file-batch-nobody").json == empty
    assert asker.get("/batches", after="batch_nobody").json == empty


def test_lists_are_filtered(asker: Asker) -> None:
    one = asker.start(1, metadata={"ds_name": "alpha-1"})
    two = asker.run(1, metadata={"ds_name": "alpha-2"})
    three = asker.start(1)

    def found(**query: Any) -> list[str]:
        return [batch["id"] for batch in asker.get("/batches", **query).json["data"] or []]

    assert found(ds_name="alpha") == [two["id"], one["id"]]
    assert found(ds_name="alpha-2") == [two["id"]]
    assert found(status="completed,failed") == [two["id"]]
    assert found(input_file_ids=f"{one['input_file_id']},{three['input_file_id']}") == [three["id"], one["id"]]


@pytest.mark.bailian(look_seconds=0)
def test_times_in_lists_are_those_of_beijing(asker: Asker) -> None:
    batch = asker.start(1)
    asker.server.advance(7200)
    late = asker.start(1)

    def beijing(unix: int) -> str:
        zone = dt.timezone(dt.timedelta(hours=8))
        return dt.datetime.fromtimestamp(unix, zone).strftime("%Y%m%d%H%M%S")

    before = asker.get("/batches", create_before=beijing(batch["created_at"] + 60)).json["data"]
    assert [one["id"] for one in before] == [batch["id"]]
    after = asker.get("/batches", create_after=beijing(batch["created_at"] + 60)).json["data"]
    assert [one["id"] for one in after] == [late["id"]]
    days = asker.get("/files", create_after=beijing(batch["created_at"])[:8], limit=1).json
    assert len(days["data"]) == 1
    assert days["has_more"]
    assert asker.get("/files", create_before="20200101").json["data"] == []


def test_after_thirty_days_batches_and_results_are_gone(asker: Asker) -> None:
    batch = asker.run(1)
    asker.server.advance(30 * 86_400 + 61)
    assert asker.get(f"/batches/{batch['id']}").status == 404
    assert asker.get(f"/files/{batch['output_file_id']}").status == 404
    assert asker.get("/batches").json["data"] is None
    assert asker.get(f"/files/{batch['input_file_id']}").status == 200


def test_a_cancelled_batch_keeps_what_is_done(asker: Asker) -> None:
    batch = asker.start(60)
    asker.look(batch)
    asker.look(batch)
    reply = asker.post(f"/batches/{batch['id']}/cancel").json
    assert reply["status"] == "cancelling"
    assert reply["cancelling_at"] is None
    again = asker.post(f"/batches/{batch['id']}/cancel").json
    assert again["status"] == "cancelling"
    done = asker.wait(batch)
    assert done["status"] == "cancelled"
    assert done["cancelling_at"] == done["cancelled_at"]
    assert done["finalizing_at"] is done["completed_at"] is None
    counts = done["request_counts"]
    assert 0 < counts["completed"] < 60
    assert counts["failed"] == 60 - counts["completed"]
    results, errors = asker.lines(done["output_file_id"]), asker.lines(done["error_file_id"])
    assert len(results) == counts["completed"]
    assert len(errors) == counts["failed"]
    assert asker.server.totals()["paid_total"] == counts["completed"]
    assert asker.post(f"/batches/{batch['id']}/cancel").status == 400


def test_cancelled_before_anything_ran(asker: Asker) -> None:
    batch = asker.start(2)
    asker.post(f"/batches/{batch['id']}/cancel")
    done = asker.wait(batch)
    assert done["status"] == "cancelled"
    assert done["request_counts"] == {"total": 2, "completed": 0, "failed": 2}
    assert done["output_file_id"] is None
    assert done["in_progress_at"] is None
    assert done["error_file_id"].startswith("file-batch_output-")
    assert asker.server.totals()["paid_total"] == 0


@pytest.mark.parametrize(
    ("lines", "code", "param"),
    [
        ([line(1), line(2, model="qwen-flash")], "mismatched_model", "model"),
        ([line(1), line(1)], "duplicate_custom_id", "custom_id"),
        ([line(1), line(2, url="/v1/chat/completion")], "url_not_found", "url"),
        ([line(1), {**line(2), "method": "GET"}], "url_not_found", "url"),
        ([line(1), {**line(2), "url": ["x"]}], "url_not_found", "url"),
        ([line(1), line(2, url="/v1/embeddings")], "mismatched_url", "url"),
        ([line(1), line(2, enable_thinking=True)], "mismatched_thinking", "enable_thinking"),
        ([line(1), "{"], "invalid_json_line", None),
        ([line(1), "[]"], "invalid_json_line", None),
        ([line(1), {**line(2), "custom_id": "x" * 257}], "invalid_custom_id", "custom_id"),
        ([line(1), {**line(2), "custom_id": 2}], "invalid_custom_id", "custom_id"),
    ],
)
def test_validation_says_what_is_wrong_with_the_second_line(asker: Asker, lines: Any, code: str, param: Any) -> None:
    batch = asker.run(lines)
    assert batch["status"] == "failed"
    assert set_times(batch) == {"failed"}
    assert batch["failed_at"] == batch["created_at"]
    assert batch["request_counts"] == {"total": 0, "completed": 0, "failed": 0}
    assert batch["output_file_id"] is batch["error_file_id"] is None
    assert batch["errors"]["object"] == "list"
    (problem,) = batch["errors"]["data"]
    assert (problem["code"], problem["param"], problem["line"]) == (code, param, 2)
    assert problem["message"]
    assert asker.server.totals()["paid_total"] == 0


def test_an_unknown_model_is_one_problem_a_line(asker: Asker) -> None:
    batch = asker.run([line(n, model="no-such-model") for n in range(3)])
    assert [(one["code"], one["line"]) for one in batch["errors"]["data"]] == [
        ("model_not_found", n) for n in (1, 2, 3)
    ]


@pytest.mark.bailian(models="qwen-max+qwen-long")
def test_only_the_models_that_were_named_exist(asker: Asker) -> None:
    assert asker.run(1)["status"] == "failed"
    assert asker.run([line(1, model="qwen-long")])["status"] == "completed"


def test_an_empty_file_fails(asker: Asker) -> None:
    assert asker.run([])["errors"]["data"][0]["code"] == "empty_file"


@pytest.mark.bailian(requests=2, line_bytes=200)
def test_limits_of_files(asker: Asker) -> None:
    assert asker.run(2)["status"] == "completed"
    assert asker.run(3)["errors"]["data"][0]["code"] == "too_many_tasks"
    assert asker.run([line(1, seed="x" * 200)])["errors"]["data"][0]["code"] == "line_too_long"


def test_the_test_model(asker: Asker) -> None:
    test = [line(n, model="batch-test-model", url="/v1/chat/ds-test") for n in range(2)]
    batch = asker.run(test, endpoint="/v1/chat/ds-test")
    body = asker.lines(batch["output_file_id"])[0]["response"]["body"]
    assert body["choices"][0]["message"]["content"] == "This is a test result."
    assert body["usage"] == {"completion_tokens": 6, "prompt_tokens": 20, "total_tokens": 26}
    wrong = asker.run([line(n, model="batch-test-model") for n in range(2)])
    assert [(one["code"], one["param"], one["line"]) for one in wrong["errors"]["data"]] == [
        ("mismatched_test_url", "url", 1),
        ("mismatched_test_url", "url", 2),
    ]
    many = [line(n, model="batch-test-model", url="/v1/chat/ds-test") for n in range(101)]
    assert asker.run(many, endpoint="/v1/chat/ds-test")["errors"]["data"][0]["code"] == "too_many_tasks"
    large = [line(n, model="batch-test-model", url="/v1/chat/ds-test", pad="x" * 600_000) for n in range(2)]
    assert asker.run(large, endpoint="/v1/chat/ds-test")["errors"]["data"][0]["code"] == "file_too_large"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"completion_window": "23h"}, 400),
        ({"completion_window": "15d"}, 400),
        ({"completion_window": "soon"}, 400),
        ({"completion_window": None}, 400),
        ({"endpoint": "/v1/nothing"}, 400),
        ({"endpoint": ["x"]}, 400),
        ({"input_file_id": "file-batch-nobody"}, 404),
        ({"metadata": {"ds_name": "x" * 101}}, 400),
        ({"metadata": {"ds_description": "x" * 201}}, 400),
        ({"metadata": ["x"]}, 400),
    ],
)
def test_a_create_that_is_refused(asker: Asker, wrong: dict[str, Any], status: int) -> None:
    reply = asker.create(asker.upload([line(1)]).json["id"], **wrong)
    assert reply.status == status
    assert reply.json["error"]["message"]
    assert asker.server.totals()["batches"] == []


def test_files_are_listed_shown_and_deleted(asker: Asker) -> None:
    ids = [asker.upload([line(1)], name=f"{n}.jsonl").json["id"] for n in range(3)][::-1]
    listed = asker.get("/files", limit=2).json
    assert [one["id"] for one in listed["data"]] == ids[:2]
    assert listed["has_more"]
    assert set(listed) == {"object", "data", "has_more"}
    assert [one["id"] for one in asker.get("/files", after=ids[1]).json["data"]] == ids[2:]
    assert asker.get("/files", purpose="batch_output").json["data"] == []
    assert asker.delete(f"/files/{ids[0]}").json == {"object": "file", "deleted": True, "id": ids[0]}
    assert asker.get(f"/files/{ids[0]}").status == asker.delete(f"/files/{ids[0]}").status == 404
    assert asker.get(f"/files/{ids[1]}/content").status == 400, "only results can be downloaded"


def test_a_batch_goes_on_when_its_input_is_deleted(asker: Asker) -> None:
    batch = asker.start(2)
    asker.delete(f"/files/{batch['input_file_id']}")
    assert len(asker.lines(asker.wait(batch)["output_file_id"])) == 2


@pytest.mark.bailian(file_bytes=1000)
def test_uploads_that_are_refused(asker: Asker) -> None:
    wrong = asker.upload([line(1)], purpose="nonsense")
    assert wrong.status == 400
    assert wrong.json["error"]["param"] == "purpose"
    assert asker.upload([line(1)], name="input.txt").status == 400
    assert asker.upload_parts(("purpose", None, "batch")).status == 400
    assert asker.post("/files").status == 400
    large = asker.upload([line(n) for n in range(10)])
    assert large.json["error"]["code"] == "BadRequest.TooLarge"
    assert (
        asker.upload([line(1)], name="thesis.pdf", purpose="file-extract").json["id"].startswith("file-file-extract-")
    )


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense",
        b"--x\r\nnope\r\n\r\n",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\nabc',
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\nabc\r\n--y--\r\n--x--\r\n",
    ],
)
def test_an_upload_that_cannot_be_read(asker: Asker, content: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = ask("POST", f"{asker.server.base_url}/files", headers=headers, data=content)
    assert reply.status == 400
    assert asker.get("/files").json["data"] == []


def test_a_client_that_is_killed_in_the_middle_leaves_no_trace(asker: Asker, caplog: pytest.LogCaptureFixture) -> None:
    batch = asker.run(3000)
    host, port = asker.server.base_url.removeprefix("http://").split("/")[0].split(":")
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n' + b"x" * 100_000
    upload = b"POST /compatible-mode/v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
    content = f"GET /compatible-mode/v1/files/{batch['output_file_id']}/content HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    for said in (upload + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n" + start, content):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(said)
            if said is content:
                connection.recv(10)
    assert [file["id"] for file in asker.get("/files", purpose="batch").json["data"]] == [batch["input_file_id"]]
    assert len(asker.lines(batch["output_file_id"])) == 3000
    assert "Error handling request" not in caplog.text


def test_a_page_of_files_after_a_file_that_nobody_knows_is_empty(asker: Asker) -> None:
    asker.upload([line(1)])
    assert asker.get("/files", after="file-batch-nobody").json["data"] == []


def test_a_batch_that_would_fail_can_be_cancelled_before(asker: Asker) -> None:
    asker.server.configure(look_seconds=0.1)
    batch = asker.start([line(1, model="no-such-model")])
    assert asker.post(f"/batches/{batch['id']}/cancel").json["status"] == "validating"
    asker.server.configure(look_seconds=15)
    assert asker.wait(batch)["status"] == "failed"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/batches", {"limit": 0}),
        ("/batches", {"limit": 101}),
        ("/batches", {"limit": "x"}),
        ("/batches", {"create_after": "yesterday"}),
        ("/batches", {"input_file_ids": ",".join("x" * 21)}),
        ("/files", {"create_after": "yesterday"}),
    ],
)
def test_a_list_that_is_refused(asker: Asker, path: str, query: dict[str, Any]) -> None:
    assert asker.get(path, **query).status == 400


@pytest.mark.parametrize(("filters", "found"), [("ignored", 200), ("refused", 400)])
def test_a_server_that_knows_no_filters(asker: Asker, filters: str, found: int) -> None:
    asker.server.configure(filters=filters)
    batch = asker.start(1)
    reply = asker.get("/batches", ds_name="another")
    assert reply.status == found
    if found == 200:
        assert [one["id"] for one in reply.json["data"]] == [batch["id"]]
    assert asker.get("/batches").status == 200


@pytest.mark.bailian(lists="none")
def test_a_server_that_lists_no_batches(asker: Asker) -> None:
    assert asker.get("/batches").status == 405


def test_unknown_ids_and_paths(asker: Asker) -> None:
    for reply in (asker.get("/batches/batch_x"), asker.post("/batches/batch_x/cancel"), asker.get("/nothing")):
        assert reply.status == 404
        assert reply.json["error"]["code"] == "NotFound"
        assert reply.headers["x-request-id"] == reply.json["request_id"]


@pytest.mark.bailian(rates=True)
def test_rates_of_files_and_batches(asker: Asker) -> None:
    assert [asker.upload([line(1)]).status for _ in range(4)] == [200, 200, 200, 429]
    asker.server.advance(1)
    assert asker.upload([line(1)]).status == 200
    assert [asker.get("/files").status for _ in range(5)] + [asker.get("/files/x").status for _ in range(6)] == [
        *[200] * 5,
        *[404] * 5,
        429,
    ]


def test_equal_servers_do_the_same(asker: Asker) -> None:
    first = asker.start(30)
    second = asker.start(30)
    for batch in (first, second):
        asker.look(batch)
        asker.post(f"/batches/{batch['id']}/cancel")
    done = [asker.wait(batch) for batch in (first, second)]
    kept = [{one["custom_id"] for one in asker.lines(batch["output_file_id"])} for batch in done]
    assert kept[0] == kept[1]
    assert asker.server.paid_twice() == len(kept[0])


def test_the_endpoint_must_be_that_of_the_lines(asker: Asker) -> None:
    assert asker.run(1, endpoint="/v1/embeddings")["errors"]["data"][0]["code"] == "mismatched_url"
    assert CHAT != "/v1/embeddings"
