"""What a batch is made of is sent as it is stored: the same as what is read, under the same ids."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import cast

import pytest

from qwen_dataset.app.codec import lines_of
from qwen_dataset.app.engine import planner
from qwen_dataset.app.engine.chunks import ShardRequests
from qwen_dataset.app.engine.id_lists import decode_ids, encode_ids, encode_plan_ids
from qwen_dataset.app.engine.job import Job
from qwen_dataset.app.engine.planner import UnwrittenPlan
from qwen_dataset.domain.inference import Message, Parameters, WrittenRequest
from qwen_dataset.domain.jobs import Shard
from qwen_dataset.domain.recipes.base import Draft
from qwen_dataset.domain.samples import Origin
from qwen_dataset.errors import LedgerCorrupt, SettingError
from qwen_dataset.ports.inference import GivesWritten, KnowsIds
from tests.app.engine.bench import a_job

TEXTS = [f'prompt {number}: \u4ec0\u4e48 "x" \\' for number in range(8)]


def shard_of(job: Job, wanted: list[str]) -> ShardRequests:
    shard = Shard(number=1, key="key", requests=len(wanted), first_chunk=1, last_chunk=job.state.chunks)
    return ShardRequests(job, shard, frozenset(wanted))


async def all_ids(job: Job) -> list[str]:
    keys = [job.layout.request_ids(number) for number in range(1, job.state.chunks + 1)]
    return [ident for key in keys for ident in decode_ids(await job.storage.get(key), where=key)]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_is_what_is_read(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    monkeypatch.setattr(planner, "_CHUNK_LINES", dice.randrange(1, 9))
    # Some are asked twice and more, in any order: those differ from their neighbours by their index.
    texts = [dice.choice(TEXTS) for _ in range(dice.randrange(1, 25))]

    async def go() -> None:
        async with a_job(texts) as job:
            ids = await all_ids(job)
            requests = shard_of(job, dice.sample(ids, dice.randrange(len(ids) + 1)))
            assert isinstance(requests, KnowsIds)
            assert isinstance(requests, GivesWritten)
            read = [(each.id, each.model, each.parameters, each.messages_json()) async for each in requests]
            written = [
                (each.id, each.model, each.parameters, each.messages_json()) async for each in requests.written()
            ]
            assert written == read
            assert [ident for ident, *_ in written] == [ident async for ident in requests.ids()]

    asyncio.run(go())


def test_one_of_a_chunk_is_read_and_all_where_nothing_says_that_it_is_whole() -> None:
    async def go() -> None:
        async with a_job(TEXTS) as job:
            requests = shard_of(job, ids := await all_ids(job))
            kinds = [isinstance(each, WrittenRequest) async for each in requests.written()]
            assert kinds == [False, *[True] * (len(TEXTS) - 1)]
            await job.storage.put(job.layout.request_ids(1), encode_ids(ids))
            assert not any([isinstance(each, WrittenRequest) async for each in requests.written()])

    asyncio.run(go())


def _changed(lines: list[bytes]) -> None:
    lines[0] = lines[0].replace(b"prompt 0", b"prompt 9")


def _changed_later(lines: list[bytes]) -> None:
    lines[3] = lines[3].replace(b"prompt 3", b"prompt 9")


def _swapped(lines: list[bytes]) -> None:
    lines[2], lines[3] = lines[3], lines[2]


@pytest.mark.parametrize(
    ("damage", "checksum"),
    [
        *((damage, checksum) for damage in (_changed, _changed_later, _swapped) for checksum in ("of before", "none")),
        # Whoever changes both means it; all the same the first one of a chunk is computed anew.
        (_changed, "of now"),
    ],
)
def test_nothing_else_is_sent(damage: Callable[[list[bytes]], None], checksum: str) -> None:
    async def go() -> None:
        async with a_job(TEXTS) as job:
            key, ids = job.layout.requests(1), await all_ids(job)
            good = {(each.id, each.messages_json()) async for each in shard_of(job, ids)}
            lines = lines_of(await job.storage.get(key))
            damage(lines)
            await job.storage.put(key, b"".join(lines))
            if checksum == "none":
                await job.storage.put(job.layout.request_ids(1), encode_ids(ids))
            elif checksum == "of now":
                await job.storage.put(job.layout.request_ids(1), encode_plan_ids(ids, b"".join(lines)))

            async def send() -> None:
                async for each in shard_of(job, ids).written():
                    assert (each.id, each.messages_json()) in good

            with pytest.raises(LedgerCorrupt, match=key):
                await send()

    asyncio.run(go())


def test_what_is_written_in_another_way_is_read() -> None:
    """Such as a message with more than we know: it is sent as it is read, and so are those behind it."""

    async def go() -> None:
        async with a_job(TEXTS) as job:
            key, ids = job.layout.requests(1), await all_ids(job)
            lines = [
                line.replace(b'{"role":"user",', b'{"role":"user","name":"x",')
                for line in lines_of(await job.storage.get(key))
            ]
            await job.storage.put(key, b"".join(lines))
            await job.storage.put(job.layout.request_ids(1), encode_plan_ids(ids, b"".join(lines)))
            read = [(each.id, each.messages_json()) async for each in shard_of(job, ids)]
            assert [(each.id, each.messages_json()) async for each in shard_of(job, ids).written()] == read
            assert b"name" not in b"".join(said for _, said in read)

    asyncio.run(go())


def test_a_list_that_lacks_a_request_is_refused_while_answers_are_joined_by_it() -> None:
    async def go() -> None:
        async with a_job(TEXTS) as job:
            ids = await all_ids(job)
            await job.storage.put(job.layout.request_ids(1), encode_ids(ids[:-1]))
            with pytest.raises(LedgerCorrupt, match="holds 7 of the 8 requests that are to be asked"):
                async for _ in shard_of(job, ids).ids():
                    pass

    asyncio.run(go())


NO_TEXTS = (
    Message("user", cast("str", None)),
    Message("user", cast("str", [{"type": "text", "text": "x"}])),
    Message(cast("str", 7), "x"),
)


@pytest.mark.parametrize("message", NO_TEXTS, ids=str)
def test_a_recipe_that_asks_no_text_is_told_before_anything_is_stored(message: Message) -> None:
    said = "asks with (NoneType|list|int|dict) where a text belongs; mend the recipe"
    with UnwrittenPlan("m", Parameters()) as plan:
        plan.add(Draft(messages=(Message("user", "a text"),), origin=Origin()))
        with pytest.raises(SettingError, match=said):
            plan.add(Draft(messages=(message,), origin=Origin()))
        with pytest.raises(SettingError, match=said):
            plan.add(Draft(messages=(Message("user", "a text"),), origin=Origin(label=cast("str", {"origin": {}}))))
