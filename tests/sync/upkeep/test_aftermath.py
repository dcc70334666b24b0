"""A ledger that is older than Jira: the nights after a restore write nothing that is not right today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.sandbox import Deployment, Sandbox
from sync.upkeep.backup import make_backup
from sync.upkeep.inspection import look_into
from sync.upkeep.restore import restore
from tests.sync.house import NO_OBJECTIVE, House


@pytest.fixture
def deployment() -> Deployment:
    return Deployment.CLOUD


@pytest.fixture
def house(
    deployment: Deployment, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    monkeypatch.chdir(tmp_path)
    with Sandbox(deployment) as jira:
        yield House(jira, tmp_path, engine).furnish()


def turn_back(house: House, backup: Path) -> None:
    url = house.engine.url.render_as_string(hide_password=False)
    house.engine.dispose()
    restore(url, backup, look_into(backup), house.now, replace=True)


@pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
def test_the_first_night_after_a_restore_changes_no_ticket_that_is_as_it_should_be(house: House) -> None:
    aimless, mended, busy, later = (house.add_epic() for _ in range(4))
    house.serve(later, "O1")
    house.night()
    url = house.engine.url.render_as_string(hide_password=False)
    backup, _ = make_backup(url, house.folder / "backup", house.now)

    house.serve(mended, "O1")
    house.serve(later, "")
    new = house.add_epic(labels=["align-mine"])
    house.jira.site.label(busy, add=["people's"])
    house.night()
    house.night()
    before = {key: house.labels(key) for key in (aimless, mended, busy, later, new)}
    assert before == {
        aimless: [NO_OBJECTIVE],
        mended: [],
        busy: [NO_OBJECTIVE, "people's"],
        later: [NO_OBJECTIVE],
        new: ["align-mine", NO_OBJECTIVE],
    }

    turn_back(house, backup)
    result = house.night()
    assert house.writes() == 0
    assert {key: house.labels(key) for key in before} == before
    assert len(result.remarks) == 1
    assert result.remarks[0].startswith("The store was restored from a backup (run 2). 3 labels stand on")

    house.serve(aimless, "O1")
    house.serve(new, "O1")
    again = house.night()
    assert again.remarks == []
    assert house.labels(aimless) == []
    assert house.labels(new) == ["align-mine", NO_OBJECTIVE]


def test_a_dry_run_after_a_restore_says_it_too_and_does_not_spend_the_word(house: House) -> None:
    key = house.add_epic("O1")
    house.night()
    url = house.engine.url.render_as_string(hide_password=False)
    backup, _ = make_backup(url, house.folder / "backup", house.now)
    house.serve(key, "")
    house.night()
    turn_back(house, backup)
    assert "1 label stands on tickets" in house.night(dry_run=True).remarks[0]
    assert "1 label stands on tickets" in house.night().remarks[0]


def test_intents_that_were_open_in_the_backup_are_settled_by_what_the_tickets_show(house: House) -> None:
    """The backup was taken in the middle of writing."""
    key = house.add_epic()
    url = house.engine.url.render_as_string(hide_password=False)
    made = []

    def take_backup(_: object) -> None:
        made.append(make_backup(url, house.folder / "backup", house.now)[0])

    house.before_write(take_backup)
    house.night()
    assert house.labels(key) == [NO_OBJECTIVE]
    turn_back(house, made[0])
    result = house.night()
    assert (house.writes(), result.remarks) == (0, [])
    house.serve(key, "O1")
    house.night()
    assert house.labels(key) == []


def test_a_store_that_was_never_restored_says_nothing(house: House) -> None:
    house.add_epic(labels=["align-mine"])
    assert house.night().remarks == []
