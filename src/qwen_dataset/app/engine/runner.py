"""When things happen: rounds, shards, polls, harvests, and how a run stops. The same for every backend."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import attrs

from ...domain.events import Finished, Hurried, RoundFinished, RoundOpened, Stopped
from ...domain.jobs import JobState, Phase, Shard
from ...errors import BackendUnavailable, JobUnfinished, PilotFailed
from ...ports.inference import InferenceBackend
from .budget import UNPRICED, Budget, cost_limit_reached, held_back
from .clock import Sleep
from .finishing import Finisher, Haste
from .guard import LONGEST_WAIT_SECONDS, Guard, handle_of
from .harvest import Clean, Harvester
from .job import Job, overrule_cancels
from .neighbours import clear_round
from .pace import Pace, Until
from .pilot import Judge, Pilot, nobody_judges
from .submitter import Submitter
from .tracker import RunProgress, Tracker


@attrs.frozen
class _Crew:
    """Who works on a round: everything that speaks to its backend."""

    backend: InferenceBackend
    guard: Guard
    submitter: Submitter
    harvester: Harvester


class Runner:
    """Runs one owned job, each round on one backend: the job's own, or the ``finisher``'s for what that left undone.

    ``sleep`` waits, and ``now`` tells the time in seconds, in the backend's time (the fake's is virtual). Setting
    ``stop`` ends the run cleanly: nothing new is begun, what is in flight is awaited and stored. ``clean`` deletes what
    the backend keeps of a shard whose results are safe. ``budget`` is what the job's own backend charges, ``pilot``
    what is asked ahead of everything else, and ``judge`` says whether the rest follows. ``notice`` is told what a
    person should know meanwhile.
    """

    def __init__(
        self,
        job: Job,
        backend: InferenceBackend,
        *,
        backend_name: str,
        pace: Pace,
        sleep: Sleep,
        now: Callable[[], float],
        stop: asyncio.Event,
        finisher: Finisher | None = None,
        clean: Clean | None = None,
        budget: Budget = UNPRICED,
        pilot: Pilot | None = None,
        judge: Judge = nobody_judges,
        notice: Callable[[str], None] = lambda _: None,
        on_progress: Callable[[RunProgress], None] = lambda _: None,
    ) -> None:
        self._job = job
        self._pace = pace
        self._tracker = Tracker(job, on_progress)
        self._finisher = finisher
        self._pilot = pilot
        self._judge = judge
        self._notice = notice
        self._haste = None if finisher is None or not finisher.hurries else Haste(finisher, now)

        def crew(backend: InferenceBackend, name: str, sleep: Sleep, clean: Clean | None, budget: Budget) -> _Crew:
            guard = Guard(
                job, backend, sleep=sleep, stop=stop, patience=pace.patience, outage_seconds=pace.outage_seconds
            )
            submitter = Submitter(job, backend, guard, backend_name=name, now=now, budget=budget)
            return _Crew(backend, guard, submitter, Harvester(job, backend, guard, budget=budget, clean=clean))

        self._own = crew(backend, backend_name, sleep, clean, budget)
        self._finishing = None
        if finisher is not None:
            self._finishing = crew(finisher.backend, finisher.backend_name, finisher.sleep, None, finisher.budget)

    @property
    def _crew(self) -> _Crew:
        """Who works on the open round."""
        if not self._state.finishing:
            return self._own
        assert self._finishing is not None, "a round that another backend finishes needs that backend"
        return self._finishing

    @property
    def _state(self) -> JobState:
        return self._job.state

    async def run(self, *, reopen: bool = False, until: Until = Until.FINISHED) -> None:
        """Work until the job is finished, or only as far as ``until`` says.

        ``reopen`` lets a finished or stopped job ask once more for what failed. Spends money through the backend.
        Raises JobUnfinished when stopped, cancelled or out of patience; JobOverlap when another job has some of the
        requests under way; LeaseLost. Everything that was answered is stored in every case.
        """
        if reopen:
            await overrule_cancels(self._job)
        last_round = self._last_round(reopen=reopen)
        if last_round is None:
            return
        if self._state.phase is Phase.RUNNING:
            cancelling = self._state.cancelling
            try:
                if not await self._work(until):
                    return
            except JobUnfinished:
                # A former owner died while it cancelled; a person who resumes since then wants to go on.
                if not (reopen and cancelling and self._has_stopped()):
                    raise
        await self._rest_if_cancelled()
        await self._judge_pilot()
        while (opening := self._next_round(last_round)) is not None:
            await self._crew.guard.checkpoint()
            await self._rest_if_cancelled()
            if opening.finishing and not opening.pilot and until is not Until.FINISHED:
                return
            await self._job.ledger.append(opening)
            if not await self._work(until):
                return
            await self._judge_pilot()
        if self._state.phase is not Phase.FINISHED:
            await self._job.ledger.append(Finished())

    async def cancel(self) -> None:
        """Obey a cancel request that is stored: cancel and harvest what is in flight.

        Spends nothing, except where a former run died between planning a shard and learning whether it was submitted:
        then it is submitted (or found) and cancelled at once, since only so its answers are safe.
        """
        try:
            await self.run()
        except JobUnfinished:
            if not self._has_stopped():
                raise

    def _has_stopped(self) -> bool:
        return self._state.phase is Phase.STOPPED

    def _last_round(self, *, reopen: bool) -> int | None:
        """Return the number of the last round this run may open, or None when there is nothing to do."""
        state = self._state
        if state.phase is Phase.FINISHED and not reopen:
            return None
        if state.phase is Phase.STOPPED and not reopen:
            message = f"job {self._job.id} was stopped: {state.stop_reason}, and only resume goes on with it"
            raise JobUnfinished(message)
        rounds = self._pace.rounds if self._haste is None else max(self._pace.rounds, 2)
        # A pilot is no pass over what is unanswered.
        rounds += state.pilots or (self._pilot is not None and not state.round)
        if state.cancelling or state.phase in (Phase.FINISHED, Phase.STOPPED):
            return max(rounds, state.round + 1)
        return max(rounds, state.round)

    def _next_round(self, last_round: int) -> RoundOpened | None:
        """Return the round that is to be opened now, None when nothing is left to ask or no round is."""
        state, index, policy = self._state, self._job.index, self._pace.retry_unknown
        if state.round >= last_round:
            return None
        number, never_asked = state.round + 1, index.never_asked()
        if self._pilot is not None and not state.round:
            pending = min(self._pilot.requests, never_asked)
            return RoundOpened(
                round=number,
                pending=pending,
                retry_unknown=policy,
                finishing=self._pilot.elsewhere,
                fresh=True,
                pilot=True,
                least_yield=self._pilot.least_yield,
            )
        if state.pilot and never_asked:
            return RoundOpened(round=number, pending=never_asked, retry_unknown=policy, fresh=True)
        pending = index.to_ask(policy)
        if not pending:
            return None
        # Stragglers are what a first round has left.
        finishing = self._haste is not None and not never_asked
        return RoundOpened(round=number, pending=pending, retry_unknown=policy, finishing=finishing)

    async def _judge_pilot(self) -> None:
        """Stop the job where its pilot has ended and says that the rest is not worth its price."""
        if not self._state.pilot or self._state.phase is not Phase.PLANNED:
            return
        reason = await self._judge(self._job)
        if reason is not None:
            await self._job.ledger.append(Stopped(reason=reason))
            raise PilotFailed(f"job {self._job.id} was stopped: {reason}; `qwen-dataset resume` goes on all the same")

    async def _work(self, until: Until) -> bool:
        """Bring the open round to its end; return False when something of it is left in flight."""
        crew = self._crew
        # A pilot that nobody waits for would be none.
        until = Until.FINISHED if self._state.pilot else until
        await crew.guard.checkpoint()
        if not self._state.cleared and not self._state.winding_down:
            await clear_round(self._job, crew.backend.limits, crew.guard.checkpoint)
            self._tracker.report()
        while True:
            cutter = await crew.submitter.submit_everything()
            await crew.guard.checkpoint()
            in_flight = bool(self._state.shards)
            if cutter.is_blocked and in_flight:
                self._notice(held_back(self._job))
            if until is Until.SUBMITTED and in_flight:
                return False
            await self._collect(crew, once=until is Until.LOOKED)
            if self._state.shards:
                return False
            if not cutter.is_blocked or self._state.winding_down:
                break
            if not in_flight:
                raise cost_limit_reached(self._job, cutter.wanted, is_priced=cutter.wanted is not None)
            # What came back may have cost less than was reserved for it.
        if self._state.winding_down:
            await crew.submitter.give_up_the_rest()
        await self._job.ledger.append(RoundFinished(round=self._state.round))
        self._tracker.report()
        await self._rest_if_cancelled()
        return True

    async def _rest_if_cancelled(self) -> None:
        """Between rounds: what a person cancelled, here or at the service, is not bought again without a person."""
        if self._state.phase is Phase.PLANNED and (self._state.cancelling or self._state.cancelled_remotely):
            await self._job.ledger.append(Stopped(reason="a person cancelled it"))
            message = f"job {self._job.id} was cancelled; what had been answered is kept"
            raise JobUnfinished(message)

    async def _collect(self, crew: _Crew, *, once: bool) -> None:
        """Poll what is in flight and store its outcomes, until nothing is in flight or ``once``."""
        interval = self._pace.poll_seconds
        while self._state.shards:
            await crew.guard.checkpoint()
            wishes, ending = [], False
            for number in list(self._state.shards):
                # Looked up afresh: a cancel may have changed its handle while an earlier one was waited for.
                shard = self._state.shards[number]
                try:
                    progress = await crew.backend.poll(handle_of(shard))
                    self._tracker.polled(number, progress)
                    if progress.ready:
                        await self._harvest(crew, shard)
                    else:
                        ending = ending or progress.ending
                        wishes.append(interval if progress.retry_after is None else progress.retry_after)
                except BackendUnavailable as error:
                    await crew.guard.be_patient(error)
                    continue
                crew.guard.answered(proven=True)
                self._tracker.report()
            if once:
                return
            if wishes and len(wishes) == len(self._state.shards):
                # Only now: what has ended in the meantime, or was cancelled by a person, is seen first.
                left = math.inf if ending else self._seconds_left()
                if left <= 0:
                    await self._job.ledger.append(Hurried(round=self._state.round))
                    continue
                await crew.guard.pause(min(*wishes, left))
                interval = min(interval * 1.5, LONGEST_WAIT_SECONDS)

    def _seconds_left(self) -> float:
        """Return how long the open round may still take before its rest is cancelled and finished elsewhere."""
        if self._haste is None:
            return math.inf
        self._haste.notice(self._state.round, self._state.open, *self._tracker.counts())
        return self._haste.seconds_left(self._state)

    async def _harvest(self, crew: _Crew, shard: Shard) -> None:
        report = self._tracker.fetching(shard.number)

        def on_saved() -> None:
            crew.guard.answered(proven=True)
            report()

        await crew.harvester.harvest(shard, on_saved=on_saved)
