"""How a download is taken apart, and what is kept of its lines; what a batch becomes is tested with its backend."""

import json
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.adapters.inference.openai_api import results
from qwen_dataset.adapters.inference.openai_api.results import Harvest, _Lines
from qwen_dataset.adapters.inference.openai_api.scratch import ScratchFile
from qwen_dataset.domain.inference import Completion, FailureKind, Usage
from qwen_dataset.ports.remote import RemoteBatch

LONGEST = 6
BLANKS = b"\xef\xbb\xbf \t\r"


def taken(data: bytes, borders: list[int]) -> list[bytes | None]:
    """Return the lines of a download that comes in pieces."""
    found: list[bytes | None] = []
    lines = _Lines(found.append)
    places = [0, *sorted(min(border, len(data)) for border in borders), len(data)]
    with patch.object(results, "_LONGEST_LINE", LONGEST):
        for begin, end in pairwise(places):
            lines.feed(data[begin:end])
        lines.end()
    return found


def expected(data: bytes) -> list[bytes | None]:
    """Return the same of what is in memory as a whole."""
    lines = [None if len(part) > LONGEST else part.strip(BLANKS) for part in data.split(b"\n")]
    return [line for line in lines if line != b""]


@given(st.lists(st.sampled_from([b"a", b"{}", b"\n", b"\n", b" ", b"\t", b"\r\n", BLANKS[:3]])), st.data())
def test_a_download_has_the_same_lines_wherever_its_pieces_end(parts, data):
    whole = b"".join(parts)
    borders = data.draw(st.lists(st.integers(0, len(whole))))
    assert taken(whole, borders) == expected(whole)


@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1])
def test_a_line_is_too_long_wherever_its_pieces_end(length):
    whole = b"a\n" + b"x" * length + b"\nb"
    line = b"x" * length if length <= LONGEST else None
    for first in range(len(whole) + 1):
        for second in range(first, len(whole) + 1):
            assert taken(whole, [first, second]) == [b"a", line, b"b"]


def line_of(request_id: str, *, text: str | None, **more: object) -> bytes:
    """Return a line with an answer, without a text one that says that the service failed."""
    if text is None:
        return json.dumps({"custom_id": request_id, "error": {"code": "internal_error", "message": "m"}}).encode()
    body = {"choices": [{"message": {"content": text, **more}, "finish_reason": "stop"}], "model": "m"}
    body["usage"] = {"prompt_tokens": 3, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 1}}
    return json.dumps({"custom_id": request_id, "response": {"status_code": 200, "body": body}}).encode()


@pytest.fixture
def scratch():
    with ScratchFile() as file:
        yield file


def begun(harvest: Harvest, status: str = "completed", *, total: int = 3, completed: int = 3) -> None:
    batch = RemoteBatch(id="b", status=status, is_ended=True, total=total, completed=completed)
    harvest.begin(batch, is_counted=True)


def test_what_one_fetch_found_is_bettered_by_the_next_and_never_worsened(scratch):
    harvest = Harvest(scratch, ["1", "2", "3"])
    begun(harvest)
    for line in (line_of("1", text=None), line_of("2", text="second"), line_of("x", text="no"), b"{"):
        harvest.add(line, is_output=True)
    assert not harvest.is_whole
    begun(harvest)
    for line in (line_of("1", text="first"), line_of("2", text=None), line_of("x", text="no"), line_of("3", text="3")):
        harvest.add(line, is_output=True)
    assert harvest.is_whole
    scratch.flush()
    assert [each.text for each in harvest.found()] == ["first", "second", "3"]
    assert not list(harvest.missing())


def test_strangers_of_several_fetches_are_counted_once(scratch):
    harvest = Harvest(scratch, ["1", "2"])
    for _ in range(2):
        begun(harvest, "expired", total=3, completed=1)
        harvest.add(line_of("1", text="first"), is_output=True)
        for stranger in ("x", "y"):
            harvest.add(line_of(stranger, text=None), is_output=False)
        assert harvest.is_whole
        assert not harvest.may_be_billed
    harvest.add(line_of("z", text=None), is_output=False)
    assert harvest.may_be_billed, "there are more lines than requests"


def test_everything_of_an_answer_is_kept_and_a_failure_is_told_as_the_batch_ended(scratch):
    harvest = Harvest(scratch, ["1", "2", "3"])
    begun(harvest)
    texts = {"1": "Hi \ud83d", "3": "Grüße"}  # the first one cannot be written as UTF-8
    harvest.add(line_of("1", text=texts["1"], reasoning_content="Hm."), is_output=True)
    harvest.add(line_of("2", text=None), is_output=False)
    harvest.add(line_of("3", text=texts["3"], reasoning_content="Hm."), is_output=True)
    begun(harvest, "expired")
    scratch.flush()
    first, failure, third = harvest.found()
    usage = Usage(prompt_tokens=3, completion_tokens=2, reasoning_tokens=1)
    for ident, answer in (("1", first), ("3", third)):
        assert answer == Completion(request_id=ident, text=texts[ident], usage=usage, reasoning="Hm.", model="m")
    assert failure.kind is FailureKind.EXPIRED
