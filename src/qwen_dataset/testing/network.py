"""No test leaves this machine: connections, datagrams and name look-ups that would are refused. Public API.

    with network_blocked():
        program()

Loopback, unix sockets and this machine's own name stay allowed. What is guarded is Python's ``socket`` module, and with
it asyncio, ``http.client``, httpx and every SDK on top of them; not programs that are started, and not libraries that
bring sockets of their own in C or Rust.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

_Host = str | None
_ABSENT = object()


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine.

    Not an ``OSError``: code that forgives or retries a bad line would hide it.
    """


@contextlib.contextmanager
def network_blocked() -> Iterator[None]:
    """Refuse what would leave this machine with ``NetworkBlocked``, in every thread, until the block ends.

    Blocks may be nested; each puts back exactly what it found.
    """
    with contextlib.ExitStack() as undo:
        for owner, name, foreign in _GUARDED:
            if hasattr(owner, name):  # sendmsg is not everywhere
                undo.callback(_put_back, owner, name, vars(owner).get(name, _ABSENT))
                setattr(owner, name, _guarded(getattr(owner, name), foreign))
        yield


def _guarded(call: Callable[..., Any], foreign: Callable[..., _Host]) -> Callable[..., Any]:
    @functools.wraps(call)
    def guard(*args: Any, **kwargs: Any) -> Any:
        host = foreign(*args, **kwargs)
        if host is not None:
            raise NetworkBlocked(
                f"a test tried to reach {host}, and the network is blocked:"
                " give the test a local server or the fake, or mark it with @pytest.mark.network"
            )
        return call(*args, **kwargs)

    return guard


def _put_back(owner: Any, name: str, value: object) -> None:
    if value is not _ABSENT:
        setattr(owner, name, value)
    elif name in vars(owner):
        delattr(owner, name)


# What follows says of a call which foreign host it would reach, or None.


def _connecting(sock: socket.socket, address: Any) -> _Host:
    host = _peer(sock, address)
    if host is not None:
        # Whoever was connecting expects an OSError to clean up after; this one would leave the socket open.
        sock.close()
    return host


def _sending_to(sock: socket.socket, _data: Any, *flags_and_address: Any) -> _Host:
    return _peer(sock, flags_and_address[-1]) if flags_and_address else None


def _sending_message(
    sock: socket.socket, _buffers: Any, _ancillary: Any = (), _flags: int = 0, address: Any = None, /
) -> _Host:
    return None if address is None else _peer(sock, address)


def _finding(host: Any = None, *_: Any, **__: Any) -> _Host:
    # What is a number already is not looked up anywhere.
    return None if _number(_text(host)) else _unless_here(host)


def _finding_name(address: Any) -> _Host:
    return _unless_here(address)


def _naming(address: Any, flags: int) -> _Host:
    return None if flags & socket.NI_NUMERICHOST else _unless_here(address[0])


def _peer(sock: socket.socket, address: Any) -> _Host:
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        # Anything but a tuple is the caller's mistake, and the socket's to name.
        return _unless_here(address[0]) if isinstance(address, tuple) and address else None
    return None if sock.family == getattr(socket, "AF_UNIX", None) else str(address)


def _unless_here(host: Any) -> _Host:
    name = _text(host)
    number = _number(name)
    if number is not None:
        return None if number.is_loopback else name
    # Servers ask for the name of the machine that they run on.
    here = {"", "localhost", socket.gethostname().lower()}
    return None if name.lower() in here else name


def _number(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        number = ipaddress.ip_address(name)
    except ValueError:
        return None
    return getattr(number, "ipv4_mapped", None) or number


def _text(host: Any) -> str:
    if isinstance(host, bytes | bytearray):
        return host.decode("utf-8", "replace")
    return "" if host is None else str(host)


_GUARDED: tuple[tuple[Any, str, Callable[..., _Host]], ...] = (
    (socket.socket, "connect", _connecting),
    (socket.socket, "connect_ex", _connecting),
    (socket.socket, "sendto", _sending_to),
    (socket.socket, "sendmsg", _sending_message),
    (socket, "getaddrinfo", _finding),
    (socket, "gethostbyname", _finding),
    (socket, "gethostbyname_ex", _finding),
    (socket, "gethostbyaddr", _finding_name),
    (socket, "getnameinfo", _naming),
)

__all__ = ["NetworkBlocked", "network_blocked"]
