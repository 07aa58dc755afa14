"""What memory storage does beyond the contract: it refuses what a disk refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwen_dataset.adapters.storage.memory import MemoryStorage
from qwen_dataset.errors import InvalidKey, KeyExists, KeyNotFound, StorageError


def test_an_object_and_a_folder_cannot_have_the_same_name() -> None:
    async def check() -> None:
        storage = MemoryStorage()
        await storage.put("a/b", b"1")
        with pytest.raises(StorageError, match="'a' cannot be stored: it is a folder"):
            await storage.put("a", b"2")
        with pytest.raises(StorageError, match="'a/b' is an object, not a folder"):
            await storage.put("a/b/c/d", b"2")
        await storage.put("a.b", b"3")
        await storage.put("a0", b"4")
        assert [key async for key in storage.keys("")] == ["a.b", "a/b", "a0"]

    asyncio.run(check())


def test_a_name_that_no_disk_holds_is_refused() -> None:
    with pytest.raises(InvalidKey, match="255"):
        asyncio.run(MemoryStorage().put("a/" + "x" * 256, b""))


def test_a_creator_that_was_overtaken_while_its_data_came_loses() -> None:
    async def check() -> None:
        storage = MemoryStorage()

        async def overtaken() -> AsyncIterator[bytes]:
            yield b"slow"
            await storage.put("a", b"fast", if_absent=True)

        with pytest.raises(KeyExists):
            await storage.put("a", overtaken(), if_absent=True)
        assert await storage.get("a") == b"fast"

    asyncio.run(check())


def test_nothing_is_ever_awaited() -> None:
    """A coroutine that never suspends ends at its first send: a simulation decides alone who runs when."""
    storage = MemoryStorage()
    for call in (storage.put("a", b"x"), storage.get("a"), anext(storage.stream("a")), anext(storage.keys())):
        with pytest.raises(StopIteration):
            call.__await__().__next__() if hasattr(call, "__await__") else call.send(None)
    with pytest.raises(KeyNotFound):
        storage.get("b").send(None)


_NAMES = st.lists(st.sampled_from(["a", "a.b", "a-", "ab", "b", "é"]), min_size=1, max_size=3).map("/".join)
_STEPS = st.lists(st.tuples(st.sampled_from(["put", "create", "delete"]), _NAMES, st.binary(max_size=3)), max_size=30)


@settings(max_examples=150, deadline=None)
@given(steps=_STEPS, prefix=_NAMES)
def test_it_behaves_like_a_dict_with_sorted_keys(steps: list[tuple[str, str, bytes]], prefix: str) -> None:
    async def check() -> None:
        storage, model = MemoryStorage(), dict[str, bytes]()
        for verb, key, data in steps:
            if verb == "delete":
                await storage.delete(key)
                model.pop(key, None)
                continue
            try:
                await storage.put(key, data, if_absent=verb == "create")
                model[key] = data
            except KeyExists:
                assert key in model
            except StorageError:
                assert any(other.startswith(f"{key}/") or key.startswith(f"{other}/") for other in model)
        assert [key async for key in storage.keys("")] == sorted(model)
        below = sorted(key for key in model if key == prefix or key.startswith(f"{prefix}/"))
        assert [key async for key in storage.keys(prefix)] == below
        assert {key: await storage.get(key) for key in model} == model

    asyncio.run(check())
