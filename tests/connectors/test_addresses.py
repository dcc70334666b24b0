"""Addresses that are not public are refused before a byte is sent, in whatever way they are spelt."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests

from connectors.addresses import PublicOnly, is_public, refuse_private
from connectors.errors import Refused

LOOPBACK = [
    *("127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "localhost", "LOCALHOST", "localhost."),
    *("2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "017700000001", "0177.0.0.1", "0177.1", "0"),
    *("0.0.0.0", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]"),
]
METADATA = [
    *("169.254.169.254", "2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376"),
    *("[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[fd00:ec2::254]"),
    *("169.254.170.2", "100.100.100.200"),
]
PRIVATE = [
    *("10.0.0.1", "0xa.1", "172.16.0.1", "192.168.1.1", "3232235777", "100.64.0.1", "[fc00::1]", "[fe80::1]"),
    *("198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "[ff02::1]", "[::ffff:192.168.1.1]"),
]


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        for scheme in ("http://", "https://"):
            opened.mount(scheme, PublicOnly())
        yield opened


def test_there_are_more_than_forty_spellings() -> None:
    assert len({*LOOPBACK, *METADATA, *PRIVATE}) >= 50


@pytest.mark.parametrize("host", [*LOOPBACK, *METADATA, *PRIVATE])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_private_address_is_refused_however_it_is_spelt(
    session: requests.Session, scheme: str, host: str
) -> None:
    with pytest.raises(Refused, match=r"is not on the open internet: it leads to .* `allow_private: true`"):
        session.get(f"{scheme}://{host}:9/", timeout=1)


def test_a_private_address_is_refused_behind_a_proxy_as_well(session: requests.Session) -> None:
    with pytest.raises(Refused, match="is not on the open internet"):
        session.get("http://0x7f.1:9/", proxies={"http": "http://127.0.0.1:9"}, timeout=1)


def test_a_name_that_leads_elsewhere_the_second_time_is_caught_at_the_socket(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        real, asked = socket.getaddrinfo, []

        def rebinding(host: str, *rest: object, **more: object) -> object:
            asked.append(host)
            public = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))]
            return public if len(asked) == 1 else real("127.0.0.1", port, type=socket.SOCK_STREAM)

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        with pytest.raises(
            Refused, match=r"erp\.example is not on the open internet: it leads to 127\.0\.0\.1"
        ):
            session.get(f"http://erp.example:{port}/secret", timeout=5)
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(100))
    assert heard == [b""]


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_a_name_without_an_address_is_left_to_the_connection_to_tell() -> None:
    refuse_private("nowhere.invalid", 443)
