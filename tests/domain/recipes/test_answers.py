"""What models really write is read as meant, and nothing that can be written makes reading raise or crawl."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.domain.recipes.answers import Unparsed, parse_answer
from qwen_dataset.domain.samples import RejectReason

SAMPLE = {
    "instruction": "什么是码距？",
    "input": "",
    "output": '第一行\n\\frac{1}{2} "引号"',
    "evidence": ["码距是最小权重。"],
}
JSON = json.dumps(SAMPLE, ensure_ascii=False)


def read(text: str, *, truncated: bool = False) -> list[Any]:
    found = parse_answer(text, truncated=truncated)
    assert isinstance(found, list), found
    return found


def reason(text: str, *, truncated: bool = False) -> RejectReason:
    found = parse_answer(text, truncated=truncated)
    assert isinstance(found, Unparsed), found
    assert found.detail
    return found.reason


@pytest.mark.parametrize(
    "text",
    [
        JSON,
        json.dumps(SAMPLE),
        json.dumps(SAMPLE, indent=2),
        f"\ufeff\u200b {JSON} \n",
        f"[{JSON}]",
        f'{{"samples": [{JSON}]}}',
        f'{{"count": 1, "samples": [{JSON}]}}',
        f'{{"samples": {JSON}}}',
        f'{{"result": {{"data": [{JSON}]}}}}',
        f"```json\n{JSON}\n```",
        f"```\n{json.dumps(SAMPLE, indent=4)}\n```",
        f"Sure! Here is the JSON you asked for:\n\n```json\n{JSON}\n```\nLet me know if you need more.",
        f"好的，样例如下：{JSON}希望对你有帮助。",
        f"The set {{x}} and \\frac{{a}}{{}} matter.\n{JSON}",
        f'<think>\nMaybe {{"instruction": "a draft"}}?\n</think>\n\n{JSON}',
        f"<think></think>{JSON}",
        f"Let me think, {{hm}}.\n</think>\n{JSON}",
        f"<think>I forgot to close this {JSON}",
        JSON[:-1] + ",}",
        JSON.replace('"]', '",]'),
        JSON.replace('": ', '" :\n\t\u200b'),
        JSON.replace("\\n", "\n"),
    ],
)
def test_the_sample_is_read_whatever_stands_around_it(text: str) -> None:
    assert read(text) == [SAMPLE]
    assert read(text, truncated="</think>" in text or "<think>" not in text) == [SAMPLE]


def test_several_objects_are_read_in_order() -> None:
    one, two, three = ({"instruction": f"Question {n}?", "output": {"deep": [n]}} for n in (1, 2, 3))
    dumped = [json.dumps(item) for item in (one, two, three)]
    for text in (
        "\n".join(dumped),
        f"[{', '.join(dumped)}]",
        f'{{"samples": [{",".join(dumped)},]}}',
        " and ".join(dumped),
    ):
        assert read(text) == [one, two, three]


def test_an_item_that_is_no_object_is_kept() -> None:
    assert read('{"samples": ["nothing", {"a": 1}, null]}') == [{"value": "nothing"}, {"a": 1}, {"value": None}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 'don't stop', 'b': None, 'c': True}", {"a": "don't stop", "b": None, "c": True}),
        (r"""{'a': 'don\'t', 'b': "it's"}""", {"a": "don't", "b": "it's"}),
        ("{“a”: “b”, “c”: [“d”, “e”]}", {"a": "b", "c": ["d", "e"]}),
        ("{“a”: “他提出了“注意力”机制”}", {"a": "他提出了“注意力”机制"}),
        ("{„a“: „b“}", {"a": "b"}),
        ("{＂a＂: ＂b＂}", {"a": "b"}),
        ("{‘a’: ‘b’}", {"a": "b"}),
        ('{"a": "他提出了"注意力"机制", "b": ""}', {"a": '他提出了"注意力"机制', "b": ""}),
        ('{"a": "What is "X"?"}', {"a": 'What is "X"?'}),
        (
            '{"a": [1, -2, 2.5, 1e3, -1.5E-2, true, false, null]}',
            {"a": [1, -2, 2.5, 1000.0, -0.015, True, False, None]},
        ),
        ('{"a": 123456789012345678}', {"a": 123456789012345678}),
        ('{"a": 1234567890123456789}', {"a": 1234567890123456789.0}),
        ('{"a": {}, "b": []}', {"a": {}, "b": []}),
        ('{"a": "x", "a": "y"}', {"a": "y"}),
        ('{"a": "multi\nline\ttab\r\n"}', {"a": "multi\nline\ttab\r\n"}),
        (r'{"a": "\ud83d\ude00 \u4e2d \uZZZZ"}', {"a": "😀 中 \\uZZZZ"}),
        (r'{"a": "\ud83d alone"}', {"a": "\ufffd alone"}),
        ('{"a": "\udc00 raw"}', {"a": "\ufffd raw"}),
        ("{}", {}),
        ("  {} ", {}),
    ],
)
def test_dialects_of_json(text: str, value: dict[str, Any]) -> None:
    assert read(text) == [value]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        # Not JSON's escapes: the backslash stays.
        (r"\alpha \sum_{i} \{ \, \% \_ \( \)", r"\alpha \sum_{i} \{ \, \% \_ \( \)"),
        (r"\underline{x} \uparrow", r"\underline{x} \uparrow"),
        # JSON's escapes that destroy LaTeX.
        (r"$\frac{1}{2}$ \beta \begin{a} \bar x \forall", r"$\frac{1}{2}$ \beta \begin{a} \bar x \forall"),
        (r"re.search(r'\bword\b')", r"re.search(r'\bword\b')"),
        (r"\nabla f \notin S \theta \times 2 \tau \text{if} \textbf{a} \rho \right) \rangle", None),
        # Escaped as it should be.
        (r"\\frac \\nabla \\theta \\rho \\beta", r"\frac \nabla \theta \rho \beta"),
        # Real line breaks and tabs.
        (
            r"first\nsecond\n\nThe end\n- item\r\n\tindented\ttable",
            "first\nsecond\n\nThe end\n- item\r\n\tindented\ttable",
        ),
        (r"line\nabla", r"line\nabla"),
        (r"line\nablation study", "line\nablation study"),
        (r"line\not", r"line\not"),
        (r"line\nother", "line\nother"),
        (r"code\n\timport x\n\ttext = 1\ntan = 2", "code\n\timport x\n\ttext = 1\ntan = 2"),
        # Unclear commands are LaTeX only inside a formula or before a brace.
        (r"where\nu is", "where\nu is"),
        (r"where $\nu$ is", r"where $\nu$ is"),
        (r"where $x$\nu is", "where $x$\nu is"),
        (r"where $$x \neq y$$\ne", "where $$x \\neq y$$\ne"),
        (r"where \(a \to b\)\to", "where \\(a \\to b\\)\to"),
        (r"where \[a \to b\]\to", "where \\[a \\to b\\]\to"),
        (r"\(a \, \to b\)", r"\(a \, \to b\)"),
        (r"\tan x", "\tan x"),
        (r"\text{x}", r"\text{x}"),
        (r"\nexists{x}", r"\nexists{x}"),
        (r"$\nxyz$", "$\nxyz$"),
        (r"$\n\t$", "$\n\t$"),
        # A writer who escapes LaTeX properly means a line break.
        (r"$\\alpha$ and $$\nu = 1\n$$", "$\\alpha$ and $$\nu = 1\n$$"),
        (r"a\/b \\ \" c", 'a/b \\ " c'),
    ],
)
def test_latex_whose_backslashes_were_not_escaped(raw: str, said: str | None) -> None:
    assert read(f'{{"a": "{raw}"}}') == [{"a": raw if said is None else said}]


@pytest.mark.parametrize("text", ["", "  \n", "\ufeff", "<think>long thoughts</think>", "<think>x</think> \n\u200b"])
def test_an_empty_answer(text: str) -> None:
    assert reason(text) is RejectReason.EMPTY_ANSWER
    assert reason(text, truncated=True) is RejectReason.TRUNCATED


@pytest.mark.parametrize(
    "text",
    [
        "I cannot answer this.",
        "对不起，我无法回答。",
        "[]",
        "[1, 2]",
        '["a", "b"]',
        "null",
        '"text"',
        "The set {a, b} and x^{} and {}",
        "</think>",
        "thoughts </think> words",
        "```python\nprint(1)\n```",
    ],
)
def test_an_answer_without_an_object(text: str) -> None:
    assert reason(text) is RejectReason.NO_JSON


@pytest.mark.parametrize(
    "text",
    [
        '{"instruction": "a" "output": "b"}',
        '{"instruction": "a", "output": "b" "evidence": ["q"]}',
        '{"instruction": "a", , "output": "b"}',
        '{"instruction" "a"}',
        '{"instruction": }',
        '{"instruction": nothing}',
        '{"instruction": 12ab}',
        '{"instruction": "a"]',
        '{instruction: "a"}',
        '```json\n{instruction: "a"}\n```',
        '{"instruction": "a", 1: 2}',
        '{"evidence": [1 2]}',
        '{"instruction": "a" "output": "b", "evidence": [{"quote": "q"}]}',
        '{"a":' * 40 + "1" + "}" * 40,
        '{"a":' + "[" * 40 + "]" * 40 + "}",
    ],
)
def test_a_broken_object_is_not_guessed(text: str) -> None:
    assert reason(text) is RejectReason.BROKEN_JSON
    assert reason(text, truncated=True) is RejectReason.TRUNCATED


def test_the_place_where_it_breaks_is_named() -> None:
    found = parse_answer('Here: {"instruction": "a", oops}', truncated=False)
    assert isinstance(found, Unparsed)
    assert "character 27" in found.detail
    assert "oops" in found.detail


def test_nesting_up_to_the_bound_is_read() -> None:
    text = '{"a":' * 31 + '{"a": 1}' + "}" * 31
    assert read(text) == [{"a": 1}]  # each is a wrapper of the next
    assert reason('{"b": 1, "a":' + text + "}") is RejectReason.BROKEN_JSON


@pytest.mark.parametrize("end", range(1, len(JSON)))
def test_an_answer_that_ends_in_the_middle_is_truncated(end: int) -> None:
    assert reason(JSON[:end]) is RejectReason.TRUNCATED
    assert reason(JSON[:end], truncated=True) is RejectReason.TRUNCATED
    assert reason("```json\n" + JSON[:end]) is RejectReason.TRUNCATED
    assert reason("[" + JSON[:end]) is RejectReason.TRUNCATED


@pytest.mark.parametrize("value", ["tru", "-", "12.", "1e", "N", "[1,", "{", '[{"quote": "a"}, {'])
def test_a_value_that_ends_in_the_middle_is_truncated(value: str) -> None:
    assert reason('{"instruction": "a", "evidence": ' + value) is RejectReason.TRUNCATED


@pytest.mark.parametrize("head", ['{"samples": [', "[", "", '{"model": "x", "samples": [', "```json\n["])
@pytest.mark.parametrize("tail", ["", "{", '{"instruction": "b', '{"instruction": "b", "evidence": [{"quote": "c"},'])
@pytest.mark.parametrize("truncated", [True, False])
def test_objects_complete_before_the_cut_are_used(head: str, tail: str, truncated: bool) -> None:
    assert read(f"{head}{JSON}, {JSON}, {tail}", truncated=truncated) == [SAMPLE, SAMPLE]


def test_a_cut_in_the_thoughts_is_truncated_even_with_a_draft() -> None:
    assert reason(f"<think>a draft: {JSON} but", truncated=True) is RejectReason.TRUNCATED


def test_a_tag_inside_a_sample_does_not_cut_it() -> None:
    text = json.dumps({"instruction": "What does </think> {close}?", "output": "It ends the thoughts {x: 1}."})
    assert read(text) == [json.loads(text)]
    assert read(f"```json\n{text}\n```") == [json.loads(text)]


def test_parts_of_a_broken_object_are_not_taken_for_answers_but_later_ones_are() -> None:
    broken = '{\n  "instruction": "a" "output": "b",\n  "evidence": [\n    {"quote": "q"}\n  ]\n}'
    assert reason(broken) is RejectReason.BROKEN_JSON
    assert read(f"{broken}\n{JSON}") == [SAMPLE]
    assert read(f'[\n  {{"a": 1 2}},\n  {JSON}\n]') == [SAMPLE]
    assert reason(f'{{"a": 1 2,\n {JSON}}}') is RejectReason.BROKEN_JSON


def test_an_empty_object_beside_another_is_prose() -> None:
    assert read("{} " + JSON) == [SAMPLE]


# The escapes that may be LaTeX have a test of their own.
PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\t\b\f"), max_size=30)
SCALARS = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN, inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(VALUES, VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_valid_json_means_what_it_says(first: Any, second: Any, ascii_only: bool, indent: int | None) -> None:
    value = {"instruction": first, "output": second}
    assert read(json.dumps(value, ensure_ascii=ascii_only, indent=indent)) == [value]


SCRAPS = st.one_of(
    st.sampled_from(['{"', '"}', "{", "}", "[", "]", ":", ",", '"', "'", "“", "”", "\\", "\\u", "\\ud800", "\\n"]),
    st.sampled_from(['{"a":', '"samples":', "null", "-", "1e9", "<think>", "</think>", "```json", "$", '{"a": "b"}']),
    st.sampled_from([" ", "\n", "a", "1", "\ud800", "\x00"]),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(SCRAPS, max_size=40).map("".join) | st.text(), st.booleans())
def test_any_text_is_read_or_refused_with_a_reason(text: str, truncated: bool) -> None:
    found = parse_answer(text, truncated=truncated)
    assert found == parse_answer(text, truncated=truncated)
    if isinstance(found, Unparsed):
        assert found.detail
        assert (found.reason is RejectReason.TRUNCATED) or not truncated
    else:
        assert found
        json.dumps(found, ensure_ascii=False).encode()  # storable


UNITS = (
    *("[", "{", "1", " ", "\n", '"', "'", "\\", '\\"', "{}", "{ ", '{"', "{'", '{"a', '{"a":', '{"a":[', '{"a":1,'),
    *('{"a":"b" ', '{"a":"\\', '{"a":"\\nu$', '{"a":1}\n', '{"samples":[{},', '\n{"a":\'', '\n{"a" 1', '\n{"":“'),
    *("<think>", "</think>{"),
)


@pytest.mark.parametrize("unit", UNITS)
def test_no_repetition_makes_reading_crawl(unit: str) -> None:
    parse_answer(unit * (1_000_000 // len(unit)), truncated=False)
    parse_answer('{"output": "' + unit * (1_000_000 // len(unit)), truncated=False)
    parse_answer('{"output": ' + unit * (100_000 // len(unit)), truncated=True)


def test_an_answer_of_five_megabytes_is_read() -> None:
    value = {"instruction": "q", "output": ('x\\alpha "y"\n' + "z" * 100) * 45_000}
    assert read(json.dumps(value)) == [value]
