"""What a backend of the OpenAI protocol (or of the same service) is told by its address and the settings."""

from __future__ import annotations

import difflib
import math
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Self
from urllib.parse import urlsplit

import attrs

from ....errors import BackendDenied, QwenDatasetError, SettingError
from ....ports.inference import BackendSettings
from ..bailian import places
from .wire import Dialect

OPENAI_BATCH: Final = "openai-batch"
OPENAI_CHAT: Final = "openai-chat"
BATCH_CHAT: Final = "batch-chat"
DASHSCOPE: Final = "dashscope"

_PACKAGE = "qwen-dataset"
_HOST_KINDS: Mapping[str, places.Kind] = {
    BATCH_CHAT: "batch-chat",
    DASHSCOPE: "native",
}  # which of Bailian's hosts a backend talks to
_CONCURRENCY = {BATCH_CHAT: 256}
_MOST_WAITING = 10_000  # of Batch Chat, per model and account
_TIMEOUTS = {BATCH_CHAT: 3600.0}
_HOLDS = (60.0, 3600.0)  # how long Batch Chat may hold a call
_LEAST_HIDDEN = 4  # characters; something shorter stands in words as well
_NO_KEY = "none"  # what a server that wants no key is sent: the SDK and some servers insist on one


class Key:
    """The API key as it is now; never shown. Call it before each request, so that the key can be rotated."""

    def __init__(self, read: Callable[[], str] | None = None) -> None:
        self._read = read
        self._used: set[str] = set()

    def __call__(self) -> str:
        """Return the key. Raises BackendDenied, without a word of the key, where there is none that can be sent."""
        if self._read is None:
            return _NO_KEY
        try:
            key = self._read().strip()
        except QwenDatasetError as error:
            raise BackendDenied(str(error)) from None
        except Exception as error:  # noqa: BLE001  # whoever reads a key may fail in any way; nothing was sent
            raise BackendDenied(f"the API key could not be read ({type(error).__name__}); set it again") from None
        if not key:
            raise BackendDenied("the API key is empty now; set it again, such as DASHSCOPE_API_KEY")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise BackendDenied(
                "the API key holds a character that no key has, such as a space or a quote; copy it again"
            )
        self._used.add(key)
        return key

    def hide(self, text: str) -> str:
        """Return ``text`` without any key that was ever used: a service may repeat it in an error."""
        # The error of a call may come after the key was changed. The longest first: one may hold another.
        for key in sorted(self._used, key=len, reverse=True):
            if len(key) >= _LEAST_HIDDEN:
                text = text.replace(key, "[key]")
        return text

    def __repr__(self) -> str:
        return "Key(hidden)"


def _number(text: str, *, least: float) -> float:
    value = float(text)
    if not least <= value < math.inf:
        raise ValueError
    return value


def _whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _word(text: str, **words: Any) -> Any:
    return words[text.strip().lower()]


def _path(text: str) -> str:
    if not text.startswith("/") or text.startswith("//"):
        raise ValueError
    return text


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError
    return text.strip()


def _proxy(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.port == 0:
        raise ValueError
    return text


def _bundle(path: str) -> str:
    """Accept a file of certificates that can be used; an unreadable one would look like a network error later."""
    ssl.create_default_context().load_verify_locations(cafile=path)
    return path


def _parameter(default: Any, wanted: str, parse: Callable[[str], Any]) -> Any:
    """Declare a parameter of the address: its default, what it must be in words, and how its text becomes a value."""
    return attrs.field(default=default, metadata={"wanted": wanted, "parse": parse})


def _seconds(default: float | None, *, least: float = 0.0) -> Any:
    return _parameter(default, f"a number of seconds, {least:g} or more", partial(_number, least=least))


def _count(default: int | None) -> Any:
    return _parameter(default, "a whole number, 1 or more", _whole)


@attrs.frozen(kw_only=True)
class Options:
    """Where requests go and how. Build it with ``from_settings``.

    ``name`` is the backend's; ``base_url`` has no slash at its end; ``region`` is Bailian's, None elsewhere. Seconds:
    ``timeout`` (a whole call), ``connect_timeout``, ``ramp`` (from a slow start to the full rate), ``settle``.
    ``rpm`` and ``tpm`` bound requests and tokens a minute (None: as the catalogue says, or unbounded); ``attempts``
    is how often one request that was refused for now is asked inside one call; ``connections`` "httpx": of realtime
    calls, also where aiohttp is installed. ``lookup`` False: the server cannot
    list batches. ``url`` is the path that batch lines name.
    """

    name: str
    base_url: str
    realm: str
    region: str | None
    destination: str
    key: Key = attrs.field(factory=Key, repr=False, eq=False)
    window_hours: int = 24
    workspace: str | None = _parameter(None, "the id of a workspace", _filled)
    thinking: Dialect = _parameter(Dialect.ENABLE_THINKING, " or ".join(Dialect), Dialect)
    rpm: int | None = _count(None)
    tpm: int | None = _count(None)
    ramp: float = _seconds(0.0)
    timeout: float = _seconds(600.0, least=1.0)
    connect_timeout: float = _seconds(10.0, least=0.1)
    proxy: str | None = _parameter(
        None, "http://host:port without a user or password (for those set HTTPS_PROXY)", _proxy
    )
    ca: str | None = _parameter(None, "the path of a readable PEM file with certificates", _bundle)
    settle: float = _seconds(60.0)
    lookup: bool = _parameter(True, "list or none", partial(_word, list=True, none=False))
    requests: int = _count(50_000)
    submission_bytes: int = _count(500_000_000)
    line_bytes: int = _count(1_000_000)
    url: str = _parameter("/v1/chat/completions", "a path such as /v1/chat/completions", _path)
    stream: bool = _parameter(False, "yes or no", partial(_word, yes=True, no=False))
    attempts: int = _count(5)
    connections: str = _parameter("auto", "auto or httpx", partial(_word, auto="auto", httpx="httpx"))
    concurrency: int = _count(16)

    @property
    def is_bailian(self) -> bool:
        """Whether the requests go to Bailian itself."""
        return self.region is not None

    @property
    def switches_thinking(self) -> bool:
        """Whether thinking is switched in a form that the server obeys: Bailian knows its own only."""
        dialects = {Dialect.ENABLE_THINKING} if self.is_bailian else {*Dialect} - {Dialect.NONE}
        return self.thinking in dialects

    @classmethod
    def from_settings(cls, settings: BackendSettings, *, name: str = OPENAI_CHAT) -> Self:
        """Take the settings of the backend ``name`` together.

        Reads the key once to see that there is one, and the file of certificates. Spends nothing. Raises SettingError,
        one sentence.
        """
        chosen = _chosen(cls, settings, name=name)
        base_url = _base_url(settings, name=name, workspace=chosen.get("workspace"))
        region = places.region_of(base_url)
        options = cls(
            name=name,
            base_url=base_url,
            realm=places.realm_of(base_url),
            region=region,
            destination=places.destination_of(base_url),
            key=Key(settings.api_key),
            window_hours=settings.window_hours,
            **chosen,
        )
        _check(options)
        return options


def _chosen(cls: type[Options], settings: BackendSettings, *, name: str) -> dict[str, Any]:
    """Return the parameters that were given, and what this backend or the settings say instead of the defaults."""
    fields = {field.name: field for field in attrs.fields(cls) if "parse" in field.metadata}
    values: dict[str, Any] = {"timeout": _TIMEOUTS.get(name, 600.0)}
    values["concurrency"] = settings.concurrency or _CONCURRENCY.get(name, 16)
    for parameter, text in settings.parameters.items():
        if parameter not in fields:
            near = difflib.get_close_matches(parameter, fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known parameters: {', '.join(fields)}"
            raise SettingError(f"{name}: there is no parameter {parameter!r}; {hint}")
        metadata = fields[parameter].metadata
        try:
            values[parameter] = metadata["parse"](text)
        except (ValueError, KeyError, OSError):  # OSError: the file of certificates
            shown = "the given value" if "@" in text else repr(text)  # it may hold a password
            raise SettingError(f"{name}: {parameter} must be {metadata['wanted']}; {shown} is not usable") from None
    return values


def user_agent() -> str:
    """Return what services are told of who asks: the package and its version."""
    try:
        return f"{_PACKAGE}/{version(_PACKAGE)}"
    except PackageNotFoundError:
        return _PACKAGE


def settings_of_url(settings: BackendSettings, *, scheme: str) -> BackendSettings:
    """Return the settings of a backend whose address is a URL: that becomes ``base_url``. Raises SettingError."""
    own = _checked(f"{scheme}://{settings.location}", "the backend")
    if settings.base_url is not None and (given := _checked(settings.base_url, "base_url")) != own:
        raise SettingError(f"the backend is {own} and base_url is {given}; give one of the two")
    return attrs.evolve(settings, location="", base_url=own)


def _base_url(settings: BackendSettings, *, name: str, workspace: str | None) -> str:
    """Return the address of the API: as given, or Bailian's in the region."""
    if settings.location:
        raise SettingError(
            f"{name} is followed by parameters only, such as {name}:?timeout=600; for a server of your own set base_url"
        )
    if settings.base_url is None:
        return places.base_url_of(settings.region, workspace, kind=_HOST_KINDS.get(name, "compatible"))
    given = _checked(settings.base_url, "base_url")
    if workspace is not None and not places.is_bailian(given):
        raise SettingError(f"{name}: workspace is for Bailian, and base_url is {given}; leave one of the two out")
    return places.batch_chat_url_of(given) if name == BATCH_CHAT else given


def _checked(url: str, where: str) -> str:
    """Return a URL without the slash at its end. Raises SettingError; what is wrong in it is not shown."""
    wanted = f"{where} must be the URL of an API, such as http://localhost:8000/v1"
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018  # a property that refuses what is no number
    except ValueError:
        raise SettingError(f"{wanted}; the one given cannot be read") from None
    if "@" in parts.netloc:
        raise SettingError(f"{wanted}, without a user, password or key in it")
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise SettingError(f"{wanted}; it needs http:// or https:// and a host")
    if parts.query or parts.fragment:
        raise SettingError(f"{wanted}, with nothing behind a ? or #")
    path = parts.path.rstrip("/")
    if path.endswith(("/chat/completions", "/batches", "/files")):
        raise SettingError(f"{wanted}, without the end {path[path.rindex('/v1') + 3 :] if '/v1' in path else path}")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}"


def _check(options: Options) -> None:
    """Refuse what cannot work, before anything is sent."""
    if options.name == BATCH_CHAT:
        least, most = _HOLDS
        if not least <= options.timeout <= most:
            raise SettingError(f"{BATCH_CHAT}: timeout must be {least:g} to {most:g} seconds, not {options.timeout:g}")
        if options.concurrency > _MOST_WAITING:
            raise SettingError(f"{BATCH_CHAT}: concurrency must be {_MOST_WAITING} or less, not {options.concurrency}")
    if options.name == OPENAI_BATCH and options.region is not None and not places.has_batches(options.region):
        raise SettingError(
            f"{OPENAI_BATCH}: Bailian has no batches in {options.region}; choose --realtime or cn-beijing"
        )
    try:
        key = options.key()
    except BackendDenied as error:
        raise SettingError(str(error)) from None
    if key == _NO_KEY and options.is_bailian:
        raise SettingError(f"{options.destination} needs an API key; set DASHSCOPE_API_KEY")
