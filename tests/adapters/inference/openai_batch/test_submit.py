"""One submission is one batch, whatever happens on the way to it."""

import asyncio
import importlib
import logging
import re

import attrs
import pytest

from qwen_dataset.adapters.inference.openai_api.upload import written_lines
from qwen_dataset.domain.inference import Message, Parameters, Request
from qwen_dataset.errors import BackendDenied, BackendRejected, BackendUnavailable, BackendUnreached
from qwen_dataset.testing.inference_contract import Asked, requests_of

from .service import START, Fault, Service
from .stage import IDS, KEY, REQUESTS, backend_for, options_for, outcomes_of, run, submitted, submitted_at_last

CUT = Fault()
LOST = Fault(is_done=True)


NO_LISTS = (
    CUT,
    *(Fault(status=status) for status in (403, 429, 500, 503)),
    Fault(status=403, body=b"<html><h1>Blocked by proxy</h1></html>"),
    *(
        Fault(status=200, body=body)
        for body in (
            b"<html>",
            {},
            {"object": "list"},
            {"error": {"code": "internal_error", "message": "try later"}},
            {"data": [], "error": {"message": "try later"}},
            {"data": "none"},
            {"data": {"id": "x"}},
            {"data": 7},
            {"data": ["batch"]},
            {"data": [{"object": "batch"}]},
            {"data": [], "has_more": True},
            {"data": None, "has_more": True},
        )
    ),
)


def test_a_submission_is_looked_for_uploaded_looked_for_and_created_once(service: Service):
    handle = run(service, submitted)
    assert service.calls == {"list": 3, "upload": 1, "create": 1}
    batch = service.created[0]
    assert handle.token == f"{batch['id']}@{int(START)}"
    assert [line["custom_id"] for line in service.lines(batch)] == IDS
    assert (batch["endpoint"], batch["completion_window"]) == ("/v1/chat/completions", "24h")
    metadata = batch["metadata"]
    assert metadata["qwen_dataset_key"] == KEY
    assert re.fullmatch("qd[0-9a-f]{32}", metadata["ds_name"])  # one word, however the service cuts names into words
    assert len(metadata["ds_description"]) <= 200
    name = service.names[batch["input_file_id"]]
    assert name == f"{metadata['ds_name']}-{metadata['qwen_dataset_hash'][:16]}.jsonl"
    assert service.queries[0] == {"limit": "100", "ds_name": metadata["ds_name"]}


def test_the_hash_is_of_what_is_asked_and_how():
    async def hash_of(count, **parameters):
        options = options_for("http://127.0.0.1:1/v1", **parameters)
        async with written_lines(Asked(requests_of(count)), options) as lines:
            return lines.content_hash

    async def go():
        chosen = {}, {"url": "/v1/completions"}, {"thinking": "none"}
        told = [await hash_of(count, **parameters) for count in (2, 3) for parameters in chosen]
        assert len(set(told)) == len(told) == 6
        assert await hash_of(2) == told[0]

    asyncio.run(go())


def test_the_same_key_again_is_the_same_batch_and_uploads_nothing(service: Service):
    first = run(service, submitted)
    service.now += 500
    assert run(service, submitted) == first
    assert service.calls["upload"] == service.calls["create"] == 1


def test_the_free_test_model_goes_to_its_own_url(service: Service):
    async def scenario(backend):
        await submitted(backend, requests_of(2, model="batch-test-model"))

    run(service, scenario)
    assert service.created[0]["endpoint"] == "/v1/chat/ds-test"
    assert {line["url"] for line in service.lines(service.created[0])} == {"/v1/chat/ds-test"}


@pytest.mark.parametrize("late", [0.0, 48.0, 59.0])
@pytest.mark.parametrize("lost", [LOST, attrs.evolve(LOST, status=500), attrs.evolve(LOST, status=504)])
@pytest.mark.parametrize("filters", ["honoured", "ignored", "refused"])
def test_a_batch_whose_reply_was_lost_is_found_when_it_is_visible(service: Service, late, lost, filters):
    service.late, service.filters = late, filters
    service.fail("create", lost)

    async def scenario(backend):
        handle = await submitted_at_last(backend, service)
        return await outcomes_of(backend, await _ready(backend, handle))

    run(service, scenario)
    assert len(service.created) == 1
    assert max(service.paid().values()) == 1


async def _ready(backend, handle):
    while not (await backend.poll(handle)).ready:
        pass
    return handle


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>gateway</html>",
        {"object": "batch"},
        {"id": None},
        ["batch"],
    ],
)
def test_a_creation_that_is_answered_with_nonsense_is_uncertain(service: Service, answer):
    service.fail("create", Fault(status=200, body=answer, is_done=True))

    async def scenario(backend):
        with pytest.raises(BackendUnavailable):
            await submitted(backend)
        await submitted(backend)

    run(service, scenario)
    assert len(service.created) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
def test_a_creation_is_uncertain_after_this_status_and_never_repeated(service: Service, status):
    service.fail("create", Fault(status=status, body={"error": {"message": "later"}}))

    async def scenario(backend):
        with pytest.raises(BackendUnavailable):
            await submitted(backend)
        assert service.calls["create"] == 1
        await submitted_at_last(backend, service)

    run(service, scenario)
    assert len(service.created) == 1


def test_a_creation_without_any_reply_is_uncertain(service: Service):
    service.fail("create", CUT)

    async def scenario(backend):
        with pytest.raises(BackendUnavailable):
            await submitted(backend)
        await submitted(backend)

    run(service, scenario)
    assert service.calls["create"] == 2
    assert len(service.created) == 1


def test_a_creation_that_takes_too_long_is_uncertain(service: Service, monkeypatch):
    import openai
    from openai.resources.batches import AsyncBatches

    # httpx or httpx2, by the version of the SDK.
    httpx = importlib.import_module(openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])

    async def times_out(*_, **__):
        raise openai.APITimeoutError(httpx.Request("POST", "http://localhost/v1/batches"))

    async def scenario(backend):
        with pytest.raises(BackendUnavailable):
            await submitted(backend)

    monkeypatch.setattr(AsyncBatches, "create", times_out)
    run(service, scenario)
    assert service.calls["upload"] == 1


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "invalid_parameter_error", BackendRejected),
        (422, "", BackendRejected),
        (404, "NotFound", BackendRejected),
        (404, "model_not_found", BackendDenied),
        (400, "Arrearage", BackendDenied),
        (401, "invalid_api_key", BackendDenied),
        (403, "AccessDenied.Unpurchased", BackendDenied),
        (403, "AllocationQuota.FreeTierOnly", BackendDenied),
    ],
)
def test_a_refused_creation_is_definite(service: Service, status, code, error):
    service.fail("create", Fault(status=status, body={"error": {"code": code, "message": "sk-secret-of-mine is bad"}}))

    async def scenario(backend):
        with pytest.raises(error) as caught:
            await submitted(backend)
        return str(caught.value)

    said = run(service, scenario)
    assert "secret" not in said
    assert not service.created


def test_of_two_batches_the_oldest_is_taken_and_the_other_cancelled(service: Service, caplog):
    metadata = _metadata(service)
    service.add("batch_z", created_at=100, metadata=metadata)
    service.add("batch_b", created_at=50, metadata=metadata)
    service.add("batch_a", created_at=50, metadata=metadata, status="completed")
    service.add("batch_0", created_at=10, metadata=metadata, status="failed")
    service.add("batch_1", created_at=20, metadata={**metadata, "qwen_dataset_key": f"{KEY}0"})
    with caplog.at_level(logging.WARNING):
        handle = run(service, submitted)
    assert handle.token.startswith("batch_a@")
    stati = {name: service.batches[name]["status"] for name in ("batch_z", "batch_b", "batch_1")}
    assert stati == {"batch_z": "cancelling", "batch_b": "cancelling", "batch_1": "in_progress"}
    assert sum("second one of a submission" in record.message for record in caplog.records) == 2
    assert not service.created


def test_a_second_batch_that_has_ended_or_cannot_be_cancelled_is_reported(service: Service, caplog):
    metadata = _metadata(service)
    service.add("batch_a", created_at=50, metadata=metadata)
    service.add("batch_b", created_at=60, metadata=metadata, status="expired")
    service.add("batch_c", created_at=70, metadata=metadata)
    service.fail("cancel", Fault(status=400, body={"error": {"message": "not now"}}))
    handle = run(service, submitted)
    assert handle.token == f"batch_a@{int(START)}"  # our own clock's, as its metadata tells
    assert "cancel it in the console" in caplog.text
    assert "batch_b is a second one of a submission; batch batch_a is taken" in caplog.text


def test_without_a_time_of_ours_the_services_time_goes_into_the_token(service: Service):
    metadata = {name: value for name, value in _metadata(service).items() if name != "qwen_dataset_time"}
    service.add("batch_a", created_at=50, metadata=metadata)
    assert run(service, submitted).token == "batch_a@50"
    service.batches["batch_a"]["created_at"] = None
    assert run(service, submitted).token == f"batch_a@{int(START)}"


def test_a_failed_batch_cost_nothing_and_is_made_again(service: Service):
    run(service, submitted)
    service.finish("failed")
    run(service, submitted)
    assert [batch["status"] for batch in service.created] == ["failed", "validating"]


def test_a_batch_that_appears_during_the_upload_is_taken(service: Service):
    metadata = _metadata(service)

    async def scenario(backend):
        original = service.upload

        def upload(name, data):
            service.add("batch_other", created_at=5, metadata=metadata)
            return original(name, data)

        service.upload = upload
        return await submitted(backend)

    assert run(service, scenario).token.startswith("batch_other@")
    assert not service.created


def test_an_upload_is_tried_three_times(service: Service):
    service.fail("upload", Fault(status=503), LOST)
    run(service, submitted)
    assert service.calls["upload"] == 3
    assert len(set(service.files.values())) == 1
    assert len(service.created) == 1


def test_an_upload_that_fails_for_ever_creates_nothing(service: Service):
    service.fail("upload", *[Fault(status=429)] * 3)

    async def scenario(backend):
        with pytest.raises(BackendUnreached):
            await submitted(backend)

    run(service, scenario)
    assert service.calls["upload"] == 3
    assert not service.created


@pytest.mark.parametrize("body", [{"object": "file"}, {"id": ""}, {"id": 7}])
def test_an_upload_without_an_id_is_made_again(service: Service, body):
    service.fail("upload", Fault(status=200, body=body))
    run(service, submitted)
    assert service.calls["upload"] == 2


def test_a_file_that_is_still_processed_is_waited_for(service: Service):
    service.file_status.extend(["uploaded", "processing", "processed"])
    run(service, submitted)
    assert service.calls["file"] == 2
    assert service.now == START + 2


def test_a_file_that_is_processed_for_ever_is_used_all_the_same(service: Service):
    service.file_status.extend(["uploaded"] * 50)
    run(service, submitted)
    assert service.calls["file"] == 10
    assert len(service.created) == 1


def test_a_file_that_cannot_be_looked_at_is_used_all_the_same(service: Service):
    service.file_status.extend(["uploaded"])
    service.fail("file", Fault(status=500))
    run(service, submitted)
    assert service.calls["upload"] == 1
    assert len(service.created) == 1


def test_a_file_that_the_service_cannot_read_is_refused(service: Service):
    service.file_status.extend(["uploaded", "error"])

    async def scenario(backend):
        with pytest.raises(BackendRejected, match="could not read the uploaded file"):
            await submitted(backend)

    run(service, scenario)
    assert not service.created


def _thinking(request: Request) -> Request:
    return attrs.evolve(request, parameters=Parameters(enable_thinking=True))


@pytest.mark.parametrize(
    ("requests", "parameters", "said"),
    [
        ([], {}, "no request"),
        ([*requests_of(1), *requests_of(1, model="other")], {}, "one model and one thinking mode"),
        ([REQUESTS[0], _thinking(REQUESTS[1])], {}, r"contract-model \(not thinking\) and contract-model \(thinking\)"),
        (requests_of(4), {"requests": "3"}, "takes 3 requests"),
        (requests_of(4), {"submission_bytes": "300"}, "takes 300 bytes a batch"),
        (requests_of(1), {"line_bytes": "100"}, "takes 100 a line"),
        ([Request(messages=(Message("user", "\ud800"),), model="m")], {}, "cannot be written as JSON"),
    ],
)
def test_what_the_service_would_refuse_as_a_whole_is_not_uploaded(service: Service, requests, parameters, said):
    async def scenario(backend):
        with pytest.raises(BackendRejected, match=said):
            await submitted(backend, requests)

    run(service, scenario, **parameters)
    assert service.calls["upload"] == 0


def test_thinking_by_extra_body_is_the_same_mode(service: Service):
    by_extra = attrs.evolve(REQUESTS[1], parameters=Parameters(extra_body={"enable_thinking": True}))

    async def scenario(backend):
        await submitted(backend, [_thinking(REQUESTS[0]), by_extra])

    run(service, scenario)
    assert [line["body"]["enable_thinking"] for line in service.lines(service.created[0])] == [True, True]


def test_without_lookup_nothing_is_listed_and_nothing_can_be_found(service: Service):
    service.lists = False
    run(service, submitted, lookup="none")
    assert service.calls == {"upload": 1, "create": 1}
    assert backend_for(service, lookup="none").limits.findable_seconds == 0
    assert backend_for(service).limits.findable_seconds == 29 * 24 * 3600


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_service_without_a_list_is_refused_with_the_way_out(service: Service, status):
    service.fail("list", Fault(status=status), Fault(status=status))

    async def scenario(backend):
        with pytest.raises(BackendDenied, match="lookup=none"):
            await submitted(backend)
        service.fail("list", Fault(status=status))
        await submitted(backend)

    run(service, scenario)
    assert service.calls["upload"] == 1


def test_a_list_that_cannot_be_read_now_is_no_list_without_the_batch(service: Service):
    async def scenario(backend):
        handle = await submitted(backend)
        for fault in NO_LISTS:
            service.fail("list", fault)
            with pytest.raises(BackendUnreached):
                await submitted(backend)
        service.fail("list", Fault(status=404), Fault(status=403))
        with pytest.raises(BackendUnreached):
            await submitted(backend)
        service.fail("list", Fault(status=401, body={"error": {"code": "invalid_api_key"}}))
        with pytest.raises(BackendDenied):
            await submitted(backend)
        assert await submitted(backend) == handle

    run(service, scenario)
    assert len(service.created) == 1


@pytest.mark.parametrize("filters", ["honoured", "ignored", "refused"])
@pytest.mark.parametrize("lists_files", [True, False])
def test_a_service_that_forgets_metadata_is_asked_for_the_names_of_files(
    service: Service, caplog, filters, lists_files
):
    service.keeps_metadata, service.lists_files, service.filters = False, lists_files, filters
    service.fail("create", LOST)

    async def scenario(backend):
        handle = await submitted_at_last(backend, service)
        await submitted(backend, requests_of(2, start=50), key="another")
        await submitted(backend, requests_of(2, start=60), key="a third")
        return handle

    handle = run(service, scenario)
    assert run(service, submitted) == handle  # as a new process
    assert len(service.created) == 3
    assert max(service.paid().values()) == 1
    assert caplog.text.count("does not keep the metadata") == 2  # once a process


def test_whose_a_batch_is_that_nobody_can_tell_is_left_to_a_person(service: Service):
    service.keeps_metadata = False
    run(service, submitted)

    async def refused(backend):
        with pytest.raises(BackendDenied, match="lookup=none"):
            await submitted(backend, requests_of(2, start=50), key="another")

    service.names_files = False
    run(service, refused)
    service.names_files = True
    service.batches["batch_0000"]["input_file_id"] = None
    run(service, refused)
    service.batches["batch_0000"]["input_file_id"] = "file-gone"
    run(service, refused)
    assert len(service.created) == 1
    run(service, lambda backend: submitted(backend, key="another"), lookup="none")
    assert len(service.created) == 2


def test_a_service_that_renames_files_cannot_tell_whose_a_batch_is(service: Service):
    service.keeps_metadata = False
    run(service, submitted)
    original = service.upload

    def upload(name, data):
        return original("renamed.jsonl", data)

    service.upload = upload
    service.names = dict.fromkeys(service.names, "renamed.jsonl")

    async def refused(backend):
        with pytest.raises(BackendDenied, match="lookup=none"):
            await submitted(backend)

    run(service, refused)
    assert len(service.created) == 1


def test_batches_of_others_without_metadata_do_no_harm_where_metadata_is_kept(service: Service):
    service.filters = "ignored"
    service.add("batch_theirs", input_file_id="file-of-theirs", metadata=None)
    service.add("batch_named", metadata={"ds_name": "theirs"})
    run(service, submitted)
    assert len(service.created) == 1


def test_a_batch_of_the_former_name_is_found_by_its_key(service: Service):
    service.filters = "ignored"
    service.add("batch_old", metadata={"ds_name": "qwen-dataset-0123", "qwen_dataset_key": KEY})
    assert run(service, submitted).token.startswith("batch_old@")
    assert not service.created


def test_a_full_disk_stops_the_run_before_anything_is_bought(service: Service, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    async def scenario(backend):
        monkeypatch.setattr("tempfile.TemporaryFile", full)
        with pytest.raises(BackendDenied, match="No space left on device.*TMPDIR"):
            await submitted(backend)

    run(service, scenario)
    assert not service.files


def test_a_backend_that_is_not_entered_says_so(service: Service):
    async def scenario():
        with pytest.raises(BackendDenied, match="enter the backend first"):
            await backend_for(service).submit(KEY, Asked(REQUESTS))

    asyncio.run(scenario())


def _metadata(service: Service) -> dict[str, str]:
    """Return what a batch of KEY carries, and forget that one was made."""
    run(service, submitted)
    metadata = service.created[0]["metadata"]
    service.created.clear()
    service.batches.clear()
    return metadata
