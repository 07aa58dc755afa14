"""Replies that the service itself never recorded: a proxy's pages, errors inside 200, a person in the console."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.testing.bailian.asking import Asker, Reply, ask


def is_page(reply: Reply, status: int) -> bool:
    return (reply.status, reply.headers["content-type"]) == (status, "text/html; charset=utf-8") and (
        b"code" not in reply.content
    )


def test_the_list_of_batches_answers_as_something_in_between_would(asker: Asker) -> None:
    batch = asker.start(1)
    asker.server.configure(list_refused=1)
    assert is_page(asker.get("/batches"), 403)
    asker.server.configure(list_missing=1)
    assert is_page(asker.get("/batches"), 404)
    asker.server.configure(list_error_200=1)
    inside = asker.get("/batches")
    assert (inside.status, inside.json["error"]["code"]) == (200, "internal_error")
    assert "data" not in inside.json
    assert [one["id"] for one in asker.get("/batches").json["data"]] == [batch["id"]]
    assert asker.server.totals()["faults"] == {"list_refused": 1, "list_missing": 1, "list_error_200": 1}


@pytest.mark.bailian(drop_metadata=True)
def test_metadata_that_is_never_shown(asker: Asker) -> None:
    batch = asker.start(1, metadata={"ds_name": "mine"})
    assert batch["metadata"] is None
    assert asker.look(batch)["metadata"] is None
    for query in ({}, {"ds_name": "mine"}):
        (listed,) = asker.get("/batches", **query).json["data"]
        assert (listed["id"], listed["metadata"]) == (batch["id"], None)
    assert asker.get("/batches", ds_name="yours").json["data"] is None, "who filters knows it"
    assert asker.post(f"/batches/{batch['id']}/cancel").json["metadata"] is None
    assert asker.server.totals()["batches"][0]["metadata"] == {"ds_name": "mine"}, "the books still know it"


@pytest.mark.bailian(error_beside=2)
def test_an_empty_error_beside_a_good_answer(asker: Asker) -> None:
    batch = asker.run(5)
    lines = asker.lines(batch["output_file_id"])
    assert {one["response"]["status_code"] for one in lines} == {200}
    assert all(one["response"]["body"]["choices"] for one in lines)
    errors = [one["error"] for one in lines if one["error"] is not None]
    assert errors == [{"code": "", "message": ""}] * 2
    assert asker.server.totals()["paid_total"] == 5


@pytest.mark.bailian(odd_code=2)
def test_an_unknown_code_inside_200_is_not_paid(asker: Asker) -> None:
    batch = asker.run(5)
    assert batch["request_counts"] == {"total": 5, "completed": 5, "failed": 0}
    assert batch["error_file_id"] is None
    responses = [one["response"] for one in asker.lines(batch["output_file_id"])]
    assert {each["status_code"] for each in responses} == {200}
    assert Counter("choices" in each["body"] for each in responses) == {True: 3, False: 2}
    odd = [each["body"] for each in responses if "choices" not in each["body"]]
    assert odd == [{"error": {"code": "something_new"}}] * 2
    totals = asker.server.totals()
    assert totals["paid_total"] == 3
    assert totals["batches"][0]["fates"] == {"odd": 2, "answered": 3}


@pytest.mark.bailian(refuse_cancel=1)
def test_a_cancel_that_is_refused_changes_nothing(asker: Asker) -> None:
    batch = asker.start(40)
    asker.look(batch)
    refused = asker.post(f"/batches/{batch['id']}/cancel")
    assert (refused.status, refused.json["error"]["code"]) == (400, "invalid_request_error")
    assert asker.server.totals()["paid_total"] == 40
    assert asker.post(f"/batches/{batch['id']}/cancel").status == 200
    assert asker.wait(batch)["status"] == "cancelled"


@pytest.mark.bailian(gone_410=2)
def test_a_result_file_that_is_gone_for_a_while(asker: Asker) -> None:
    batch = asker.run(3)
    path = f"/files/{batch['output_file_id']}/content"
    assert [asker.get(path).status for _ in range(3)] == [410, 410, 200]
    assert asker.server.totals()["paid_total"] == 3


@pytest.mark.parametrize(("fault", "status", "paid"), [("bare_502", 502, 1), ("bare_503", 503, 0)])
@pytest.mark.parametrize("stream", [False, True])
def test_a_page_instead_of_an_answer(asker: Asker, fault: str, status: int, paid: int, stream: bool) -> None:
    headers = {"X-DashScope-SSE": "enable"} if stream else {}
    asker.server.configure(**{fault: 2})
    assert is_page(asker.chat(stream=stream), status)
    assert is_page(asker.native("qwen-plus", headers=headers, result_format="message"), status)
    assert asker.server.totals()["paid_realtime"] == 2 * paid
    assert asker.chat(stream=stream).status == 200


@pytest.mark.bailian(bare_502=1, choices_null=1)
def test_an_error_inside_200_is_no_answer_that_a_page_could_hide(asker: Asker) -> None:
    assert asker.chat().json["choices"] is None
    assert asker.server.totals()["paid_realtime"] == 0


def control(asker: Asker, body: Any, query: str = "") -> Reply:
    return ask("POST", f"{asker.server.control_url}/cancel{query}", body)


def test_a_person_cancels_in_the_console(asker: Asker) -> None:
    batch = asker.start(40)
    asker.look(batch)
    assert control(asker, {"id": batch["id"]}).json == {"id": batch["id"]}
    assert asker.wait(batch)["status"] == "cancelled"
    totals = asker.server.totals()
    assert 0 < totals["paid_total"] < 40
    assert "cancel" not in totals["calls"], "no client asked for it"
    assert control(asker, None, f"?id={asker.start(1)['id']}").status == 200
    ended = control(asker, {"id": batch["id"]})
    assert (ended.status, ended.json["error"]) == (400, "Cannot cancel a batch with status 'cancelled'.")
    assert control(asker, {"id": "batch_x"}).status == 404
    assert control(asker, {"name": "batch_x"}).json["error"] == 'cancel wants {"id": the id of a batch}'
    assert control(asker, [1]).status == 400


def test_a_test_cancels_as_a_person(asker: Asker) -> None:
    batch = asker.start(3)
    asker.server.cancel(batch["id"])
    asker.server.cancel(batch["id"])
    assert asker.wait(batch)["status"] == "cancelled"
    with pytest.raises(ValueError, match="Cannot cancel a batch with status 'cancelled'"):
        asker.server.cancel(batch["id"])
    with pytest.raises(ValueError, match="There is no batch batch_x"):
        asker.server.cancel("batch_x")
