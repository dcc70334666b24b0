"""Labels of our prefix that the ledger does not know are named, left alone, and ours only when told so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from sync.cli.plans import stranger_lines
from sync.errors import ConfigurationError, Exit
from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.labels.adoption import Adoption, adopt
from sync.labels.undo import run_undo
from sync.sandbox import Deployment, Sandbox
from sync.store import audit, labels
from sync.store.tickets import label_facts
from tests.sync.house import NO_OBJECTIVE, House

FORGED = "align-urgent"


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(Deployment.CLOUD) as jira:
        yield House(jira, tmp_path, engine).furnish()


def take_over(house: House, *named: str, dry_run: bool = False) -> Adoption:
    service, sites = house.service()
    try:
        return adopt(service, service.rules(house.now), named, dry_run=dry_run)
    finally:
        sites.close()


def lose_the_ledger(house: House) -> None:
    with house.engine.begin() as connection:
        connection.execute(delete(labels.ledger))


def test_a_label_that_a_person_forged_is_named_and_left_alone(house: House) -> None:
    key, flagged = house.add_epic("O1", labels=[FORGED]), house.add_epic(labels=[NO_OBJECTIVE])
    for _ in range(2):
        night = house.night()
        assert (night.exit_code, house.writes()) == (Exit.OK, 0)
        assert [(on.ticket.issue_key, on.label, on.rule) for on in night.plan.strangers] == [
            (key, FORGED, ""),
            (flagged, NO_OBJECTIVE, "epic-without-objective"),
        ]
    assert (house.labels(key), house.labels(flagged)) == ([FORGED], [NO_OBJECTIVE])
    with house.engine.connect() as connection:
        (first, second) = label_facts(connection, night.run_id).withheld
    assert (first.key, first.operation, first.why) == (
        key,
        "keep",
        "put on by people, or by an earlier store",
    )
    assert second.rule == "epic-without-objective"
    forged, lost = stranger_lines(night.plan.strangers)
    assert forged == (
        f"With our prefix, and put on by people, so left alone: {FORGED} on {key}. `tieline drift` lists "
        "them."
    )
    assert "1 label of ours by name stand where a rule wants just that" in lost
    assert "`tieline adopt` takes them over" in lost


def test_with_the_ledger_lost_no_night_claims_a_label_until_it_is_told_to(house: House) -> None:
    mended, stays = house.add_epic(), house.add_epic()
    house.night()
    lose_the_ledger(house)
    house.serve(mended, "O1")
    house.night()
    assert house.labels(mended) == [NO_OBJECTIVE], "not ours to take off"
    shown = take_over(house, dry_run=True)
    assert [on.ticket.issue_key for on in shown.taken] == [mended, stays]
    house.night()
    assert house.labels(mended) == [NO_OBJECTIVE], "a dry run takes nothing"
    taken = take_over(house)
    assert (taken.taken, taken.left) == (shown.taken, ())
    night = house.night()
    assert (house.labels(mended), house.labels(stays)) == ([], [NO_OBJECTIVE])
    assert night.plan.strangers == ()
    with house.engine.connect() as connection:
        assert [it.event for it in audit.entries_of(connection, taken.run_id)][1:-1] == ["adopted", "adopted"]


def test_a_label_that_no_rule_puts_is_adopted_by_name_alone(house: House) -> None:
    key = house.add_epic("O1", labels=[FORGED])
    house.night()
    left = take_over(house)
    assert ([on.label for on in left.left], left.taken) == ([FORGED], ())
    take_over(house, FORGED)
    house.night()
    assert house.labels(key) == []


def test_an_adoption_put_nothing_on_a_ticket_so_there_is_nothing_to_undo(house: House) -> None:
    house.add_epic(labels=[NO_OBJECTIVE])
    house.night()
    run = take_over(house).run_id
    service, sites = house.service()
    with pytest.raises(ConfigurationError, match=f"Run {run} wrote no label: there is nothing to take back"):
        run_undo(service, run, Options(), Quiet())
    sites.close()


def test_an_adopted_label_that_people_take_off_comes_back_once_and_then_is_disputed(house: House) -> None:
    key = house.add_epic(labels=[NO_OBJECTIVE])
    house.night()
    take_over(house)
    for there in ([NO_OBJECTIVE], []):
        house.jira.site.label(key, remove=[NO_OBJECTIVE])
        night = house.night()
        assert house.labels(key) == there
    assert len(night.plan.disputed) == 1
