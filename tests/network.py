"""Turn every attempt to leave this machine into a failure of the test that made it."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

# Names that RFC 6761 keeps out of the real DNS: a test may use them to meet a host that does not exist.
RESERVED = (".invalid", ".test", ".example")


class LeftThisMachine(AssertionError):
    """A test tried to reach something other than the loopback interface."""


def is_address(host: str) -> bool:
    """Whether it is written in digits: looking it up asks nobody."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_spelt_in_digits(host: str) -> bool:
    """Whether it is an address in any spelling (127.1, 0x7f.1, 2130706433): looking it up asks nobody."""
    try:
        socket.inet_aton(host)
    except OSError:
        return is_address(host)
    return True


def is_loopback(host: str) -> bool:
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def check(address: Any) -> None:
    """Refuse an address that `socket.connect` would take, unless it is a Unix socket or on loopback."""
    if isinstance(address, tuple) and not is_loopback(str(address[0])):
        raise LeftThisMachine(
            f"a test tried to connect to {address[0]}:{address[1]}; use a server on 127.0.0.1"
        )


def keep_in(patch: pytest.MonkeyPatch) -> None:
    """Guard `connect`, `connect_ex` and name look-ups until `patch` is undone."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        check(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and name.rstrip(".").endswith(RESERVED):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name and name != "localhost" and not is_spelt_in_digits(name):
            raise LeftThisMachine(f"a test tried to look up {name}; use 127.0.0.1, or a name in .invalid")
        return getaddrinfo(host, *args, **kwargs)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
