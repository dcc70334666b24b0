from __future__ import annotations

import os
import socket

import pytest
from sqlalchemy import create_engine, inspect, text

from tests.network import LeftThisMachine


def test_a_test_cannot_connect_to_another_machine() -> None:
    with socket.socket() as client, pytest.raises(LeftThisMachine, match=r"192\.0\.2\.1:80"):
        client.connect(("192.0.2.1", 80))


def test_a_test_cannot_ask_for_another_machine_by_name() -> None:
    with pytest.raises(LeftThisMachine, match=r"look up tieline\.org"):
        socket.create_connection(("tieline.org", 443))


def test_a_reserved_name_does_not_resolve_just_like_one_that_does_not_exist() -> None:
    with pytest.raises(socket.gaierror):
        socket.create_connection(("jira.invalid", 443))


def test_a_test_can_reach_its_own_server_on_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            accepted, _ = server.accept()
            accepted.close()
        assert client.fileno() == -1


def test_settings_of_the_developers_shell_are_out_of_sight() -> None:
    seen = [name for name in os.environ if name.startswith(("JIRA_", "TIELINE_")) or name.endswith("_PROXY")]
    assert [name for name in seen if name != "NO_PROXY"] == []


def write_a_table(url: str) -> list[str]:
    engine = create_engine(url)
    before = inspect(engine).get_table_names()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_over (id INTEGER)"))
    engine.dispose()
    return before


def test_a_database_starts_empty(empty_database_url: str) -> None:
    assert write_a_table(empty_database_url) == []


def test_the_next_database_starts_empty_too(empty_database_url: str) -> None:
    assert write_a_table(empty_database_url) == []
