"""The figures of a run add up, and only a live objective makes work aligned."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from connectors.records import BudgetVersion, How, ObjectiveState
from sync.store import runs, save
from sync.store.coverage import coverage, save_coverage
from tests.clock import NOW, TODAY
from tests.sync.making import FILE, MONEY, SITE, begin_run, epic, goal, money, names, origin_of, put, relink

DAY = timedelta(days=1)


def figures(connection: Connection, run_id: int, project: str = "") -> dict[tuple[str, ...], tuple[int, int]]:
    """The figures of one project as {(currency, version, year, state): (amount, items)}."""
    rows = connection.execute(
        select(coverage).where(coverage.c.run_id == run_id, coverage.c.project_key == project)
    )
    return {
        (row.currency, row.version, str(row.fiscal_year), row.state): (row.amount_minor, row.items)
        for row in rows
    }


def states(
    connection: Connection, run_id: int, today: date = TODAY, *, certain: bool = True
) -> dict[str, int]:
    """How many work items are in each state."""
    relink(connection)
    save_coverage(connection, run_id, today, certain=certain)
    return {key[3]: value[1] for key, value in figures(connection, run_id).items() if key[0] == ""}


STANDINGS = {
    "active without dates": (goal("O1"), "aligned"),
    "closed": (goal("O1", state=ObjectiveState.CLOSED), "unaligned"),
    "a draft": (goal("O1", state=ObjectiveState.DRAFT), "unaligned"),
    "starting tomorrow": (goal("O1", starts=TODAY + DAY), "unaligned"),
    "starting today": (goal("O1", starts=TODAY), "aligned"),
    "ended yesterday": (goal("O1", ends=TODAY - DAY), "unaligned"),
    "ending today": (goal("O1", ends=TODAY), "aligned"),
}


@pytest.mark.parametrize("standing", STANDINGS)
def test_an_objective_counts_only_while_it_is_live(engine: Engine, standing: str) -> None:
    objective, expected = STANDINGS[standing]
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [objective], FILE)
        put(connection, run_id, [epic("PAY-1", names("O1"))])
        assert states(connection, run_id) == {expected: 1}


def test_one_live_objective_beside_dead_ones_is_enough(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1", state=ObjectiveState.CLOSED), goal("O2")], FILE)
        put(connection, run_id, [epic("PAY-1", names("O1"), names("O2")), epic("PAY-2", names("O1"))])
        assert states(connection, run_id) == {"aligned": 1, "unaligned": 1}


def test_where_a_source_was_incomplete_everything_is_unknown(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1")], FILE)
        put(connection, run_id, [epic("PAY-1", names("O1"), names("C1", How.COST_CODE)), epic("PAY-2")])
        put(connection, run_id, [money("C1", 500)], MONEY)
        assert states(connection, run_id, certain=False) == {"unknown": 2}
        found = figures(connection, run_id)
    assert found[("USD", "budget", "2026", "unknown")] == (500, 1)
    assert {key[3] for key in found} == {"unknown"}


def test_an_item_that_is_missing_for_a_night_is_unknown_with_its_money(engine: Engine) -> None:
    first, second = begin_run(engine), begin_run(engine)
    with engine.begin() as connection:
        put(connection, first, [epic("PAY-1", names("C1", How.COST_CODE)), epic("PAY-2")])
        put(connection, first, [money("C1", 500)], MONEY)
        put(connection, second, [epic("PAY-2")])
        save.bury_absent(connection, origin_of(SITE, second), at_once=False)
        assert states(connection, second) == {"unknown": 1, "unaligned": 1}
        assert figures(connection, second, "PAY")[("USD", "budget", "2026", "unknown")] == (500, 1)


def test_a_parent_outside_the_scope_is_not_counted(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1")], FILE)
        put(connection, run_id, [epic("TOP-1", names("O1"), in_scope=False), epic("PAY-2", parent_id="1")])
        assert states(connection, run_id) == {"aligned": 1}
        assert figures(connection, run_id, "TOP") == {}


ITEM = st.tuples(
    st.sampled_from(["PAY", "WEB", "OPS"]),
    st.sets(st.sampled_from(["LIVE", "DEAD", "NONE"])),
    st.sets(st.sampled_from(["C1", "C2", "C3"])),
)
LINE = st.tuples(
    st.sampled_from(["C1", "C2", "C3", "C9", None]),
    st.integers(-(10**15), 10**15),
    st.sampled_from(list(BudgetVersion)),
    st.sampled_from([2025, 2026]),
    st.sampled_from(["USD", "JPY"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(items=st.lists(ITEM, max_size=8), lines=st.lists(LINE, max_size=8), certain=st.booleans())
def test_the_states_add_up_to_the_total_and_the_projects_to_the_whole(
    engine: Engine,
    items: list[tuple[str, set[str], set[str]]],
    lines: list[tuple[str, int, BudgetVersion, int, str]],
    *,
    certain: bool,
) -> None:
    with engine.connect() as connection:  # never committed
        run_id = runs.begin(connection, "test", NOW, dry_run=False)
        put(connection, run_id, [goal("LIVE"), goal("DEAD", ends=TODAY - DAY)], FILE)
        put(
            connection,
            run_id,
            [
                epic(
                    f"{project}-{number}",
                    *(names(objective) for objective in sorted(objectives)),
                    *(names(code, How.COST_CODE) for code in sorted(codes)),
                )
                for number, (project, objectives, codes) in enumerate(items)
            ],
        )
        put(
            connection,
            run_id,
            [
                money(project, amount, id=str(number), version=version, fiscal_year=year, currency=currency)
                for number, (project, amount, version, year, currency) in enumerate(lines)
            ],
            MONEY,
        )
        relink(connection)
        save_coverage(connection, run_id, TODAY, certain=certain)
        whole = figures(connection, run_id)
        projects = [figures(connection, run_id, name) for name in ("PAY", "WEB", "OPS", "-")]
    totals: Counter[tuple[str, ...]] = Counter()
    for _, amount, version, year, currency in lines:
        totals[currency, version.value, str(year)] += amount
    told: Counter[tuple[str, ...]] = Counter()
    for key, (amount, _) in whole.items():
        if key[0]:
            told[key[:3]] += amount
    assert told == totals
    assert sum(count for key, (_, count) in whole.items() if not key[0]) == len(items)
    for key, (amount, count) in whole.items():
        assert amount == sum(part[key][0] for part in projects if key in part)
        assert count == sum(part[key][1] for part in projects if key in part)
    aligned = sum("LIVE" in objectives for _, objectives, _ in items)
    assert whole.get(("", "", "0", "aligned"), (0, 0))[1] == (aligned if certain else 0)


def test_one_project_key_on_two_sites_makes_two_projects(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1")], FILE)
        put(connection, run_id, [epic("PAY-1", names("O1")), epic("PAY-2")])
        put(connection, run_id, [epic("PAY-1", project_name="Paying")], "other site")
        relink(connection)
        save_coverage(connection, run_id, TODAY, certain=True)
        rows = connection.execute(
            select(coverage)
            .where(coverage.c.run_id == run_id)
            .order_by(coverage.c.project_key, coverage.c.site, coverage.c.state)
        ).all()
    assert [(row.site, row.project_key, row.project_name, row.state, row.items) for row in rows] == [
        ("", "", "", "aligned", 1),
        ("", "", "", "unaligned", 2),
        (SITE, "PAY", "Pay", "aligned", 1),
        (SITE, "PAY", "Pay", "unaligned", 1),
        ("other site", "PAY", "Paying", "unaligned", 1),
    ]
