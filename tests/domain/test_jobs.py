from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwen_dataset.domain.events import (
    CancelSeen,
    Event,
    Exporting,
    Finished,
    Opened,
    OutputChosen,
    PlanWritten,
    RoundCleared,
    RoundFinished,
    RoundOpened,
    RoundWithdrawn,
    ShardCancelled,
    ShardFinished,
    ShardPlanned,
    ShardRefused,
    ShardSubmitted,
    Stopped,
    Stored,
)
from qwen_dataset.domain.inference import Parameters
from qwen_dataset.domain.jobs import JobSpec, JobState, Phase, Way
from qwen_dataset.domain.lifecycle import advance
from qwen_dataset.domain.recipes.base import RecipeOptions
from qwen_dataset.errors import LedgerCorrupt

SPEC = JobSpec(
    name="n", recipe="instruct", prompt_version="1", model="qwen-plus", realm="fake:0", way=Way.BATCH, corpus="c"
)
PLAN = PlanWritten(requests=4, chunks=1, papers=2, corpus_chunks=1)
OPEN = RoundOpened(round=1, pending=4)
CLEAR = RoundCleared(round=1)
SHARD = ShardPlanned(shard=1, key="k", requests=4, first_chunk=1, last_chunk=1)
SUBMITTED = ShardSubmitted(shard=1, backend="b", token="t")
ALL = Stored(segment="s", completed=("a", "b"), retryable=("c",), failed=("d",))


def after(*events: Event, state: JobState | None = None) -> JobState:
    result = state or JobState()
    for event in events:
        result = advance(result, event)
    return result


def finished_round() -> JobState:
    return after(PLAN, OPEN, CLEAR, SHARD, SUBMITTED, ALL, ShardFinished(shard=1), RoundFinished(round=1))


def test_a_whole_life() -> None:
    state = after(Opened(nonce="n", backend="fake"), OutputChosen(output="o"), state=finished_round())
    assert (state.phase, state.owner, state.backend, state.output) == (Phase.PLANNED, "n", "fake", "o")
    assert (state.completed, state.failed, state.unanswered, state.open) == (2, 2, 0, 0)
    state = after(RoundOpened(round=2, pending=1), RoundCleared(round=2), state=state)
    assert state.phase is Phase.RUNNING
    state = after(Stored(segment="s2", completed=("c",), source="other"), state=state)
    assert (state.completed, state.failed, state.reused, state.open) == (3, 1, 1, 0)
    state = after(RoundFinished(round=2), Finished(), state=state)
    assert (state.phase, state.round) == (Phase.FINISHED, 2)


def test_a_later_failure_of_what_had_failed_counts_once() -> None:
    state = after(RoundOpened(round=2, pending=1), RoundCleared(round=2), state=finished_round())
    state = after(Stored(segment="s2", unknown=("c",)), state=state)
    assert (state.completed, state.failed, state.unanswered, state.possibly_paid) == (2, 2, 0, 1)


def test_the_output_of_an_earlier_owner_is_kept() -> None:
    state = after(Opened(nonce="1", backend="b"), OutputChosen(output="o"), Opened(nonce="2", backend="b"))
    assert (state.owner, state.output) == ("2", "o")


def test_a_withdrawn_round_uses_up_no_number() -> None:
    state = after(PLAN, OPEN, RoundWithdrawn(round=1, because_of="other"))
    assert (state.phase, state.round, state.open, state.unanswered) == (Phase.PLANNED, 0, 0, 4)
    assert after(OPEN, state=state).round == 1


def test_shards_come_and_go() -> None:
    state = after(PLAN, OPEN, CLEAR, SHARD)
    assert state.shards[1].token is None
    state = after(SUBMITTED, state=state)
    assert (state.shards[1].backend, state.shards[1].token, state.shards[1].cancelled) == ("b", "t", False)
    state = after(ShardCancelled(shard=1, token="c"), state=state)
    assert (state.shards[1].token, state.shards[1].cancelled) == ("c", True)
    assert after(ShardFinished(shard=1), state=state).shards == {}
    assert after(PLAN, OPEN, CLEAR, SHARD, ShardRefused(shard=1, reason="no")).shards[1].refused == "no"


def test_a_cancel_moves_what_moves_and_nothing_else() -> None:
    assert after(CancelSeen(number=3)).cancelling
    assert after(PLAN, CancelSeen(number=3)).cancels_obeyed == 3
    assert after(PLAN, OPEN, CancelSeen(number=1)).cancelling
    resting = after(Finished(), state=finished_round())
    assert not after(CancelSeen(number=1), state=resting).cancelling
    stopped = after(Stopped(reason="r"), state=finished_round())
    assert (stopped.phase, stopped.stop_reason, stopped.cancelling) == (Phase.STOPPED, "r", False)
    assert not after(CancelSeen(number=1), state=stopped).cancelling
    reopened = after(RoundOpened(round=2, pending=1), state=stopped)
    assert (reopened.stop_reason, reopened.cancelling, reopened.cancelled_remotely) == ("", False, False)


def test_a_cancelled_outcome_is_remembered_for_its_round() -> None:
    state = after(PLAN, OPEN, CLEAR, Stored(segment="s", retryable=("a",), cancelled=True))
    assert state.cancelled_remotely
    assert after(Stored(segment="t", retryable=("b",)), state=state).cancelled_remotely


def test_exports_are_remembered() -> None:
    state = after(Exporting(output="o", digest="1"), Exporting(output="o", digest="2"))
    assert state.exported == {"1", "2"}


@pytest.mark.parametrize(
    "events",
    [
        [PLAN, PLAN],
        [OPEN],
        [PLAN, RoundOpened(round=2, pending=1)],
        [PLAN, OPEN, OPEN],
        [PLAN, RoundCleared(round=1)],
        [PLAN, OPEN, RoundCleared(round=2)],
        [PLAN, OPEN, CLEAR, RoundWithdrawn(round=1, because_of="x")],
        [PLAN, RoundWithdrawn(round=1, because_of="x")],
        [PLAN, OPEN, RoundWithdrawn(round=2, because_of="x")],
        [PLAN, OPEN, SHARD],
        [PLAN, OPEN, CLEAR, attrs.evolve(SHARD, shard=2)],
        [PLAN, OPEN, CLEAR, SUBMITTED],
        [PLAN, OPEN, CLEAR, SHARD, SUBMITTED, SUBMITTED],
        [PLAN, OPEN, CLEAR, SHARD, SUBMITTED, ShardRefused(shard=1, reason="")],
        [PLAN, OPEN, CLEAR, ShardRefused(shard=1, reason="")],
        [PLAN, OPEN, CLEAR, SHARD, ShardCancelled(shard=1, token="c")],
        [PLAN, OPEN, CLEAR, ShardCancelled(shard=1, token="c")],
        [PLAN, OPEN, CLEAR, ShardFinished(shard=1)],
        [PLAN, ALL],
        [PLAN, OPEN, ALL, Stored(segment="t", completed=("e",))],
        [PLAN, OPEN, CLEAR, RoundFinished(round=1)],
        [PLAN, OPEN, CLEAR, SHARD, ALL, RoundFinished(round=1)],
        [PLAN, OPEN, ALL, RoundFinished(round=2)],
        [PLAN, RoundFinished(round=0)],
        [PLAN, OPEN, Stopped(reason="")],
        [PLAN, OPEN, Finished()],
        [Finished()],
        [PLAN, Finished(), Finished()],
    ],
    ids=lambda events: "-".join(type(event).__name__ for event in events),
)
def test_what_cannot_follow_is_refused(events: Sequence[Event]) -> None:
    state = after(*events[:-1])
    with pytest.raises(LedgerCorrupt, match=f"{type(events[-1]).__name__} cannot follow"):
        advance(state, events[-1])


def test_the_id_is_the_name_and_the_hash_of_the_rest() -> None:
    name, _, digest = SPEC.job_id.rpartition("-")
    assert name == "n"
    assert len(digest) == 12
    assert attrs.evolve(SPEC, name="other").job_id == f"other-{digest}"


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": "prompts"},
        {"prompt_version": "2"},
        {"model": "qwen-max"},
        {"realm": "fake:1"},
        {"way": Way.REALTIME},
        {"corpus": "d"},
        {"parameters": Parameters(temperature=0.1)},
        {"options": RecipeOptions(max_samples=5)},
        {"options": RecipeOptions(language="zh")},
    ],
    ids=str,
)
def test_everything_that_can_change_an_answer_changes_the_job(change: dict[str, object]) -> None:
    assert attrs.evolve(SPEC, **change).job_id != SPEC.job_id


def test_the_default_name_says_what_is_asked_of_whom() -> None:
    assert JobSpec.default_name("instruct", "qwen-plus") == "instruct-qwen-plus"


@given(st.lists(st.sampled_from([2, 1, 0]), max_size=4), st.integers(0, 4))
def test_the_sums_hold_after_every_segment(sizes: list[int], failures: int) -> None:
    state = after(PLAN, OPEN)
    for number, size in enumerate(sizes):
        ids = tuple(f"{number}-{n}" for n in range(size))
        if len(ids) > state.open:
            break
        event = Stored(segment=str(number), completed=ids[failures:], failed=ids[:failures])
        state = after(event, state=state)
        assert state.requests == state.completed + state.failed + state.unanswered
        assert state.open == state.unanswered
