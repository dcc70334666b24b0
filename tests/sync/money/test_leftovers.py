"""What matching leaves on both sides is named: money by its codes, work without any, rules without use."""

from __future__ import annotations

from sqlalchemy import Engine

from connectors.records import How
from sync.store.money import proposing
from sync.store.money.leftovers import NO_CODE, NO_NAME, read_leftovers
from sync.store.money.shares import NO_MATCH, NOT_SHARED_OUT
from tests.sync.making import FILE, MONEY, begin_run, epic, goal, money, names, put, relink
from tests.sync.money.test_matching import rule


def test_both_sides_are_listed_with_their_reasons(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1")], FILE)
        put(
            connection,
            run_id,
            [
                epic("TOP-1"),
                epic("PAY-2", names("C1", How.COST_CODE), parent_id="1"),
                epic("PAY-3", parent_id="2"),
                epic("PAY-4"),
                epic("PAY-5", in_scope=False),
            ],
        )
        lines = [
            money("C1", 100),
            money("X", 7, cost_centre="CC", id="x1", description="Hosting"),
            money("X", -9, cost_centre="CC", id="x2", description="Hosting"),
            money("X", 5, currency="EUR", id="x3"),
            money("H", 10, id="h"),
            money("SUB", 1, id="s", parents=("ABOVE",)),
        ]
        put(connection, run_id, lines, MONEY)
        rules = [
            rule("H", "PAY-2", 90),
            rule("ABOVE", "PAY-2"),
            rule("NOBODY", "PAY-2"),
            rule("NO*", "PAY-2"),
            rule("C*", "PAY-99"),
            rule("C1", "O9"),
        ]
        put(connection, run_id, rules, "allocations")
        relink(connection)
        left = read_leftovers(connection)
        assert read_leftovers(connection) == left
        codes = proposing.loose_codes(connection, 5)
    assert [(it.project, it.cost_centre, it.lines, it.amount_minor, it.reason) for it in left.money] == [
        ("X", None, 1, 5, NO_MATCH),
        ("X", "CC", 2, -2, NO_MATCH),
        ("H", None, 1, 1, NOT_SHARED_OUT),
    ]
    assert [(it.key, it.funded_above) for it in left.work] == [("PAY-4", None), ("PAY-3", "PAY-2")]
    assert [(it.evidence, it.why) for it in left.rules] == [
        ("table.csv: NOBODY", NO_CODE),
        ("table.csv: NO*", NO_CODE),
        ("table.csv: C*", NO_NAME),
        ("table.csv: C1", NO_NAME),
    ]
    assert [(it.code, it.name) for it in codes] == [("X", "Hosting")]
    assert codes[0].amounts == ("budget 2026: 0.05 EUR", "budget 2026: -0.02 USD")


def test_a_store_without_money_has_nothing_left_over(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [epic("PAY-1")])
        relink(connection)
        left = read_leftovers(connection)
    assert (left.money, left.work, left.rules) == ((), (), ())
