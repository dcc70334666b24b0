"""Rules see items in scope, labels of people, and money of this year in the reporting currency."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from connectors.records import BudgetVersion, How, ObjectiveState
from sync.store import links
from sync.store.catalogue import Frame, bind_catalogue
from sync.store.items import read_item
from tests.clock import NOW, TODAY
from tests.sync.making import FILE, MONEY, begin_run, epic, goal, item_id, money, names, put, relink

FRAME = Frame(TODAY, 2026, "USD", "align-")
DAY = timedelta(days=1)


@pytest.fixture
def store(engine: Engine) -> Iterator[Connection]:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1", owner="Zoë"), goal("O2", ends=TODAY - DAY), goal("O3")], FILE)
        items = [
            epic("PAY-1", names("O1"), names("O2"), names("O1", How.LABEL), names("C1", How.COST_CODE),
                 labels=("people", "align-no-objective", "Align-by-hand"), parent_key="PAY-0",
                 created=NOW, due=TODAY),
            epic("PAY-2", names("O1"), in_scope=False),
            epic("PAY-3"),
        ]  # fmt: skip
        put(connection, run_id, items)
        lines = [
            money("C1", 100),
            money("C1", 40, version=BudgetVersion.ACTUAL, id="a"),
            money("C1", 7, currency="EUR", id="b"),
            money("C1", 9, fiscal_year=2025, id="c"),
            money("pay-3", 3, version=BudgetVersion.FORECAST, id="d"),
            money("nobody", 11, id="e"),
        ]
        put(connection, run_id, lines, MONEY)
        relink(connection)
        yield connection


def seen(connection: Connection, entity: str, subject: int) -> dict[str, Any] | None:
    bound = bind_catalogue(FRAME).entity(entity)
    assert bound is not None
    return read_item(connection, bound, subject)


def test_an_item_is_seen_with_its_fields_labels_of_people_objectives_and_money(store: Connection) -> None:
    item = seen(store, "workItem", item_id(store, "PAY-1"))
    assert item is not None
    assert item["labels"] == ["Align-by-hand", "people"], (
        "what we wrote ourselves is no fact about the ticket"
    )
    assert [(o["key"], o["live"]) for o in item["objective"]] == [("O1", True), ("O2", False)]
    assert (item["budget.amount"], item["budget.actual"], item["budget.forecast"]) == (100, 40, None)
    assert (item["created"], item["due"], item["parent"], item["project"]) == (NOW, TODAY, "PAY-0", "PAY")


def test_an_item_without_anything_is_seen_empty(store: Connection) -> None:
    item = seen(store, "workItem", item_id(store, "PAY-3"))
    assert item is not None
    assert (item["labels"], item["objective"], item["due"]) == ([], [], None)
    assert (item["budget.amount"], item["budget.forecast"]) == (None, 3)


def test_an_item_outside_the_scope_is_not_seen(store: Connection) -> None:
    assert seen(store, "workItem", item_id(store, "PAY-2")) is None


def test_an_objective_is_seen_with_the_work_in_scope_and_its_money(store: Connection) -> None:
    rows = {row.source_id: row.id for row in store.execute(links.objective.select())}
    first = seen(store, "objective", rows["O1"])
    assert first is not None
    assert [item["key"] for item in first["workItem"]] == ["PAY-1"]
    assert (first["budget.amount"], first["owner"], first["live"]) == (100, "Zoë", True)
    assert first["state"] == ObjectiveState.ACTIVE.value
    third = seen(store, "objective", rows["O3"])
    assert third is not None
    assert (third["workItem"], third["budget.amount"]) == ([], None)


def test_a_budget_line_is_seen_with_the_work_it_pays_and_foreign_money_has_no_amount(
    store: Connection,
) -> None:
    rows = {row.source_id: row.id for row in store.execute(links.budget_line.select())}
    idle, foreign, paying = (seen(store, "budgetLine", rows[name]) for name in ("e", "b", "d"))
    assert idle is not None
    assert (idle["workItem"], idle["amount"]) == ([], 11)
    assert foreign is not None
    assert (foreign["amount"], foreign["currency"]) == (None, "EUR")
    assert paying is not None
    assert [item["key"] for item in paying["workItem"]] == ["PAY-3"]
