"""The part of the storage contract that is about keys: which there are, their order, what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ..errors import InvalidKey
from ..ports.storage import Storage

INVALID_KEYS = (
    *("/a", "a/", "a//b", "//", "/"),
    *(".", "..", "./a", "../a", "a/../b", "a/..", "a/./b", "../../etc/passwd"),
    *("a\\b", "..\\a", "a\x00b", "a\nb", "a/\x1f", "\x7f", "a\x85b"),
)


class StorageKeysContract:
    """What every storage must do with keys."""

    def make(self, tmp_path: Path) -> Storage:
        """Return an empty storage. Called once in each test, outside of a running loop."""
        raise NotImplementedError

    def test_an_empty_storage_has_no_keys(self, tmp_path: Path) -> None:
        async def check(storage: Storage) -> None:
            assert await listed(storage) == []
            assert await listed(storage, "any/where") == []

        asyncio.run(check(self.make(tmp_path)))

    def test_keys_come_in_code_point_order_of_the_whole_key(self, tmp_path: Path) -> None:
        # "." and "-" stand before "/", "0" after it: sorting folder by folder is wrong.
        keys = ["a/b", "a.b", "a-b/c", "a0", "ab/c/d", "b/a/a", "b/a.a", "b/a/b", "A", "Z/z", "b/a0/x", "_", "a b"]

        async def check(storage: Storage) -> None:
            for key in keys:
                await storage.put(key, b"")
            assert await listed(storage) == sorted(keys)
            assert await listed(storage, "b") == sorted(key for key in keys if key.startswith("b/"))

        asyncio.run(check(self.make(tmp_path)))

    def test_a_prefix_matches_whole_segments(self, tmp_path: Path) -> None:
        async def check(storage: Storage) -> None:
            for key in ("a/b/c", "a/b/d/e", "a/bc", "a/b.c", "ab/x", "a.b"):
                await storage.put(key, b"")
            assert await listed(storage, "a/b") == ["a/b/c", "a/b/d/e"]
            assert await listed(storage, "a") == ["a/b.c", "a/b/c", "a/b/d/e", "a/bc"]
            assert await listed(storage, "a/b/c") == ["a/b/c"], "the key itself belongs to its prefix"
            assert await listed(storage, "a/b/c/d") == []
            assert await listed(storage, "x") == []
            assert await listed(storage, "a.b") == ["a.b"]

        asyncio.run(check(self.make(tmp_path)))

    def test_unicode_keys_are_kept_as_given(self, tmp_path: Path) -> None:
        keys = ["论文/量子 场论.md", "é/à", "emoji/🧪", "z/\ufb01", "a~b!@#$%^&()=+[]{};',", "a b/ c"]

        async def check(storage: Storage) -> None:
            for key in keys:
                await storage.put(key, key.encode())
            assert await listed(storage) == sorted(keys)
            assert await listed(storage, "论文") == ["论文/量子 场论.md"]
            for key in keys:
                assert await storage.get(key) == key.encode()

        asyncio.run(check(self.make(tmp_path)))

    def test_many_keys_are_listed_while_objects_come_and_go(self, tmp_path: Path) -> None:
        keys = [f"events/{number:012d}.json" for number in range(2000)]

        async def check(storage: Storage) -> None:
            await asyncio.gather(*(storage.put(key, b"") for key in keys))
            assert await listed(storage) == keys
            seen = []
            async for key in storage.keys("events"):
                seen.append(key)
                await storage.delete(key)
            assert seen == keys
            assert await listed(storage) == []

        asyncio.run(check(self.make(tmp_path)))

    @pytest.mark.parametrize("key", INVALID_KEYS)
    def test_a_key_that_is_malformed_or_would_leave_the_root_is_refused(self, tmp_path: Path, key: str) -> None:
        async def check(storage: Storage) -> None:
            for call in (
                lambda: storage.get(key),
                lambda: pieces_of(storage, key),
                lambda: storage.put(key, b"x"),
                lambda: storage.put(key, b"x", if_absent=True),
                lambda: storage.delete(key),
                lambda: listed(storage, key),
            ):
                with pytest.raises(InvalidKey):
                    await call()
            assert await listed(storage) == []

        asyncio.run(check(self.make(tmp_path)))

    def test_the_empty_key_is_refused(self, tmp_path: Path) -> None:
        async def check(storage: Storage) -> None:
            for call in (lambda: storage.get(""), lambda: storage.put("", b"x"), lambda: storage.delete("")):
                with pytest.raises(InvalidKey):
                    await call()

        asyncio.run(check(self.make(tmp_path)))


async def listed(storage: Storage, prefix: str = "") -> list[str]:
    """Return all keys below a prefix, as they come."""
    return [key async for key in storage.keys(prefix)]


async def pieces_of(storage: Storage, key: str) -> list[bytes]:
    """Return the pieces that ``stream`` yields."""
    return [piece async for piece in storage.stream(key)]
