"""Lists of ids come back as they were written, and everything else is damage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.app.engine.id_lists import decode_ids, decode_plan_ids, encode_ids, encode_plan_ids
from qwen_dataset.errors import LedgerCorrupt


@given(st.lists(st.text("0123456789abcdef", min_size=32, max_size=32)))
def test_ids_come_back(ids: list[str]) -> None:
    assert decode_ids(encode_ids(ids), where="x") == ids


@given(st.lists(st.text("0123456789abcdef", min_size=32, max_size=32), min_size=1), st.binary(max_size=50), st.data())
def test_ids_know_their_lines(ids: list[str], lines: bytes, data: st.DataObject) -> None:
    written = encode_plan_ids(ids, lines)
    assert decode_ids(written, where="x") == ids
    assert decode_plan_ids(written, lines, where="x") == (ids, True)
    assert decode_plan_ids(encode_ids(ids), lines, where="x") == (ids, None)
    at = data.draw(st.integers(0, len(lines)))
    assert decode_plan_ids(written, lines[:at] + b"!" + lines[at:], where="x") == (ids, False)
    swapped = encode_plan_ids([*ids[1:], "f" * 32], lines)[: 33 * len(ids)] + written[33 * len(ids) :]
    assert decode_plan_ids(swapped, lines, where="x")[1] is ([*ids[1:], "f" * 32] == ids)


_ONE = "0" * 32
NO_IDS = (
    *(_ONE, _ONE + "\n\n", "\n", " " + _ONE + "\n", _ONE[1:] + "\n", _ONE + "0\n", _ONE + "\r\n"),
    *("A" + _ONE[1:] + "\n", "g" + _ONE[1:] + "\n", "0 " * 16 + "\n", _ONE[1:] + "\n0", "\uff10" + _ONE[1:] + "\n"),
    *(_ONE + "\nxxh3 0\n", _ONE + "\nxxh3 " + "0" * 16, _ONE + "\nxxh3 " + "0" * 16 + "\n0"),
    *("\n" * 33, _ONE[2:] + "\n" * 3, _ONE + "\n" * 34),
    *(_ONE + "\ncrc32 00000000\n", "xxh3 " + "0" * 16 + "\n" + _ONE + "\n"),
)


@pytest.mark.parametrize("listed", NO_IDS)
def test_what_is_no_list_of_ids_is_damage(listed: str) -> None:
    data = listed.encode()
    with pytest.raises(LedgerCorrupt, match="that place cannot be read"):
        decode_ids(data, where="that place")
    with pytest.raises(LedgerCorrupt, match="that place cannot be read"):
        decode_plan_ids(data, b"", where="that place")
