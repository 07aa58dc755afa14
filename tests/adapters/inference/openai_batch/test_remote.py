"""The service's batches and files by their own ids, and what the offer adds to the backend."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.openai_api.batch import open_openai_batch
from qwen_dataset.adapters.inference.openai_api.batch_object import batch_of, is_counted, query_of, told
from qwen_dataset.domain.inference import Parameters
from qwen_dataset.errors import BackendDenied, BackendRejected, BackendUnavailable, SettingError
from qwen_dataset.ports.inference import BackendSettings, JobHandle
from qwen_dataset.ports.remote import BatchFilter, LineError

from .service import START, Fault, Service, joined
from .stage import KEY, backend_for, outcomes_of, run, submitted

FIELDS = ("id", "status", "input_file_id", "output_file_id", "created_at", "request_counts", "metadata", "errors")
NOT_FOUND = Fault(status=404, body={"error": {"code": "NotFound", "message": "Not found!"}})


async def listed(backend, wanted=None, **more):
    return [batch.id async for batch in backend.batches.list(*([] if wanted is None else [wanted]), **more)]


def many(service: Service, count: int = 250) -> list[str]:
    """Put batches there, and return their ids, the newest first."""
    for number in range(count):
        metadata = {"ds_name": f"run {number % 10}"}
        status = "completed" if number % 2 else "in_progress"
        service.add(
            f"batch_{number:03d}", status, created_at=1000 + number, metadata=metadata, input_file_id=f"f{number}"
        )
    return [f"batch_{number:03d}" for number in reversed(range(count))]


@pytest.mark.parametrize("filters", ["honoured", "ignored", "refused"])
@pytest.mark.parametrize("has_more", [bool, lambda _: "left out", lambda _: None])
def test_all_pages_are_listed(service: Service, filters, has_more):
    ids = many(service)
    service.filters, service.has_more = filters, has_more
    assert run(service, listed) == ids
    assert service.calls["list"] == 3
    assert [query.get("after") for query in service.queries] == [None, "batch_150", "batch_050"]


@pytest.mark.parametrize("filters", ["honoured", "ignored", "refused"])
def test_what_a_service_does_not_filter_is_filtered_here(service: Service, filters):
    ids = many(service)
    service.filters = filters

    async def scenario(backend):
        assert await listed(backend, BatchFilter(name="RUN 3" if filters != "honoured" else "run 3")) == [
            name for name in ids if name.endswith("3")
        ]
        assert await listed(backend, BatchFilter(statuses=["completed", "failed"])) == [
            name for name in ids if int(name[-1]) % 2
        ]
        assert await listed(backend, BatchFilter(input_file_ids=["f7", "f9", "none"])) == ["batch_009", "batch_007"]
        edges = [datetime.fromtimestamp(1000 + second, UTC) for second in (20, 22)]
        between = BatchFilter(created_after=edges[0].replace(microsecond=999), created_before=edges[1])
        assert await listed(backend, between) == ["batch_022", "batch_021", "batch_020"]
        assert await listed(backend, BatchFilter(after="batch_002")) == ["batch_001", "batch_000"]
        assert await listed(backend, limit=3) == ids[:3]
        assert await listed(backend, limit=0) == []

    run(service, scenario)


def test_a_service_that_refused_filters_is_not_sent_them_again(service: Service):
    many(service)
    service.filters = "refused"
    run(service, lambda backend: listed(backend, BatchFilter(name="run 3")))
    assert ["ds_name" in query for query in service.queries] == [True, False, False, False]


def test_filters_are_written_as_the_service_reads_them():
    moment = datetime(2026, 4, 17, 8, 20, tzinfo=UTC)
    wanted = BatchFilter(
        name="demo",
        statuses=["completed", "expired"],
        input_file_ids=["a", "b"],
        created_after=moment,
        created_before=(moment + timedelta(hours=1)).astimezone(timezone(timedelta(hours=-5))),
    )
    assert query_of(wanted) == {
        "ds_name": "demo",
        "status": "completed,expired",
        "input_file_ids": "a,b",
        "create_after": "20260417162000",
        "create_before": "20260417172000",
    }
    assert query_of(BatchFilter()) == {}


def test_many_errors_are_told_in_a_sentence_of_bounded_length():
    scattered = tuple(LineError(code="c", message="m", line=line) for line in range(1, 999, 2))
    assert told(scattered).startswith("lines 1, 3, 5, ")
    assert told(scattered).endswith("39, …: c: m")
    assert (
        told((LineError(code="c", message="m", line=2), LineError(code="c", message="m", line=1))) == "lines 1-2: c: m"
    )
    different = tuple(LineError(code=f"c{line}", message="", line=line) for line in range(1, 31))
    assert told(different).startswith("line 1: c1; line 2: c2; ")
    assert told(different).endswith("line 20: c20; and 10 more reasons")
    assert told(()) == ""


def test_an_empty_list_without_data_is_empty(service: Service):
    assert run(service, listed) == []


def test_a_list_that_never_moves_on_is_refused(service: Service):
    many(service, 150)
    service.has_more = lambda _: True
    original = service.page
    service.page = lambda query: original({name: value for name, value in query.items() if name != "after"})

    async def scenario(backend):
        with pytest.raises(BackendDenied, match="lookup=none"):
            await listed(backend)

    run(service, scenario)
    assert service.calls["list"] == 2


def test_a_refusal_that_is_not_about_filters_stands(service: Service):
    async def scenario(backend):
        service.filters = "refused"
        service.fail("list", Fault(status=400), Fault(status=400, body={"error": {"message": "no, not so"}}))
        with pytest.raises(BackendRejected, match="not so"):
            await listed(backend, BatchFilter(name="x"))
        service.fail("list", Fault(status=403))
        with pytest.raises(BackendRejected):
            await listed(backend, BatchFilter(name="x"))

    run(service, scenario)


def test_a_batch_says_what_the_service_says(service: Service):
    service.add(
        "batch_x",
        "failed",
        created_at=1776414394,
        failed_at=1776414394,
        endpoint="/v1/chat/ds-test",
        metadata={"ds_name": "demo"},
        request_counts={"total": 3, "completed": 2, "failed": 1},
        errors={"object": "list", "data": [{"code": "c", "message": "m", "param": None, "line": 2}]},
        output_file_id="",
    )
    batch = run(service, lambda backend: backend.batches.retrieve("batch_x"))
    assert (batch.id, batch.status, batch.is_ended) == ("batch_x", "failed", True)
    assert (batch.total, batch.completed, batch.failed) == (3, 2, 1)
    assert batch.created_at == batch.ended_at == datetime(2026, 4, 17, 8, 26, 34, tzinfo=UTC)
    assert (batch.output_file_id, batch.endpoint, batch.completion_window) == (None, "/v1/chat/ds-test", "24h")
    assert batch.metadata == {"ds_name": "demo"}
    assert [(error.line, error.code, error.message) for error in batch.errors] == [(2, "c", "m")]


@pytest.mark.parametrize(
    "fields",
    [
        {"request_counts": None, "metadata": None, "errors": None, "created_at": None},
        {"request_counts": 3, "metadata": [], "errors": "no", "created_at": "yesterday"},
        {"request_counts": {"total": None, "completed": -1}, "errors": {"data": None}, "created_at": -5},
        {"request_counts": {"total": "4"}, "errors": [{"line": "4", "code": 4}, None], "created_at": 1e30},
    ],
)
def test_whatever_is_null_or_strange_is_not_said(service: Service, fields):
    service.add("batch_x", "a new word", **fields)
    batch = run(service, lambda backend: backend.batches.retrieve("batch_x"))
    assert not batch.is_ended
    assert (batch.total, batch.completed, batch.failed, batch.created_at) == (0, 0, 0, None)
    assert all(error.line is None for error in batch.errors)


@pytest.mark.parametrize("bad", ["", "..", "a/b", "a?b", "a%2e", "a#"])
def test_what_is_no_id_is_not_asked_for(service: Service, bad):
    async def scenario(backend):
        for question in (backend.batches.retrieve, backend.batches.cancel, backend.batches.delete_file):
            with pytest.raises(BackendRejected, match="is not the id of"):
                await question(bad)
        with pytest.raises(BackendRejected, match="is not the id of a file"):
            await anext(backend.batches.download(bad))

    run(service, scenario)
    assert not service.calls


def test_single_steps_by_hand(service: Service, tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"".join(b'{"custom_id": "%d"}\n' % number for number in range(50_000)))

    async def scenario(backend):
        service.polls = 1000
        remote = backend.batches
        file_id = await remote.upload(path, name="mine.jsonl")
        batch = await remote.create(file_id, completion_window="7d", metadata={"ds_name": "mine"})
        again = await remote.create(file_id, completion_window="24h", endpoint="/v1/embeddings")
        assert (batch.completion_window, batch.endpoint) == ("7d", "/v1/chat/completions")
        assert again.endpoint == "/v1/embeddings"
        assert again.metadata == {}
        stopped = await remote.cancel(batch.id)
        assert stopped.status == "cancelling"
        assert (await remote.cancel(batch.id)).status == "cancelling"
        pieces = [piece async for piece in remote.download(file_id)]
        assert b"".join(pieces) == path.read_bytes()
        assert 1 < len(pieces) < 100
        await remote.delete_file(file_id)
        await remote.delete_file(file_id)
        with pytest.raises(BackendRejected):
            await remote.retrieve("batch_unknown")
        with pytest.raises(BackendRejected):
            await remote.cancel("batch_unknown")
        with pytest.raises(BackendRejected, match=r"gone\.jsonl cannot be read"):
            await remote.upload(tmp_path / "gone.jsonl", name="x")
        service.fail("delete_file", Fault(status=403))
        with pytest.raises(BackendRejected):
            await remote.delete_file(file_id)

    run(service, scenario)
    assert service.calls["cancel"] == 1


def test_a_download_that_is_left_early_leaves_nothing_open(service: Service):
    service.files["f"] = b"x" * 5_000_000

    async def scenario(backend):
        pieces = backend.batches.download("f")
        assert len(await anext(pieces)) <= 1 << 16
        await pieces.aclose()
        assert len(asyncio.all_tasks()) == 1

    run(service, scenario)


@pytest.mark.parametrize("fault", [Fault(is_done=True), Fault(status=500, is_done=True), Fault(status=400)])
def test_a_cancel_whose_reply_was_lost_is_looked_at(service: Service, fault):
    service.polls = 1000

    async def scenario(backend):
        handle = await submitted(backend)
        service.fail("cancel", fault)
        if fault.is_done:
            assert await backend.cancel(handle) == handle
        else:
            with pytest.raises(BackendRejected):
                await backend.cancel(handle)
            assert await backend.cancel(handle) == handle

    run(service, scenario)
    assert service.created[0]["status"] == "cancelling"


def test_cancelling_what_has_ended_or_is_unknown_is_no_error_but_what_is_not_visible_yet_is(service: Service):
    async def scenario(backend):
        service.late = 50
        handle = await submitted(backend)
        with pytest.raises(BackendUnavailable, match="cannot be seen yet"):
            await backend.cancel(handle)
        await service.sleep(50)
        service.finish("completed", joined())
        assert await backend.cancel(handle) == handle
        await service.sleep(10)
        unknown = attrs.evolve(handle, token="batch_unknown@5")
        assert await backend.cancel(unknown) == unknown

    run(service, scenario)
    assert service.calls["cancel"] == 0


def test_a_poll_tells_counts_and_waits_for_a_word_that_is_new(service: Service, caplog):
    async def scenario(backend):
        service.polls = 1000
        handle = await submitted(backend)
        batch = service.created[0]
        batch.update(status="paused_by_moon", request_counts={"total": 4, "completed": 2, "failed": 1})
        for _ in range(3):
            progress = await backend.poll(handle)
        assert (progress.ready, progress.completed, progress.failed, progress.total) == (False, 2, 1, 4)
        batch["request_counts"] = None
        assert (await backend.poll(handle)).total == 0
        batch["status"] = "expired"
        assert (await backend.poll(handle)).ready
        service.fail("retrieve", Fault())
        with pytest.raises(BackendUnavailable):
            await backend.poll(handle)

    run(service, scenario)
    assert caplog.text.count("paused_by_moon") == 1


@pytest.mark.parametrize("token", ["batch_0000", "batch_0000@soon", "@5"])
def test_a_token_of_another_form_is_taken_as_an_id(service: Service, token):
    async def scenario(backend):
        await submitted(backend)
        service.finish("completed", joined())
        return await backend.poll(JobHandle(backend="openai-batch", key=KEY, token=token))

    assert run(service, scenario).ready


def test_cleaning_deletes_the_three_files_as_far_as_it_can(service: Service, caplog):
    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("completed", joined(), joined())
        service.fail("delete_file", Fault(status=500))
        await backend.clean(handle)
        batch = service.created[0]
        assert service.deleted == [batch["output_file_id"], batch["error_file_id"]]
        service.fail("retrieve", NOT_FOUND)
        await backend.clean(handle)

    run(service, scenario)
    assert caplog.text.count("could not be deleted") == 2
    assert service.calls["delete_file"] == 3


def test_without_a_list_an_unknown_batch_is_believed_to_be_gone(service: Service):
    service.lists = False

    async def scenario(backend):
        handle = await submitted(backend)
        service.batches.clear()
        await service.sleep(100)
        assert (await backend.poll(handle)).ready

    run(service, scenario, lookup="none")


def test_another_refusal_of_a_look_stops_the_run(service: Service):
    async def scenario(backend):
        handle = await submitted(backend)
        service.fail("retrieve", Fault(status=403))
        with pytest.raises(BackendDenied, match="cannot be looked at"):
            await backend.poll(handle)
        service.fail("retrieve", Fault(status=200, body={"error": {"message": "later"}}))
        with pytest.raises(BackendUnavailable, match="without a batch"):
            await backend.poll(handle)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": {"code": "NotFound", "message": "Not found!"}}),
        (410, {"error": {"message": "gone"}}),
        (400, {"error": {"code": "invalid_parameter_error", "message": "No such batch."}}),
        (409, {"error": {"code": "batch_not_found"}}),
    ],
)
def test_a_batch_that_this_key_does_not_know_is_not_given_up_before_its_time(service: Service, status, body):
    async def asked(backend, handle):
        service.fail("retrieve", Fault(status=status, body=body))
        return (await backend.poll(handle)).ready

    async def scenario(backend):
        handle = await submitted(backend)
        assert not await asked(backend, handle)
        await service.sleep(61)
        for _ in range(2):
            with pytest.raises(BackendDenied, match="does not know batch batch_0000.*lookup=none"):
                await asked(backend, handle)
        async with backend_for(service, lookup="none") as giving_up:
            assert await asked(giving_up, handle)
        await service.sleep(29 * 24 * 3600)
        assert await asked(backend, handle)

    if status == 409:  # no definite answer
        with pytest.raises(BackendUnavailable):
            run(service, scenario)
    else:
        run(service, scenario)


@pytest.mark.parametrize("word", ["ended_by_moon", ["completed"], {"a": 1}, None])
def test_a_word_that_is_new_has_ended_by_its_files_or_by_its_time(service: Service, word):
    async def scenario(backend):
        handle = await submitted(backend)
        batch = service.created[0]
        batch["status"] = word
        assert not (await backend.poll(handle)).ready
        batch["output_file_id"] = "file-x"
        assert not (await backend.poll(handle)).ready
        batch["failed_at"] = START
        assert (await backend.poll(handle)).ready
        batch.update(failed_at=None, output_file_id=None)
        assert not (await backend.poll(handle)).ready
        await service.sleep(48 * 3600 + 1)
        assert (await backend.poll(handle)).ready
        found = await outcomes_of(backend, handle)
        assert {(each.kind.value, each.retryable) for each in found.values()} == {("unknown", False)}

    run(service, scenario)


@pytest.mark.parametrize(
    ("word", "status"), [("canceled", "cancelled"), ("Completed", "completed"), ("in-progress", "in_progress")]
)
def test_a_known_word_in_another_spelling_is_known(word, status):
    batch = batch_of({"id": "b", "status": word})
    assert (batch.status, batch.is_ended) == (status, status != "in_progress")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["total", "completed", "data", "line", "code"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("completed_at", "failed_at", *FIELDS), _JSON)))
def test_no_form_of_a_batch_breaks_it(body):
    batch = batch_of(body)
    assert isinstance(batch.status, str)
    assert is_counted(body) in (True, False)
    assert batch.total >= 0


def test_a_list_of_a_service_is_refused(service: Service):
    async def scenario(backend):
        service.fail("list", Fault(status=400), Fault(status=400))
        with pytest.raises(BackendRejected):
            await listed(backend, BatchFilter(name="x"))

    run(service, scenario)


def test_cleaning_takes_no_file_for_a_file(service: Service):
    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("failed")
        await backend.clean(handle)

    run(service, scenario)
    assert service.deleted == [service.created[0]["input_file_id"]]


def offer_for(service: Service, **parameters: str):
    return open_openai_batch(BackendSettings(base_url=service.base_url, parameters=parameters))


def test_the_offer_says_what_it_is(service: Service):
    offer = offer_for(service)
    assert (offer.name, offer.realtime, offer.either) == ("openai-batch", False, False)
    assert offer.destination == service.base_url.removeprefix("http://").removesuffix("/v1")
    assert offer.backend.realm == service.base_url
    assert list(offer.advice("anything", Parameters())) == []


def test_a_probe_needs_nothing_entered(service: Service):
    offer = offer_for(service)
    assert "none yet" in asyncio.run(offer.probe())
    many(service, 3)
    assert "there are some" in asyncio.run(offer.probe())
    assert service.queries[-1] == {"limit": "1"}
    service.lists = False
    assert "names 1 models" in asyncio.run(offer_for(service, lookup="none").probe())
    with pytest.raises(BackendRejected):
        asyncio.run(offer.probe())
    service.fail("list", Fault(status=401))
    with pytest.raises(BackendDenied):
        asyncio.run(offer.probe())


def test_on_bailian_a_model_is_advised_about():
    offer = open_openai_batch(BackendSettings(region="cn-beijing", api_key=lambda: "sk-1234567890"))
    assert offer.backend.realm == "bailian:cn-beijing"
    assert "cn-beijing" in offer.destination
    assert offer.advice("a-model-that-nobody-knows", Parameters())


def test_bad_settings_are_one_sentence():
    with pytest.raises(SettingError, match="lookup must be list or none"):
        open_openai_batch(BackendSettings(base_url="http://localhost:1/v1", parameters={"lookup": "maybe"}))


def test_limits_leave_room_for_what_a_line_has_beside_the_request(service: Service):
    limits = backend_for(service, settle="7").limits
    assert (limits.requests, limits.settle_seconds, limits.concurrency) == (50_000, 7.0, 1)
    assert 998_000 < limits.line_bytes < 1_000_000
    assert 480_000_000 < limits.submission_bytes < 500_000_000
    small = backend_for(service, requests="50000", submission_bytes="10000", line_bytes="10").limits
    assert (small.line_bytes, small.submission_bytes > 0) == (1, True)
    assert START > 0
