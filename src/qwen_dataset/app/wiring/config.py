"""Settings, checked: every problem of them is told at once."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

from ...domain.choices import RetryUnknown
from ...errors import SettingError
from .read_limits import ReadLimits
from .secrets import Secret
from .settings import SETTINGS, by_name, contradictions
from .values import STALLED, minutes, window_hours

if TYPE_CHECKING:
    from ...domain.inference import Parameters
    from ...domain.recipes.base import RecipeOptions

T = TypeVar("T")

ApiKey = str | Callable[[], str] | None
"""A key, or a function that returns today's, so that it can be rotated while a job runs."""

NOBODY_TO_ASK = (
    "no backend is named and there is no key: set DASHSCOPE_API_KEY, or choose the backend `fake` (--backend fake) to"
    " try everything offline, without a key and for free"
)


def _default(name: str) -> Any:
    return attrs.field(default=by_name(name).default)


# What these are given is read below, by the table, together with everything else; the types are for callers.
def _path(value: str | os.PathLike[str]) -> Path:
    return cast("Path", value)


def _path_or_none(value: str | os.PathLike[str] | None) -> Path | None:
    return cast("Path | None", value)


def _retry(value: str | RetryUnknown) -> RetryUnknown:
    return cast("RetryUnknown", value)


def _amount(value: Decimal | float | str | None) -> Any:
    return value


def _table(value: str | os.PathLike[str] | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return cast("Mapping[str, Any] | None", value)


def hidden(key: Any) -> Any:
    """Return a key that is not shown where a traceback prints the variables of its frames.

    What can be no key becomes ``Ellipsis``: a list or bytes may hold one all the same, and is refused below.
    """
    if isinstance(key, str):
        return Secret(key)
    return key if key is None or callable(key) else ...


def _hiding_the_key(cls: type[T]) -> type[T]:
    """Let a class hide the key it is given before anything can raise."""
    made = cls.__init__

    @functools.wraps(made)
    def init(self: T, **settings: Any) -> None:
        if "api_key" in settings:
            settings["api_key"] = hidden(settings["api_key"])
        made(self, **settings)

    cls.__init__ = init  # type: ignore[method-assign, assignment]
    return cls


@_hiding_the_key
@attrs.frozen(kw_only=True)
class Config:
    """What a person may set, checked and in its final types. Change it by ``attrs.evolve``.

    ``backend`` and ``storage`` are addresses (``fake:?seed=7``, ``file:batch_jobs``); ``use_batch`` is None where the
    number of requests decides. ``completion_window`` is how long a batch may take (``24h`` to ``336h``, ``1d`` to
    ``14d``); ``poll`` is the first interval between polls, in seconds; ``rounds`` bounds the paid passes over what has
    no completion; ``concurrency`` bounds calls in flight (None: the backend's own bound). ``lang`` is the language of
    messages, ``language`` that of the samples.

    ``passage_tokens`` is about how long a passage is, in the model's tokens, and ``passage_overlap`` how much of the
    one before it may begin with.

    ``enable_thinking`` is sent with every request, because a service's default differs by model and thinking is billed
    as output; ``thinking_budget`` bounds it, in tokens. ``response_format`` is the API's own table (made of
    ``json_object``, of a JSON schema or of the path of a ``.json`` file that holds one); ``extra_body`` goes into the
    body of each request as it is. ``finish`` of ``realtime`` asks in realtime, at full price, what a batch leaves open:
    ``after`` a time (``30m`` to ``336h``) or, unset or ``stalled``, when the batch has stalled. ``clean_remote``
    deletes the service's files of a batch once its answers are stored. ``prices`` is a file of a person's own prices.

    ``max_cost`` is the most that a job may cost over its whole life, in the currency of the prices where it runs (None:
    what an earlier run said, ``none``: no limit any more). ``pilot`` requests are asked in realtime before the rest,
    which is bought only if a share of ``pilot_min_yield`` of them gave a sample. The command asks before it spends more
    than ``ask_above``.

    ``read_timeout`` (seconds), ``read_memory`` (MB of a process) and ``read_size`` (MB of a file, unpacked) bound the
    reading of one paper; ``read_processes`` is how many read at once, None: as many as there are cores, 0: none, this
    process reads.

    Raises SettingError with all problems at once. The key is never shown.
    """

    api_key: ApiKey = attrs.field(default=None, repr=False)
    backend: str | None = _default("backend")
    base_url: str | None = _default("base_url")
    region: str = _default("region")
    model: str = _default("model")
    use_batch: bool | None = _default("use_batch")
    completion_window: str = _default("completion_window")
    data_dir: Path = attrs.field(default=by_name("data_dir").default, converter=_path)
    output: Path = attrs.field(default=by_name("output").default, converter=_path)
    storage: str = _default("storage")
    job_name: str | None = _default("job_name")
    recipe: str = _default("recipe")
    language: str = _default("language")
    max_samples: int = _default("max_samples")
    passage_tokens: int = _default("passage_tokens")
    passage_overlap: int = _default("passage_overlap")
    temperature: float = _default("temperature")
    max_tokens: int = _default("max_tokens")
    top_p: float = _default("top_p")
    enable_thinking: bool = _default("enable_thinking")
    thinking_budget: int | None = _default("thinking_budget")
    response_format: Mapping[str, Any] | None = attrs.field(default=None, converter=_table, hash=False)
    extra_body: Mapping[str, Any] | None = attrs.field(default=None, converter=_table, hash=False)
    concurrency: int | None = _default("concurrency")
    poll: float = _default("poll")
    rounds: int = _default("rounds")
    retry_unknown: RetryUnknown = attrs.field(default=by_name("retry_unknown").default, converter=_retry)
    finish: str | None = _default("finish")
    after: str | None = _default("after")
    clean_remote: bool = _default("clean_remote")
    max_cost: Decimal | None = attrs.field(default=None, converter=_amount)
    pilot: int | None = _default("pilot")
    pilot_min_yield: float | None = _default("pilot_min_yield")
    ask_above: Decimal = attrs.field(default=by_name("ask_above").default, converter=_amount)
    writer: str = _default("writer")
    prices: Path | None = attrs.field(default=None, converter=_path_or_none)
    read_timeout: float = _default("read_timeout")
    read_memory: int = _default("read_memory")
    read_size: float = _default("read_size")
    read_processes: int | None = _default("read_processes")
    lang: str = _default("lang")

    def __attrs_post_init__(self) -> None:
        given = attrs.asdict(self, recurse=False)
        secrets = [given["api_key"]] if isinstance(given["api_key"], str) else []
        problems: list[str] = []
        wrong: set[str] = set()
        for setting in SETTINGS:
            try:
                value = setting.check(given[setting.name], secrets=secrets)
            except SettingError as error:
                problems += error.problems
                wrong.add(setting.name)
            else:
                object.__setattr__(self, setting.name, value)
        found = contradictions(attrs.asdict(self, recurse=False))
        problems += (each.sentence for each in found if not each.settings & wrong)
        if problems:
            raise SettingError.of(problems)

    def current_key(self) -> str | None:
        """Return the key as it is now, None where there is none. Raises SettingError where a function gives none."""
        if self.api_key is None or isinstance(self.api_key, str):
            return self.api_key
        return _ask(self.api_key)

    @property
    def parameters(self) -> Parameters:
        """What goes into each request besides its messages and model."""
        from ...domain.inference import Parameters  # noqa: PLC0415 - whoever only reads settings asks nothing

        return Parameters(
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            top_p=self.top_p,
            enable_thinking=self.enable_thinking,
            thinking_budget=self.thinking_budget,
            response_format=cast("Any", self.response_format),  # a converter of any type at all
            extra_body=cast("Any", self.extra_body or {}),
        )

    @property
    def read_limits(self) -> ReadLimits:
        """How much reading papers may cost."""
        return ReadLimits(
            seconds=self.read_timeout,
            memory_mb=self.read_memory,
            size_mb=self.read_size,
            processes=self.read_processes,
        )

    @property
    def options(self) -> RecipeOptions:
        """What a recipe lets a person choose."""
        from ...domain.recipes.base import RecipeOptions  # noqa: PLC0415 - as above

        return RecipeOptions(
            max_samples=self.max_samples,
            language=self.language,
            passage_tokens=self.passage_tokens,
            passage_overlap=self.passage_overlap,
        )

    @property
    def window_hours(self) -> int:
        """The completion window, in hours."""
        return window_hours(self.completion_window)

    @property
    def after_seconds(self) -> float | None:
        """How long after its start a batch is finished otherwise, in seconds; None: when it has stalled."""
        return None if self.after in (None, STALLED) else minutes(self.after) * 60.0

    @property
    def qianwen_api_key(self) -> ApiKey:
        """The familiar name of ``api_key``."""
        return self.api_key

    @property
    def dashscope_api_key(self) -> ApiKey:
        """The familiar name of ``api_key``."""
        return self.api_key

    @property
    def qianwen_model(self) -> str:
        """The familiar name of ``model``."""
        return self.model

    @property
    def qianwen_base_url(self) -> str | None:
        """The familiar name of ``base_url``."""
        return self.base_url

    @property
    def batch_completion_window(self) -> str:
        """The familiar name of ``completion_window``."""
        return self.completion_window

    @property
    def max_samples_per_paper(self) -> int:
        """The familiar name of ``max_samples``."""
        return self.max_samples

    @property
    def output_file(self) -> Path:
        """The familiar name of ``output``."""
        return self.output


def _ask(function: Callable[[], object]) -> str:
    """Return the key that a function gives. What the function raises may hold a key, so only its type is told."""
    given: object = None
    try:
        given = function()
        trouble = "returned no key"
    except Exception as error:  # noqa: BLE001 - a function of anybody's
        trouble = f"raised {type(error).__name__}"
    if isinstance(given, Coroutine):
        given.close()
        trouble = "is an async one"
    if isinstance(given, str) and given.strip():
        # Not even a traceback that prints variables shows it.
        given = Secret(given)
        return cast("str", by_name("api_key").check(given, source="returned by its function"))
    # Raised out here, so that what the function raised does not hang on the error.
    message = f"the function given as api_key {trouble}; it must be a plain function that returns the key as a text"
    raise SettingError(message)
