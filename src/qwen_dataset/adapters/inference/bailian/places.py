"""Where Bailian is: its regions and hosts, and which realm a base URL belongs to. Pure; asks nobody."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import SplitResult, urlsplit, urlunsplit

from ....errors import SettingError

Kind = Literal["compatible", "native", "batch-chat"]

COMPATIBLE_PATH = "/compatible-mode/v1"
NATIVE_PATH = "/api/v1"
BATCH_CHAT_HOST = "batch.dashscope.aliyuncs.com"

_SHARED_HOSTS = {
    "cn-beijing": "dashscope.aliyuncs.com",
    "ap-southeast-1": "dashscope-intl.aliyuncs.com",
    "us-east-1": "dashscope-us.aliyuncs.com",
}
REGIONS = (*_SHARED_HOSTS, "eu-central-1")  # Frankfurt has workspace domains only
_REGIONS_WITH_BATCHES = frozenset({"cn-beijing", "ap-southeast-1"})
_REGION_OF_HOST = {host: region for region, host in _SHARED_HOSTS.items()} | {BATCH_CHAT_HOST: "cn-beijing"}
_WORKSPACE_HOST = re.compile(r"[a-z0-9_-]+\.([a-z0-9-]+)\.maas\.aliyuncs\.com")
_WORKSPACE = re.compile(r"[A-Za-z0-9_-]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def base_url_of(region: str, workspace: str | None = None, *, kind: Kind = "compatible") -> str:
    """Return the base URL of a region of Bailian, on the domain of ``workspace`` where one is given.

    ``kind`` is the protocol: OpenAI-compatible, DashScope's own, or Batch Chat (cn-beijing only, and never on a
    workspace's domain). Raises ``SettingError`` for a region that is not known or does not have this.
    """
    check_region(region)
    if kind == "batch-chat":
        return f"https://{_batch_chat_host(region, workspace)}{COMPATIBLE_PATH}"
    path = NATIVE_PATH if kind == "native" else COMPATIBLE_PATH
    return f"https://{_host(region, workspace)}{path}"


def check_region(region: str) -> None:
    """Raise SettingError for a region that is not one of Bailian's."""
    if region not in REGIONS:
        raise SettingError(f"region {region!r} is not one of Bailian's: use {', '.join(REGIONS)}, or give a base URL")


def _batch_chat_host(region: str, workspace: str | None) -> str:
    if region != "cn-beijing":
        raise SettingError(f"Batch Chat is in cn-beijing only, not in {region}: change the region or give a base URL")
    if workspace is not None:
        raise SettingError("Batch Chat is not offered on workspace domains: leave workspace out, the key has its own")
    return BATCH_CHAT_HOST


def batch_chat_url_of(base_url: str) -> str:
    """Return where Batch Chat is for a base URL: Bailian's own host for it, or the URL itself at another server.

    Elsewhere at Bailian the calls would be answered at once and at full price. Raises ``SettingError`` for a region or
    a workspace's domain, which have no Batch Chat.
    """
    region, host = region_of(base_url), _host_of(_split(base_url))
    if region is None or host == BATCH_CHAT_HOST:
        return base_url
    return base_url_of(region, None if host in _REGION_OF_HOST else host.partition(".")[0], kind="batch-chat")


def _host(region: str, workspace: str | None) -> str:
    if workspace is not None:
        if not _WORKSPACE.fullmatch(workspace):
            raise SettingError(f"workspace {workspace!r} is not a workspace id: letters, digits, '-' and '_' only")
        return f"{workspace}.{region}.maas.aliyuncs.com"
    if region not in _SHARED_HOSTS:
        raise SettingError(f"region {region} is reached on a workspace's domain only: give workspace=ID")
    return _SHARED_HOSTS[region]


def realm_of(base_url: str) -> str:
    """Return ``bailian:<region>`` for each host of Bailian; any other URL, normalised, is a realm of its own.

    A user name, password, query or fragment in the URL is left out: realms are stored, and these may be secrets.
    """
    region = region_of(base_url)
    return _normalised(base_url) if region is None else f"bailian:{region}"


def region_of(base_url: str) -> str | None:
    """Return the region whose host this is, or None where the host is not one of Bailian's."""
    host = _host_of(_split(base_url))
    if host in _REGION_OF_HOST:
        return _REGION_OF_HOST[host]
    match = _WORKSPACE_HOST.fullmatch(host)
    return None if match is None else match[1]


def is_bailian(base_url: str) -> bool:
    """Say whether the host is one of Bailian's."""
    return region_of(base_url) is not None


def has_batches(region: str) -> bool:
    """Say whether Bailian's Batch API exists in the region."""
    return region in _REGIONS_WITH_BATCHES


def destination_of(base_url: str) -> str:
    """Return for a person where requests go: ``dashscope.aliyuncs.com (Bailian, cn-beijing)``, or host and port."""
    parts = _split(base_url)
    region = region_of(base_url)
    return _netloc(parts) if region is None else f"{_host_of(parts)} (Bailian, {region})"


def native_url_of(compatible_base_url: str) -> str:
    """Return the base URL of DashScope's own protocol beside that of the OpenAI-compatible one.

    Raises ``SettingError`` where the URL does not say: it belongs to another server, and ends on neither path.
    """
    parts = _split(compatible_base_url)
    path = parts.path.rstrip("/")
    if path.endswith(NATIVE_PATH):
        before = path.removesuffix(NATIVE_PATH)
    elif path.endswith(COMPATIBLE_PATH):
        before = path.removesuffix(COMPATIBLE_PATH)
    elif is_bailian(compatible_base_url) and not path:
        before = ""
    else:
        raise SettingError(
            f"base URL {_normalised(compatible_base_url)} does not say where DashScope's own protocol is:"
            f" give one that ends on {COMPATIBLE_PATH} or {NATIVE_PATH}"
        )
    return urlunsplit((parts.scheme.lower(), parts.netloc, f"{before}{NATIVE_PATH}", "", ""))


def _split(url: str) -> SplitResult:
    """Take a base URL apart, or say in one sentence what is wrong with it, without repeating a password."""
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme.lower() in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        shown = re.sub(r"//[^/@]*@", "//", url)
        raise SettingError(f"base URL {shown!r} is not a URL: give one like https://host:port/v1")
    return parts


def _host_of(parts: SplitResult) -> str:
    return (parts.hostname or "").rstrip(".")


def _netloc(parts: SplitResult) -> str:
    host = _host_of(parts)
    if ":" in host:
        host = f"[{host}]"
    port = parts.port
    return host if port in {None, _DEFAULT_PORTS[parts.scheme.lower()]} else f"{host}:{port}"


def _normalised(url: str) -> str:
    parts = _split(url)
    return f"{parts.scheme.lower()}://{_netloc(parts)}{parts.path.rstrip('/')}"
