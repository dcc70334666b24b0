"""`tieline worker` says what it lacks, and ends when there is nothing to read."""

from __future__ import annotations

import pytest

from sync.errors import Exit
from tests.sync.cli.desk import Desk


def test_a_worker_without_a_queue_says_what_to_set(desk: Desk) -> None:
    said = desk.say("worker", "--once")
    assert said.code == Exit.USAGE
    assert said.err == (
        "TIELINE_QUEUE: nights are not shared out, so there is nothing for a worker to read. "
        "Set it to postgresql here and where the nights run.\n"
    )


def test_a_queue_in_a_store_of_one_machine_is_refused(desk: Desk) -> None:
    for command in ("worker", "run", "status"):
        said = desk.say(command, TIELINE_QUEUE="postgresql")
        assert said.code == Exit.USAGE
        assert said.err == (
            "TIELINE_QUEUE=postgresql: workers on other machines need a store that all can reach, and "
            "TIELINE_DATABASE_URL names none on PostgreSQL. Name one, or set TIELINE_QUEUE=none\n"
        )


def test_a_queue_that_is_none_is_refused_by_name(desk: Desk) -> None:
    said = desk.say("status", TIELINE_QUEUE="redis")
    assert said.code == Exit.USAGE
    assert "TIELINE_QUEUE" in said.err
    assert "'none' or 'postgresql'" in said.err


def test_without_a_queue_no_machine_is_shown_to_share_anything(desk: Desk) -> None:
    assert desk.say("run").code == Exit.OK
    assert desk.say("status", "--json").document["shards"] == []
    assert "Shared reading" not in desk.say("status").out


@pytest.mark.postgresql
def test_where_no_night_is_at_work_there_is_nothing_to_read(desk: Desk, postgresql_url: str) -> None:
    shared = {"TIELINE_QUEUE": "postgresql", "TIELINE_DATABASE_URL": postgresql_url, "TIELINE_LOG": "off"}
    said = desk.spawn("worker", "--once", "--json", **shared)
    assert said.code == Exit.OK
    assert said.document["read"] == {}
    assert said.err == ""
