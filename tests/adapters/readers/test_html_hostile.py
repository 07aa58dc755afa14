"""Pages made to hang or to fill the memory: each is read, or refused by a bound that the error names."""

from __future__ import annotations

import tracemalloc

import pytest

from qwen_dataset.adapters.readers.html import read_html, tree
from qwen_dataset.errors import ReadError


def refused(page: bytes) -> str:
    with pytest.raises(ReadError) as raised:
        read_html(page, source="x.html")
    told = str(raised.value)
    assert told.startswith("x.html ")
    assert "\n" not in told
    return told


def test_a_page_that_nests_too_deeply_is_refused_with_the_bound() -> None:
    assert "1,000 levels" in refused(b"<div>" * 10_000 + b"text")
    assert "1,000 levels" in refused(b"<svg>" * 10_000 + b"text")
    assert "1,000 levels" in refused(b"<math>" + b"<mrow>" * 10_000 + b"x")


def test_a_page_that_nests_deeply_is_read() -> None:
    paper = read_html(b"<div>" * 400 + b"<ul><li>" * 200 + b"some text that is read", source="x.html")
    assert paper.text.endswith("some text that is read")
    assert len(paper.text) < 10_000


def test_too_many_tags_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_TAGS", 1000)
    assert "2,000 tags, and at most 1,000" in refused(b"<p>" * 2000)


def test_too_many_elements_are_refused_and_formulas_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_ELEMENTS", 1000)
    assert "more than 1,000 elements" in refused(b"<p>a" * 2000)
    page = b"<p>text " + b"<math><mi>x</mi></math>" * 2000
    assert read_html(page, source="x.html").text.endswith("x" * 2000)


def test_a_page_that_is_too_large_is_refused_but_not_for_its_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_BYTES", 10_000)
    assert "20,003 bytes without its pictures, and at most 10,000" in refused(b"<p>" + b"a" * 20_000)
    page = b'<p>hello <img src="data:image/png;base64,' + b"QUJD" * 10_000 + b'">reader'
    assert read_html(page, source="x.html").text.endswith("hello reader")


def test_a_giant_tag_is_refused() -> None:
    assert "1,048,576 bytes" in refused(b"<p " + b'a=">" ' * 400_000 + b">x")


def test_a_long_line_costs_its_length() -> None:
    page = b"<p>" + b"word " * 200_000
    tracemalloc.start()
    paper = read_html(page, source="x.html")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(paper.text) > 900_000
    assert peak < 30 * len(page)


@pytest.mark.parametrize(
    "page",
    [
        b"<p>x" + b"<b>a" * 900,
        b"<p>x" + rb"\( " * 300_000,
        b"<p>x" + b"$$ " * 100_000,
        b"<p>x" + rb"\begin{align} " * 100_000,
        b"<b>" * 900 + b"</i>" * 100_000 + b"x",
        b"<p>x" + b"<sup>" * 900 + b"y" * 100_000,
        b"<p>x" + b"<d-footnote>y" * 900,
        b"<math>" + b"<msqrt>" * 900 + b"<mi>x</mi>" * 10_000,
        b'<span class="katex">' * 900 + b"x " * 100_000,
        b'<div class="math">' * 900 + b"x " * 100_000,
        b"<table class=ltx_equation><tr><td>x" * 300 + b"y " * 100_000,
        b"<header>x" * 900 + b" a sentence that is long enough to be one " * 1000,
        b"<div id=references>a sentence that is long enough to be one" * 900,
        b"<div class=references><p>x</p></div><p>y</p>" * 2_000,
        b'<p class="' + b"a-" * 400_000 + b'">x',
        b'<p class="' + b"a " * 400_000 + b'">x',
        b"<title>" + b" | docs" * 100_000 + b"</title><p>x",
        b"<h1>" + b"x" * 1_000_000 + b"</h1><p>x",
        b"<p>x<!--" * 100_000,
        b"<" * 200_000 + b"p>x",
        b"<p>x" + b"&amp" * 200_000,
        b"<table><tr>" + b"<td>x" * 5_000 + b"<tr><td>y" * 5_000,
        b"<pre>" + b"`" * 1_000_000 + b"x",
    ],
    ids=range(23),
)
def test_hostile_pages_are_read_in_time(page: bytes) -> None:
    assert read_html(page, source="x.html").text
