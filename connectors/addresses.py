"""Turn a host into its addresses and keep a session from those that are not public, however they are spelt.

What counts is where a connection would go: names, decimal, octal and hexadecimal spellings, and IPv6 forms
of IPv4 addresses are all resolved by the operating system first. The address of the socket is then looked at
again before a byte is sent, because a name may resolve to another address the second time.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from connectors.errors import Refused

_HOLDING_IPV4 = (
    ipaddress.ip_network("64:ff9b::/96"),
    ipaddress.ip_network("::/96"),
)  # NAT64, IPv4-compatible
_REMEDY = "If it is meant, declare `allow_private: true` for this source."


def is_public(address: str) -> bool:
    """Whether this is an address of the open internet, also where it stands inside an IPv6 address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if any(found in network for network in _HOLDING_IPV4):
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast


def refuse_private(host: str, port: int) -> None:
    """`Refused` where any address the host resolves to is private; a name without address is no matter."""
    try:
        found = {str(answer[4][0]) for answer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return  # connecting fails as well, and is told there
    for address in sorted(found):
        if not is_public(address):
            raise Refused(f"{host} is not on the open internet: it leads to {address}. {_REMEDY}")


class _HttpConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        refuse_private(self.host, self.port)
        return _looked_at(super()._new_conn(), self.host)


class _HttpsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        refuse_private(self.host, self.port)
        return _looked_at(super()._new_conn(), self.host)


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class PublicOnly(HTTPAdapter):
    """An adapter that connects to public addresses only.

    Through a proxy it is the proxy that resolves names; an address written in the URL is looked at here.
    """

    def init_poolmanager(self, *settings: Any, **more: Any) -> None:
        super().init_poolmanager(*settings, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def send(self, request: requests.PreparedRequest, *settings: Any, **more: Any) -> requests.Response:
        proxies: Mapping[str, str] | None = more.get("proxies")
        if proxies and requests.utils.select_proxy(request.url or "", proxies):
            parts = urlsplit(request.url or "")
            refuse_private(parts.hostname or "", parts.port or 443)
        return super().send(request, *settings, **more)


def _looked_at(connection: socket.socket, host: str) -> socket.socket:
    address = str(connection.getpeername()[0])
    if is_public(address):
        return connection
    connection.close()
    raise Refused(f"{host} is not on the open internet: it leads to {address}. {_REMEDY}")
