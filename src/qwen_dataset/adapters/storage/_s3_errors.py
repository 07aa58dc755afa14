"""What an object store can answer, in our words. The one place that reads the client's exceptions.

Their text is only searched, never passed on: it holds requests, and some services put the access key into an answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs

from ...errors import (
    InvalidKey,
    KeyExists,
    KeyNotFound,
    SettingError,
    StorageError,
    StorageFull,
    StorageUnavailable,
)
from ._s3_settings import S3Settings

_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,80})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
# The addresses at which an instance or a container asks for its role.
_ROLE_HOSTS = re.compile(r"169\.254\.(169\.254|170\.\d+)|instance metadata|credentials? endpoint", re.IGNORECASE)

_WRONG_KEY = {
    *("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "TokenRefreshRequired"),
    *("InvalidSecurityToken", "SecurityTokenExpired", "InvalidSecurity", "NotSignedUp", "AccountProblem"),
}
_WRONG_REGION = {
    *("PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"),
    *("InvalidRegionName", "AccessForbidden", "SecondLevelDomainForbidden"),
}
_FULL = {"QuotaExceeded", "StorageFull", "XMinioStorageFull", "EntityTooLarge", "InsufficientCapacity"}
# A conflict of conditional writes: none of them may have won, so it is no KeyExists.
_AGAIN = {
    "SlowDown",
    "RequestTimeout",
    "InternalError",
    "ServiceUnavailable",
    "ConditionalRequestConflict",
    "Throttling",
}
_AGAIN_STATUS = {408, 425, 429}
_FULL_STATUS = {413, 507}

PANIC = "PanicException"

NAMES = frozenset(
    {
        *("BaseError", "GenericError", "NotFoundError", "InvalidPathError", "JoinError", "NotSupportedError"),
        *(
            "AlreadyExistsError",
            "PreconditionError",
            "NotModifiedError",
            "PermissionDeniedError",
            "UnauthenticatedError",
        ),
        "UnknownConfigurationKeyError",
    }
)
"""The client's exceptions that are accounted for here; a test notices when it gets a new one."""


def is_clients(error: BaseException) -> bool:
    """Say whether the client raised this; its panic is one that no ``except Exception`` sees."""
    kind = type(error)
    return isinstance(error, OSError) or kind.__module__.partition(".")[0] == "obstore" or kind.__name__ == PANIC


@attrs.frozen
class Answer:
    """What an exception of the client tells: its class, and the status and code of the service if one answered."""

    name: str
    status: int | None
    code: str
    text: str = attrs.field(repr=False)

    @classmethod
    def of(cls, error: BaseException) -> Answer:
        """Read an exception."""
        text = str(error)
        status, code = _STATUS.search(text), _CODE.search(text)
        return cls(type(error).__name__, int(status[1]) if status else None, code[1] if code else "", text)

    @property
    def told(self) -> str:
        """What the service answered, for the end of a sentence."""
        return " ".join(filter(None, (str(self.status or ""), self.code))) or self.name


def translated(error: BaseException, settings: S3Settings, key: str) -> StorageError:
    """Return what the port says of an exception of the client, met while ``key`` was asked for."""
    answer = Answer.of(error)
    # What nothing is known about is asked again: the worst that can come of it is a little waiting.
    make = next((make for holds, make in _RULES if holds(answer)), _unavailable)
    return make(answer, settings, key)


def no_keys(place: str, why: SettingError | None = None) -> StorageError:
    """Return the sentence about keys that cannot be had."""
    if why is not None:
        return StorageError(f"the storage {place} cannot be asked: {why}")
    return StorageError(
        f"there are no keys for the storage {place}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile,"
        " or give this machine a role"
    )


# ---- the sentences --------------------------------------------------------------------------------------------------


def _unavailable(answer: Answer, settings: S3Settings, _: str) -> StorageError:
    told = f"it answered {answer.told}" if answer.status else "no answer came"
    return StorageUnavailable(f"the storage {settings.place} at {_where(settings)} cannot be reached: {told}")


def _broken(_: Answer, settings: S3Settings, __: str) -> StorageError:
    return StorageError(f"the storage {settings.place} cannot be asked: its client broke down; check the endpoint")


def _no_bucket(_: Answer, settings: S3Settings, __: str) -> StorageError:
    place = _where(settings)
    return StorageError(f"there is no bucket {settings.bucket!r} at {place}; create it, or mend the name")


def _exists(_: Answer, __: S3Settings, key: str) -> StorageError:
    return KeyExists(key)


def _absent(_: Answer, __: S3Settings, key: str) -> StorageError:
    return KeyNotFound(key)


def _no_key_of_s3(_: Answer, __: S3Settings, key: str) -> StorageError:
    return InvalidKey(key, "the object store cannot hold it")


def _full(answer: Answer, settings: S3Settings, _: str) -> StorageError:
    return StorageFull(f"the storage {settings.place} takes no more: it answered {answer.told}")


def _no_role(_: Answer, settings: S3Settings, __: str) -> StorageError:
    return no_keys(settings.place)


def _elsewhere(_: Answer, settings: S3Settings, __: str) -> StorageError:
    return StorageError(
        f"the bucket {settings.bucket!r} is not in the region {settings.region}; write its own: region=…, and the"
        " endpoint of that region"
    )


def _wrong_clock(_: Answer, settings: S3Settings, __: str) -> StorageError:
    return StorageError(f"the storage {settings.place} finds the clock of this machine wrong; set it right")


def _wrong_key(answer: Answer, settings: S3Settings, _: str) -> StorageError:
    return StorageError(
        f"the storage {settings.place} does not take the key ({answer.told}); check AWS_ACCESS_KEY_ID,"
        " AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile"
    )


def _denied(answer: Answer, settings: S3Settings, _: str) -> StorageError:
    return StorageError(
        f"the storage {settings.place} denies access ({answer.told}); the key must be allowed to list the bucket and to"
        " read, write and delete below the prefix"
    )


def _not_trusted(_: Answer, settings: S3Settings, __: str) -> StorageError:
    mend = "name the one to trust: ca=path.pem"
    if settings.ca is not None:
        mend = "what ca= names has neither its issuer nor itself (as a certificate that is no CA)"
    return StorageError(f"the certificate of {_where(settings)} is not trusted; {mend}")


def _refused(answer: Answer, settings: S3Settings, _: str) -> StorageError:
    return StorageError(f"the storage {settings.place} refuses to do this: it answered {answer.told}")


def _too_old(_: Answer, settings: S3Settings, __: str) -> StorageError:
    return StorageError(f"the storage {settings.place} cannot do this with the installed obstore; upgrade it")


def _where(settings: S3Settings) -> str:
    return settings.endpoint or f"AWS in {settings.region}"


# The first that holds counts.
_RULES: tuple[tuple[Callable[[Answer], bool], Callable[[Answer, S3Settings, str], StorageError]], ...] = (
    (lambda answer: answer.name == PANIC, _broken),
    (lambda answer: answer.code in _AGAIN or answer.status in _AGAIN_STATUS, _unavailable),
    (lambda answer: answer.code == "NoSuchBucket", _no_bucket),
    (lambda answer: answer.name in {"AlreadyExistsError", "PreconditionError"}, _exists),
    (lambda answer: answer.name in {"FileNotFoundError", "NotFoundError"}, _absent),
    (lambda answer: answer.name == "InvalidPathError" or answer.code == "KeyTooLongError", _no_key_of_s3),
    (lambda answer: answer.code in _FULL or answer.status in _FULL_STATUS, _full),
    (lambda answer: bool(_ROLE_HOSTS.search(answer.text)), _no_role),
    (lambda answer: answer.code in _WRONG_REGION or "Received redirect" in answer.text, _elsewhere),
    (lambda answer: answer.code == "RequestTimeTooSkewed", _wrong_clock),
    # Not by the class alone: a list that is refused comes as the general one.
    (lambda answer: answer.code in _WRONG_KEY or answer.status == 401, _wrong_key),
    (lambda answer: answer.name == "UnauthenticatedError", _wrong_key),
    (lambda answer: answer.status == 403 or answer.name == "PermissionDeniedError", _denied),
    (lambda answer: answer.status is None and "certificate" in answer.text.lower(), _not_trusted),
    (lambda answer: answer.status is not None and (answer.status < 500 or answer.status == 501), _refused),
    (lambda answer: answer.name in {"NotSupportedError", "UnknownConfigurationKeyError"}, _too_old),
)
