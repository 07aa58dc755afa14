"""Records in the shapes people have: paragraphs with placeholders, sections, metadata, whole files of JSON."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.readers import body_text, jsonl
from qwen_dataset.adapters.readers.accents import without_accents
from qwen_dataset.adapters.readers.jsonl import JSON_SUFFIXES, READER, read_json, read_jsonl
from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import split
from qwen_dataset.errors import ReadError

PROSE = "We prepare the state and measure it in the basis that was agreed upon before. " * 8


def one(record: object) -> Paper:
    (paper,) = read_jsonl([orjson.dumps(record)], source="dump.jsonl")
    assert isinstance(paper, Paper), paper
    return paper


def blocks(paper: Paper) -> list[tuple[str, BlockKind]]:
    return [(paper.text[block.start : block.end], block.kind) for part in paper.sections for block in part.blocks]


def paths(paper: Paper) -> list[tuple[str, ...]]:
    return [section.path for section in paper.sections]


UNARXIVE = {
    "paper_id": "2212.00001",
    "metadata": {
        "title": "On Schr\\\"odinger's\n  codes for $\\'x$",
        "authors": "Ada Lovelace",
        "authors_parsed": [["Lovelace", "Ada", ""], ["Li", "Ming", "Jr."]],
    },
    "abstract": {"section": "Abstract", "text": "  Codes\nprotect.\n  They do.\n"},
    "body_text": [
        {
            "section": "Introduction",
            "sec_number": "1",
            "sec_type": "section",
            "content_type": "paragraph",
            "text": PROSE
            + "As in {{cite:b}}, {{cite:a}} and {{cite:no}}, {{formula:f1}} , so\n{{formula:f2}} \nholds.\n",
        },
        {"section": "Introduction", "sec_number": "1", "text": "{{figure:g1}}\nSee {{figure:g1}} and {{table:t1}} ."},
        {"section": "Bounds", "sec_number": "1.1", "text": "{{formula:f3}}\n{{formula:gone}}\n"},
        {"section": "", "sec_number": "-1", "text": "for x in y: pass", "content_type": "listing"},
    ],
    "bib_entries": {"a": {"bib_entry_raw": "A, 2001."}, "b": {"bib_entry_raw": "B, 2002."}},
    "ref_entries": {
        "f1": {"type": "formula", "latex": "x\n^2"},
        "f2": {"type": "formula", "latex": "a = b."},
        "f3": {"type": "formula", "latex": "a &= b \\\\ c &= d"},
        "g1": {"type": "figure", "caption": "A plot of {{formula:f1}}"},
        "g2": {"type": "figure", "caption": "NO_CAPTION"},
        "t1": {"type": "table", "caption": "Some gains."},
        "t2": {"type": "table", "caption": "More gains."},
    },
}


def test_a_native_record_of_unarxive_becomes_a_paper() -> None:
    paper = one(UNARXIVE)
    assert paper.title == "On Schrödinger's codes for $\\'x$"
    assert paper.authors == ("Ada Lovelace", "Ming Li Jr.")
    assert (paper.source, paper.reader) == ("dump.jsonl#2212.00001", READER)
    assert paper.abstract == "Codes protect.\n\nThey do."
    assert paths(paper) == [
        ("Abstract",),
        ("1 Introduction",),
        ("1 Introduction", "1.1 Bounds"),
        (paper.title,),
        ("Figures and tables",),
    ]
    text, formula = BlockKind.PARAGRAPH, BlockKind.FORMULA
    assert blocks(paper) == [
        ("Codes protect.", text),
        ("They do.", text),
        (PROSE + "As in [2], [1] and [?], $x ^2$, so", text),
        ("$$ a = b. $$", formula),
        ("holds.", text),
        ("Figure: A plot of $x ^2$", text),
        ("See Figure and Table .", text),
        ("$$ \\begin{aligned} a &= b \\\\ c &= d \\end{aligned} $$", formula),
        ("[formula]", formula),
        ("```\nfor x in y: pass\n```", BlockKind.CODE),
        ("Table: Some gains.", text),
        ("Table: More gains.", text),
    ]
    assert paper.warnings == ("formulas that its text names are missing in the record: 1",)
    assert "2001" not in paper.text


def test_a_record_with_almost_no_body_says_so() -> None:
    record = {
        "paper_id": "x",
        "abstract": {"text": "Codes protect."},
        "body_text": [{"section": "", "text": "hidelinks\n"}],
    }
    paper = one(record)
    assert paper.warnings == ("its body is almost empty (10 characters)",)
    assert paths(paper) == [("Abstract",), ("dump x",)]


def test_a_record_of_metadata_is_a_short_paper_that_says_so() -> None:
    record = {
        "id": "2212.11862",
        "submitter": "Adri\\'an",
        "authors": "Adri\\'an P\\'erez-Salinas (Leiden), Radoica Dra\\v{s}ki\\'c, V\n  Dunjko and Jos\\'e {\\O}rsted",
        "title": "Reduce-and-chop:\n  shallow circuits",
        "categories": "quant-ph",
        "abstract": "  The coherence of\nqubits $x_1$.\n",
    }
    paper = one(record)
    assert paper.title == "Reduce-and-chop: shallow circuits"
    assert paper.authors == ("Adrián Pérez-Salinas", "Radoica Draškić", "V Dunjko", "José Ørsted")
    assert paper.abstract == "The coherence of qubits $x_1$."
    assert paper.text == "# Reduce-and-chop: shallow circuits\n\n## Abstract\n\nThe coherence of qubits $x_1$."
    assert paper.warnings == ("it holds no full text, only a title and an abstract",)
    assert len(list(split(paper))) == 1


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        ("Dra\\v{s}ki\\'c", "Draškić"),
        ("{\\'E}mile \\'{E}. \\'\\i{} \\'{\\i}", "Émile É. í í"),
        ('G\\"odel {\\"o} \\"{o} \\" o', "Gödel ö ö ö"),
        ("Fran\\c{c}ois \\c c \\u{g} \\H o", "François ç ğ ő"),
        ("\\O rsted, {\\ss}, \\L{}odz, \\aa, \\ae{}on", "Ørsted, ß, Łodz,å, æon".replace(",å", ", å")),
        ("{Ang{\\'e}lique}", "{Angélique}"),
        ("AT\\&T 5\\%", "AT&T 5%"),
        ("$\\'x$ and \\'x", "$\\'x$ and x́"),
        ("\\alpha \\verb", "\\alpha \\verb"),
        ("C:\\users", "C:\\users"),
    ],
)
def test_accents_become_letters(tex: str, text: str) -> None:
    assert without_accents(tex) == text


def test_paragraphs_of_s2orc_stand_below_the_parse() -> None:
    record = {
        "paper_id": "77",
        "title": "Codes",
        "authors": [{"first": "Ada", "middle": ["K."], "last": "Lovelace", "suffix": ""}, {"first": "", "last": "Li"}],
        "pdf_parse": {
            "abstract": [{"text": "Short.", "section": "Abstract"}],
            "body_text": [
                {"text": PROSE, "section": "Methods", "sec_num": "2"},
                {"text": "More.", "section": "Methods"},
            ],
            "bib_entries": {},
        },
    }
    paper = one(record)
    assert (paper.title, paper.abstract, paper.authors) == ("Codes", "Short.", ("Ada K. Lovelace", "Li"))
    assert paths(paper) == [("Abstract",), ("2 Methods",), ("Methods",)]
    assert not paper.warnings


def test_sections_may_have_texts_paragraphs_and_sections_of_their_own() -> None:
    record = {
        "title": "Codes",
        "abstract": "Short.",
        "sections": [
            {"heading": "Introduction", "text": PROSE + "\n\n$$ a = b $$\n\nMore."},
            {
                "title": "Methods",
                "paragraphs": ["One.", {"text": "Two."}, 3],
                "subsections": [{"title": "Inner", "text": "In."}, {"title": "Empty"}],
            },
            {"heading": "References", "text": "[1] A. 2001."},
            "Loose.",
        ],
    }
    paper = one(record)
    assert paths(paper)[1:] == [
        ("Introduction",), ("Methods",), ("Methods", "Inner"), ("Methods", "Empty"), ("References",), ("Codes",),
    ]  # fmt: skip
    assert ("$$ a = b $$", BlockKind.FORMULA) in blocks(paper)
    assert [text for text, _ in blocks(paper)][4:6] == ["One.", "Two."]


@pytest.mark.parametrize("name", ["full_text", "fulltext", "content", "body", "body_text"])
def test_the_text_may_have_another_name(name: str) -> None:
    paper = one({"title": "Codes", name: "1 Introduction\n\nA state.\r\n"})
    assert paper.text == "1 Introduction\n\nA state.\n"
    assert paths(paper) == [("1 Introduction",)]
    assert one({"text": "The text wins.", name: "Not this."}).text == "The text wins."


def test_a_line_that_is_too_long_is_refused_and_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MOST_LINE_BYTES", 1000)
    good = orjson.dumps({"text": "Text."}) + b"\n"

    class File(io.BytesIO):
        longest = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            line = super().readline(size)
            self.longest = max(self.longest, len(line))
            return line

        def __iter__(self) -> Iterator[bytes]:
            raise AssertionError

    monkeypatch.setattr(jsonl, "_DRAINED", 500)
    file = File(good + b'{"text": "' + b"x" * 100_000 + b'"}\n' + good + b"y" * 2000)
    found = list(read_jsonl(file, source="d.jsonl"))
    assert [type(item) for item in found] == [Paper, ReadError, Paper, ReadError]
    assert str(found[1]) == "d.jsonl line 2 is longer than 1,000 bytes; a dump of papers has one paper a line"
    assert [item.source for item in found if isinstance(item, Paper)] == ["d.jsonl#1", "d.jsonl#3"]
    assert file.longest <= 1001
    assert [type(item) for item in read_jsonl([good, b"z" * 2000], source="x")] == [Paper, ReadError]


def sources(value: object, source: str = "papers/codes.json") -> list[str]:
    return [
        item.source if isinstance(item, Paper) else str(item) for item in read_json(orjson.dumps(value), source=source)
    ]


def test_a_json_file_is_a_paper_a_list_or_an_object_with_a_list() -> None:
    record = {"text": "A state.", "title": "Codes"}
    assert JSON_SUFFIXES == (".json",)
    assert sources(record) == ["papers/codes.json"]
    assert sources([record, {"id": 7, **record}]) == ["papers/codes.json#1", "papers/codes.json#7"]
    for name in ("papers", "data", "records"):
        assert sources({"version": 1, name: [record]}) == ["papers/codes.json#1"]
    assert sources({"data": [1], **record}) == ["papers/codes.json"]
    (paper,) = read_json(orjson.dumps({"text": "A state."}), source="papers/codes.json")
    assert isinstance(paper, Paper)
    assert paper.title == "codes"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "x.json holds no text"),
        (b" \n", "x.json holds no text"),
        (b"[]", "x.json is an empty list of papers"),
        (b"3", "x.json is not a JSON object but a int; a record must be an object"),
        (b'{"text": 3}', 'x.json has a "text" that is not a string'),
        (b'{"name": "x", "version": 1}', 'x.json has no "text"'),
        (b'[{"name": "x"}]', 'x.json record 1 has no "text"'),
        (b"[1]", "x.json record 1 is not a JSON object but a int"),
        (b'{"text": \n "a', "x.json is not JSON: "),
        (b'{"text": \n "a', "(line 2, column "),
        (b"[" * 100_000, "x.json is not JSON"),
        (b"\x89PNG\0", "x.json is not a text file"),
    ],
)
def test_a_broken_file_is_named_with_the_reason(data: bytes, why: str) -> None:
    (found,) = read_json(data, source="x.json")
    assert isinstance(found, ReadError)
    assert why in str(found)
    assert "\n" not in str(found)


def test_json_lines_under_the_suffix_of_json_are_read_as_such() -> None:
    lines = orjson.dumps({"id": "a", "text": "One."}) + b"\r\n" + orjson.dumps({"id": "b", "text": "Two."}) + b"\n"
    assert [item.source for item in read_json(lines, source="x.json") if isinstance(item, Paper)] == [
        "x.json#a",
        "x.json#b",
    ]


def test_a_json_file_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MOST_JSON_BYTES", 10)
    (found,) = read_json(b'{"text": "long"}', source="x.json")
    assert str(found).startswith("x.json is too large for JSON: 16 bytes, and at most 10 are read")


def test_a_file_of_nothing_but_brackets_is_refused_before_it_is_built() -> None:
    data = b"[" + b"[]," * 6_000_000 + b"1]"
    (found,) = read_json(data, source="x.json")
    assert "it has 12,000,001 values, and at most 10,000,000 are read" in str(found)
    (found,) = read_jsonl([data], source="x.jsonl")
    assert str(found).startswith("x.jsonl line 1 is no paper")


def test_sections_that_stand_in_sections_without_end_are_refused() -> None:
    record: dict[str, object] = {"title": "t", "text": "words"}
    for _ in range(100):
        record = {"title": "t", "sections": [record]}
    (found,) = read_json(orjson.dumps(record), source="x.json")
    assert str(found) == "x.json is nested too deeply to be read"


def test_a_json_file_with_a_mark_or_in_gb18030_is_understood() -> None:
    text = "量子态的测量会改变它，这是基本原理。"
    for data in ("\ufeff".encode() + orjson.dumps({"text": text}), ('{"text": "' + text + '"}').encode("gb18030")):
        (paper,) = read_json(data, source="x.json")
        assert isinstance(paper, Paper)
        assert paper.text == text


FIELDS = [
    *("text", "body_text", "sections", "abstract", "title", "section", "authors", "metadata", "ref_entries", "f", "id"),
    *("bib_entries", "heading", "paragraphs", "subsections", "pdf_parse", "authors_parsed", "caption", "type"),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", " ", "Text.", "{{formula:f}}", "1 A\n\nb"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(ANYTHING)
def test_any_record_is_a_paper_with_exact_spans_or_one_sentence(record: object) -> None:
    for found in [*read_json(orjson.dumps(record), source="x.json"), *read_jsonl([orjson.dumps(record)], source="x")]:
        if isinstance(found, ReadError):
            assert str(found).startswith("x")
            assert "\n" not in str(found)
            continue
        every = [block for section in found.sections for block in section.blocks]
        assert all(one.end <= other.start for one, other in pairwise(every))
        for section in found.sections:
            for block in section.blocks:
                assert section.start <= block.start < block.end <= section.end
                content = found.text[block.start : block.end]
                assert content == content.strip()


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("{{formula:f}} " * 4000, {"latex": "x" * 60_000}),
        ("{{formula:f}}\n" * 4000, {"latex": "x" * 60_000}),
        ("{{figure:f}}\n" * 4000, {"caption": "x" * 60_000}),
        ("{{table:f}}\n" * 4000, {"text": "x" * 60_000}),
    ],
)
def test_an_entry_that_is_named_without_end_is_not_filled_in_without_end(
    text: str, entry: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests that measure memory count what this process ever had.
    monkeypatch.setattr(body_text, "_FILLED", 100_000)
    record = {"title": "T", "body_text": [{"text": PROSE}, {"text": text}], "ref_entries": {"f": entry}}
    (found,) = read_jsonl([orjson.dumps(record)], source="dump.jsonl")
    assert isinstance(found, ReadError)
    assert str(found) == "dump.jsonl line 1 holds more text than a file of its size can and was left out"
    record["body_text"] = [{"text": PROSE}, {"text": text[: 14 * 5]}]
    assert len(one(record).text) > 60_000
