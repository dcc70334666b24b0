"""A run keeps how long its steps took and what it asked of each site, also when it breaks off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.night import run_night
from sync.sandbox import Deployment, Sandbox
from sync.store import traces
from tests.sync.house import House


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(Deployment.CLOUD) as jira:
        furnished = House(jira, tmp_path, engine).furnish()
        furnished.add_epic()
        yield furnished


def test_each_step_is_kept_in_order_with_its_records(house: House) -> None:
    run_id = house.night().run_id
    with house.engine.connect() as connection:
        steps = traces.steps_of(connection, run_id)
    names = ["pull objectives", "pull jira", "link, judge and plan", "write labels", "report"]
    assert [step.step for step in steps] == names
    assert [step.records for step in steps] == [2, 1, 0, 1, 0]
    assert all(step.milliseconds >= 0 for step in steps)


def test_every_request_is_kept_under_its_run_and_no_other(house: House) -> None:
    service, sites = house.service()
    for _ in range(2):
        house.jira.clear_requests()
        run_id = run_night(service, Options(), Quiet()).run_id
        with house.engine.connect() as connection:
            asked = traces.requests_of(connection, run_id)
        assert {row.site for row in asked} == {"jira"}
        assert sum(row.number for row in asked) == len(house.jira.requests())
        assert {row.status for row in asked} <= {200, 201, 204}
    sites.close()


def test_what_broke_off_is_kept_as_far_as_it_came(house: House) -> None:
    service, sites = house.service()

    def fail(run_id: int) -> Path:
        raise OSError("disk full")

    object.__setattr__(service, "report", fail)
    with pytest.raises(OSError, match="disk full"):
        run_night(service, Options(), Quiet())
    sites.close()
    with house.engine.connect() as connection:
        assert [step.step for step in traces.steps_of(connection, 1)][-1] == "report"
        assert traces.requests_of(connection, 1)
