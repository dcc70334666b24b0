"""What is named and not there is counted and listed; what nobody meant to name an objective is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine

from connectors.records import How, LinkClaim, Record, Reference
from sync.figures.findings import Dangling
from sync.store import save
from sync.store.dangling import count_dangling, list_dangling, objectives_not_known
from sync.store.database import open_store
from tests.sync.making import FILE, SITE, begin_run, epic, goal, names, origin_of, put, relink
from tests.sync.store.test_former_keys import plan

Fact = tuple[str, str, str, str]


def found(engine: Engine, records: Sequence[Record], claims: Sequence[Record] = ()) -> list[Fact]:
    """Read records, link, and give (on, how, names, fault) of every reference that leads nowhere."""
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1"), goal("O2", url="https://okr.example/2")], FILE)
        put(connection, run_id, records)
        put(connection, run_id, claims, "links")
        for source in (SITE, "links"):
            save.bury_absent(connection, origin_of(source, run_id), at_once=True)
        relink(connection)
        return [(row.subject, row.how, row.target, row.fault) for row in list_dangling(connection)]


def test_a_parent_that_is_named_and_not_there_is_found_whether_by_id_or_by_key(engine: Engine) -> None:
    orphans = [epic("PAY-1", parent_id="9", parent_key="FAR-9"), epic("PAY-2", parent_key="FAR-8")]
    assert found(engine, [*orphans, epic("PAY-3", parent_key="PAY-2"), epic("PAY-4")]) == [
        ("PAY-1", "parent chain", "FAR-9", "parent not found"),
        ("PAY-2", "parent chain", "FAR-8", "parent not found"),
    ]


def test_a_parent_that_was_deleted_is_no_longer_there(engine: Engine) -> None:
    parent, child = epic("PAY-1"), epic("PAY-2", parent_id="1", parent_key="PAY-1")
    assert found(engine, [parent, child]) == []
    assert found(engine, [child]) == [("PAY-2", "parent chain", "PAY-1", "parent not found")]


def test_an_objective_that_nobody_knows_is_found_where_somebody_meant_to_name_one(engine: Engine) -> None:
    chance = Reference(How.LABEL, "q3", "label q3", meant=False)
    items = [
        epic("PAY-1", names("o1"), names("https://okr.example/2"), names("GONE"), chance),
        epic("PAY-2", names("C-1", How.COST_CODE)),
        epic("PAY-3", names("GONE", How.LABEL), in_scope=False),
    ]
    assert found(engine, items) == [("PAY-1", "custom field", "GONE", "objective not known")]


def test_a_link_of_a_type_kept_for_objectives_is_found_where_it_leads_to_none(engine: Engine) -> None:
    link = Reference(How.ISSUE_LINK, "2", "contributes to PAY-2")
    assert found(engine, [epic("PAY-1", link), epic("PAY-2")]) == [
        ("PAY-1", "issue link", "2", "linked issue is no objective")
    ]
    assert found(engine, [epic("PAY-1", replace(link, meant=False)), epic("PAY-2")]) == []
    assert found(engine, [epic("PAY-1", link), goal("OBJ-2", issue_id="2")]) == []


def test_rows_of_a_mapping_file_are_found_that_name_what_is_not_there_or_there_twice(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [epic("PAY-1")], "other site")
    claims = [
        LinkClaim("PAY-1", "O1", "line 2"),
        LinkClaim("PAY-1", "O1", "line 3", site=SITE),
        LinkClaim("PAY-9", "O1", "line 4"),
        LinkClaim("PAY-2", "O9", "line 5"),
        LinkClaim("PAY-2", "O1", "line 6", site="nowhere"),
    ]
    assert found(engine, [epic("PAY-1"), epic("PAY-2")], claims) == [
        ("PAY-2", "mapping file", "PAY-2", "issue not known"),
        ("PAY-9", "mapping file", "PAY-9", "issue not known"),
        ("PAY-1", "mapping file", "PAY-1", "issue on more than one site"),
        ("PAY-2", "mapping file", "O9", "objective not known"),
    ]


def test_they_are_counted_by_source_kind_and_fault_with_an_example(engine: Engine) -> None:
    found(engine, [epic(f"PAY-{number}", names("GONE"), parent_key="FAR-1") for number in range(1, 4)])
    with engine.connect() as connection:
        assert count_dangling(connection) == (
            Dangling(SITE, "custom field", "objective not known", 3, "PAY-1 → GONE"),
            Dangling(SITE, "parent chain", "parent not found", 3, "PAY-1 → FAR-1"),
        )
        assert len(list_dangling(connection, SITE)) == 6
        assert list_dangling(connection, FILE) == []


def test_sqlite_does_not_hold_references_against_every_address_one_by_one(tmp_path: Path) -> None:
    """Addresses have no index, and a night holds many thousands of references against them."""
    engine = open_store(f"sqlite:///{tmp_path / 'tieline.db'}")
    with engine.connect() as connection:
        said = plan(connection, objectives_not_known())
    engine.dispose()
    assert "SEARCH addresses USING AUTOMATIC COVERING INDEX (url=?)" in said
    assert said.count("SCAN objective") == 1
