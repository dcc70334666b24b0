"""Pulling a Jira night after night: only changes are read; nothing is lost, raised again or buried alive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from sync.sandbox import Deployment, Sandbox
from tests.sync.office import Clock, Office


@pytest.fixture(params=list(Deployment), ids=["cloud", "dc"])
def office(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Office]:
    clock = Clock()
    with Sandbox(request.param, now=clock, views_max=4) as jira:
        yield Office(jira, engine, clock).furnish()


def test_a_second_night_lists_everything_and_reads_only_what_changed(office: Office) -> None:
    assert office.pull().complete
    first = office.told()
    assert (first.reading, first.expected, first.seen, first.unexplained) == ("whole", 12, 12, 0)
    office.clock.now += timedelta(days=3)
    assert office.pull().complete, "what was written before the first night is out of the window by now"
    office.jira.site.edit("PAY-1", {"summary": "Edited"})
    born = office.add("PAY")
    assert office.pull().complete
    told = office.told()
    assert (told.reading, told.expected, told.seen, told.records) == ("changes", 13, 13, 2)
    assert office.held() == office.there()
    assert office.row("PAY-1").summary == "Edited"
    assert office.row(born).last_seen == office.clock.now
