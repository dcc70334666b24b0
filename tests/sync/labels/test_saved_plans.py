"""A reviewed plan is carried out as it is or not at all: rules, store and tickets must still be the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.errors import ConfigurationError, Exit
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options
from sync.labels.plan import Change, LabelOn, Plan, Ticket
from sync.labels.savedplan import crossed, read, save, stale, write
from sync.night import run_judge, run_pull
from sync.sandbox import Deployment, Sandbox
from tests.sync.house import NO_OBJECTIVE, House

PAY1, PAY2 = Ticket("jira", "PAY-1", "1", 101), Ticket("jira", "PAY-2", "2", 102)
PLAN = Plan((Change(PAY1, "add", "align-x", "r"), Change(PAY2, "remove", "align-y", "")))
PRESENT = [LabelOn(PAY2, "align-y"), LabelOn(PAY2, "align-a")]
SAVED = save(PLAN, PRESENT, "hash", "3.7")


def test_a_saved_plan_keeps_what_its_tickets_carried() -> None:
    assert [(entry.ticket, entry.labels) for entry in SAVED.expected] == [
        (PAY1, ()),
        (PAY2, ("align-a", "align-y")),
    ]


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write(tmp_path / "plan.json", SAVED)
    assert read(tmp_path / "plan.json") == SAVED


@pytest.mark.parametrize("text", ["", "{}", '{"version": 1, "changes": []}', '{"version": 2}'])
def test_what_is_no_plan_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(ConfigurationError, match="not a plan of this version"):
        read(tmp_path / "plan.json")


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (save(PLAN, PRESENT, "other", "3.7"), "the rules have changed"),
        (save(PLAN, PRESENT, "hash", "4.7"), "the store has been read or written"),
        (save(Plan(PLAN.changes[:1]), PRESENT, "hash", "3.7"), "0 changes have come and 1 have gone"),
    ],
)
def test_a_change_in_anything_it_was_made_from_makes_it_stale(now: object, why: str) -> None:
    (problem,) = stale(SAVED, now)  # type: ignore[arg-type]
    assert why in problem
    assert "Nothing was written. Make a new one with `tieline plan --out FILE`" in problem


def test_the_same_plan_is_not_stale() -> None:
    assert stale(SAVED, save(PLAN, reversed(PRESENT), "hash", "3.7")) == []


@pytest.mark.parametrize(
    ("first", "second", "moved"),
    [
        (("people",), ("align-y", "align-a", "people"), None),
        (("align-x",), ("align-y", "align-a"), "PAY-1"),
        ((), ("align-a",), "PAY-2"),
        (None, ("align-y", "align-a"), "PAY-1"),
    ],
)
def test_only_labels_of_ours_that_people_changed_cross_it(
    first: tuple[str, ...] | None, second: tuple[str, ...], moved: str | None
) -> None:
    live = {("jira", "2"): second} | ({} if first is None else {("jira", "1"): first})
    problems = crossed(SAVED, live, "align-")
    assert ([] if moved is None else [True]) == [f": {moved}. Nothing was written." in p for p in problems]


@pytest.fixture(params=list(Deployment), ids=["cloud", "dc"])
def house(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(request.param) as jira:
        yield House(jira, tmp_path, engine).furnish()


def step(house: House, options: Options, *, pull: bool = False) -> RunResult:
    service, sites = house.service()
    try:
        if pull:
            run_pull(service, Options(), Quiet())
        return run_judge(service, options, Quiet())
    finally:
        sites.close()


def test_a_person_who_forges_the_label_in_between_stops_the_plan_before_the_first_write(house: House) -> None:
    first, second = house.add_epic(), house.add_epic()
    planned = step(house, Options("plan", dry_run=True), pull=True)
    house.jira.site.label(second, add=[NO_OBJECTIVE])
    house.jira.clear_requests()
    applied = step(house, Options("apply", expected=planned.saved))
    assert applied.exit_code == Exit.GUARD
    assert (
        f"people have changed labels of ours, or tickets can no longer be read: {second}"
        in applied.stopped[0]
    )
    assert (house.writes(), house.labels(first)) == (0, [])


def test_a_store_that_was_read_again_makes_the_plan_stale(house: House) -> None:
    bad = house.add_epic()
    planned = step(house, Options("plan", dry_run=True), pull=True)
    house.add_epic()
    applied = step(house, Options("apply", expected=planned.saved), pull=True)
    assert applied.exit_code == Exit.GUARD
    assert "the store has been read or written and 1 changes have come and 0 have gone" in applied.stopped[0]
    assert house.labels(bad) == []


def test_nothing_in_between_lets_the_plan_through(house: House) -> None:
    bad = house.add_epic(labels=["people's own"])
    planned = step(house, Options("plan", dry_run=True), pull=True)
    applied = step(house, Options("apply", expected=planned.saved))
    assert applied.exit_code == Exit.OK
    assert house.labels(bad) == [NO_OBJECTIVE, "people's own"]
