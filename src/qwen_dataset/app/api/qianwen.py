"""The single steps that people know from hand-written batch scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs
import orjson

from ...domain.inference import Message, Request
from ...errors import OutputError, SettingError
from ...ports.inference import Offer
from ...ports.remote import BatchFilter
from ..wiring.batch_format import request_line
from ..wiring.config import ApiKey, Config, hidden
from ..wiring.prompts import PromptLike, as_prompts
from ..wiring.sources import resolve
from . import remote
from .remote import Service, batch_object
from .result_files import read_results


class QianWenBatchInference:
    """A batch by hand: make requests, write them to a file, upload it, create a batch, wait, download, read.

    ``api_key`` (a text, or a function that returns the key of the day) and ``model`` take the place of what files and
    environment say; everything else is a setting (``config``, else ``resolve``). ``backend`` is an address or an Offer.
    ``async with`` keeps the connection open between steps; without it each step opens and closes its own.

    Only ``create_batch_job`` spends money, and here nothing keeps a script that is run again from paying again:
    ``BatchInferenceManager`` does.

    Every step that asks the service may raise BackendUnavailable (no definite answer), BackendRejected (a definite no)
    or BackendDenied (a key, an account or a name has to be mended). Making one raises SettingError with every problem.
    """

    def __init__(
        self,
        api_key: ApiKey = None,
        model: str | None = None,
        *,
        backend: Offer | str | None = None,
        config: Config | None = None,
    ) -> None:
        api_key = hidden(api_key)
        given: dict[str, Any] = {
            name: value for name, value in (("api_key", api_key), ("model", model)) if value is not None
        }
        if isinstance(backend, str):
            given["backend"] = backend
        self.config = resolve(given, library=True).config() if config is None else attrs.evolve(config, **given)
        self._given = None if isinstance(backend, str) else backend
        self._stack = AsyncExitStack()
        self._open: Service | None = None

    async def __aenter__(self) -> Self:
        self._open = await self._stack.enter_async_context(remote.opened(self.config, self._given))
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open = None
        await self._stack.aclose()

    def create_batch_requests(
        self,
        prompts: Iterable[PromptLike],
        *,
        system: str | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
        enable_thinking: bool | None = None,
        thinking_budget: int | None = None,
        response_format: Mapping[str, Any] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        model: str | None = None,
        url: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return the lines of a request file, one a prompt; asks nobody. What is None is that of the settings.

        ``custom_id`` is the prompt's own ``id``, else ``request-1``, ``request-2`` … by its place. ``system`` goes in
        front of each prompt that has no system message. Thinking is said explicitly and alike in every line, as a
        service wants it of one file: off unless asked for. ``url`` is where the service sends the lines (default:
        chat completions), the same as the ``endpoint`` of ``create_batch_job``. Raises SettingError.
        """
        given: dict[str, Any] = {
            "temperature": temperature, "top_p": top_p, "max_tokens": max_tokens, "seed": seed,
            "enable_thinking": enable_thinking, "thinking_budget": thinking_budget,
            "response_format": response_format, "extra_body": extra_body,
        }  # fmt: skip
        chosen = {name: value for name, value in given.items() if value is not None}
        settings = {name: value for name, value in chosen.items() if name in attrs.fields_dict(Config)}
        config = attrs.evolve(self.config, **settings) if settings else self.config
        parameters = attrs.evolve(config.parameters, **{k: v for k, v in chosen.items() if k not in settings})
        model = model or config.model
        lines = []
        for number, (label, messages) in enumerate(_conversations(prompts, system), start=1):
            request = Request(messages=messages, model=model, parameters=parameters)
            lines.append(request_line(request, url) | {"custom_id": label or f"request-{number}"})
        _refuse_twins(lines)
        return lines

    def write_batch_file(self, requests: Iterable[Mapping[str, Any]], path: Path | str) -> Path:
        """Write request lines to a file, in place of one that is there, and return its path. Raises OutputError."""
        path = Path(path)
        try:
            with path.open("wb") as file:
                for request in requests:
                    file.write(orjson.dumps(request, option=orjson.OPT_APPEND_NEWLINE))
        except OSError as error:
            message = f"{path} cannot be written: {error.strerror or error}"
            raise OutputError(message) from error
        return path

    async def upload_file(self, path: Path | str) -> str:
        """Upload a request file and return its id at the service. Spends nothing; read as it goes, never as a whole.

        Raises SettingError for a file that is not there.
        """
        path = Path(path)
        if not path.is_file():
            message = f"there is no file {path}; write_batch_file makes one"
            raise SettingError(message)
        async with self._service() as service:
            return await service.batches.upload(path, name=path.name)

    async def create_batch_job(
        self,
        file_id: str,
        *,
        completion_window: str = "24h",
        job_name: str | None = None,
        metadata: Mapping[str, str] | None = None,
        endpoint: str | None = None,
    ) -> dict[str, Any]:
        """Create a batch of an uploaded file, and return it. Spends money, again at each call.

        Nothing here protects from paying twice, for instance when the reply is lost and BackendUnavailable is raised:
        look with ``list_batches`` before you call it again, or use ``BatchInferenceManager``, which does. ``job_name``
        is the name under which the service lists it (``ds_name`` of the ``metadata``). A batch whose lines are wrong
        is created too: it ends as ``failed`` with ``errors``, and costs nothing.
        """
        about = dict(metadata or {}) | ({} if job_name is None else {"ds_name": job_name})
        async with self._service() as service:
            made = await service.batches.create(
                file_id, completion_window=completion_window, endpoint=endpoint, metadata=about
            )
        return batch_object(made)

    async def get_batch_status(self, batch_id: str) -> dict[str, Any]:
        """Return a batch as it is now: ``status``, ``request_counts``, ``output_file_id``, ``errors`` …."""
        async with self._service() as service:
            return batch_object(await service.batches.retrieve(batch_id))

    async def wait_for_completion(
        self,
        batch_id: str,
        *,
        poll: float | None = None,
        on_status: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """Wait until a batch has ended, well or not, and return it.

        ``poll`` is the first interval in seconds (default: the setting); it grows to five minutes. A service that does
        not answer meanwhile is asked again. ``on_status`` is called with the batch whenever it has changed. Raises
        JobUnfinished where it has not ended an hour after its window.
        """
        async with self._service() as service:
            ended = await remote.waited_for(
                service,
                batch_id,
                poll=self.config.poll if poll is None else poll,
                hours=self.config.window_hours,
                on_status=on_status or (lambda _: None),
            )
        return batch_object(ended)

    async def download_results(
        self, batch_id: str, path: Path | str, error_path: Path | str | None = None
    ) -> dict[str, Any]:
        """Write a batch's answers to ``path``, its errors to ``error_path`` (default: ``PATH.errors.jsonl``).

        Returns ``output_file`` and ``error_file`` (None where the batch has none) and ``missing``: how many answers
        the service counts and does not hand out. Files that are there are replaced. Raises JobUnfinished for a batch
        that has not ended, and OutputError.
        """
        async with self._service() as service:
            done = await remote.fetched(service, batch_id, Path(path), None if error_path is None else Path(error_path))
        return {
            "output_file": None if done.output is None else str(done.output),
            "error_file": None if done.errors is None else str(done.errors),
            "missing": done.missing,
        }

    def parse_results(
        self, path: Path | str, requests: Iterable[Mapping[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """Return what a downloaded file says, and the file of errors beside it where there is one; asks nobody.

        One dict a request, in the order of ``requests`` (those of ``create_batch_requests``), else by the numbers of
        ``request-1`` …, else as the lines come. Each has ``custom_id``, ``content``, ``reasoning_content``,
        ``finish_reason``, ``usage`` and ``model`` (None where there is no answer), ``response`` as the service sent it,
        and ``error``, None or a ``code`` and a ``message``. A request without a line has the code ``unknown``: it may
        have been paid. Lines of strangers, second lines and lines that cannot be read are left out.

        Raises SettingError for a file that cannot be read.
        """
        return read_results(Path(path), requests)

    async def cancel_batch(self, batch_id: str) -> dict[str, Any]:
        """Ask a batch to stop and return it. What has run is paid and can be downloaded; one that ended stays so."""
        async with self._service() as service:
            return batch_object(await service.batches.cancel(batch_id))

    async def list_batches(
        self,
        limit: int | None = 20,
        *,
        name: str | None = None,
        statuses: Sequence[str] = (),
        input_file_ids: Sequence[str] = (),
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        after: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return the service's batches, the newest first: those of jobs as well, and of anybody with this key.

        ``name`` may be a part of a name; ``after`` is the id of the last batch of an earlier list.
        """
        wanted = BatchFilter(
            name=name,
            statuses=tuple(statuses),
            input_file_ids=tuple(input_file_ids),
            created_after=created_after,
            created_before=created_before,
            after=after,
        )
        async with self._service() as service:
            return [batch_object(each) async for each in service.batches.list(wanted, limit=limit)]

    @asynccontextmanager
    async def _service(self) -> AsyncIterator[Service]:
        if self._open is not None:
            yield self._open
            return
        async with remote.opened(self.config, self._given) as service:
            yield service


def _conversations(
    prompts: Iterable[PromptLike], system: str | None
) -> Iterator[tuple[str | None, tuple[Message, ...]]]:
    for prompt in as_prompts(prompts):
        messages = prompt.messages
        if system is not None and all(message.role != "system" for message in messages):
            messages = (Message("system", system), *messages)
        yield prompt.label, messages


def _refuse_twins(lines: Iterable[Mapping[str, Any]]) -> None:
    """A prompt without an id may be called as another one calls itself."""
    places: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        name = line["custom_id"]
        if name in places:
            message = f"prompt {number} has the id {name!r}, as prompt {places[name]} has; give each its own"
            raise SettingError(message)
        places[name] = number
