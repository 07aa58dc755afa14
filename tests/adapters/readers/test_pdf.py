"""PDF papers: read in order and made whole, without what only the page says."""

from __future__ import annotations

import re
import sys
import textwrap
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.readers.pdf import READER, SUFFIXES, document, expansion, read_pdf
from qwen_dataset.adapters.readers.pdf.letters import fold, lowered, raised
from qwen_dataset.domain.papers import BlockKind, Paper
from qwen_dataset.domain.passages import split
from qwen_dataset.errors import ReadError
from tests.adapters.readers.pdf_writer import Show, assemble, lines, locked, pdf

PROSE = (
    "We prepare the state and measure it in the basis that was agreed upon before. The outcome is written down, and the"
    " whole of it is repeated many times over. What comes out is compared with the prediction of the model, which has"
    " no free parameters. None of the runs was left out, and none was chosen afterwards."
)
OTHER = (
    "A second experiment looks at the same question from another side. Here the noise is added on purpose, so that its"
    " part in the outcome is known. The answer is the same within the error bars, which are smaller than the marks."
)
TITLE = Show(150, 740, "On the measurement of states", "bold", 18)
BULLET = "\u2022"
FIRST_ITEM = "the first of all the things that are to be said here, and it is so long that it goes over to"


def read(data: bytes, source: str = "papers/some-paper.pdf") -> Paper:
    return read_pdf(data, source=source)


def wrapped(text: str, width: int = 60) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)


def column(text: str, x: float, y: float, width: int = 60, **style: object) -> list[Show]:
    return lines(wrapped(text, width), x, y, **style)  # type: ignore[arg-type]


def blocks(paper: Paper, kind: BlockKind | None = None) -> list[str]:
    return [
        paper.text[block.start : block.end]
        for section in paper.sections
        for block in section.blocks
        if kind in (None, block.kind)
    ]


def paths(paper: Paper) -> list[tuple[str, ...]]:
    return [section.path for section in paper.sections]


def test_a_paper_on_one_page() -> None:
    page = [
        TITLE,
        Show(200, 715, "Ada Lovelace and Charles Babbage", size=12),
        Show(200, 700, "University of Somewhere, Department of Engines", size=10),
        Show(72, 660, "Abstract", "bold", 12),
        *column(PROSE, 72, 640, 90),
        Show(72, 560, "1. Introduction", "bold", 12),
        *column(OTHER, 72, 540, 90),
        Show(72, 480, "References", "bold", 12),
        Show(72, 460, "[1] A. Author. A paper. Journal of Papers, 1999."),
        Show(72, 448, "[2] B. Author. Another paper. Journal of Papers, 2001."),
    ]
    paper = read(pdf([page]))
    assert (paper.title, paper.language, paper.reader) == ("On the measurement of states", "en", READER)
    assert paper.authors == ("Ada Lovelace", "Charles Babbage")
    assert paper.abstract == PROSE
    assert paths(paper) == [("Abstract",), ("1. Introduction",), ("References",)]
    assert blocks(paper)[:2] == [PROSE, OTHER]
    assert [paper.text[one.start : one.end] for one in split(paper)] == [PROSE, OTHER]
    assert SUFFIXES == (".pdf",)


def two_columns(*, across: str = "") -> list[Show]:
    left = wrapped(PROSE, 44)
    right = wrapped(OTHER, 44)
    return [
        *(Show(72, 700, across, size=10) for _ in across[:1]),
        *lines(left, 72, 680),
        *lines(right, 330, 680),
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_two_columns_are_read_one_after_the_other_in_whatever_order_they_were_drawn(order: int) -> None:
    paper = read(pdf([[TITLE, *two_columns()[::order]]]))
    assert blocks(paper) == [PROSE, OTHER]


def test_lines_drawn_across_both_columns_at_once_are_taken_apart() -> None:
    page = [TITLE]
    for i, (left, right) in enumerate(zip(wrapped(PROSE, 44), wrapped(OTHER + " " + PROSE, 44), strict=False)):
        page += [Show(72, 680 - 12 * i, left), Show(330, 680 - 12 * i, right)]
    text = blocks(read(pdf([page])))
    assert text[0] == PROSE
    assert text[1].startswith(OTHER)


def test_what_goes_over_both_columns_comes_before_them() -> None:
    across = "Both columns stand below this line, which goes over the whole width of the page and is read first of all."
    paper = read(pdf([[TITLE, *two_columns(across=across)]]))
    assert blocks(paper) == [across, PROSE, OTHER]


def test_a_paragraph_that_goes_on_in_the_next_column_and_on_the_next_page_is_one() -> None:
    rows = wrapped(f"{PROSE} {OTHER} {PROSE} {OTHER}", 44)
    third = len(rows) // 3
    first = [TITLE, *lines(rows[:third], 72, 680), *lines(rows[third : 2 * third], 330, 680)]
    second = [*lines(rows[2 * third :], 72, 700), *lines(wrapped(PROSE, 44), 330, 700)]
    assert blocks(read(pdf([first, second]))) == [f"{PROSE} {OTHER} {PROSE} {OTHER}", PROSE]


def test_a_footnote_and_a_caption_between_do_not_part_a_paragraph() -> None:
    rows = wrapped(f"{PROSE} {OTHER}", 90)
    first = [
        TITLE,
        *lines(rows[:3], 72, 680),
        *lines(["1 This is said in smaller type at the foot of the page."], 72, 560, size=8),
    ]
    second = [
        *lines(["Figure 1: What the apparatus looks like from above."], 72, 700, size=9),
        *lines(rows[3:], 72, 660),
    ]
    text = blocks(read(pdf([first, second])))
    assert text[0] == f"{PROSE} {OTHER}"
    assert len(text) == 3


def test_words_broken_at_line_ends_are_made_whole_and_compounds_keep_their_hyphens() -> None:
    rows = [
        "The interfer-",
        "ence of the two paths is seen in the time-",
        "dependent signal. An interference of this kind is time-dependent, and a well-",
        "known one. The dimensional argument holds on one line, or in a two-",
        "dimensional plane. The upper- and lower-bound are GPU-",
        "based, and the Ginzburg-",
        "Landau theory is about the state-",
        "of-the-art.",
    ]
    (text,) = blocks(read(pdf([[TITLE, *lines(rows, 72, 680)]])))
    for word in (
        *("The interference of", "time-dependent signal", "well-known", "two-dimensional", "upper- and lower-bound"),
        *("GPU-based", "Ginzburg-Landau", "state-of-the-art"),
    ):
        assert word in text


def test_ligatures_and_look_alikes_are_the_letters_they_stand_for() -> None:
    rows = [
        Show(72, 700, "An e1cient and di2erent way of sa3ety, 4rst and 5at", "coded", 12),
    ]
    meanings = {"1": "\ufb03", "2": "\ufb00", "3": "\u00adf", "4": "\ufb01", "5": "\ufb02"}
    paper = read(pdf([rows], unicode=meanings))
    assert "An efficient and different way of safety, first and flat" in paper.text


CHINESE = ["我们制备量子态并在约定的基中测量它，", "然后重复整个过程，直到误差足够小为止。"]


def test_chinese_lines_are_joined_without_spaces_and_radicals_are_characters() -> None:
    letters = {letter: letter for row in CHINESE for letter in row} | {"大": "⼤", "见": "⻅", "量": "\uf97e"}
    rows = [*CHINESE, "大的误差不见了。"]
    shows = [Show(72, 700 - 20 * i, row, "coded", 12) for i, row in enumerate(rows)]
    paper = read(pdf([shows], unicode=letters | {letter: letter for letter in "的误差不了。"}))
    assert paper.language == "zh"
    assert blocks(paper)[0].startswith("".join(CHINESE))
    assert "大的误差不见了。" in paper.text
    assert "量子态" in paper.text


def test_running_heads_feet_and_page_numbers_are_left_out() -> None:
    pages = []
    for number in range(6):
        head = "A. Author et al." if number % 2 else "On the measurement of states"
        pages.append(
            [
                *(
                    [TITLE]
                    if number == 0
                    else [Show(72, 760, head, "italic", 9), Show(500, 760, str(number + 1), size=9)]
                ),
                *column(f"Page {number} says this. {PROSE}", 72, 690, 90),
                Show(72, 40, f"Journal of Papers 12 ({number + 40}), 2024", size=8),
                Show(300, 28, f"- {number + 1} -", size=8),
            ]
        )
    paper = read(pdf(pages))
    assert paper.title == "On the measurement of states"
    assert len(blocks(paper)) == 6
    for furniture in ("Author et al", "Journal of Papers", "- 3 -"):
        assert furniture not in paper.text


def test_heads_that_change_with_the_chapter_are_left_out() -> None:
    pages = [
        [
            Show(72, 760, f"{number}.1. Something called {'abcdefgh'[number] * 5}", "bold", 9),
            *column(f"Text of page {number}. {PROSE}", 72, 700, 90),
        ]
        for number in range(8)
    ]
    assert "Something called" not in read(pdf(pages)).text


def test_text_that_repeats_in_the_middle_of_pages_stays() -> None:
    pages = [[*column(PROSE, 72, 700, 90), Show(72, 400, "The same line again on every page.")] for _ in range(4)]
    assert read(pdf(pages)).text.count("The same line again on every page.") == 4


def test_a_head_that_is_the_title_does_not_take_the_title_away() -> None:
    pages = [[TITLE, *column(PROSE, 72, 690, 90)]]
    pages += [[Show(72, 760, TITLE.text, size=9), *column(OTHER, 72, 700, 90)] for _ in range(3)]
    paper = read(pdf(pages))
    assert paper.title == TITLE.text
    assert paper.text.count(TITLE.text) == 1


def test_line_numbers_of_a_manuscript_are_left_out() -> None:
    pages, number = [], 0
    for _ in range(2):
        page = []
        for i, row in enumerate(wrapped(f"{PROSE} {OTHER}", 80)):
            number += 1
            page += [Show(56 - 3 * (number > 9), 700 - 12 * i, str(number), "sans", 6), Show(72, 700 - 12 * i, row)]
        pages.append(page)
    assert blocks(read(pdf(pages))) == [f"{PROSE} {OTHER}"] * 2


def test_a_column_of_numbers_in_a_table_stays() -> None:
    rows = [
        show
        for i in range(1, 9)
        for show in (
            Show(90, 600 - 12 * i, str(i)),
            Show(150, 600 - 12 * i, f"level {i}"),
            Show(250, 600 - 12 * i, f"{i}.5 GHz"),
        )
    ]
    (table,) = blocks(read(pdf([[TITLE, *column(PROSE, 72, 690, 90), *rows]])), BlockKind.TABLE)
    assert table.split("\n")[0] == "1 | level 1 | 1.5 GHz"
    assert len(table.split("\n")) == 8


def test_watermarks_are_left_out() -> None:
    slanted = Show(150, 300, "DRAFT", "bold", 100, (0.7, 0.7, -0.7, 0.7))
    upright = Show(100, 300, "CONFIDENTIAL", "sans", 60)
    stamp = Show(30, 200, "arXiv:2401.00001v1 [quant-ph] 1 Jan 2024", size=14, turn=(0, 1, -1, 0))
    paper = read(pdf([[slanted, upright, stamp, *column(f"{i}. {PROSE}", 72, 690, 90)] for i in range(3)]))
    for mark in ("DRAFT", "CONFIDENTIAL", "arXiv"):
        assert mark not in paper.text


def test_a_page_set_sideways_is_read() -> None:
    page = [Show(100 + 12 * i, 100, row, turn=(0, 1, -1, 0)) for i, row in enumerate(wrapped(PROSE, 90))]
    assert blocks(read(pdf([page]))) == [PROSE]
    page = [Show(500 - 12 * i, 700, row, turn=(0, -1, 1, 0)) for i, row in enumerate(wrapped(PROSE, 90))]
    assert blocks(read(pdf([page]))) == [PROSE]
    page = [Show(500, 100 + 12 * i, row, turn=(-1, 0, 0, -1)) for i, row in enumerate(wrapped(PROSE, 90))]
    assert blocks(read(pdf([page]))) == [PROSE]


def test_headings_are_known_by_their_type_and_nest_by_number_or_size() -> None:
    page = [TITLE]
    y = 690
    for heading, size in (("1 One", 12), ("1.1 Sub", 11), ("1.1.1 Deep", 10), ("2 Two", 12), ("Conclusion", 12)):
        page += [Show(72, y, heading, "bold", size), *column(PROSE, 72, y - 18, 90)]
        y -= 100
    assert paths(read(pdf([page]))) == [
        ("1 One",),
        ("1 One", "1.1 Sub"),
        ("1 One", "1.1 Sub", "1.1.1 Deep"),
        ("2 Two",),
        ("Conclusion",),
    ]


def test_bookmarks_say_what_the_headings_are() -> None:
    page = [TITLE]
    y = 690
    for heading in ("First part", "No part, but short", "Second part", "Third part"):
        page += [Show(72, y, heading), *column(PROSE, 72, y - 18, 90)]
        y -= 120
    marks = [("First part", 0), ("Second part", 0), ("Third part", 0)]
    assert paths(read(pdf([page]))) == [()]
    assert paths(read(pdf([page], bookmarks=marks))) == [("First part",), ("Second part",), ("Third part",)]


def test_a_printed_table_of_contents_gives_no_headings() -> None:
    contents = [
        Show(72, 700, "Contents", "bold", 12),
        *lines(["First part . . . . . . . 2", "References"], 72, 680, step=14),
    ]
    text = [
        Show(72, 700, "First part", "bold", 12),
        *column(PROSE, 72, 680, 90),
        Show(72, 600, "Second part", "bold", 12),
        *column(PROSE, 72, 580, 90),
        Show(72, 500, "References", "bold", 12),
        Show(72, 480, "[1] A. Author. A paper. Journal of Papers, 1999."),
    ]
    marks = [("First part", 2), ("Second part", 2), ("References", 2)]
    paper = read(pdf([[TITLE], contents, text], bookmarks=marks))
    assert paths(paper)[-3:] == [("First part",), ("Second part",), ("References",)]
    assert len(list(split(paper))) == 2


@pytest.mark.parametrize(
    ("shown", "named", "title"),
    [
        ("A paper of its own", "", "A paper of its own"),
        ("A paper of its own", "Microsoft Word - paper.docx", "A paper of its own"),
        ("A PAPER OF ITS OWN", "A paper of its own", "A paper of its own"),
        ("A paper of its own", "Template of the journal", "A paper of its own"),
        ("Abstract", "", "some-paper"),
        ("Introduction", "Introduction", "some-paper"),
    ],
)
def test_the_title_is_what_the_page_shows_or_the_file_says_when_the_page_shows_it(
    shown: str, named: str, title: str
) -> None:
    page = [Show(100, 740, shown, "bold", 18), *column(PROSE, 72, 690, 90)]
    assert read(pdf([page], title=named)).title == title


def test_a_title_over_two_lines_is_one() -> None:
    page = [
        Show(100, 740, "A paper with a title that", "bold", 18),
        Show(140, 718, "needs another line", "bold", 18),
        *column(PROSE, 72, 680, 90),
    ]
    assert read(pdf([page])).title == "A paper with a title that needs another line"


def test_authors_come_from_the_file_when_it_names_them() -> None:
    page = [TITLE, *column(PROSE, 72, 690, 90)]
    assert read(pdf([page], author="Ada Lovelace, Charles Babbage and Émilie du Châtelet")).authors == (
        "Ada Lovelace",
        "Charles Babbage",
        "Émilie du Châtelet",
    )


def test_an_abstract_that_follows_its_heading_on_the_line() -> None:
    paper = read(pdf([[TITLE, *column(f"Abstract. {PROSE}", 72, 690, 90), *column(OTHER, 72, 600, 90)]]))
    assert paper.abstract.startswith("We prepare")
    assert paths(paper) == [("Abstract",)]


CODE = ["def measure(state):", "    for basis in BASES:", "        yield state @ basis", "", "print(measure(psi))"]


def test_a_listing_is_code_as_it_was_typed() -> None:
    shows = [
        Show(90 + 6 * (len(row) - len(row.lstrip())), 600 - 12 * i, row.lstrip(), "mono")
        for i, row in enumerate(CODE)
        if row
    ]
    paper = read(pdf([[TITLE, *column(PROSE, 72, 690, 90), *shows, *column(OTHER, 72, 520, 90)]]))
    assert blocks(paper, BlockKind.CODE) == ["\n".join(CODE)]
    assert blocks(paper, BlockKind.PARAGRAPH) == [PROSE, OTHER]


def test_the_line_numbers_of_a_listing_are_left_out() -> None:
    shows = []
    for top in (600, 300):
        for i, row in enumerate(CODE):
            shows.append(Show(76, top - 12 * i, str(i + 1), "mono"))
            if row:
                shows.append(Show(100 + 6 * (len(row) - len(row.lstrip())), top - 12 * i, row.lstrip(), "mono"))
    page = [TITLE, *column(PROSE, 72, 690, 90), *shows, *column(OTHER, 72, 450, 90)]
    assert blocks(read(pdf([page])), BlockKind.CODE) == ["\n".join(CODE)] * 2


def test_a_word_of_code_in_a_sentence_is_prose() -> None:
    page = [
        TITLE,
        Show(72, 690, "The state is prepared once, and then it is given to the function"),
        Show(72, 678, "measure_all_of_it_in_the_usual_basis_and_return_outcomes", "mono"),
        Show(72, 666, "which returns what was seen. It is the only function that there is."),
    ]
    assert blocks(read(pdf([page])), BlockKind.CODE) == []


def test_a_displayed_formula_is_a_block() -> None:
    page = [
        TITLE,
        *column(PROSE, 72, 690, 90),
        Show(240, 600, "E = (a + b) - c", "italic"),
        Show(500, 600, "(3.1)"),
        *column(OTHER, 72, 570, 90),
    ]
    paper = read(pdf([page]))
    assert blocks(paper, BlockKind.FORMULA) == ["E = (a + b) - c (3.1)"]
    assert blocks(paper, BlockKind.PARAGRAPH) == [PROSE, OTHER]


def test_powers_and_indices_do_not_become_other_numbers() -> None:
    page = [
        TITLE,
        Show(72, 690, "10"),
        Show(82, 694, "-3", size=6.5),
        Show(90, 690, "is the rate per second, and the state of many particles is"),
        Show(72, 678, "H"),
        Show(79.3, 675, "2", size=6.5),
        Show(85, 678, "in what follows."),
    ]
    (text,) = blocks(read(pdf([page])))
    assert text.startswith("10⁻³ is the rate")
    assert text.endswith("is H₂ in what follows.")


def test_the_lettering_of_a_figure_is_left_out_and_its_caption_is_a_paragraph() -> None:
    ticks = [Show(80, 600 - 20 * i, f"{100 - 20 * i}%", "sans", 6) for i in range(5)]
    page = [
        TITLE,
        *column(PROSE, 72, 690, 90),
        *ticks,
        Show(200, 505, "time in hours", "sans", 6),
        Show(72, 480, "Figure 1: How the share of the good runs falls with time.", size=9),
        *column(OTHER, 72, 440, 90),
    ]
    paper = read(pdf([page]))
    assert blocks(paper) == [PROSE, "Figure 1: How the share of the good runs falls with time.", OTHER]


def test_a_table_above_a_figure_stays() -> None:
    rows = [
        show for i in range(5) for show in (Show(90, 650 - 12 * i, f"level {i}"), Show(250, 650 - 12 * i, f"{i}.5 GHz"))
    ]
    ticks = [Show(80, 540 - 20 * i, f"{100 - 20 * i}%", "sans", 6) for i in range(3)]
    page = [
        TITLE,
        Show(72, 670, "Table 1: The levels and where they lie.", size=9),
        *rows,
        *ticks,
        Show(72, 480, "Figure 1: How the share of the good runs falls with time.", size=9),
        *column(OTHER, 72, 440, 90),
    ]
    paper = read(pdf([page]))
    assert len(blocks(paper, BlockKind.TABLE)[0].split("\n")) == 5
    assert "80%" not in paper.text


def test_items_of_a_list_are_paragraphs_of_their_own() -> None:
    page = [
        TITLE,
        *column(PROSE, 72, 690, 90),
        Show(80, 620, BULLET),
        Show(92, 620, FIRST_ITEM),
        Show(92, 608, "another line"),
        Show(80, 596, BULLET),
        Show(92, 596, "the second"),
    ]
    text = blocks(read(pdf([page])))
    assert text[1:] == [f"{BULLET} {FIRST_ITEM} another line", f"{BULLET} the second"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"hello, this is text", "no PDF file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), "no PDF file"),
        (b"%PDF-1.7\n", "cut off or damaged"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 50, "cut off or damaged"),
        (pdf([[TITLE]])[:200], "cut off or damaged"),
        (locked("A secret", b"password"), "is protected by a password; save it without one"),
        (pdf([[]]), "holds no text"),
        (pdf([[], []], picture=True), "holds pictures of text and no text; run OCR first"),
        (pdf([[Show(300, 20, "1")]]), "holds no text"),
        (assemble([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>"]), "damaged"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(ReadError, match=says) as caught:
        read(data)
    assert str(caught.value).startswith("papers/some-paper.pdf ")
    assert "\n" not in str(caught.value)


def test_a_file_locked_for_its_owner_only_is_read() -> None:
    assert "A secret" in read(locked("A secret that everybody may read", b"")).text


def test_a_file_with_a_broken_table_of_places_is_repaired() -> None:
    data = pdf([[TITLE, *column(PROSE, 72, 690, 90)]])
    assert blocks(read(data.replace(b"startxref\n", b"startxref\n9"))) == [PROSE]
    assert blocks(read(b"leading junk\n" + data)) == [PROSE]


def test_too_many_pages_and_too_much_text_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pdf([[Show(72, 700, PROSE)]] * 3)
    monkeypatch.setattr(document, "MAX_PAGES", 2)
    with pytest.raises(ReadError, match="has 3 pages; at most 2 are read"):
        read(data)
    monkeypatch.setattr(document, "MAX_PAGES", 3)
    monkeypatch.setattr(document, "MAX_CHARACTERS", 2 * len(PROSE))
    with pytest.raises(ReadError, match="characters of text, more than any paper"):
        read(data)
    monkeypatch.setattr(document, "MAX_PAGE_CHARACTERS", 100)
    with pytest.raises(ReadError, match="characters on page 1, more than any page"):
        read(data)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_in_a_file_is_refused_without_unpacking_it(layers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = bytes(20 << 20)
    for _ in range(layers):
        packed = zlib.compress(packed, 9)
    stream = b"<</Length %d/Filter[%s]>>\nstream\n%s\nendstream" % (len(packed), b"/FlateDecode" * layers, packed)
    monkeypatch.setattr(expansion, "MAX_UNPACKED", 10 << 20)
    with pytest.raises(ReadError, match="unpacks to more than"):
        read(assemble([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>", stream]))
    picture = stream.replace(b"<<", b"<</Subtype/Image", 1)
    assert not expansion.unpacks_to_too_much(assemble([picture]))
    assert not expansion.unpacks_to_too_much(stream[: len(stream) // 2].replace(b"Fl", b"No"))


def test_pages_that_hold_no_text_among_others_are_a_warning() -> None:
    paper = read(pdf([[TITLE, *column(PROSE, 72, 690, 90)], [], []]))
    assert paper.warnings == ("2 of its 3 pages hold no text; if they are scanned, run OCR first",)


def test_without_the_library_the_missing_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(ModuleNotFoundError, match="pypdfium2"):
        read(pdf([[TITLE]]))


def test_two_readings_are_the_same() -> None:
    data = pdf([[TITLE, *two_columns()], two_columns()], packed=True)
    assert read(data) == read(data)
    assert read(data).id == read(data).id


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("eﬃcient ﬂow", "efficient flow"),
        ("⼤⾔⻅⻚", "大言见页"),
        ("10² and x₁ and ½", "10² and x₁ and ½"),
        ("ℝ and ℏ and 𝔼 and 𝒪", "ℝ and ℏ and 𝔼 and 𝒪"),
        ("𝑥 = 𝐀𝐛", "x = Ab"),
        ("\ud835\udc65", "x"),
        ("ＡＢ１２，。", "AB12，。"),
        ("a\u00a0b\u200bc\u00add\x02", "a bcd"),
        ("∑ ∏ α ≤", "∑ ∏ α ≤"),
    ],
)
def test_letters_are_folded_and_symbols_are_not(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_scripts_are_written_as_such_where_all_of_them_can_be() -> None:
    assert (raised("-3"), raised("1, 2"), raised("αβ"), lowered("n+1"), lowered("αβ")) == (
        "⁻³",
        "¹, ²",
        "αβ",
        "ₙ₊₁",
        "αβ",
    )


_FONTS = st.sampled_from(["roman", "bold", "italic", "mono", "math", "sans"])
_SHOWS = st.lists(
    st.builds(
        Show,
        st.integers(0, 600),
        st.integers(0, 790),
        st.text(alphabet="abcXYZ 12.,()-=[]•\u00e9", min_size=1, max_size=60),
        _FONTS,
        st.sampled_from([4, 8, 10, 10, 10, 12, 20]),
        st.sampled_from([(1, 0, 0, 1), (1, 0, 0, 1), (0, 1, -1, 0), (0.7, 0.7, -0.7, 0.7), (-1, 0, 0, -1)]),
    ),
    max_size=25,
)


def check_spans(paper: Paper) -> None:
    reached = 0
    for section in paper.sections:
        assert reached <= section.start <= section.end <= len(paper.text)
        reached = section.start
        for block in section.blocks:
            assert reached <= block.start < block.end <= section.end
            assert paper.text[block.start : block.end].strip()
            reached = block.end
    for passage in split(paper):
        content = paper.text[passage.start : passage.end]
        assert content
        assert content == content.strip()


def check_spans_of(data: bytes) -> None:
    try:
        paper = read(data)
    except ReadError:
        return
    check_spans(paper)


@settings(max_examples=40, deadline=None)
@given(st.lists(_SHOWS, min_size=1, max_size=4))
def test_any_pages_give_exact_spans_or_one_sentence(pages: Sequence[Sequence[Show]]) -> None:
    check_spans_of(pdf(pages))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_damage_gives_a_paper_or_one_sentence(data: st.DataObject) -> None:
    whole = pdf([[TITLE, *two_columns()], two_columns()], bookmarks=[("On the measurement of states", 0)])
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 400)))
    check_spans_of(whole[:start] + data.draw(st.binary(max_size=20)) + whole[end:])


@pytest.mark.parametrize(
    "page",
    [
        [Show(10 + 7 * (i % 80), 780 - i // 80, "ab"[i % 2], size=2) for i in range(2_500)],
        [Show(10 + i / 10, 400, "ab"[i % 2], size=2) for i in range(2_500)],
        [Show(50, 780 - i / 10, str(i), size=4) for i in range(2_500)],
        [Show(72, 780 - i / 10, "word-", size=2) for i in range(2_500)],
        [Show(72 + 200 * (i % 2), 780 - i / 10, f"Figure {i}: x", size=2) for i in range(2_500)],
        [Show(72, 780 - i / 10, "x", "mono", 2) for i in range(2_500)],
        [Show(10 + i / 10, 400, "x", "mono", 2) for i in range(2_500)],
        [Show(72, 400, "-" * 60_000)],
        [Show(72, 400, "a b" * 20_000)],
        [Show(72, 400, ". . " * 15_000)],
    ],
)
def test_hostile_pages_are_read_in_a_moment(page: list[Show]) -> None:
    check_spans_of(pdf([page, page]))


ROOT = Path(__file__).resolve().parents[3]
REAL = ROOT.parent / "shared" / "papers"
real = pytest.mark.skipif(not REAL.is_dir(), reason="the real papers (../shared/papers) are not here")

# Title, language, and some of the sections that the paper has, in order.
PAPERS = {
    "jcon-00043-modia3d": (
        "Modia3D: Modeling and Simulation of 3D-Systems in Julia",
        "en",
        ["ABSTRACT", "1. Introduction", "3.3 Elastic Response Calculation", "5. Conclusion", "6. References"],
    ),
    "jcon-00069-dftk": (
        "DFTK: A Julian approach for simulating electrons in solids",
        "en",
        ["Acknowledgements", "References"],
    ),
    "jcon-00092-measure-theory": (
        "Applied Measure Theory for Probabilistic Modeling",
        "en",
        ["ABSTRACT", "1. Why measures?", "Kolmogorov’s axioms", "11. Affine transforms", "15. References"],
    ),
    "jcon-00098-catwalk": (
        "Catwalk.jl: An adaptive dispatch optimizer",
        "en",
        ["ABSTRACT", "Keywords", "1. Introduction", "3. Compilation", "6. References"],
    ),
    "jcon-00133-jumpprocesses": (
        "Extending JumpProcesses.jl for fast point process simulation with time-varying intensities",
        "en",
        ["ABSTRACT", "4. Exact simulation methods", "4.1 Inverse methods", "6.2 Benchmarks", "9. References"],
    ),
    "jcon-00134-insitu-climate": (
        "Julia for HPC: In Situ Data Analysis with Julia for Climate Simulations at Large Scale",
        "en",
        ["ABSTRACT", "2.1 E3SM", "3.4 Julia Interface", "5.4.3 E3SM performance trends.", "7. References"],
    ),
    "jcon-00183-dmrgenie": (
        "DMRGenie: Graphical interface for entanglement renormalization",
        "en",
        ["ABSTRACT", "3.1 Quantum symmetries", "8. Acknowledgement", "9. References", "A.16 Additional Info"],
    ),
    "jcon-00208-rational-approximation": (
        "RationalFunctionApproximation.jl: Rational Approximation On Discrete and Continuous Domains",
        "en",
        ["ABSTRACT", "2.1 AAA", "3.3 AbstractRationalFunction and AbstractRationalInterpolant", "7. References"],
    ),
    "krotov-manual-v1.0.0": (
        "Krotov",
        "en",
        ["1.1 Purpose", "7.3 Iterative control update", "9.5.4 Optimization", "11.2 Krotov’s method", "Bibliography"],
    ),
    "qaoa": (
        "Quantum Approximate Optimization Algorithm (QAOA)",
        "en",
        ["PREPARATION", "EXAMPLE", "1. Max-Cut problem", "5. Decoding", "REFERENCES"],
    ),
    "quantumreservoirpy-joss-draft": (
        "QuantumReservoirPy: A Software Package for Time Series Prediction",
        "en",
        ["Summary", "Statement of need", "Static Reservoirs", "Acknowledgements", "References"],
    ),
    "thewalrus-joss-draft": (
        "The Walrus: a library for the calculation of hafnians, Hermite polynomials and Gaussian boson sampling",
        "en",
        ["Acknowledgements", "References"],
    ),
    "toqito-draft-2020": (
        "toqito: A Python package for quantum information",
        "en",
        ["Summary", "Acknowledgements", "References"],
    ),
    "zh-paddle-quantum-tutorial": (
        "Paddle Quantum 入门手册",
        "zh",
        ["总览", "安装教程", "什么是量子比特？", "密度矩阵模式", "参考文献"],
    ),
    "zh-qaoa": ("量子近似优化算法 (QAOA)", "zh", ["准备", "示例", "3. 搭建 QAOA 电路", "参考文献"]),
    "zh-vqe": ("变分量子特征求解器（VQE）", "zh", ["概览", "搭建量子神经网络（QNN）", "测试效果", "参考文献"]),
}
# How many sections the tree of a paper has, those without text of their own included.
SECTIONS = {
    "jcon-00043-modia3d": 12,
    "jcon-00098-catwalk": 8,
    "jcon-00134-insitu-climate": 29,
    "qaoa": 9,
    "zh-qaoa": 9,
    "zh-vqe": 9,
}
# What the pages say and the papers do not.
FURNITURE = {
    "jcon-00133-jumpprocesses": ["Proceedings of the JuliaCon"],
    "jcon-00134-insitu-climate": ["Proceedings of the JuliaCon"],
    "jcon-00098-catwalk": ["Proceedings of JuliaCon", "✞", "☎"],
    "jcon-00043-modia3d": ["Proceedings of JuliaCon"],
    "krotov-manual-v1.0.0": ["Krotov, Release 1.0.0", "continues on next page", "continued from previous page"],
    "quantumreservoirpy-joss-draft": ["DRAFT", "¿PAGE?", "10 Reservoir computing", "12 voir"],
    "zh-qaoa": ["\n1\n2\n3"],
    "qaoa": ["\n1\n2\n3"],
}
# A list of references: entries that begin with their number and hold a year, one after the other.
REFERENCE_LIST = re.compile(r"(?m)(?:^\[?\d{1,3}[\].][^\n]*\(?(?:19|20)\d\d\b[^\n]*\n+){3}")
_READ: dict[str, Paper] = {}


def real_paper(name: str) -> Paper:
    if name not in _READ:
        _READ[name] = read_pdf((REAL / "pdf" / f"{name}.pdf").read_bytes(), source=f"pdf/{name}.pdf")
    return _READ[name]


@real
def test_every_real_pdf_has_expectations() -> None:
    assert {path.stem for path in (REAL / "pdf").glob("*.pdf")} == set(PAPERS)


@real
@pytest.mark.parametrize("name", PAPERS)
def test_what_real_papers_are_read_as(name: str) -> None:
    paper = real_paper(name)
    title, language, sections = PAPERS[name]
    assert (paper.title, paper.language, paper.warnings) == (title, language, ())
    titles = [section.title for section in paper.sections]
    places = [titles.index(section) for section in sections]
    assert places == sorted(places)
    if name in SECTIONS:
        assert len([title for title in titles if title]) == SECTIONS[name]
    check_spans(paper)


@real
@pytest.mark.parametrize("name", PAPERS)
def test_no_references_and_no_furniture_in_the_passages_of_real_papers(name: str) -> None:
    paper = real_paper(name)
    passages = [paper.text[passage.start : passage.end] for passage in split(paper)]
    assert passages
    for passage in passages:
        assert not REFERENCE_LIST.search(passage + "\n")
        assert not re.search("[\ufb00-\ufb06\u2f00-\u2fdf\ufffe\x02]", passage)
        for furniture in FURNITURE.get(name, []):
            assert furniture not in passage


@real
def test_chinese_papers_have_no_spaces_between_characters() -> None:
    for name in ("zh-vqe", "zh-qaoa", "zh-paddle-quantum-tutorial"):
        prose = "\n".join(blocks(real_paper(name), BlockKind.PARAGRAPH))
        spaced = re.findall("[\u4e00-\u9fff] [\u4e00-\u9fff]", prose)
        # Formulas that are drawn as pictures leave gaps of their own.
        assert len(spaced) < 0.02 * len(prose)


@real
def test_a_very_long_manual_gives_code_and_formulas() -> None:
    paper = real_paper("krotov-manual-v1.0.0")
    assert len(paper.text) > 300_000
    # 85 bookmarks, and the numbered and bold headings that they leave out.
    assert 130 < len(paper.sections) < 220
    assert len(blocks(paper, BlockKind.CODE)) > 300
    assert len(blocks(paper, BlockKind.FORMULA)) > 80
    assert len(list(split(paper))) > 150
