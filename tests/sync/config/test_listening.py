"""Where to listen, who may log in and which proxy is believed: what is set wrong is said with the remedy."""

from __future__ import annotations

import pytest

from sync.config.listening import read_address, read_logins, read_proxy, read_public_url
from sync.errors import ConfigurationError
from sync.settings import load_settings

TOKEN = "0123456789abcdefghij"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        (":8080", ("127.0.0.1", 8080)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:8080", ("::1", 8080)),
        ("tieline.example:0", ("tieline.example", 0)),
    ],
)
def test_an_address_without_a_host_is_one_of_this_machine(text: str, address: tuple[str, int]) -> None:
    assert read_address(text) == address


def test_logins_are_parted_by_spaces_commas_and_line_ends() -> None:
    found = read_logins(f"anna:{TOKEN}a,bob@example.com:{TOKEN}b\ncarla:{TOKEN}:c\n")
    assert [(it.name, it.token) for it in found] == [
        ("anna", f"{TOKEN}a"),
        ("bob@example.com", f"{TOKEN}b"),
        ("carla", f"{TOKEN}:c"),
    ]
    assert TOKEN not in repr(found)


def test_a_proxy_is_known_by_addresses_and_ranges() -> None:
    proxy = read_proxy("X-User", "10.0.0.5, 192.168.0.0/24 ::1")
    assert proxy is not None
    near = ("10.0.0.5", "192.168.0.77", "::1")
    assert [it for it in (*near, "10.0.0.6", "", "name", "::ffff:10.0.0.5") if proxy.calls_from(it)] == [
        *near
    ]


MISTAKES = [
    ({"TIELINE_LISTEN": "here"}, "TIELINE_LISTEN: 'here' is no address to listen on; use one such as 127."),
    ({"TIELINE_LISTEN": "host:70000"}, "TIELINE_LISTEN: 'host:70000' is no address"),
    ({"TIELINE_LOGINS": "anna"}, "TIELINE_LOGINS: entry 1 is not NAME:TOKEN"),
    ({"TIELINE_LOGINS": f"<b>:{TOKEN}"}, "TIELINE_LOGINS: entry 1 is not NAME:TOKEN"),
    ({"TIELINE_LOGINS": "anna:short"}, "the token of anna is shorter than 20 characters"),
    ({"TIELINE_LOGINS": f"anna:{TOKEN} bob:{TOKEN}"}, "bob shares its name or its token"),
    ({"TIELINE_PROXY_HEADER": "X-User"}, "are only good together"),
    ({"TIELINE_PROXY_ADDRESSES": "10.0.0.1"}, "are only good together"),
    ({"TIELINE_PROXY_HEADER": "X User", "TIELINE_PROXY_ADDRESSES": "::1"}, "is no name of a header"),
    ({"TIELINE_PROXY_HEADER": "X-User", "TIELINE_PROXY_ADDRESSES": "10.0.0.1/8"}, "'10.0.0.1/8' is no IP"),
    ({"TIELINE_PUBLIC_URL": "tieline.example"}, "'tieline.example' is no address of pages"),
    ({"TIELINE_PUBLIC_URL": "javascript:alert(1)"}, "is no address of pages"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "complaint"), MISTAKES)
def test_what_is_set_wrong_is_said_with_the_remedy(said: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(said)
    assert complaint in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_logins_may_come_from_a_file_and_are_never_shown(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("secrets") / "logins"
    file.write_text(f"anna:{TOKEN}\n", encoding="utf-8")
    settings = load_settings({"TIELINE_LOGINS_FILE": str(file)})
    assert settings.logins is not None
    assert TOKEN not in repr(settings)


def test_an_address_of_pages_loses_its_closing_slash() -> None:
    assert read_public_url("https://example.com/tieline/") == "https://example.com/tieline"
