"""``s3://bucket/prefix?name=value``: what can be chosen, and what follows from it."""

from __future__ import annotations

import difflib
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import attrs

from ...errors import InvalidKey, SettingError
from ._s3_credentials import KeyRing
from .keys import split_prefix

PARAMETERS = ("endpoint", "region", "virtual_hosted", "create", "profile", "ca")

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# What the client cannot make a request of ends in a panic of its own, so nothing else may reach it.
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_REGION = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_OSS_REGION = re.compile(r"(?:^|\.)oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com$")
_YES_NO = {"yes": True, "no": False}
_ADVISORY = {"advisory": True, "conditional": False}


@attrs.frozen(kw_only=True)
class S3Settings:
    """Everything the storage needs to know; no key in it.

    - ``endpoint``: None is AWS; where ``virtual_hosted`` it holds the bucket already.
    - ``advisory``: the service ignores conditional writes, so create-only is looked up and read back.
    - ``ca``: certificates in PEM to trust besides the known ones.
    """

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str = "us-east-1"
    virtual_hosted: bool = False
    advisory: bool = False
    ca: bytes | None = attrs.field(default=None, repr=False)
    keyring: KeyRing

    @property
    def place(self) -> str:
        """The storage as sentences name it."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def parse(location: str, parameters: Mapping[str, str], environ: Mapping[str, str]) -> S3Settings:
    """Return the settings of ``s3://location?parameters``. Raises SettingError, one sentence."""
    _check_names(parameters)
    bucket, prefix = _bucket_and_prefix(location)
    endpoint = _endpoint(parameters.get("endpoint"), environ)
    host = endpoint.hostname or "" if endpoint else ""
    alibaba = host.endswith(".aliyuncs.com")
    keyring = KeyRing(
        environ=environ, profile=parameters.get("profile") or None, alibaba=alibaba, roles=endpoint is None
    )
    virtual = _choice(parameters, "virtual_hosted", _YES_NO)
    if virtual is None:
        virtual = alibaba or host.startswith(f"{bucket}.")
    advisory = _choice(parameters, "create", _ADVISORY)
    return S3Settings(
        bucket=bucket,
        prefix=prefix,
        endpoint=_address(endpoint, bucket, virtual_hosted=virtual) if endpoint else None,
        region=_region(parameters.get("region"), host, keyring),
        virtual_hosted=virtual,
        advisory=alibaba if advisory is None else advisory,
        ca=_certificates(parameters.get("ca") or environ.get("AWS_CA_BUNDLE")),
        keyring=keyring,
    )


def _check_names(parameters: Mapping[str, str]) -> None:
    for name in parameters:
        if name not in PARAMETERS:
            near = difflib.get_close_matches(name, PARAMETERS, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ";"
            message = f"the storage s3: has no parameter {name!r}{meant} known: {', '.join(PARAMETERS)}"
            raise SettingError(message)


def _bucket_and_prefix(location: str) -> tuple[str, str]:
    bucket, _, prefix = location.removeprefix("//").partition("/")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        message = (
            f"the storage s3: needs the name of a bucket, 3 to 63 small letters, digits, '-' and '.', and {bucket!r} is"
            " none; write s3://bucket/prefix"
        )
        raise SettingError(message)
    prefix = prefix.removesuffix("/")
    try:
        split_prefix(prefix)
    except InvalidKey as error:
        message = f"the storage s3://{bucket} cannot use this prefix: {error}"
        raise SettingError(message) from None
    return bucket, prefix


def _endpoint(given: str | None, environ: Mapping[str, str]) -> SplitResult | None:
    text = given or environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    if not text:
        return None
    if "://" not in text:
        text = f"https://{text}"
    wanted = "it must be https://host, or http://host:port for a server nearby"
    if "@" in text:
        # Not quoted: what stands before the "@" may be a password.
        message = f"the endpoint of the storage s3: holds an '@'; {wanted}"
        raise SettingError(message)
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    extra = parts.path.rstrip("/") or parts.query or parts.fragment
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host.lower()) or extra:
        message = f"the storage s3: cannot use the endpoint {text!r}; {wanted}"
        raise SettingError(message)
    return parts


def _address(endpoint: SplitResult, bucket: str, *, virtual_hosted: bool) -> str:
    host = endpoint.netloc.lower()
    # In virtual-hosted style the client sends requests to the endpoint as it is: the bucket must stand in it.
    if virtual_hosted and not host.startswith(f"{bucket}."):
        host = f"{bucket}.{host}"
    return f"{endpoint.scheme}://{host}"


def _choice(parameters: Mapping[str, str], name: str, words: Mapping[str, bool]) -> bool | None:
    text = parameters.get(name)
    if text is None:
        return None
    if text.lower() not in words:
        message = f"the storage s3: {name}={text} is not usable, it must be {' or '.join(words)}"
        raise SettingError(message)
    return words[text.lower()]


def _region(given: str | None, host: str, keyring: KeyRing) -> str:
    if given:
        if not _REGION.fullmatch(given):
            message = f"the storage s3: region={given} is not usable, it must be a name such as eu-central-1"
            raise SettingError(message)
        return given
    oss = _OSS_REGION.search(host)
    return oss[1] if oss else keyring.region() or "us-east-1"


def _certificates(path: str | None) -> bytes | None:
    if not path:
        return None
    try:
        data = Path(path).expanduser().read_bytes()
        # Looked at here, since the client takes what it cannot read for no certificate at all.
        ssl.create_default_context(cadata=data.decode("ascii"))
    except (OSError, ValueError):
        message = f"the storage s3: ca={path} is not a readable file of certificates in PEM"
        raise SettingError(message) from None
    return data
