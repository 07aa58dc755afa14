"""Dumps of papers: one record a line, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import orjson
import pytest

from qwen_dataset.adapters.readers.jsonl import READER, SUFFIXES, read_jsonl
from qwen_dataset.domain.papers import Paper
from qwen_dataset.errors import ReadError


def one(record: object) -> Paper:
    (paper,) = read_jsonl([orjson.dumps(record)], source="dump.jsonl")
    assert isinstance(paper, Paper), paper
    return paper


def error(line: bytes) -> str:
    (found,) = read_jsonl([line], source="dump.jsonl")
    assert isinstance(found, ReadError)
    return str(found)


def test_a_record_becomes_a_paper() -> None:
    paper = one(
        {
            "id": "arXiv:1",
            "title": "On *states*",
            "abstract": " Short. ",
            "authors": ["Ada", {"name": "Bob"}, {"affiliation": "x"}, 3],
            "year": 2022,
            "text": "1 Introduction\n\nA state.\n\n2 References\n\n[1] A.",
        }
    )
    assert (paper.title, paper.abstract, paper.authors) == ("On states", "Short.", ("Ada", "Bob"))
    assert (paper.source, paper.reader) == ("dump.jsonl#arXiv:1", READER)
    assert [section.path for section in paper.sections] == [("1 Introduction",), ("2 References",)]
    assert ".jsonl" in SUFFIXES


def test_the_line_number_stands_in_for_a_missing_id() -> None:
    papers = list(read_jsonl([b"\n", orjson.dumps({"text": "no title here, only this sentence."})], source="d/x.jsonl"))
    assert isinstance(papers[0], Paper)
    assert (papers[0].source, papers[0].title) == ("d/x.jsonl#2", "x 2")
    assert one({"id": 7, "text": "Text."}).source == "dump.jsonl#7"
    assert one({"id": True, "text": "Text."}).source == "dump.jsonl#1"


def test_one_author_may_be_a_string() -> None:
    assert one({"text": "Text.", "authors": "Ada Lovelace"}).authors == ("Ada Lovelace",)


def test_text_that_looks_like_markdown_is_read_as_markdown() -> None:
    text = "# A title\n\nFirst.\n\n## Part\n\n```python\n# no heading\n```\n"
    paper = one({"text": text})
    assert paper.title == "A title"
    assert [section.path for section in paper.sections] == [(), ("Part",)]
    assert [section.path for section in one({"title": "A title!", "text": text}).sections] == [(), ("Part",)]
    named = one({"title": "Another", "text": "## A title\n\nFirst.\n\n## Part\n\nSecond."})
    assert named.title == "Another"
    assert [section.path for section in named.sections] == [("A title",), ("Part",)]


def test_the_title_in_the_text_is_in_no_section() -> None:
    paper = one({"title": "On states", "text": "On states\n\nAda\n\n1 Introduction\n\nA state."})
    assert paper.text[paper.sections[0].start :].lstrip().startswith("Ada")


def test_line_ends_are_normalised_and_nothing_else() -> None:
    assert one({"text": "a\r\nb  \u00a0c"}).text == "a\nb  \u00a0c"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "line 1 is not JSON"),
        (b"[1]", "line 1 is not a JSON object but a list"),
        (b"{}", "line 1 is an object without any field"),
        (b'{"text": ""}', 'has a "text" that is empty'),
        (b'{"text": " \\n"}', 'has a "text" that is empty'),
        (b'{"text": 3}', 'has a "text" that is not a string'),
        (b'{"title": "T", "year": 3}', 'line 1 has no "text", nor a "full_text"'),
        (b'{"title": "T", "year": 3}', 'it has "title", "year"'),
        (b'{"body_text": [1], "abstract": "A"}', "has no paragraph that could be read in its body_text"),
        (b'{"text": "\xff"}', "is not a text file"),
        (b"[" * 100_000, "is not JSON"),
    ],
)
def test_a_broken_line_is_named_with_the_reason(line: bytes, why: str) -> None:
    assert why in error(line)
    assert error(line).startswith("dump.jsonl line 1 ")


def test_the_stream_goes_on_after_a_broken_line() -> None:
    good = orjson.dumps({"text": "Text."})
    kinds = [type(item) for item in read_jsonl([good, b"oops\n", b"  \n", good], source="x")]
    assert kinds == [Paper, ReadError, Paper]


def test_a_dump_is_read_as_it_comes() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield orjson.dumps({"text": "Text."}) + b"\n"

    papers = read_jsonl(endless(), source="x")
    first = list(islice(papers, 3))
    assert [paper.source for paper in first if isinstance(paper, Paper)] == ["x#1", "x#2", "x#3"]


def test_a_byte_order_mark_and_gb18030_are_understood() -> None:
    text = "量子态的测量会改变它，这是基本原理。"
    assert isinstance(next(read_jsonl(["\ufeff".encode() + orjson.dumps({"text": text})], source="x")), Paper)
    line = ('{"text": "' + text + '"}').encode("gb18030")
    paper = next(read_jsonl([line], source="x"))
    assert isinstance(paper, Paper)
    assert (paper.text, paper.language) == (text, "zh")


def test_a_record_that_nests_too_deeply_is_an_error_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("qwen_dataset.adapters.readers.records.text_outline", too_deep)
    assert "nested too deeply" in error(b'{"text": "x"}')
