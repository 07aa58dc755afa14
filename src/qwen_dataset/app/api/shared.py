"""One backend object for several runs at the same time."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import attrs

from ...errors import SettingError
from ...ports.inference import InferenceBackend, Limits


@attrs.define(eq=False)
class _Use:
    """Who uses a backend object now. It holds the object, so that its id stays its own."""

    inner: InferenceBackend
    loop: asyncio.AbstractEventLoop
    users: int = 0
    lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)


_uses: dict[int, _Use] = {}
"""Of the whole process: two clients may have been given the same object, and know nothing of each other."""


class Shared:
    """A backend that is opened with its first user and closed with its last, whoever they are.

    Entering raises SettingError while the object is open in another event loop.
    """

    def __init__(self, inner: InferenceBackend) -> None:
        self._inner = inner
        self.submit = inner.submit
        self.poll = inner.poll
        self.results = inner.results
        self.cancel = inner.cancel

    @property
    def limits(self) -> Limits:
        return self._inner.limits

    @property
    def realm(self) -> str:
        return self._inner.realm

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        while True:
            use = _uses.setdefault(id(self._inner), _Use(self._inner, loop))
            if use.loop is not loop:
                message = "the backend is open in another event loop; make one for each loop"
                raise SettingError(message)
            async with use.lock:
                if _uses.get(id(self._inner)) is not use:
                    continue  # its last user left while we waited
                if not use.users:
                    await self._open(use)
                use.users += 1
                return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        use = _uses[id(self._inner)]
        async with use.lock:
            use.users -= 1
            if not use.users:
                del _uses[id(self._inner)]
                await self._inner.__aexit__(exc_type, exc, traceback)

    async def _open(self, use: _Use) -> None:
        try:
            await self._inner.__aenter__()
        except BaseException:
            del _uses[id(use.inner)]
            raise
