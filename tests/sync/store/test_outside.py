"""Which names Jira is asked for: what work names as objectives in vain and may be issues of the site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection, Engine

from connectors.pages import Page
from connectors.records import How, LinkClaim, OutsideObjective, Record, Reference
from sync.store import runs, save
from sync.store.dangling import list_dangling
from sync.store.outside import NamedInVain
from tests.clock import NOW
from tests.sync.making import SITE, begin_run, epic, goal, names, origin_of, put, relink

GOALS, SOURCE, URL = "jira-objectives", "jira-outside-objectives", "https://jira.example"
ADDRESS = f"{URL}/browse/"


def read(connection: Connection, *records: Record, others: Iterable[Record] = ()) -> int:
    """Read a site with one objective, these records of it, and those of another site."""
    run_id = runs.begin(connection, "test", NOW, dry_run=False)
    runs.begin_source(connection, run_id, GOALS, "objectives", NOW)
    objective = replace(goal("OBJ-1"), issue_id="101")
    save.save_page(connection, replace(origin_of(GOALS, run_id), site=SITE), Page((objective,)))
    runs.finish_source(connection, run_id, GOALS, NOW, status="complete", message=None)
    put(connection, run_id, [one for one in records if not isinstance(one, LinkClaim)])
    put(connection, run_id, [one for one in records if isinstance(one, LinkClaim)], "links")
    put(connection, run_id, others, "other site")
    return run_id


def asked(engine: Engine, *records: Record, others: Iterable[Record] = ()) -> list[str]:
    with engine.begin() as connection:
        read(connection, *records, others=others)
    return sorted(NamedInVain(engine, SITE, GOALS, SOURCE, URL).choose().ask)


def test_what_fields_and_links_name_and_may_be_an_issue_is_asked_for_once(engine: Engine) -> None:
    link = Reference(How.ISSUE_LINK, "77", "contributes to OBJ-7")
    items = [
        epic("PAY-1", names("OBJ-9"), names("obj-9", How.LABEL), names("OBJ-1"), names("growth in 2026")),
        epic("PAY-2", link, names("OBJ-9"), names("C-1", How.COST_CODE)),
        epic("PAY-3", replace(link, target="78", meant=False), replace(names("Q-3"), meant=False)),
    ]
    assert asked(engine, *items) == ["77", "OBJ-9"]


def test_rows_of_mapping_files_and_addresses_name_issues_of_the_site_they_say(engine: Engine) -> None:
    others = [epic("WEB-1", names("OBJ-8"), names(f"{ADDRESS}OBJ-2"), names(f"{ADDRESS}OBJ-2/x"))]
    claims = [
        LinkClaim("PAY-1", "OBJ-3", "line 2"),
        LinkClaim("PAY-1", "OBJ-4", "line 3", site="other site"),
        LinkClaim("1", "OBJ-5", "remote link", site="other site", how=How.REMOTE_LINK),
        LinkClaim("PAY-1", "OBJ-1", "line 4"),
    ]
    assert asked(engine, epic("PAY-1"), *claims, others=others) == ["OBJ-2", "OBJ-3", "OBJ-5"]


def test_a_parent_outside_the_scope_is_asked_for_where_it_is_of_the_type_of_objectives(
    engine: Engine,
) -> None:
    theme = {"type_name": "Theme", "in_scope": False}
    items = [
        epic("PAY-1", parent_id="101"), epic("OBJ-101", **theme),
        epic("PAY-2", parent_id="102"), epic("OBJ-102", **theme),
        epic("PAY-3", parent_id="103"), epic("OBJ-103", type_name="Initiative", in_scope=False),
    ]  # fmt: skip
    assert asked(engine, *items) == ["102"]
    assert asked(engine, *items, epic("PAY-4", type_name="theme")) == [], "a type of work is none of goals"


def test_nothing_is_asked_before_the_objectives_are_known(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [epic("PAY-1", names("OBJ-9"))])
    assert NamedInVain(engine, SITE, GOALS, SOURCE, URL).choose().ask == ()


def outside(engine: Engine, *records: OutsideObjective) -> set[tuple[str, str, str | None]]:
    """Two epics name OBJ-9, and a read brings these; give (on, fault, reason) of what dangles."""
    with engine.begin() as connection:
        run_id = read(connection, *(epic(f"PAY-{number}", names("OBJ-9")) for number in (1, 2)))
        origin = replace(origin_of(SOURCE, run_id), site=SITE)
        save.save_page(connection, origin, Page(records))
        assert save.count_absent(connection, origin).gone == 0
        save.bury_absent(connection, origin, at_once=True)
        relink(connection)
        return {(row.subject, row.fault, row.reason) for row in list_dangling(connection)}


def test_what_is_known_of_a_name_is_told_where_it_dangles_and_forgotten_with_the_next_read(
    engine: Engine,
) -> None:
    there = OutsideObjective("9", "OBJ-9", "Old goal")
    hidden = OutsideObjective("OBJ-9", "OBJ-9", "OBJ-9", hidden="deleted")
    both = ("PAY-1", "PAY-2")
    found = {(on, "issue outside the objectives", "OBJ-9 Old goal") for on in both}
    assert outside(engine, there) == found
    assert outside(engine, hidden) == {(on, "issue not given by Jira", "deleted") for on in both}
    assert outside(engine, hidden, there) == found
    assert outside(engine) == {(on, "objective not known", None) for on in both}


def test_what_is_named_by_its_address_is_told_too(engine: Engine) -> None:
    there = OutsideObjective("9", "OBJ-9", "Old goal", url=f"{ADDRESS}OBJ-9")
    with engine.begin() as connection:
        run_id = read(
            connection, epic("PAY-1", names(f"{ADDRESS}OBJ-9")), epic("PAY-2", names(f"{ADDRESS}OBJ-8"))
        )
        save.save_page(connection, replace(origin_of(SOURCE, run_id), site=SITE), Page((there,)))
        told = {row.subject: (row.fault, row.reason) for row in list_dangling(connection)}
    assert told == {
        "PAY-1": ("issue outside the objectives", "OBJ-9 Old goal"),
        "PAY-2": ("objective not known", None),
    }
