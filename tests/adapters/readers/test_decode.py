"""Bytes to text."""

from __future__ import annotations

import codecs
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.adapters.readers.decode import decode
from qwen_dataset.errors import ReadError

CHINESE = "量子态的测量会改变它，这是量子力学的基本原理。" * 5


@pytest.mark.parametrize(
    "data",
    [
        CHINESE.encode(),
        CHINESE.encode("utf-8-sig"),
        CHINESE.encode("utf-16"),
        codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"),
        CHINESE.encode("utf-32"),
        CHINESE.encode("gb18030"),
    ],
)
def test_every_known_encoding_gives_the_same_text(data: bytes) -> None:
    assert decode(data, source="a.txt") == CHINESE


@pytest.mark.parametrize(
    "text",
    [
        "量子",
        "（摘要）α粒子与β射线的衰变：ψ函数、∑、∫ 的计算①②③",
        "本文探討臺灣高等教育擴張對薪資不平等的影響。實證結果顯示，教育報酬率隨著時間下降。",
        "# Quantum states 量子态\n\nIn this paper 我们研究了多粒子系统的纠缠，并给出一种新方法（见文献 [1]）。",
    ],
)
def test_chinese_in_gb18030_is_read_though_it_is_short(text: str) -> None:
    assert decode(text.encode("gb18030"), source="a.txt") == text


BIG5 = "量子態的測量會改變它，這是量子力學的基本原理。我們在本文中研究了多粒子系統的糾纏，並給出一種新的方法。"
KOREAN = "양자 상태를 측정하면 그 상태가 바뀐다. 이 논문에서는 여러 입자의 얽힘을 연구하고 새로운 방법을 제시한다."
SHIFT_JIS = "量子状態の測定は、その状態を変化させる。本論文では、多粒子系の量子もつれについて研究する。"


@pytest.mark.parametrize(
    "data",
    [
        BIG5.encode("big5"),
        "本文探討臺灣高等教育擴張對薪資不平等的影響。實證結果顯示，教育報酬率下降。".encode("big5"),
        SHIFT_JIS.encode("shift_jis"),
        "量子力学の基礎方程式".encode("shift_jis"),
        KOREAN.encode("euc_kr"),
        f"# 양자 컴퓨터\n\n{KOREAN} Qubit 1024개, 오류 정정 없이.".encode("euc_kr"),
    ],
)
def test_other_encodings_of_the_east_are_refused_and_not_read_as_nonsense(data: bytes) -> None:
    with pytest.raises(ReadError, match=r"^a\.txt is not a text file in a known encoding: .*; save it as UTF-8$"):
        decode(data, source="a.txt")


def test_line_ends_become_line_feeds_and_nothing_else_changes() -> None:
    assert decode(b"a\r\nb\rc\n\r\n\x0cd \t", source="a.txt") == "a\nb\nc\n\n\x0cd \t"


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", codecs.BOM_UTF8, "\u3000\n".encode()])
def test_a_file_without_text_is_said_to_hold_none(data: bytes) -> None:
    with pytest.raises(ReadError, match=r"^a\.txt holds no text$"):
        decode(data, source="a.txt")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"text\0more", "NUL bytes"),
        (bytes(range(1, 32)) * 10, "control characters"),
        (b"%PDF-1.7 and so on", "PDF document"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8a", "begins as utf-16"),
        ("a\0b".encode("utf-16"), "NUL characters"),
        ("Schrödinger and Poincaré met".encode("latin-1"), "byte 4 is not UTF-8"),
        (CHINESE.encode() + b"\xff", "is not UTF-8"),
        ("量子".encode("gb18030") + b"\xff\xff" * 20, "is not UTF-8"),
        (b"\x89\x50\x4e\x47 abc def \xff\xfe\xfd", "is not UTF-8"),
    ],
)
def test_what_is_not_text_is_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(ReadError, match=r"^papers/a\.txt is not a text file") as caught:
        decode(data, source="papers/a.txt")
    assert why in str(caught.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_text_or_a_read_error(data: bytes) -> None:
    with contextlib.suppress(ReadError):
        text = decode(data, source="a")
        assert text.strip()
        assert "\r" not in text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip))
def test_what_was_written_as_utf8_is_read_as_it_was(text: str) -> None:
    if not text.startswith(("\ufeff", "%PDF-")):
        assert decode(text.encode(), source="a") == text
