"""A ticket that left the scope loses what is ours on it, whatever went wrong and however late."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.labels.undo import run_undo
from sync.sandbox import Answer, Deployment, Sandbox
from tests.sync.house import NO_OBJECTIVE, House


@pytest.fixture(params=list(Deployment), ids=["cloud", "dc"])
def house(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(request.param) as jira:
        house = House(jira, tmp_path, engine, {"JIRA_JQL": "project = PAY", "JIRA_MARKERS": "property"})
        jira.site.add_project("OUT", "Outside")
        yield house.furnish()


def leave(house: House, key: str) -> str:
    """Label a ticket, then move it out of the scope; give its new key."""
    house.night()
    assert bears(house, key) == (True, True)
    return house.jira.site.move(key, "OUT")


def bears(house: House, key: str) -> tuple[bool, bool]:
    """Say whether a ticket bears our label, and whether it is told why."""
    return NO_OBJECTIVE in house.labels(key), bool(house.jira.site.get(key).properties)


def test_a_marker_that_could_not_be_removed_with_the_label_goes_with_the_next_night(house: House) -> None:
    key = leave(house, house.add_epic())
    house.jira.before("DELETE", "/properties/", lambda _: Answer(500))
    house.night()
    assert bears(house, key) == (False, True)
    house.jira.clear_hooks()
    house.night()
    assert bears(house, key) == (False, False)
    house.night()
    assert house.writes() == 0


@pytest.mark.parametrize("nights", [0, 1, 3])
def test_what_an_undo_puts_back_goes_again_though_no_read_told_of_the_ticket_any_more(
    house: House, nights: int
) -> None:
    key = leave(house, house.add_epic())
    undone = house.night()
    assert bears(house, key) == (False, False)
    for _ in range(nights):
        house.night()
    service, sites = house.service()
    run_undo(service, undone.run_id, Options(), Quiet())
    sites.close()
    assert bears(house, key) == (True, True)
    house.night()
    assert bears(house, key) == (False, False)
