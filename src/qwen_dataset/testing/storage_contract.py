"""The duties of ``qwen_dataset.ports.storage.Storage`` as tests: subclass, implement ``make``, run pytest.

    class TestMyStorage(StorageContract):
        def make(self, tmp_path):
            return MyStorage(tmp_path)

No pytest plugin is needed: each test runs its own event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from ..errors import KeyExists, KeyNotFound
from ..ports.storage import Storage
from ._storage_keys_contract import StorageKeysContract, listed, pieces_of

MEGABYTE = 1024 * 1024


class StorageContract(StorageKeysContract):
    """What every storage must do. ``piece_limit`` is the largest piece ``stream`` may yield, in bytes.

    Subclasses implement ``make(tmp_path)``, which returns an empty storage.
    """

    piece_limit: ClassVar[int] = 8 * MEGABYTE

    @pytest.mark.parametrize("data", [b"", b"x", b"\x00\xff\r\n", bytes(range(256)) * 1000])
    def test_what_was_put_is_what_get_and_stream_return(self, tmp_path: Path, data: bytes) -> None:
        async def check(storage: Storage) -> None:
            await storage.put("a/b", data)
            assert await storage.get("a/b") == data
            assert b"".join(await pieces_of(storage, "a/b")) == data

        asyncio.run(check(self.make(tmp_path)))

    def test_a_large_object_goes_in_and_out_in_pieces(self, tmp_path: Path) -> None:
        blocks = [bytes([number]) * MEGABYTE for number in range(20)]

        async def check(storage: Storage) -> None:
            await storage.put("large", _iterate(blocks))
            whole = b"".join(blocks)
            pieces = await pieces_of(storage, "large")
            assert b"".join(pieces) == whole, "the pieces are not the object"
            assert max(map(len, pieces)) <= self.piece_limit, "a piece is larger than allowed"
            assert await storage.get("large") == whole

        asyncio.run(check(self.make(tmp_path)))

    @pytest.mark.parametrize("pieces", [[], [b""], [b"", b"ab", b"", b"c"], [b"line\n"] * 3000])
    def test_an_object_may_come_in_any_pieces(self, tmp_path: Path, pieces: list[bytes]) -> None:
        async def check(storage: Storage) -> None:
            await storage.put("a", _iterate(pieces))
            assert await storage.get("a") == b"".join(pieces)

        asyncio.run(check(self.make(tmp_path)))

    def test_put_replaces_the_whole_object(self, tmp_path: Path) -> None:
        async def check(storage: Storage) -> None:
            await storage.put("a", b"a long old object")
            await storage.put("a", b"new")
            assert await storage.get("a") == b"new"
            await storage.put("a", _iterate([b"new", b"er"]))
            assert await storage.get("a") == b"newer"
            assert await listed(storage) == ["a"]

        asyncio.run(check(self.make(tmp_path)))

    def test_an_object_may_be_copied_by_streaming_it_into_a_put(self, tmp_path: Path) -> None:
        async def check(storage: Storage) -> None:
            await storage.put("from", b"0123456789" * 300_000)
            await storage.put("to", storage.stream("from"))
            assert await storage.get("to") == await storage.get("from")
            await storage.put("from", storage.stream("to"), if_absent=False)
            assert len(await storage.get("from")) == 3_000_000

        asyncio.run(check(self.make(tmp_path)))

    def test_a_missing_key_is_not_found_also_where_others_are_below_it(self, tmp_path: Path) -> None:
        async def check(storage: Storage) -> None:
            await storage.put("a/b", b"1")
            for key in ("c", "a", "a/c", "a/b/c", "c/d/e"):
                with pytest.raises(KeyNotFound):
                    await storage.get(key)
                with pytest.raises(KeyNotFound):
                    await pieces_of(storage, key)

        asyncio.run(check(self.make(tmp_path)))

    def test_delete_removes_one_object_and_may_be_repeated(self, tmp_path: Path) -> None:
        async def check(storage: Storage) -> None:
            for key in ("a/b", "a/c"):
                await storage.put(key, b"1")
            await storage.delete("a/b")
            with pytest.raises(KeyNotFound):
                await storage.get("a/b")
            for absent in ("a/b", "a", "never", "never/there", "a/c/d"):
                await storage.delete(absent)
            assert await listed(storage) == ["a/c"]
            await storage.put("a/b", b"again", if_absent=True)
            assert await storage.get("a/b") == b"again"

        asyncio.run(check(self.make(tmp_path)))

    def test_a_reader_that_started_gets_the_old_object_whole(self, tmp_path: Path) -> None:
        old, new = b"o" * (20 * MEGABYTE), b"n" * MEGABYTE

        async def check(storage: Storage) -> None:
            await storage.put("a", old)
            during_replace = storage.stream("a")
            read = await anext(during_replace)
            await storage.put("a", new)
            read += b"".join([piece async for piece in during_replace])
            assert read == old, "a replace reached a reader"
            during_delete = storage.stream("a")
            read = await anext(during_delete)
            await storage.delete("a")
            read += b"".join([piece async for piece in during_delete])
            assert read == new, "a delete reached a reader"

        asyncio.run(check(self.make(tmp_path)))

    def test_a_reader_may_stop_early(self, tmp_path: Path) -> None:
        async def check(storage: Storage) -> None:
            await storage.put("a", b"x" * (10 * MEGABYTE))
            reader = storage.stream("a")
            await anext(reader)
            await reader.aclose()
            await storage.delete("a")
            assert await listed(storage) == []

        asyncio.run(check(self.make(tmp_path)))

    # ---- create only, and writes that fail -------------------------------------------------------------------------

    @pytest.mark.parametrize("streamed", [False, True])
    def test_create_only_refuses_an_existing_key_and_leaves_it(self, tmp_path: Path, streamed: bool) -> None:
        async def check(storage: Storage) -> None:
            await storage.put("a/b", b"first", if_absent=True)
            with pytest.raises(KeyExists):
                await storage.put("a/b", _iterate([b"second"]) if streamed else b"second", if_absent=True)
            assert await storage.get("a/b") == b"first"
            assert await listed(storage) == ["a/b"]

        asyncio.run(check(self.make(tmp_path)))

    @pytest.mark.parametrize("streamed", [False, True])
    def test_of_racing_creators_exactly_one_wins_and_its_bytes_are_stored(self, tmp_path: Path, streamed: bool) -> None:
        async def create(storage: Storage, number: int) -> int | None:
            pieces = [b"%d\n" % number] * 1000
            try:
                await storage.put("x/race", _iterate(pieces) if streamed else b"".join(pieces), if_absent=True)
            except KeyExists:
                return None
            return number

        async def check(storage: Storage) -> None:
            winners = await asyncio.gather(*(create(storage, number) for number in range(16)))
            won = [number for number in winners if number is not None]
            assert len(won) == 1, f"{len(won)} writers were told that they created the object"
            assert await storage.get("x/race") == b"%d\n" % won[0] * 1000
            assert await listed(storage) == ["x/race"]

        asyncio.run(check(self.make(tmp_path)))

    def test_racing_replacements_leave_one_of_them_whole(self, tmp_path: Path) -> None:
        async def check(storage: Storage) -> None:
            objects = [bytes([number]) * 100_000 for number in range(8)]
            await asyncio.gather(*(storage.put("a", _iterate([data[:50_000], data[50_000:]])) for data in objects))
            assert await storage.get("a") in objects

        asyncio.run(check(self.make(tmp_path)))

    @pytest.mark.parametrize("if_absent", [False, True])
    def test_data_that_fails_midway_changes_nothing(self, tmp_path: Path, if_absent: bool) -> None:
        async def failing() -> AsyncIterator[bytes]:
            yield b"x" * (3 * MEGABYTE)
            raise LookupError("the source broke")

        async def check(storage: Storage) -> None:
            await storage.put("old", b"old")
            with pytest.raises(LookupError, match="the source broke"):
                await storage.put("new/one", failing(), if_absent=if_absent)
            with pytest.raises(KeyNotFound):
                await storage.get("new/one")
            if not if_absent:
                with pytest.raises(LookupError):
                    await storage.put("old", failing())
            assert await storage.get("old") == b"old"
            assert await listed(storage) == ["old"]

        asyncio.run(check(self.make(tmp_path)))

    def test_an_unfinished_write_is_neither_listed_nor_read(self, tmp_path: Path) -> None:
        async def check(storage: Storage) -> None:
            async def looking() -> AsyncIterator[bytes]:
                yield b"x" * (3 * MEGABYTE)
                assert await listed(storage) == ["a/old"], "an unfinished write is listed"
                assert await storage.get("a/old") == b"old", "an unfinished write is read"
                with pytest.raises(KeyNotFound):
                    await storage.get("a/new")
                yield b"end"

            await storage.put("a/old", b"old")
            await storage.put("a/new", looking())
            await storage.delete("a/new")
            await storage.put("a/old", looking())
            assert (await storage.get("a/old")).endswith(b"xend")

        asyncio.run(check(self.make(tmp_path)))


async def _iterate(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        # Others get their turn between two pieces, as with a real source.
        await asyncio.sleep(0)
        yield piece
