"""Turn the settings of the pages into values: where to listen, who may log in, which proxy is believed."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

NAME = re.compile(r"[\w.@+-]{1,60}")
HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
# 20 random characters outlive any guessing over a network.
SHORTEST = 20
LOOPBACK = "127.0.0.1"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Login:
    """A person, or a machine, and the token that it is known by."""

    name: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A reverse proxy that has logged people in: the header it names them in, and where it calls from."""

    header: str
    networks: tuple[Network, ...]

    def calls_from(self, address: str) -> bool:
        """Say whether an address is the proxy's."""
        try:
            caller = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(caller in network for network in self.networks)


def read_address(text: str) -> tuple[str, int]:
    """Read `HOST:PORT` or `PORT`; a port alone is one of this machine only."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) < 65536):
        raise ValueError(f"{text!r} is no address to listen on; use one such as 127.0.0.1:8080, or 8080")
    return host.strip("[]") or LOOPBACK, int(port)


def read_logins(text: str) -> tuple[Login, ...]:
    """Read `NAME:TOKEN` entries, parted by spaces, commas or line ends."""
    found: dict[str, Login] = {}
    for number, entry in enumerate(re.split(r"[\s,]+", text.strip()), start=1):
        name, colon, token = entry.partition(":")
        if not colon or not NAME.fullmatch(name):
            raise ValueError(
                f"entry {number} is not NAME:TOKEN; a name is letters, digits and any of . @ + _ -"
            )
        if len(token) < SHORTEST:
            raise ValueError(
                f"the token of {name} is shorter than {SHORTEST} characters and could be guessed; "
                "`openssl rand -hex 24` makes a good one"
            )
        if name in found or any(token == other.token for other in found.values()):
            raise ValueError(f"{name} shares its name or its token with another entry; each needs its own")
        found[name] = Login(name, token)
    return tuple(found.values())


def read_proxy(header: str | None, addresses: str | None) -> Proxy | None:
    """Read which proxy is believed, if one is; its header and its addresses are only good together."""
    if header is None and addresses is None:
        return None
    if header is None or addresses is None:
        raise ValueError(
            "TIELINE_PROXY_HEADER and TIELINE_PROXY_ADDRESSES are only good together: "
            "a header alone could be sent by anybody"
        )
    if not HEADER.fullmatch(header):
        raise ValueError(f"TIELINE_PROXY_HEADER: {header!r} is no name of a header, such as X-Forwarded-User")
    return Proxy(header, tuple(map(read_network, re.split(r"[\s,]+", addresses.strip()))))


def read_network(text: str) -> Network:
    """Read an address, or a range of them such as 10.0.0.0/24."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IP address and no range such as 10.0.0.0/24") from None


def read_public_url(text: str) -> str:
    """Read the address at which people open the pages, without a closing slash."""
    url = urlsplit(text)
    if "@" in url.netloc:
        raise ValueError(
            "an address for everybody names no user; use one such as https://tieline.example.com"
        )
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        raise ValueError(f"{text!r} is no address of pages; use one such as https://tieline.example.com")
    return text.rstrip("/")
