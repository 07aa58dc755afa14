"""What is nothing but boilerplate, a list of references without a heading, and what only looks like either."""

from __future__ import annotations

import pytest

from qwen_dataset.domain.back_matter import Reason, reason_of
from qwen_dataset.domain.boilerplate import reason_of_paragraph
from qwen_dataset.domain.references import trailing_references
from tests.domain.sections import F, P, make

LICENCE = """
This is an open access article distributed under the terms of the Creative Commons Attribution License, which
permits unrestricted use, distribution, and reproduction in any medium, provided the original work is properly
cited.

Open Access This article is licensed under a Creative Commons Attribution 4.0 International License, which
permits use. The images or other third party material in this article are included in the article's Creative
Commons licence. To view a copy of this licence, visit http://creativecommons.org/licenses/by/4.0/.

This work is licensed under a [Creative Commons Attribution 4.0 International
License](https://creativecommons.org/licenses/by/4.0/).

© 2021 The Authors. Published by Elsevier Ltd. This is an open access article under the CC BY license
(http://creativecommons.org/licenses/by/4.0/).

© 2021 The Authors

*Copyright © 2020 by the American Physical Society. All rights reserved.*

<em> Copyright (c) 2021 Some Institute, Some Company Inc. All Rights Reserved. </em>

(c) 2019, by A. Author

All rights reserved.

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction. The above copyright notice
and this permission notice shall be included in all copies. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY
OF ANY KIND.

Permission to make digital or hard copies of all or part of this work for personal or classroom use is granted
without fee. Copyrights for components of this work owned by others than the author(s) must be honored.
Abstracting with credit is permitted.

Publisher's Note: Springer Nature remains neutral with regard to jurisdictional claims in published maps.

Authors of papers retain copyright and release the work under a Creative Commons Attribution 4.0 International
License (CC BY 4.0).

Published by the American Physical Society under the terms of the Creative Commons Attribution 4.0
International license. Further distribution of this work must maintain attribution to the author(s) and the
published article's title.

License: CC BY 4.0

Citation: Smith J, Doe R (2020) On the measurement of things. PLoS ONE 15(3): e0230000.

How to cite this article: Smith J. On things. J. Things 2020.

本文版权归作者所有，未经许可不得转载。

版权所有，未经编辑部书面同意，不得以任何形式转载。

本作品采用知识共享署名 4.0 国际许可协议进行许可。

转载请注明出处。

引用格式：李明，王芳. 量子纠错综述[J]. 物理学报, 2021, 70(1): 1-10.

许可协议：CC BY 4.0
""".strip().split("\n\n")

DETAILS = """
arXiv:2101.00001v2 [quant-ph] 3 Jan 2021

arXiv:quant-ph/9705052v1 28 May 1997

Received: 3 May 2021 / Accepted: 4 June 2021 / Published online: 1 July 2021

(Received 12 March 2020; revised 1 May 2020; accepted 3 June 2020; published 9 July 2020)

Submitted on 3 Jan 2021 (v1), revised 5 Feb 2021

https://doi.org/10.1103/PhysRevA.00.000000

DOI: 10.21105/joss.00001

收稿日期：2021-01-05；修回日期：2021-03-01

中图分类号：O413 文献标志码：A
""".strip().split("\n\n")

PROSE = """
The package is released under the MIT License and developed in the open.

`QuantumThings` is licensed under the GNU General Public License; contributions are welcome.

This work is licensed under a Creative Commons licence. We now turn to the decoder.

This article is about licences: which terms permit reuse, and which do not.

Copyright law protects the text of a paper, not its ideas.

Open access articles are cited more often than others.

Open source licences differ: "Permission is hereby granted, free of charge" opens the one of MIT.

We compare the terms of Creative Commons licences in 1,000 papers that were published in 2021.

The samples were received in 2021 and measured in 2022 by three laboratories.

Received signals were accepted when their amplitude was above the threshold published in 2019.

The data can be found at https://doi.org/10.5281/zenodo.0000000.

(c) 2019 data show a smaller error than those of the year before.

All rights reserved to the first player make the game unfair.

A reference to arXiv:2101.00001 is not a stamp.

See https://example.org/code for the code.

https://example.org/code

本文提出的方法在公开许可协议下的数据集上进行了验证。

版权保护是数字水印的主要应用之一。

收稿后的样品在 2021 年进行了测量。

许可证的选择影响软件的传播：我们比较了三种常见的许可证。
""".strip().split("\n\n")


@pytest.mark.parametrize("text", LICENCE)
def test_licence_boilerplate_is_recognised(text: str) -> None:
    assert reason_of_paragraph(text, 0, len(text)) is Reason.LICENCE


@pytest.mark.parametrize("text", DETAILS)
def test_stamps_and_dates_are_recognised(text: str) -> None:
    assert reason_of_paragraph(text, 0, len(text)) is Reason.FRONT_MATTER


@pytest.mark.parametrize("text", PROSE)
def test_prose_about_licences_and_dates_is_read(text: str) -> None:
    assert reason_of_paragraph(text, 0, len(text)) is None


@pytest.mark.parametrize("text", LICENCE[:8])
def test_one_sentence_of_content_keeps_the_paragraph(text: str) -> None:
    text = f"{text.rstrip('.')}. The decoder corrects every error of weight one."
    assert reason_of_paragraph(text, 0, len(text)) is None


def test_only_the_paragraph_itself_is_looked_at() -> None:
    text = "Content. All rights reserved. More content."
    assert reason_of_paragraph(text, 9, 29) is Reason.LICENCE
    assert reason_of_paragraph(text, 0, 29) is None


@pytest.mark.parametrize(
    "title",
    [
        *("License", "7. Licence", "Copyright", "Copyright and License", "Rights", "Rights and permissions"),
        *("Reprints and permissions", "How to cite", "How to cite this article", "Cite this article as"),
        *("Publisher's note", "Publisher’s Note", "Open Access License", "Terms of use"),
        *("版权", "版权声明", "许可", "许可证", "许可协议", "九、版权声明", "引用本文", "如何引用"),
    ],
)
def test_sections_about_rights_are_recognised(title: str) -> None:
    assert reason_of(title) is Reason.LICENCE


@pytest.mark.parametrize(
    "title", ["Submission history", "Publication history", "Article history", "收稿日期", "投稿历史"]
)
def test_sections_about_the_publication_are_recognised(title: str) -> None:
    assert reason_of(title) is Reason.FRONT_MATTER


@pytest.mark.parametrize(
    "title",
    [
        *("Licensing of spectrum", "Open source licences in science", "Copyright of generated text", "Human rights"),
        *("How to cite graphs fairly", "Permissions", "Access permissions", "History", "版权保护算法", "引用网络"),
        *("授权", "许可控制", "Citation analysis", "Rights-based access control"),
    ],
)
def test_sections_that_study_such_things_are_read(title: str) -> None:
    assert reason_of(title) is None


# References without a heading


def first_reference(*contents: str) -> int:
    paper = make((("A",), [(P, content) for content in contents]))
    return trailing_references(paper.text, paper.sections[0].blocks)


ENTRIES = [f"[{n}] A. Author and B. Writer, Phys. Rev. A {n}, 012345 (200{n})." for n in range(1, 8)]


def test_a_block_an_entry() -> None:
    assert first_reference("Content.", *ENTRIES) == 1


def test_all_entries_in_one_block_with_broken_lines() -> None:
    text = "\n".join(entry.replace(", Phys", ",\n    Phys") for entry in ENTRIES)
    assert first_reference("Content.", text) == 1
    assert first_reference("Content.", text.replace("[", "\\[").replace("]", "\\]")) == 1


def test_chinese_entries() -> None:
    entries = [f"[{n}] 李明, 王芳. 量子纠错综述[J]. 物理学报, 201{n}, 7{n}(1): 1-10." for n in range(1, 5)]
    assert first_reference("内容。", *entries) == 1
    assert first_reference("内容。", *(f"{n}. 李明等. 量子纠错. 科学出版社, 201{n}." for n in range(1, 5))) == 1


def test_entries_with_numbers_and_full_stops() -> None:
    assert first_reference("Content.", *(entry.replace("[", "").replace("]", ".") for entry in ENTRIES)) == 1


def test_one_entry_in_five_may_lack_its_year() -> None:
    assert first_reference("Content.", *ENTRIES[:4], "[5] A. Author, private communication.") == 1
    unfinished = [f"[{n}] A. Author, in preparation." for n in range(5, 8)]
    assert first_reference("Content.", *ENTRIES[:4], *unfinished) == 8


@pytest.mark.parametrize(
    "contents",
    [
        ENTRIES[:2],
        [*ENTRIES, "A closing remark."],
        [*ENTRIES[:2], *ENTRIES[4:6], "[9] C. D. (2001)"],
        ["1. In 2019 the decoder was slow.", "2. In 2020 it was fast.", "3. In 2021 it was free."],
        ["1. The threshold is one per cent.", "2. The code has distance 3.", "3. Decoding takes 2000 steps."],
        ["[1] is the first result.", "[2] is the second result.", "[3] is the third result of 2001."],
        ["- 2019: a first experiment", "- 2020: a second experiment", "- 2021: a third experiment"],
        ["第一，2019 年的结果。", "第二，2020 年的结果。", "第三，2021 年的结果。"],
    ],
)
def test_other_lists_at_the_end_are_read(contents: list[str]) -> None:
    assert first_reference("Content.", *contents) == 1 + len(contents)


def test_what_is_no_paragraph_ends_the_list() -> None:
    paper = make((("A",), [(P, "Content."), (F, "[1] A. B. (2001)"), *((P, entry) for entry in ENTRIES)]))
    assert trailing_references(paper.text, paper.sections[0].blocks) == 2


def test_nothing_has_no_references() -> None:
    assert trailing_references("", []) == 0
