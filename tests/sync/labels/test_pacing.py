"""A quota and quiet hours put writing off, in a fair and stable order; nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from sync.errors import ConfigurationError, Exit
from sync.labels.pacing import in_turn, parse_quiet_hours, ration
from sync.labels.plan import Change, Plan, Ticket
from sync.sandbox import Call, Deployment, Sandbox
from sync.settings import load_settings
from tests.sync.house import NO_OBJECTIVE, House

LOCAL = datetime(2026, 3, 2, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(Deployment.CLOUD) as jira:
        yield House(jira, tmp_path, engine).furnish()


@pytest.mark.parametrize(
    ("text", "quiet", "loud"),
    [
        ("08:00-18:30", ["08:00", "18:29"], ["07:59", "18:30", "00:00"]),
        ("22:00 - 06:00", ["22:00", "23:59", "00:00", "05:59"], ["06:00", "21:59"]),
    ],
)
def test_quiet_hours_are_a_window_of_the_day(text: str, quiet: list[str], loud: list[str]) -> None:
    hours = parse_quiet_hours(text)

    def at(clock: str) -> datetime:
        hour, minute = clock.split(":")
        return LOCAL.replace(hour=int(hour), minute=int(minute))

    assert all(hours.hold(at(clock)) for clock in quiet)
    assert not any(hours.hold(at(clock)) for clock in loud)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "evening",
            "TIELINE_QUIET_HOURS: 'evening' is no window of a day; use two times such as 08:00-18:00",
        ),
        ("8-18", "use two times such as 08:00-18:00 or 22:00-06:00"),
        ("25:00-26:00", "use two times such as 08:00-18:00"),
        ("08:00-08:00", "begins where it ends; leave the setting empty for no quiet hours"),
    ],
)
def test_what_is_no_window_is_refused_with_an_example(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_settings({"TIELINE_QUIET_HOURS": text})


changes = st.builds(
    Change,
    st.builds(
        lambda project, n: Ticket("jira", f"{project}-{n}", f"{project}{n}", n),
        st.sampled_from(["PAY", "SEA", "AIR"]),
        st.integers(1, 30),
    ),
    st.sampled_from(["add", "remove"]),
    st.sampled_from(["align-x", "align-y"]),
    st.just("rule"),
)


@given(st.sets(changes, max_size=60), st.integers(-3, 70))
def test_a_quota_takes_whole_tickets_and_loses_none(found: set[Change], left: int) -> None:
    plan = Plan(tuple(sorted(found)))
    paced = ration(plan, left, 0)
    assert len(paced.tickets()) == min(max(0, left), len(plan.tickets()))
    assert sorted((*paced.changes, *paced.waiting)) == list(plan.changes)
    assert not {c.ticket for c in paced.changes} & {c.ticket for c in paced.waiting}


@given(st.sets(changes, max_size=60), st.integers(1, 10), st.sets(changes, max_size=20))
def test_night_after_night_all_is_written_and_no_newcomer_passes_one_that_waits(
    found: set[Change], quota: int, later: set[Change]
) -> None:
    waiting, nights = set(found), 0
    newer = {
        Change(Ticket("jira", f"PAY-{100 + n}", f"n{n}", n), "add", "align-x", "r")
        for n, _ in enumerate(later)
    }
    tickets = len({change.ticket for change in found})
    while found & waiting:
        nights += 1
        waiting |= newer  # tickets made since come to the end of their own project's queue
        waiting = set(ration(Plan(tuple(sorted(waiting))), quota, nights).waiting)
        assert nights <= tickets * 3 + 3
    assert nights >= -(-tickets // quota)


def test_a_ticket_that_was_put_right_goes_first_and_projects_take_turns() -> None:
    def change(key: str, operation: str = "add") -> Change:
        return Change(Ticket("jira", key, key, 0), operation, "align-x", "r")

    wanted = ["PAY-9", "PAY-10", "PAY-11", "SEA-3", "AIR-70"]
    plan = Plan(tuple(sorted([*map(change, wanted), change("SEA-8", "remove")])))

    def order(day: int) -> list[str]:
        return [ticket.issue_key for ticket in in_turn(plan, day)]

    assert order(0) == ["SEA-8", "AIR-70", "PAY-9", "SEA-3", "PAY-10", "PAY-11"]
    assert order(1) == ["SEA-8", "PAY-9", "SEA-3", "AIR-70", "PAY-10", "PAY-11"]
    assert order(2) == ["SEA-8", "SEA-3", "AIR-70", "PAY-9", "PAY-10", "PAY-11"]
    assert order(3) == order(0)


def labelled(house: House) -> list[str]:
    return [
        key for key in sorted(map(str, (i.key for i in house.jira.site.issues.values()))) if house.labels(key)
    ]


def test_a_night_writes_its_quota_and_the_next_ones_write_the_rest(house: House) -> None:
    keys = [house.add_epic() for _ in range(5)]
    house.more = {"TIELINE_NIGHTLY_QUOTA": "2"}
    first = house.night()
    assert (first.exit_code, labelled(house)) == (Exit.OK, keys[:2])
    assert first.waits == [
        (
            "TIELINE_NIGHTLY_QUOTA=2: 2 tickets are written tonight, and 3 label changes wait for later "
            "nights. If all of it is meant at once, run once with --allow-changes 5."
        )
    ]
    house.now -= timedelta(days=1)  # once more on the same day
    again = house.night()
    assert (again.exit_code, labelled(house)) == (Exit.PARTLY, keys[:2])
    assert "0 tickets are written tonight beside 2 written earlier today" in again.waits[0]
    house.night()
    assert labelled(house) == keys[:4]
    last = house.night()
    assert (last.waits, labelled(house)) == ([], keys)


def test_the_quota_is_passed_once_by_the_number_in_its_message(house: House) -> None:
    keys = [house.add_epic() for _ in range(5)]
    house.more = {"TIELINE_NIGHTLY_QUOTA": "2"}
    assert house.night(allow_changes=5).waits == []
    assert labelled(house) == keys


def test_within_quiet_hours_the_plan_waits_and_outside_it_is_written(house: House) -> None:
    key = house.add_epic()
    house.more = {"TIELINE_QUIET_HOURS": f"{house.now:%H:%M}-{house.now + timedelta(hours=1):%H:%M}"}
    quiet = house.night()
    assert (quiet.exit_code, house.writes(), house.ledger()) == (Exit.PARTLY, 0, [])
    assert [it.ticket.issue_key for it in quiet.plan.waiting] == [key]
    assert "nothing is written and 1 label changes wait" in quiet.waits[0]
    assert "--allow-quiet-hours" in quiet.waits[0]
    shown = house.night(dry_run=True)
    assert [it.ticket.issue_key for it in shown.plan.changes] == [key], "looking is allowed at any hour"
    house.now += timedelta(hours=1)
    assert house.night().exit_code == Exit.OK
    assert house.labels(key) == [NO_OBJECTIVE]


def test_quiet_hours_are_passed_once_by_the_flag_in_their_message(house: House) -> None:
    key = house.add_epic()
    house.more = {"TIELINE_QUIET_HOURS": "00:00-23:59"}
    assert house.night(allow_quiet_hours=True).exit_code == Exit.OK
    assert house.labels(key) == [NO_OBJECTIVE]


def test_writing_ends_when_quiet_hours_begin_and_the_next_night_writes_the_rest(house: House) -> None:
    keys = [house.add_epic() for _ in range(8)]
    house.more = {"TIELINE_QUIET_HOURS": f"{house.now + timedelta(minutes=5):%H:%M}-23:59"}

    def strike(_: Call) -> None:
        house.now += timedelta(minutes=6)

    house.before_write(strike)
    result = house.night()
    assert result.exit_code == Exit.PARTLY
    assert result.written is not None
    assert "have begun" in result.written.broken_sites["jira"]
    assert 1 <= len(labelled(house)) < 8
    house.now += timedelta(hours=24 - house.now.hour)
    assert house.night().exit_code == Exit.OK
    assert labelled(house) == keys
