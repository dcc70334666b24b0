"""Where tickets and ledger tell different stories, and what lies between two runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.sandbox import Deployment, Sandbox
from sync.store.comparison import Moved, compare
from sync.store.drift import PUT_ON, TAKEN_OFF, drifts
from tests.sync.house import NO_OBJECTIVE, House


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(Deployment.CLOUD) as jira:
        yield House(jira, tmp_path, engine).furnish()


def found(house: House) -> list[tuple[str, str, str]]:
    with house.engine.connect() as connection:
        return [(one.key, one.label, one.what) for one in drifts(connection, "align-")]


def test_labels_that_people_took_off_or_put_on_are_listed(house: House) -> None:
    kept, taken, good = house.add_epic(), house.add_epic(), house.add_epic("O1")
    house.night()
    assert found(house) == []
    house.jira.site.label(taken, remove=[NO_OBJECTIVE])
    house.jira.site.label(good, add=["align-forged", "people's own"])
    house.night(dry_run=True)
    assert found(house) == [(taken, NO_OBJECTIVE, TAKEN_OFF), (good, "align-forged", PUT_ON)]
    house.serve(kept, "O1")
    house.night()
    assert found(house) == [(good, "align-forged", PUT_ON)], "what we took off ourselves is no drift"


def test_two_runs_are_compared_by_figures_findings_and_labels(house: House) -> None:
    bad, mended = house.add_epic(), house.add_epic()
    first = house.night()
    house.serve(mended, "O1")
    house.add_epic("O2")
    second = house.night()
    with house.engine.connect() as connection:
        between = compare(connection, first.run_id, second.run_id)
    assert between.figures == (
        Moved("", "", 0, "aligned", 0, 2),
        Moved("", "", 0, "unaligned", 2, 1),
    )
    assert between.findings == (
        {"rule": "epic-without-objective", "opened": 0, "closed": 1},
        {"rule": "objective-without-work", "opened": 0, "closed": 2},
    )
    assert between.writes == ({"label": NO_OBJECTIVE, "operation": "remove", "state": "done", "number": 1},)
    assert house.labels(bad) == [NO_OBJECTIVE]


def test_a_quiet_night_changed_nothing(house: House) -> None:
    house.add_epic()
    first, second = house.night(), house.night()
    with house.engine.connect() as connection:
        between = compare(connection, first.run_id, second.run_id)
    assert (between.figures, between.findings, between.writes) == ((), (), ())
