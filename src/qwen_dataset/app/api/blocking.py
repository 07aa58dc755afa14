"""The same verbs without ``await``: one background thread runs the client, so it works inside a running loop too."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import Any, Concatenate, NoReturn, ParamSpec, Self, TypeVar

from ...domain.recipes.base import Planned
from ...domain.samples import Answer, Reject
from ...errors import SettingError
from ...ports.inference import Offer
from ...ports.storage import Storage
from ..dataset.curator import FailedRequest
from ..wiring.config import Config
from ..wiring.corpus import Name
from .client import Client

P = ParamSpec("P")
T = TypeVar("T")


def _verb(of: Callable[Concatenate[Client, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate[BlockingClient, P], T]:
    """Make a method that blocks of one that is awaited; ``help`` shows the signature and the words of that one."""

    @functools.wraps(of)
    def verb(self: BlockingClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._run(of(self._client, *args, **kwargs))

    return verb


class BlockingClient:
    """A ``Client`` whose methods return when they are done; each spends, raises and returns as the one of that name.

    For scripts and notebooks. Use it as a context manager, or call ``close``; other settings need another client.
    Callbacks of a ``Watch`` are called in the background thread and must not call this client.

    Ctrl-C stops a call cleanly: nothing new begins, what is in flight is awaited and stored, then KeyboardInterrupt is
    raised, also when the call came to a good end; nothing is lost, and the same call goes on. A second one cancels what
    is in flight, which may have been paid, and stores what is finished; a third one waits for nothing.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        storage: Storage | str | None = None,
        backend: Offer | str | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._client = Client(config, storage=storage, backend=backend, notice=notice)
        self._loop = asyncio.new_event_loop()
        self._calls: dict[Future[Any], asyncio.Task[Any]] = {}  # touched in the background thread only
        # Reentrant: the garbage collector may end an iteration in a thread that has it.
        self._closing = threading.RLock()
        self._closed = False
        self._given_up = False
        self._settled = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="qwen-dataset", daemon=True)
        self._thread.start()

    @property
    def config(self) -> Config:
        """The settings in use."""
        return self._client.config

    generate = _verb(Client.generate)
    submit = _verb(Client.submit)
    run_prompts = _verb(Client.run_prompts)
    submit_prompts = _verb(Client.submit_prompts)
    plan = _verb(Client.plan)
    collect = _verb(Client.collect)
    resume = _verb(Client.resume)
    rebuild = _verb(Client.rebuild)
    cancel = _verb(Client.cancel)
    status = _verb(Client.status)
    poll = _verb(Client.poll)
    list_jobs = _verb(Client.list_jobs)

    def answers(self, job: str | None = None) -> Iterator[Answer]:
        return self._each(self._client.answers(job))

    def rejects(self, job: str | None = None) -> Iterator[Reject | FailedRequest]:
        return self._each(self._client.rejects(job))

    def preview(self, papers: Sequence[Name] | Name) -> Generator[Planned, None, None]:
        self._check_open()
        return self._client.preview(papers)

    def close(self) -> None:
        """End the background thread. Jobs stay where they are.

        A call that another thread waits for is cancelled: what is finished is stored, and SettingError raised there.
        """
        self._refuse_inside()
        with self._closing:
            if not self._closed:
                self._loop.call_soon_threadsafe(lambda: self._start(self._settle(), Future()))
                self._closed = True
        if not self._given_up:
            # Not join alone: where that is interrupted, Python 3.11 takes the thread for ended.
            self._ended.wait()
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        ended: Future[T] = Future()
        try:
            self._begin(work, ended)
            return ended.result()
        except KeyboardInterrupt:
            self._interrupted(ended)
        except CancelledError:
            if not self._closed:
                raise
            message = "this BlockingClient was closed during the call; everything answered is kept, and resume goes on"
            raise SettingError(message) from None

    def _begin(self, work: Coroutine[Any, Any, T], ended: Future[T]) -> None:
        try:
            self._refuse_inside()
            with self._closing:
                self._check_open()
                self._loop.call_soon_threadsafe(self._start, work, ended)
        except SettingError:
            work.close()
            raise

    def _interrupted(self, ended: Future[Any]) -> NoReturn:
        """Wait for the end of a call that a person interrupted, less gently each time, and pass the interrupt on."""
        cause = None
        for end in (self._client.stop.set, lambda: _cancel(self._calls[ended])):
            try:
                self._tell(functools.partial(self._end_call, ended, end))
                cause = _error_of(ended)
                break
            except KeyboardInterrupt:
                continue
        else:
            self._given_up = True
        # Also after a good end: a script that is not told goes on to its next call, and buys.
        raise KeyboardInterrupt from cause

    def _each(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        self._check_open()
        return self._following(items)

    def _following(self, items: AsyncGenerator[T, None]) -> Iterator[T]:
        async def following() -> T | _End:
            return await anext(items, _END)

        async def end() -> None:
            await items.aclose()

        try:
            while not isinstance(item := self._run(following()), _End):
                yield item
        finally:
            # Not waited for: this may be the garbage collector, in any thread. After ``close`` it has ended.
            self._tell(lambda: self._start(end(), Future()))

    def _check_open(self) -> None:
        if self._closed:
            message = "this BlockingClient is closed; make a new one (jobs stay where they are)"
            raise SettingError(message)

    def _refuse_inside(self) -> None:
        if threading.current_thread() is self._thread:
            message = "a callback cannot call the BlockingClient that calls it; do it when the run has returned"
            raise SettingError(message)

    def _tell(self, what: Callable[[], object]) -> None:
        """Have something done in the background thread, unless everything there ends anyway."""
        with self._closing:
            if not self._closed:
                self._loop.call_soon_threadsafe(what)

    # What follows runs in the background thread.

    def _serve(self) -> None:
        try:
            while not self._settled:
                # An exit that a callback asks for is raised where the call was made; other calls go on.
                with contextlib.suppress(KeyboardInterrupt, SystemExit):
                    self._loop.run_forever()
        finally:
            self._loop.close()
            self._ended.set()

    def _start(self, work: Coroutine[Any, Any, T], ended: Future[T]) -> None:
        task = self._calls[ended] = self._loop.create_task(work)
        task.add_done_callback(functools.partial(self._end, ended))

    def _end(self, ended: Future[T], task: asyncio.Task[T]) -> None:
        del self._calls[ended]
        if not self._calls:
            self._client.stop.clear()  # the next call is another one
        if task.cancelled():
            ended.cancel()
        elif (error := task.exception()) is not None:
            ended.set_exception(error)
        else:
            ended.set_result(task.result())

    def _end_call(self, ended: Future[Any], end: Callable[[], object]) -> None:
        if ended in self._calls:
            end()
        else:
            ended.cancel()  # it was interrupted before it began, or it is done and this changes nothing

    async def _settle(self) -> None:
        """End everything, the calls before what they have started: that they cancel themselves, and only once."""
        this = asyncio.current_task()
        try:
            await _cancelled(task for task in self._calls.values() if task is not this)
            await _cancelled(task for task in asyncio.all_tasks() if task is not this)
            await self._loop.shutdown_asyncgens()
        finally:
            self._settled = True
            self._loop.stop()


def _cancel(task: asyncio.Task[Any]) -> None:
    # A second time would interrupt the saving of what is paid.
    if not task.cancelling():
        task.cancel()


async def _cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    ending = list(tasks)
    for task in ending:
        _cancel(task)
    await asyncio.gather(*ending, return_exceptions=True)


def _error_of(ended: Future[Any]) -> BaseException | None:
    try:
        return ended.exception()
    except CancelledError:
        return None


class _End:
    """Stands for the end of an iteration: a coroutine cannot raise StopAsyncIteration out of a future."""


_END = _End()

for _method in (BlockingClient.answers, BlockingClient.rejects, BlockingClient.preview):
    _method.__doc__ = getattr(Client, _method.__name__).__doc__
