"""Each way to tie work to an objective works alone; money is shared out to the cent; circles end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from connectors.records import How, LinkClaim, Record, Reference, Strength
from sync.store import links, runs, save
from sync.store.money.matching import rematch
from tests.clock import NOW
from tests.sync.making import (
    FILE,
    MONEY,
    SITE,
    begin_run,
    epic,
    goal,
    money,
    names,
    origin_of,
    put,
    relink,
    ties,
)

budget_link = links.budget_link


def tied(engine: Engine, *records: tuple[str, Record]) -> list[tuple[str, str, str]]:
    """Read the records, link, and give (item, objective, how) of every link."""
    run_id = begin_run(engine)
    with engine.begin() as connection:
        for source in dict.fromkeys(source for source, _ in records):
            put(connection, run_id, [record for owner, record in records if owner == source], source)
            save.bury_absent(connection, origin_of(source, run_id), at_once=True)
        relink(connection)
        return [(row.key, row.source_id, row.how) for row in ties(connection)]


DIRECT = {
    "a custom field": (epic("PAY-1", names("O1")), How.CUSTOM_FIELD),
    "the goals field": (epic("PAY-1", names("O1", How.GOALS_FIELD)), How.GOALS_FIELD),
    "a label": (epic("PAY-1", names("o1", How.LABEL)), How.LABEL),
    "a remote link": (epic("PAY-1", names("O1", How.REMOTE_LINK)), How.REMOTE_LINK),
}


@pytest.mark.parametrize("way", DIRECT)
def test_one_reference_alone_ties_an_item_and_without_it_the_tie_is_gone(engine: Engine, way: str) -> None:
    item, how = DIRECT[way]
    assert tied(engine, (FILE, goal("O1")), (SITE, item)) == [("PAY-1", "O1", how.value)]
    assert tied(engine, (SITE, replace(item, references=()))) == []


@pytest.mark.parametrize("how", [How.COST_CODE, How.ISSUE_LINK])
def test_a_cost_code_or_a_link_to_another_issue_that_looks_like_an_objective_id_ties_nothing(
    engine: Engine, how: How
) -> None:
    assert tied(engine, (FILE, goal("O1")), (SITE, epic("PAY-1", names("O1", how)))) == []


def test_an_issue_link_ties_to_the_objective_that_is_that_issue_on_the_same_site(engine: Engine) -> None:
    objective = goal("OBJ-5", issue_id="5")
    item = epic("PAY-1", Reference(How.ISSUE_LINK, "5", "contributes to OBJ-5"))
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [objective, item])
        put(connection, run_id, [replace(item, id="77", key="FAR-1")], "another site")
        relink(connection)
        assert [(t.key, t.source_id, t.evidence) for t in ties(connection)] == [
            ("PAY-1", "OBJ-5", "contributes to OBJ-5")
        ]


@pytest.mark.parametrize("named_by", [{"parent_id": "5"}, {"parent_key": "OBJ-5"}], ids=["id", "key"])
def test_a_parent_that_is_an_objective_ties_its_child(engine: Engine, named_by: dict[str, str]) -> None:
    item = epic("PAY-1", **named_by)
    objective = goal("OBJ-5", issue_id="5")
    assert tied(engine, (SITE, objective), (SITE, item)) == [("PAY-1", "OBJ-5", "parent chain")]
    free = replace(item, parent_id=None, parent_key=None)
    assert tied(engine, (SITE, objective), (SITE, free)) == []


@pytest.mark.parametrize("issue", ["pay-1", "1"], ids=["key in any case", "id"])
def test_a_mapping_file_ties_by_key_and_by_id(engine: Engine, issue: str) -> None:
    base: list[tuple[str, Record]] = [(FILE, goal("O1")), (SITE, epic("PAY-1")), (SITE, epic("PAY-2"))]
    claim = LinkClaim(issue, "o1", "links.csv line 2")
    assert tied(engine, *base, ("links", claim)) == [("PAY-1", "O1", "mapping file")]
    assert tied(engine, *base, ("links", LinkClaim("PAY-9", "O1", "line 2"))) == []


def on_two_sites(engine: Engine, claim: LinkClaim) -> list[tuple[str, str]]:
    """(site, evidence) of each link that a row of a mapping file makes where two sites have one PAY-1."""
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1")], FILE)
        put(connection, run_id, [epic("PAY-1"), epic("PAY-2")])
        put(connection, run_id, [epic("PAY-1"), epic("WEB-2")], "other site")
        put(connection, run_id, [claim], "links")
        relink(connection)
        found = select(links.work_item.c.source, links.objective_link.c.evidence)
        on = links.work_item.c.id == links.objective_link.c.work_item_id
        rows = connection.execute(found.join_from(links.work_item, links.objective_link, on)).all()
    return sorted((row.source, row.evidence) for row in rows)


@pytest.mark.parametrize("issue", ["PAY-1", "1"], ids=["key", "id"])
def test_a_mapping_that_two_sites_could_mean_ties_on_the_one_it_names_and_else_on_none(
    engine: Engine, issue: str
) -> None:
    assert on_two_sites(engine, LinkClaim(issue, "O1", "line 2", site="other site")) == [
        ("other site", "line 2")
    ]
    assert on_two_sites(engine, LinkClaim(issue, "O1", "line 3")) == [("other site", "line 2")]


def test_a_mapping_that_only_one_site_can_mean_needs_not_name_it(engine: Engine) -> None:
    assert on_two_sites(engine, LinkClaim("WEB-2", "O1", "line 2")) == [("other site", "line 2")]
    assert on_two_sites(engine, LinkClaim("PAY-2", "O1", "line 3", site="elsewhere")) == [
        ("other site", "line 2")
    ]


def test_a_field_may_name_an_objective_by_its_address(engine: Engine) -> None:
    address = "https://okr.example/o/17"
    item = epic("PAY-1", names(address))
    assert tied(engine, (FILE, goal("O1", url=address)), (SITE, item)) == [("PAY-1", "O1", "custom field")]
    assert tied(engine, (FILE, goal("O1", url=address + "8")), (SITE, item)) == []


def test_what_a_tie_says_of_the_work_stays_with_the_link_and_with_what_is_inherited(engine: Engine) -> None:
    supports = replace(names("O1"), strength=Strength.SUPPORTS)
    claim = LinkClaim("PAY-3", "O1", "line 2", strength=Strength.ACCELERATES)
    tied(
        engine,
        (FILE, goal("O1")),
        (SITE, epic("PAY-1", supports)),
        (SITE, epic("PAY-2", parent_id="1")),
        (SITE, epic("PAY-3")),
        (SITE, epic("PAY-4", names("O1"))),
        ("links", claim),
    )
    with engine.connect() as connection:
        found = select(links.work_item.c.key, links.objective_link.c.strength)
        on = links.work_item.c.id == links.objective_link.c.work_item_id
        rows = connection.execute(found.join_from(links.work_item, links.objective_link, on)).all()
    assert sorted((row.key, row.strength) for row in rows) == [
        ("PAY-1", "supports"),
        ("PAY-2", "supports"),
        ("PAY-3", "accelerates"),
        ("PAY-4", None),
    ]


def test_an_objective_is_inherited_over_several_levels_with_the_nearest_counted_once(engine: Engine) -> None:
    chain = [
        epic("PAY-1", names("TOP")),
        epic("PAY-2", names("MID"), names("TOP"), parent_id="1"),
        epic("PAY-3", parent_key="PAY-2"),
        epic("PAY-4", names("MID"), parent_id="3"),
    ]
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("TOP"), goal("MID")], FILE)
        put(connection, run_id, chain)
        relink(connection)
        found = ties(connection)
    counted = [(t.key, t.source_id, t.depth) for t in found if t.counts]
    assert counted == [
        ("PAY-1", "TOP", 0),
        ("PAY-2", "MID", 0),
        ("PAY-2", "TOP", 0),
        ("PAY-3", "MID", 1),
        ("PAY-3", "TOP", 1),
        ("PAY-4", "MID", 0),
        ("PAY-4", "TOP", 2),
    ]
    assert "inherited from PAY-2: custom field says MID" in {t.evidence for t in found if t.key == "PAY-3"}


def test_losing_the_parent_loses_what_was_inherited(engine: Engine) -> None:
    parent, child = epic("PAY-1", names("O1")), epic("PAY-2", parent_id="1")
    assert len(tied(engine, (FILE, goal("O1")), (SITE, parent), (SITE, child))) == 2
    assert tied(engine, (SITE, parent), (SITE, replace(child, parent_id=None))) == [
        ("PAY-1", "O1", "custom field")
    ]
    assert tied(engine, (SITE, child)) == [], "the parent was deleted"


def test_nothing_is_inherited_through_a_parent_that_was_deleted(engine: Engine) -> None:
    top, child = epic("PAY-1", names("O1")), epic("PAY-3", parent_id="2")
    middle = epic("PAY-2", parent_id="1")
    assert len(tied(engine, (FILE, goal("O1")), (SITE, top), (SITE, middle), (SITE, child))) == 3
    assert tied(engine, (SITE, top), (SITE, child)) == [("PAY-1", "O1", "custom field")]


def test_what_is_missing_for_one_night_still_ties(engine: Engine) -> None:
    """A lagging index that leaves out a parent or an objective must not make aligned work look unaligned."""
    first, second = begin_run(engine), begin_run(engine)
    with engine.begin() as connection:
        put(connection, first, [goal("OBJ-5", issue_id="5"), epic("PAY-1", names("OBJ-5"))])
        put(connection, first, [epic("PAY-2", parent_id="1")])
        put(connection, second, [epic("PAY-2", parent_id="1")])
        save.bury_absent(connection, origin_of(SITE, second), at_once=False)
        relink(connection)
        assert [(t.key, t.source_id) for t in ties(connection)] == [("PAY-1", "OBJ-5"), ("PAY-2", "OBJ-5")]
        third = begin_run_on(connection)
        put(connection, third, [epic("PAY-2", parent_id="1")])
        save.bury_absent(connection, origin_of(SITE, third), at_once=False)
        relink(connection)
        assert ties(connection) == []


def begin_run_on(connection: Connection) -> int:
    return runs.begin(connection, "test", NOW, dry_run=False)


def test_circles_are_reported_and_linking_ends(engine: Engine) -> None:
    ring = [
        epic("PAY-1", names("O1"), parent_id="3"),
        epic("PAY-2", parent_id="1"),
        epic("PAY-3", parent_id="2"),
        epic("PAY-4", parent_id="4"),
        epic("PAY-5", parent_id="2"),
        epic("PAY-6", parent_id="404", parent_key="GONE-1"),
    ]
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1")], FILE)
        put(connection, run_id, ring)
        relink(connection)
        assert list(connection.scalars(links.cycles())) == ["PAY-1", "PAY-2", "PAY-3", "PAY-4"]
        served = {t.key for t in ties(connection)}
        assert served == {"PAY-1", "PAY-2", "PAY-3", "PAY-5"}, (
            "the ring and what hangs on it, no dangling one"
        )
        assert [t.how for t in ties(connection) if t.key == "PAY-1" and t.depth] == []


def test_exactly_one_link_of_each_pair_counts_however_many_ways_there_are(engine: Engine) -> None:
    item = epic("PAY-2", names("O1"), names("O1", How.LABEL), names("o1", How.GOALS_FIELD), parent_id="1")
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1"), goal("O2")], FILE)
        put(connection, run_id, [LinkClaim("PAY-2", "O1", "line 2"), LinkClaim("2", "O1", "line 3")], "links")
        put(connection, run_id, [epic("PAY-1", names("O1"), names("O2")), item])
        relink(connection)
        found = ties(connection)
        relink(connection)
        assert ties(connection) == found, "linking twice is linking once"
    counted = [(t.key, t.source_id) for t in found if t.counts]
    assert len(found) == 9
    assert counted == [("PAY-1", "O1"), ("PAY-1", "O2"), ("PAY-2", "O1"), ("PAY-2", "O2")]


def test_money_finds_work_by_cost_code_and_by_key_once_each(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [money("c-100", 1000), money("pay-2", 7), money("nobody", 5)], MONEY)
        carriers = [
            epic("PAY-1", names("C-100", How.COST_CODE)),
            epic("PAY-2", names("PAY-2", How.COST_CODE)),
        ]
        put(connection, run_id, [*carriers, epic("PAY-3", names("C-100", How.COST_CODE), in_scope=False)])
        relink(connection)
        shares = connection.execute(
            select(links.work_item.c.key, budget_link.c.amount_minor, budget_link.c.how)
            .join_from(budget_link, links.work_item, links.work_item.c.id == budget_link.c.work_item_id)
            .order_by(links.work_item.c.key)
        ).all()
    assert [tuple(share) for share in shares] == [("PAY-1", 1000, "cost code"), ("PAY-2", 7, "issue key")]


@pytest.fixture
def carriers(engine: Engine) -> Engine:
    """Nine epics, the first n of which carry the cost code Cn."""
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(
            connection,
            run_id,
            [
                epic(f"PAY-{number}", *(names(f"C{n}", How.COST_CODE) for n in range(number, 10)))
                for number in range(1, 10)
            ],
        )
    return engine


AMOUNTS = st.one_of(
    st.integers(-(10**17), 10**17), st.integers(-30, 30), st.sampled_from([2**62, -(2**62), 2**63 - 1])
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(lines=st.lists(st.tuples(AMOUNTS, st.integers(1, 9)), min_size=1, max_size=12))
def test_shares_add_up_to_the_line_and_differ_by_at_most_one_minor_unit(
    carriers: Engine, lines: list[tuple[int, int]]
) -> None:
    with carriers.connect() as connection:  # never committed: each example starts from the carriers alone
        written = [
            money(f"C{items}", amount, id=f"line {number}") for number, (amount, items) in enumerate(lines)
        ]
        put(connection, 1, written, MONEY)
        rematch(connection)
        for number, (amount, items) in enumerate(lines):
            shares = list(
                connection.scalars(
                    select(budget_link.c.amount_minor)
                    .join(links.budget_line, links.budget_line.c.id == budget_link.c.budget_line_id)
                    .where(links.budget_line.c.source_id == f"line {number}")
                )
            )
            assert len(shares) == items
            assert sum(shares) == amount
            assert max(shares) - min(shares) <= 1
