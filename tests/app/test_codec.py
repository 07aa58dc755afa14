from __future__ import annotations

from decimal import Decimal
from typing import Any, get_type_hints

import attrs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.app import by_hand, quick
from qwen_dataset.app.codec import (
    Envelope,
    StoredOutcome,
    StoredSpec,
    decode,
    decode_planned,
    decode_request,
    decode_request_id,
    encode,
    encode_outcome,
    plain_converter,
    written_request,
)
from qwen_dataset.app.dataset.records import answer_record, failure_record, reject_record, sample_record
from qwen_dataset.app.engine.lease import LeaseRecord, Process
from qwen_dataset.domain import events
from qwen_dataset.domain.identity import canonical, content_id, quoted
from qwen_dataset.domain.inference import (
    Completion,
    Failure,
    FailureKind,
    Message,
    Parameters,
    Request,
    Usage,
    WrittenRequest,
)
from qwen_dataset.domain.jobs import JobSpec, Way
from qwen_dataset.domain.recipes.base import Draft, Planned, RecipeOptions
from qwen_dataset.domain.samples import Answer, Evidence, Origin, PaperRef, Reject, RejectReason, Sample, Span
from qwen_dataset.errors import LedgerCorrupt
from qwen_dataset.testing.strategies import outcomes, papers, parameters, prompts, requests

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.integers(0, 2**40)
MONEY = st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=9)
IDS = st.lists(TEXT, max_size=3).map(tuple)


def _of(cls: type) -> st.SearchStrategy[object]:
    """Values of a stored class, made from the types of its fields."""
    made = {
        str: TEXT,
        str | None: st.none() | TEXT,
        int: NUMBER,
        int | None: st.none() | NUMBER,
        float | None: st.none() | st.floats(0, 1e10),
        bool: st.booleans(),
        float: st.floats(0, 1e9),
        tuple[str, ...]: IDS,
        Decimal: MONEY,
        Decimal | None: st.none() | MONEY,
        events.RetryUnknown: st.sampled_from(events.RetryUnknown),
    }
    types = get_type_hints(cls)
    return st.fixed_dictionaries({f.name: made[types[f.name]] for f in attrs.fields(cls)}).map(lambda kw: cls(**kw))


EVENTS = st.one_of(*[_of(cls) for cls in events.Event.__args__])
ORIGINS = st.builds(
    Origin,
    paper_id=st.none() | TEXT,
    section=IDS,
    start=NUMBER,
    end=NUMBER,
    kind=TEXT,
    language=TEXT,
    label=st.none() | TEXT,
)
OUTCOMES = st.builds(StoredOutcome, outcome=outcomes(), backend=TEXT, round=NUMBER, source=st.none() | TEXT)
MESSAGES = st.builds(Message, role=TEXT, content=TEXT)
EXTRA = st.dictionaries(TEXT, st.booleans() | NUMBER | st.floats(0, 1e9) | TEXT | IDS.map(list), max_size=3)
ODD_REQUESTS = st.builds(
    Request,
    messages=st.lists(MESSAGES, max_size=3).map(tuple),
    model=TEXT,
    parameters=st.builds(
        Parameters,
        temperature=st.none() | st.sampled_from([0, 1, 0.0, 1.0, 0.7, 1e-7, 1e16]),
        response_format=st.none() | EXTRA,
        extra_body=EXTRA,
    ),
    index=NUMBER,
)
SPECS = st.builds(
    JobSpec,
    name=TEXT,
    recipe=TEXT,
    prompt_version=TEXT,
    model=TEXT,
    realm=TEXT,
    way=st.sampled_from(Way),
    corpus=TEXT,
    parameters=parameters(),
    options=st.builds(RecipeOptions, max_samples=st.integers(1, 9), language=st.sampled_from(["auto", "zh"])),
    fresh=st.booleans(),
)
PROCESSES = st.builds(Process, host=TEXT, boot=TEXT, pid_namespace=TEXT, pid=NUMBER, started=TEXT)
STORED = st.one_of(
    st.builds(Envelope, nonce=TEXT, serial=NUMBER, at=st.floats(0, 1e10), event=EVENTS),
    st.builds(Planned, position=NUMBER, request=requests(), origin=ORIGINS),
    papers(),
    prompts(),
    OUTCOMES,
    st.builds(StoredSpec, spec=SPECS),
    PROCESSES,
    st.builds(LeaseRecord, process=PROCESSES, nonce=TEXT, released=st.booleans()),
)


@settings(max_examples=300)
@given(STORED)
def test_what_is_stored_comes_back_equal(value: object) -> None:
    line = encode(value)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    back = decode(type(value), line, where="x")
    assert back == value
    assert getattr(back, "id", None) == getattr(value, "id", None)


DRAFTS = st.builds(Draft, messages=st.lists(MESSAGES, max_size=3).map(tuple), origin=ORIGINS)


@settings(max_examples=500)
@given(
    st.one_of(
        st.builds(Planned, position=NUMBER, request=requests(), origin=ORIGINS),
        st.builds(Planned, position=NUMBER, request=ODD_REQUESTS, origin=ORIGINS),
        papers(),
        prompts(),
        OUTCOMES,
        DRAFTS,
    )
)
def test_by_hand_is_what_the_converter_makes(value: Any) -> None:
    plain = plain_converter()
    slow = orjson.dumps(plain.unstructure(value), option=orjson.OPT_APPEND_NEWLINE)
    assert encode(value) == slow
    by_hand, by_fields = decode(type(value), slow, where="x"), plain.structure(orjson.loads(slow), type(value))
    assert by_hand == by_fields == value
    # Also where equal values are not the same, such as 1, 1.0 and True.
    assert encode(by_hand) == orjson.dumps(plain.unstructure(by_fields), option=orjson.OPT_APPEND_NEWLINE)


@settings(max_examples=300)
@given(st.builds(Planned, position=NUMBER, request=requests() | ODD_REQUESTS, origin=ORIGINS))
def test_a_line_of_a_plan_is_read_late_as_it_is_read_at_once(planned: Planned) -> None:
    line, ident = encode(planned), "0" * 32
    at_once = decode(Planned, line, where="x")
    assert decode_request(line, where="x") == at_once.request
    assert decode_request(line, where="x").id == at_once.request.id
    spaced = orjson.dumps(orjson.loads(line), option=orjson.OPT_INDENT_2)
    # Twice as we write it: the second one ends as the first.
    for each in (line, line, spaced):
        late = decode_planned(each, ident, where="x")
        assert (late.position, late.origin, late.request_id) == (at_once.position, at_once.origin, ident)
        assert late.request == at_once.request
        assert late.request.id == ident


SAME_MARKS = ('","model":"m"},"origin":{}}\n', ',"origin":{}', ']},"model":"m"', "}]", "\u2028\\")
NEAR_MISSES = (
    {"index": 1},
    {"index": 11},
    {"model": "mm"},
    {"model": 'x","model":"m'},
    {"parameters": Parameters(extra_body={"model": "m"})},
    {"parameters": Parameters(extra_body={"index": 1})},
    {"parameters": Parameters(temperature=0.5)},
)


@settings(max_examples=300)
@given(
    st.builds(Planned, position=NUMBER, request=requests() | ODD_REQUESTS, origin=ORIGINS),
    requests() | ODD_REQUESTS,
    st.sampled_from(["like", "unlike"]),
)
def test_a_written_request_is_the_one_that_is_read(planned: Planned, known: Request, kind: str) -> None:
    # As the engine has it: of a line. A number that was written as 1 is read as 1.0, and written so again.
    read = decode_request(encode(planned), where="x")
    line, ident = encode(attrs.evolve(planned, request=read)), "0" * 32
    if kind == "like":
        assert _same(written_request(line, ident, attrs.evolve(read, messages=(Message("user", "another"),))), read)
    else:
        _same(written_request(line, ident, known), read)
    assert written_request(orjson.dumps(orjson.loads(line), option=orjson.OPT_INDENT_2), ident, read) is None


def _same(written: WrittenRequest | None, read: Request) -> bool:
    if written is None:
        return False
    assert written.messages_json() == read.messages_json()
    assert (written.id, written.model, written.parameters) == ("0" * 32, read.model, read.parameters)
    return True


@pytest.mark.parametrize("text", SAME_MARKS)
@pytest.mark.parametrize("label", [None, *SAME_MARKS])
@pytest.mark.parametrize("index", [0, 1])
def test_most_requests_need_not_be_read(text: str, label: str | None, index: int) -> None:
    known = Request(messages=(Message("user", "known"),), model="m", index=index)
    like = attrs.evolve(known, messages=(Message("system", text), Message("user", text)))
    for position in (0, 10**19):
        line = encode(Planned(position=position, request=like, origin=Origin(kind="prompt", label=label)))
        assert _same(written_request(line, "0" * 32, known), like)


@pytest.mark.parametrize("other", NEAR_MISSES, ids=str)
def test_what_differs_by_more_than_what_is_said_is_read(other: dict[str, Any]) -> None:
    known = Request(messages=(Message("user", "known"),), model="m")
    unlike = attrs.evolve(known, **other)
    for one, two in ((known, unlike), (unlike, known)):
        line = encode(Planned(position=7, request=one, origin=Origin()))
        assert written_request(line, "0" * 32, two) is None


@given(OUTCOMES)
def test_what_we_write_is_read_the_quick_way_and_the_same_as_slowly(stored: StoredOutcome) -> None:
    line = encode(stored)
    quickly = quick.stored_completion(line)
    assert (quickly is not None) == isinstance(stored.outcome, Completion)
    assert decode(StoredOutcome, line, where="x") == plain_converter().structure(orjson.loads(line), StoredOutcome)


class _OwnText(str):
    __slots__ = ()


@pytest.mark.parametrize("text", ["a", _OwnText("a"), '\x00\x1f\x7f\u2028"\\/\U0001f600'])
@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 2, 3), (2**63 - 1, 0, 1), (2**64, 1, 1), (-1, 1, 0)])
@pytest.mark.parametrize(("source", "reason"), [(None, "length"), ("other-job", b"stop".decode()), (None, "stop")])
def test_a_completion_is_written_the_quick_way_as_slowly(
    text: str, counts: tuple[int, int, int], source: str | None, reason: str
) -> None:
    read, written, thought = counts
    usage = Usage(prompt_tokens=read, completion_tokens=written, reasoning_tokens=thought)
    # What was read is equal to the default, and not the same object.
    thoughts, model = ("why", b"m".decode()) if thought else (None, None)
    outcome = Completion(request_id="r", text=text, finish_reason=reason, usage=usage, reasoning=thoughts, model=model)
    line = encode_outcome(outcome, backend="b", round_number=2, source=source)
    capped = [min(count, 2**63 - 1) for count in counts]
    usage = Usage(prompt_tokens=capped[0], completion_tokens=capped[1], reasoning_tokens=capped[2])
    stored = StoredOutcome(attrs.evolve(outcome, usage=usage), "b", 2, source)
    assert line == orjson.dumps(plain_converter().unstructure(stored), option=orjson.OPT_APPEND_NEWLINE)


@pytest.mark.parametrize("field", ["text", "finish_reason", "reasoning", "model"])
def test_bytes_are_not_written_as_something_else(field: str) -> None:
    fields: dict[str, Any] = {"text": "a", field: b"a"}
    with pytest.raises(TypeError):
        encode_outcome(Completion(request_id="r", **fields), backend="b", round_number=1)


@given(ORIGINS)
def test_an_origin_that_we_write_is_read_the_quick_way(origin: Origin) -> None:
    assert quick.origin(orjson.dumps(by_hand.origin_to(origin))) == origin


@pytest.mark.parametrize("cut", [2, 3, 20])
def test_a_line_of_a_plan_that_is_cut_short_is_damage(cut: int) -> None:
    line = encode(Planned(position=7, request=Request(messages=(Message("user", "a"),), model="m"), origin=Origin()))
    for read in (decode_planned, lambda line, _, where: decode_request(line, where=where)):
        with pytest.raises(LedgerCorrupt, match="that place cannot be read"):
            read(line[:-cut], "0" * 32, where="that place")


def test_parameters_that_are_equal_and_written_differently_keep_their_writing() -> None:
    lines = set()
    for extra in ({"n": 1}, {"n": 1.0}, {"n": True}, {"n": 1}):
        parameters = Parameters(temperature=1.0, extra_body=extra)
        planned = Planned(position=0, request=Request(messages=(), model="m", parameters=parameters), origin=Origin())
        line = encode(planned)
        assert encode(decode(Planned, line, where="x")) == line
        lines.add(line)
    assert len(lines) == 3


@given(requests() | ODD_REQUESTS)
def test_the_id_of_a_request_is_that_of_its_fields(request: Request) -> None:
    assert request.id == content_id(
        {
            "messages": [[message.role, message.content] for message in request.messages],
            "model": request.model,
            "parameters": request.parameters.chosen(),
            "index": request.index,
        }
    )


@given(st.text() | st.text(st.characters(max_codepoint=0x9F)))
def test_a_quoted_text_is_the_canonical_one(text: str) -> None:
    assert quoted(text) == canonical(text).encode("utf-8", "surrogatepass")


@given(OUTCOMES)
def test_the_id_in_a_stored_outcome_is_found_without_the_rest(stored: StoredOutcome) -> None:
    assert decode_request_id(encode(stored), where="x") == stored.outcome.request_id
    short = attrs.evolve(stored, outcome=attrs.evolve(stored.outcome, request_id="0123456789abcdef" * 2))
    assert decode_request_id(encode(short), where="x") == short.outcome.request_id
    spaced = orjson.dumps(orjson.loads(encode(stored)), option=orjson.OPT_INDENT_2)
    assert decode_request_id(spaced, where="x") == stored.outcome.request_id


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"outcome":{}}', b'{"outcome":{"request_id":7}}'])
def test_a_stored_outcome_without_an_id_is_damage(data: bytes) -> None:
    with pytest.raises(LedgerCorrupt, match="that place cannot be read"):
        decode_request_id(data, where="that place")


def test_versions_are_written_always() -> None:
    spec = JobSpec(name="n", recipe="r", prompt_version="1", model="m", realm="f", way=Way.BATCH, corpus="c")
    assert orjson.loads(encode(StoredSpec(spec=spec)))["format"] == 1
    envelope = Envelope(nonce="n", serial=1, at=0.0, event=events.Finished())
    assert orjson.loads(encode(envelope))["format"] == 1


@pytest.mark.parametrize("data", [b"", b"nonsense", b"[1]", b'{"nonce":"n"}', b'{"outcome":{"is":"other"}}', b"null"])
def test_damage_is_told_with_its_place(data: bytes) -> None:
    for cls in (Envelope, StoredOutcome, Planned):
        with pytest.raises(LedgerCorrupt, match="that place cannot be read"):
            decode(cls, data, where="that place")


def test_a_sample_line_has_the_promised_columns() -> None:
    sample = Sample(
        instruction="i",
        input="",
        output="o",
        paper=PaperRef(id="p", title="t", source="s"),
        section=("A", "B"),
        passage=Span(3, 9),
        evidence=(Evidence(quote="q", start=4, end=5),),
        kind="concept",
        language="en",
        model="m",
        backend="b",
        recipe="instruct",
        prompt_version="v",
        request_id="r",
        usage=Usage(prompt_tokens=1, completion_tokens=2),
    )
    assert sample_record(sample) == {
        "instruction": "i",
        "input": "",
        "output": "o",
        "metadata": {
            "sample_id": sample.sample_id,
            "paper": {"id": "p", "title": "t", "source": "s"},
            "section": "A > B",
            "passage": {"start": 3, "end": 9},
            "evidence": [{"quote": "q", "start": 4, "end": 5}],
            "kind": "concept",
            "language": "en",
            "model": "m",
            "backend": "b",
            "recipe": "instruct",
            "prompt_version": "v",
            "request_id": "r",
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "reasoning_tokens": 0},
        },
    }


def test_answers_failures_and_rejects_are_told_apart() -> None:
    failure = Failure(request_id="r", kind=FailureKind.TIMEOUT, message="m", retryable=True)
    good = Answer(request_id="r", position=4, label=None, output="o", finish_reason="stop", usage=Usage())
    assert answer_record(good)["id"] == "4"
    assert answer_record(good)["output"] == "o"
    bad = answer_record(Answer(request_id="r", position=4, label="mine", error=failure))
    assert bad == {"id": "mine", "request_id": "r", "error": {"kind": "timeout", "message": "m", "retryable": True}}
    assert failure_record(failure, None, ())["is"] == "failure"
    # Plain texts, as they are when the line is read again: a merge compares the two.
    assert type(bad["error"]["kind"]) is type(failure_record(failure, None, ())["reason"]) is str
    reject = Reject(
        request_id="r", reason=RejectReason.NO_JSON, detail="d", excerpt="e", paid=True, retryable=True, section=("A",)
    )
    assert reject_record(reject)["is"] == "reject"
    assert reject_record(reject)["reason"] == "no_json"


def test_a_request_shows_its_fields_alone() -> None:
    request = Request(messages=(Message("user", "a"),), model="m")
    assert request.id
    assert set(attrs.asdict(request)) == {"messages", "model", "parameters", "index"}
    assert request.messages_json() == b'[{"role":"user","content":"a"}]' == request.messages_json()
