"""obstore, the client of object stores: imported when it is used, told everything, and never used after a fork."""

from __future__ import annotations

import atexit
import importlib
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import TYPE_CHECKING, Any, cast

from ...errors import StorageError
from ._s3_settings import S3Settings

if TYPE_CHECKING:
    from obstore.store import S3Credential, S3Store

# A job runs for days, and keys are renewed meanwhile. The client asks anew five minutes before they end: every minute.
_KEYS_LAST = timedelta(minutes=6)

REPEATS = 3
"""How often a request that got no answer, or one of trouble, is sent again."""

_used_by: list[int] = []  # the process in which the client's threads run


def obstore() -> Any:
    """Return the module. Without its types: its stubs change from version to version."""
    return importlib.import_module("obstore")


def check_fork(settings: S3Settings) -> None:
    """Raise StorageError where the client's threads were left behind: every request would wait for ever."""
    if _used_by and _used_by[0] != os.getpid():
        message = f"the storage {settings.place} was used before this process was forked; spawn it instead"
        raise StorageError(message)


def await_deliveries(seconds: float = 2.0) -> None:
    """Let the client's threads leave Python before it ends, where they would abort the process.

    A thread that hands over a result wakes the event loop, and waits for the interpreter's lock once more. The process
    may have all it wants by then and be at its end; a thread that finds the interpreter ending is unwound through the
    client, which is not made for that: exit code 134 of a run that did everything. A thread that has not begun to hand
    over cannot be seen; whatever it has, nobody waits for.
    """
    until = time.monotonic() + seconds
    while any(map(_is_delivering, sys._current_frames().values())) and time.monotonic() < until:  # noqa: SLF001
        time.sleep(0.001)


def _is_delivering(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "call_soon_threadsafe":
            return True
        frame = frame.f_back
    return False


def open_client(settings: S3Settings) -> S3Store:
    """Return the client. Raises SettingError where no keys are found.

    It reads variables of the environment by itself, so everything we know is told to it.
    """
    if not _used_by:
        atexit.register(await_deliveries)
    _used_by[:] = [os.getpid()]
    store = importlib.import_module("obstore.store")
    keys = settings.keyring.find()
    endpoint: dict[str, Any] = {}
    if settings.endpoint is not None:
        endpoint = {"endpoint": settings.endpoint, "aws_endpoint_url_s3": settings.endpoint}
    plain = (settings.endpoint or "").startswith("http://")
    options: dict[str, Any] = {
        "allow_http": plain,
        "connect_timeout": "5s",
        "read_timeout": "20s",
        # For a whole transfer, that is for a slow line and a large object: `read_timeout` guards against silence.
        "timeout": "24h",
    }
    if settings.ca is not None:
        options["root_certificate"] = settings.ca

    def credentials() -> S3Credential:
        keys = settings.keyring.find()
        assert keys is not None, "keys that were there are gone"
        expires = datetime.now(UTC) + _KEYS_LAST
        pair = {"access_key_id": keys.access, "secret_access_key": keys.secret, "token": keys.token}
        return cast("S3Credential", {**pair, "expires_at": expires})

    # Without keys of ours the client looks for a role of this container or instance.
    own = {} if keys is None else {"credential_provider": credentials}
    made = store.S3Store(
        settings.bucket,
        prefix=settings.prefix or None,
        region=settings.region,
        virtual_hosted_style_request=settings.virtual_hosted,
        skip_signature=False,
        conditional_put="etag",
        # Alibaba and others have no bulk delete, and here objects go one by one.
        disable_bulk_delete=True,
        copy_if_not_exists="header:If-None-Match: *",
        client_options=options,
        # A few quick repeats only: the engine asks an unavailable storage again for minutes.
        retry_config={
            "max_retries": REPEATS,
            "retry_timeout": timedelta(seconds=8),
            "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
        },
        **endpoint,
        **own,
    )
    return cast("S3Store", made)
