"""Every request gets one outcome, whatever the files of a batch look like; what may have been paid is not resent."""

import asyncio
import contextlib
import logging

import pytest

from qwen_dataset.adapters.inference.openai_api.batch import OpenAIBatchBackend
from qwen_dataset.domain.inference import FailureKind
from qwen_dataset.errors import BackendDenied, BackendUnavailable
from qwen_dataset.testing.inference_contract import Asked, requests_of

from .service import START, Fault, Service, answer_line, error_line, joined
from .stage import IDS, REQUESTS, options_for, outcomes_of, run, submitted, told

LINES = [answer_line(request_id, f"answer {number}") for number, request_id in enumerate(IDS)]
COUNTS = {"total": 4, "completed": 4, "failed": 0}
ANSWERS = [f"answer {number}" for number in range(4)]


def harvested(service: Service, requests=REQUESTS, **ended) -> dict:
    """Submit, end the batch as said, and collect."""

    async def scenario(backend):
        handle = await submitted(backend)
        service.finish(**ended)
        return await outcomes_of(backend, handle, requests)

    return run(service, scenario)


def test_answers_and_refusals_come_from_both_files(service: Service):
    found = harvested(
        service,
        status="completed",
        output=joined(LINES[2], LINES[0]),
        errors=joined(error_line(IDS[1], "data_inspection_failed"), error_line(IDS[3], "internal_error")),
    )
    assert told(found) == ["answer 0", "content_filter", "answer 2", "server_error!"]
    assert found[IDS[0]].usage.completion_tokens == 2
    assert service.calls["content"] == 2
    assert service.now == START


def test_a_refused_line_in_the_output_file_counts_as_a_line(service: Service):
    lines = joined(*LINES[:3], error_line(IDS[3], "limit_requests"))
    assert told(harvested(service, status="completed", output=lines)) == [*ANSWERS[:3], "rate_limited!"]
    assert service.calls["content"] == 1


@pytest.mark.parametrize("no_file", [None, ""])
def test_null_and_empty_file_ids_mean_that_there_is_no_file(service: Service, no_file):
    errors = joined(*(error_line(each, "data_inspection_failed") for each in IDS))
    found = harvested(service, status="completed", errors=errors, output_file_id=no_file)
    assert told(found) == ["content_filter"] * 4
    assert service.calls["content"] == 1


def test_byte_order_marks_empty_lines_and_a_missing_last_line_end_do_no_harm(service: Service):
    data = b"\xef\xbb\xbf" + joined(LINES[0]) + b"\r\n\n" + joined(*LINES[1:]).replace(b"\n", b"\r\n")
    assert told(harvested(service, status="completed", output=data.rstrip(), request_counts=COUNTS)) == ANSWERS
    assert service.calls["content"] == 1


def test_a_line_with_half_a_character_is_an_answer_and_what_is_no_utf8_is_none(service: Service):
    output = joined(*LINES).replace(b"answer 0", b"answer \\ud83d").replace(b"answer 1", b"answer \xff")
    found = harvested(service, status="completed", output=output, request_counts=COUNTS)
    assert found[IDS[0]].text == "answer \ud83d"
    assert told(found)[1:] == ["unknown", *ANSWERS[2:]]
    assert service.calls["content"] == 4, "it is fetched again, for it may have been broken on its way"


def test_a_download_cut_at_a_line_end_is_fetched_again(service: Service):
    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("completed", joined(*LINES))
        file_id = service.created[0]["output_file_id"]
        service.downloads[file_id].extend([joined(*LINES[:2]), b"", joined(*LINES)[:-9]])
        return told(await outcomes_of(backend, handle))

    assert run(service, scenario) == ANSWERS
    assert service.calls["content"] == 4
    assert service.now > START


def test_lines_that_came_in_one_fetch_stay_when_the_next_is_worse(service: Service):
    halves = [b"".join((joined(LINES[0]), b"{broken\n", joined(LINES[2]), b"{\n")), joined(LINES[1]), joined(LINES[3])]

    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("completed", joined(*LINES))
        service.downloads[service.created[0]["output_file_id"]].extend(halves)
        return told(await outcomes_of(backend, handle))

    assert run(service, scenario) == ANSWERS
    assert service.calls["content"] == 3


def test_a_download_that_breaks_off_is_no_answer(service: Service):
    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("completed", joined(*LINES))
        whole = joined(*LINES)
        service.downloads[service.created[0]["output_file_id"]].append((whole[:200], len(whole)))
        with pytest.raises(BackendUnavailable):
            await outcomes_of(backend, handle)
        return told(await outcomes_of(backend, handle))

    assert run(service, scenario) == ANSWERS


def test_what_is_missing_in_the_end_may_have_been_paid_and_is_not_resent(service: Service, caplog):
    lines = joined(LINES[0], LINES[1], b'{"custom_id": "half', {"id": "nobody's"}, LINES[1], answer_line("stranger"))
    counts = {"total": 4, "completed": 4, "failed": 0}
    with caplog.at_level(logging.WARNING):
        found = harvested(service, status="completed", output=lines, request_counts=counts)
    assert told(found) == ["answer 0", "answer 1", "unknown", "unknown"]
    assert "may have been paid" in found[IDS[2]].message
    assert service.calls["content"] == 4
    warnings = [record.message for record in caplog.records if "not as they should be" in record.message]
    assert len(warnings) == 1
    assert warnings[0].endswith("1 duplicate, 2 missing, 1 unknown, 2 unreadable lines")


def test_of_two_lines_the_completion_is_taken_and_else_the_first(service: Service):
    lines = joined(
        error_line(IDS[0], "internal_error"), answer_line(IDS[0], "answer 0"), LINES[1], answer_line(IDS[1], "later"),
        error_line(IDS[2], "data_inspection_failed"), error_line(IDS[2], "internal_error"), LINES[3],
    )  # fmt: skip
    counts = {"total": 4, "completed": 3, "failed": 1}
    found = harvested(service, status="completed", output=lines, request_counts=counts)
    assert told(found) == ["answer 0", "answer 1", "content_filter", "answer 3"]


def test_the_completion_in_the_error_file_is_taken_too(service: Service):
    errors = joined(*LINES[1:])
    assert told(harvested(service, status="completed", output=joined(LINES[0]), errors=errors)) == ANSWERS


def test_a_subset_is_answered_and_the_rest_of_the_file_is_no_stranger(service: Service, caplog):
    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("completed", joined(*LINES))
        return await outcomes_of(backend, handle, REQUESTS[1:3])

    with caplog.at_level(logging.WARNING):
        found = run(service, scenario)
    assert sorted(each.text for each in found.values()) == ["answer 1", "answer 2"]
    assert not caplog.records


@pytest.mark.parametrize("counts", [None, {}, {"total": None, "completed": None, "failed": None}])
def test_without_counts_a_completed_batch_must_hold_every_line(service: Service, counts):
    found = harvested(service, status="completed", output=joined(*LINES[:3]), request_counts=counts)
    assert told(found) == [*ANSWERS[:3], "unknown"]
    assert service.calls["content"] == 4


def test_an_expired_batch_is_harvested_and_the_rest_may_be_asked_again(service: Service):
    found = harvested(service, status="expired", output=joined(*LINES[:2]))
    assert told(found) == ["answer 0", "answer 1", "expired!", "expired!"]
    assert service.calls["content"] == 1


def test_an_expired_batch_in_which_nothing_ran(service: Service):
    assert told(harvested(service, status="expired")) == ["expired!"] * 4


def test_an_expired_batch_without_the_output_that_it_counts_is_not_bought_again(service: Service):
    counts = {"total": 4, "completed": 2, "failed": 2}
    assert told(harvested(service, status="expired", request_counts=counts)) == ["unknown"] * 4


def test_an_expired_batch_whose_output_is_shorter_than_counted_is_not_bought_again(service: Service):
    counts = {"total": 4, "completed": 2, "failed": 2}
    errors = joined(*(error_line(each, "batch_expired") for each in IDS[2:]))
    found = harvested(service, status="expired", output=joined(LINES[0]), errors=errors, request_counts=counts)
    assert told(found) == ["answer 0", "unknown", "expired!", "expired!"]


@pytest.mark.parametrize("extra", [b"{garbled", b'"text"'])
def test_an_unreadable_line_in_an_expired_batch_leaves_doubt_about_the_rest(service: Service, extra):
    counts = {"total": 4, "completed": 1, "failed": 3}
    found = harvested(service, status="expired", output=joined(LINES[0], extra), request_counts=counts)
    assert told(found) == ["answer 0", "unknown", "unknown", "unknown"]


def test_downloads_that_are_too_short_are_counted_over_outages(service: Service):
    """Else a service that fails now and then would be asked for the same file for ever."""

    async def scenario(backend):
        handle = await submitted(backend)
        service.finish(status="completed", output=joined(*LINES[:3]), request_counts=COUNTS)
        found = []
        while not found:
            with contextlib.suppress(BackendUnavailable):
                found = [outcome async for outcome in backend.results(handle, Asked(REQUESTS))]
            assert service.calls["content"] <= 4
        return {outcome.request_id: outcome for outcome in found}

    async def sleep_and_fail(seconds):
        service.fail("retrieve", Fault(status=503))
        await Service.sleep(service, seconds)

    async def entered():
        async with OpenAIBatchBackend(
            options_for(service.base_url), sleep=sleep_and_fail, now=lambda: service.now
        ) as backend:
            return await scenario(backend)

    assert told(asyncio.run(entered())) == ["answer 0", "answer 1", "answer 2", "unknown"]
    assert service.calls["content"] == 4


def test_strangers_do_not_make_a_short_output_look_whole(service: Service):
    output, counts = joined(LINES[0], answer_line("stranger")), {"total": 4, "completed": 2, "failed": 2}
    found = harvested(service, status="expired", output=output, request_counts=counts)
    assert told(found) == ["answer 0", "unknown", "unknown", "unknown"]


def test_more_lines_than_were_submitted_leave_doubt_where_only_a_part_is_asked_for(service: Service):
    output = joined(LINES[0], LINES[1], *(answer_line(f"stranger {number}") for number in range(3)))
    counts = {"total": 4, "completed": 2, "failed": 2}
    found = harvested(service, REQUESTS[1:3], status="expired", output=output, request_counts=counts)
    assert [found[IDS[1]].text, found[IDS[2]].kind] == ["answer 1", FailureKind.UNKNOWN]


def test_without_counts_an_expired_batch_leaves_doubt(service: Service):
    found = harvested(service, status="expired", output=joined(LINES[0]), request_counts=None)
    assert told(found) == ["answer 0", "unknown", "unknown", "unknown"]


def test_a_cancelled_batch_delivers_what_ran(service: Service):
    errors = joined(
        error_line(IDS[1], "some_new_word"), error_line(IDS[2], "data_inspection_failed"), {"custom_id": IDS[3]}
    )
    found = harvested(service, status="cancelled", output=joined(LINES[0]), errors=errors)
    assert service.created[0]["error_file_id"].startswith("file-batch_output-")
    assert told(found)[:3] == ["answer 0", "cancelled!", "content_filter"]
    assert told(harvested_again(service, "cancelled")) == ["cancelled!"] * 4


def harvested_again(service: Service, status: str) -> dict:
    """Harvest a batch in which nothing ran and which has no files."""
    service.created.clear()
    service.batches.clear()
    return harvested(service, status=status)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["model_not_found"], "rejected"),
        (["duplicate_custom_id"], "rejected"),
        (["word_that_is_new"], "rejected"),
        ([], "rejected"),
        (["internal_error"], "rejected!"),
        (["limit_requests", "internal_error"], "rejected!"),
        (["limit_requests", "mismatched_model"], "rejected"),
    ],
)
def test_a_refused_batch_is_retried_only_if_its_codes_say_so(service: Service, codes, expected):
    data = [{"code": code, "message": "it says", "param": None, "line": line} for line, code in enumerate(codes, 1)]

    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("failed", request_counts={"total": 0, "completed": 0, "failed": 0})
        service.created[0]["errors"] = {"object": "list", "data": data}
        return await outcomes_of(backend, handle)

    assert told(run(service, scenario)) == [expected] * 4


def test_a_refused_batch_says_which_lines_are_to_blame(service: Service):
    data = [{"code": "url_not_found", "message": "no such url", "param": "url", "line": line} for line in (1, 2, 3, 7)]
    data += [{"code": "other", "message": None, "line": 5}, {"message": "no line at all"}, {}]

    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("failed")
        service.created[0]["errors"] = {"object": "list", "data": data}
        return await outcomes_of(backend, handle)

    message = run(service, scenario)[IDS[0]].message
    assert message.endswith("lines 1-3, 7: url_not_found: no such url; line 5: other; no line at all; no reason given")


def test_a_failed_batch_that_counts_answers_is_not_bought_again(service: Service):
    counts = {"total": 4, "completed": 3, "failed": 0}
    assert told(harvested(service, status="failed", request_counts=counts)) == ["unknown"] * 4


def test_a_file_that_is_gone_leaves_doubt(service: Service):
    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("expired", joined(*LINES[:2]))
        del service.files[service.created[0]["output_file_id"]]
        return told(await outcomes_of(backend, handle))

    assert run(service, scenario) == ["unknown"] * 4
    assert service.calls["content"] == 4


@pytest.mark.parametrize("status", [404, 410, 400])
def test_a_file_that_is_gone_for_a_moment_is_fetched_again(service: Service, status):
    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("completed", joined(*LINES))
        service.fail("content", Fault(status=status, body={"error": {"message": "no"}}))
        return told(await outcomes_of(backend, handle))

    assert run(service, scenario) == ANSWERS


def test_a_batch_that_the_service_forgot_leaves_doubt(service: Service):
    async def scenario(backend):
        handle = await submitted(backend)
        service.batches.clear()
        assert not (await backend.poll(handle)).ready
        with pytest.raises(BackendUnavailable, match="cannot be seen yet"):
            await outcomes_of(backend, handle)
        await service.sleep(61)  # tokens hold whole seconds
        with pytest.raises(BackendDenied, match="does not know batch"):
            await outcomes_of(backend, handle)
        await service.sleep(29 * 24 * 3600)
        assert (await backend.poll(handle)).ready
        return await outcomes_of(backend, handle)

    found = run(service, scenario)
    assert told(found) == ["unknown"] * 4
    assert "does not know batch" in found[IDS[0]].message


def test_an_address_that_knows_no_batches_at_all_is_a_wrong_address(service: Service):
    async def scenario(backend):
        handle = await submitted(backend)
        await service.sleep(1000)
        for question in (backend.poll, lambda handle: outcomes_of(backend, handle), backend.cancel):
            service.fail("retrieve", Fault(status=404, body=b"<html>"))
            service.fail("list", Fault(status=404, body=b"<html>"))
            with pytest.raises(BackendDenied, match="check base_url"):
                await question(handle)

    run(service, scenario)


def test_a_batch_that_has_not_ended_has_no_results_yet(service: Service):
    async def scenario(backend):
        service.polls = 100
        handle = await submitted(backend)
        with pytest.raises(BackendUnavailable, match="has not ended yet"):
            await outcomes_of(backend, handle)

    run(service, scenario)


@pytest.mark.parametrize("endpoint", ["retrieve", "content"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (None, BackendUnavailable),
        (503, BackendUnavailable),
        (429, BackendUnavailable),
        (401, BackendDenied),
    ],
)
def test_trouble_while_results_are_read_is_told_and_over_when_it_is_over(service: Service, endpoint, status, error):
    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("completed", joined(*LINES))
        service.fail(endpoint, Fault(status=status, body={"error": {"message": "no"}}))
        with pytest.raises(error):
            await outcomes_of(backend, handle)
        return told(await outcomes_of(backend, handle))

    assert run(service, scenario) == ANSWERS


def test_a_line_without_end_is_left_out_and_the_rest_is_read(service: Service, monkeypatch):
    monkeypatch.setattr("qwen_dataset.adapters.inference.openai_api.results._LONGEST_LINE", 1000)
    lines = joined(LINES[0], answer_line(IDS[1], "x" * 2000), *LINES[2:])
    found = harvested(service, status="completed", output=lines)
    assert told(found) == ["answer 0", "unknown", "answer 2", "answer 3"]


def test_a_full_disk_stops_the_run_and_keeps_everything_at_the_service(service: Service, monkeypatch):
    from qwen_dataset.adapters.inference.openai_api import scratch

    class Full:
        def __init__(self, **_):
            pass

        def write(self, data):
            raise OSError(28, "No space left on device")

        def flush(self):
            raise OSError(28, "No space left on device")

        close = flush

    async def scenario(backend):
        handle = await submitted(backend)
        service.finish("completed", joined(*LINES))
        monkeypatch.setattr(scratch.tempfile, "TemporaryFile", Full)
        for requests in (REQUESTS, requests_of(1, start=77)):
            with pytest.raises(BackendDenied, match="No space left"):
                await outcomes_of(backend, handle, requests)

    run(service, scenario)
