"""``scheme:location?name=value``: how a backend or a storage is named, and what may not stand in such a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import attrs

from ...errors import SettingError
from .secrets import quoted, redact

FILE = "file"
"""The scheme whose location is a path of this machine."""

_KEYS_BELONG = (
    "an address never holds a key, because it is shown and stored: leave it out, and set the key in the environment"
    " (such as DASHSCOPE_API_KEY)"
)
_SEPARATORS = re.compile(r"[^a-z0-9]")
_KEY_NAME = re.compile(r"secret|passw|passphrase|pwd$|credential|signature|bearer|(?:token|key)(?:id)?$")
# `user:password@` at the front. A number up to a slash is a port, and an `@` behind it part of a path.
_PASSWORD = re.compile(r"(?://)?[^/@:]*:(?!\d{1,5}(?:/|$))[^@]*@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@attrs.frozen
class Address:
    """``fake:?seed=7`` taken apart: scheme ``fake``, location "", parameters ``{"seed": "7"}``.

    ``scheme://host/path`` has the location ``host/path``, ``file:///path`` the location ``/path``; nothing in it is
    decoded. A ``~`` of the scheme ``file`` is the person's own folder.
    """

    scheme: str
    location: str
    parameters: Mapping[str, str]

    @classmethod
    def parse(cls, text: str, *, setting: str) -> Address:
        """Take an address apart; a bare name is a scheme. Raises SettingError naming ``setting``, never a key in it."""
        if _CONTROL.search(unquote(text)):
            message = f"{setting} holds a control character; write it on one line, such as fake:?seed=7"
            raise SettingError(message)
        scheme, _, rest = text.partition(":")
        location, _, query = rest.partition("?")
        if _PASSWORD.match(unquote(location)):
            message = f"{setting} {quoted(scheme)} has a user:password@ in it; {_KEYS_BELONG}"
            raise SettingError(message)
        parameters = _parameters(query, f"{setting} {quoted(scheme)}")
        if scheme == FILE:
            return cls(scheme, _path(location, setting), parameters)
        return cls(scheme, location.removeprefix("//"), parameters)

    @property
    def folder(self) -> Path | None:
        """The folder of this machine that it names, None where it names something else."""
        return Path(self.location) if self.scheme == FILE else None


def _parameters(query: str, where: str) -> dict[str, str]:
    """Return the parameters; a sentence about them quotes names only, for a value may be a key in the wrong place."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        message = f"{where} cannot be read: after `?` write name=value, joined by `&`"
        raise SettingError(message) from None
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if _KEY_NAME.search(_SEPARATORS.sub("", name.lower())):
            message = f"{where} has a parameter {quoted(name)}; {_KEYS_BELONG}"
            raise SettingError(message)
        if name in parameters:
            message = f"{where} gives {quoted(name)} twice"
            raise SettingError(message)
        parameters[name] = value
    return parameters


def _path(location: str, setting: str) -> str:
    if location.startswith("///"):
        location = location.removeprefix("//")
    elif location.startswith("//"):
        wanted = redact(location.removeprefix("//"))
        message = f"{setting} file:{redact(location)} names a computer; write file:{wanted} or file:///{wanted}"
        raise SettingError(message)
    if not location.startswith("~"):
        return location
    try:
        return str(Path(location).expanduser())
    except RuntimeError:
        message = f"{setting} file:{redact(location)} names the folder of a user who is not known here; write its path"
        raise SettingError(message) from None
