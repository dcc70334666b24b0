"""The ledger knows which labels are ours, also after a run was killed between its intents and its answers."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, select

from sync.labels.plan import Change, Plan, Ticket
from sync.store import labels, runs, save, tables, writes
from sync.store.schema import table_of
from tests.clock import NOW
from tests.sync.making import SITE, begin_run, epic, item_id, labels_of, origin_of, put

OURS = "align-no-objective"
ledger = labels.ledger


def change(connection: Connection, operation: str, label: str = OURS, key: str = "PAY-1") -> Change:
    return Change(Ticket(SITE, key, "1", item_id(connection, key)), operation, label, "a-rule")


def intend(connection: Connection, run_id: int, operation: str, label: str = OURS) -> None:
    writes.intend(connection, run_id, [change(connection, operation, label)], NOW)


def write(
    connection: Connection, run_id: int, operation: str, label: str = OURS, state: str = "done"
) -> None:
    intend(connection, run_id, operation, label)
    writes.answer(
        connection, run_id, [change(connection, operation, label)], state=state, reason=None, now=NOW
    )


def answers(connection: Connection) -> list[tuple[str, str]]:
    rows = connection.execute(select(ledger.c.operation, ledger.c.state).order_by(ledger.c.id))
    return [(row.operation, row.state) for row in rows]


def read_again(connection: Connection, *found: str) -> int:
    """A later run reads the ticket with these labels."""
    run_id = runs.begin(connection, "test", NOW, dry_run=False)
    put(connection, run_id, [epic("PAY-1", labels=found)])
    return run_id


@pytest.fixture
def first(engine: Engine) -> int:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [epic("PAY-1")])
    return run_id


@pytest.mark.parametrize(
    ("operation", "found", "state"),
    [
        ("add", True, "done"),
        ("add", False, "dropped"),
        ("remove", False, "done"),
        ("remove", True, "dropped"),
    ],
)
def test_what_became_of_an_intent_is_told_by_the_ticket_read_since(
    engine: Engine, first: int, operation: str, found: bool, state: str
) -> None:
    with engine.begin() as connection:
        intend(connection, first, operation)
        second = read_again(connection, *([OURS] if found else []))
        writes.settle_intents(connection, second, NOW)
        assert answers(connection) == [(operation, state)]
        reason = connection.scalars(select(ledger.c.reason)).one()
    assert "after the run was killed" in reason


def test_an_intent_on_a_ticket_not_read_since_stays_open(engine: Engine, first: int) -> None:
    """The night after the kill may not reach Jira at all: what it holds then is older than the intent."""
    with engine.begin() as connection:
        intend(connection, first, "add")
        second = runs.begin(connection, "test", NOW, dry_run=False)
        writes.settle_intents(connection, second, NOW)
        assert answers(connection) == [("add", "intended")]
        third = read_again(connection, OURS)
        writes.settle_intents(connection, third, NOW)
        assert answers(connection) == [("add", "done")]
        assert labels.owned(connection) == {(item_id(connection, "PAY-1"), OURS)}


def test_the_intents_of_this_run_are_not_settled_by_it(engine: Engine, first: int) -> None:
    with engine.begin() as connection:
        intend(connection, first, "add")
        writes.settle_intents(connection, first, NOW)
        assert answers(connection) == [("add", "intended")]


def test_a_label_is_ours_from_its_addition_until_its_removal(engine: Engine, first: int) -> None:
    with engine.begin() as connection:
        pair = {(item_id(connection, "PAY-1"), OURS)}
        assert labels.owned(connection) == set()
        write(connection, first, "add")
        assert labels.owned(connection) == pair
        write(connection, first, "remove", state="parked")
        assert labels.owned(connection) == pair, "a refused removal removes nothing"
        write(connection, first, "remove")
        assert labels.owned(connection) == set()
        write(connection, first, "add")
        assert labels.owned(connection) == pair


@pytest.mark.parametrize("state", ["parked", "dropped"])
def test_an_addition_that_was_refused_makes_nothing_ours(engine: Engine, first: int, state: str) -> None:
    with engine.begin() as connection:
        write(connection, first, "add", state=state)
        assert labels.owned(connection) == set()


def test_a_label_of_an_older_prefix_is_ours_where_the_ledger_says_so(engine: Engine, first: int) -> None:
    with engine.begin() as connection:
        write(connection, first, "add", "align-x")
        write(connection, first, "add", "old-y")
        put(connection, first, [epic("PAY-1", labels=("align-x", "old-y", "old-z", "people"))])
        item = item_id(connection, "PAY-1")
        assert labels.owned(connection) == {(item, "align-x"), (item, "old-y")}
        assert labels.older_labels(connection, "align-") == {"old-y"}
        found = labels.present(connection, "align-", {SITE})
        assert {label.label for label in found} == {"align-x", "old-y"}, "old-z was put there by people"


def test_what_we_wrote_stands_in_our_copy_at_once(engine: Engine, first: int) -> None:
    with engine.begin() as connection:
        put(connection, first, [epic("PAY-1", labels=("people", "align-old"))])
        addition = change(connection, "add")
        writes.take_over(connection, [addition, change(connection, "remove", "align-old")])
        writes.take_over(connection, [addition])
        assert labels_of(connection, "PAY-1") == [OURS, "people"]


def test_our_label_taken_away_by_people_before_the_next_read_is_seen_to_be_gone(
    engine: Engine, first: int
) -> None:
    """The ticket then reads exactly as before we wrote: the copy must follow all the same."""
    with engine.begin() as connection:
        writes.take_over(connection, [change(connection, "add")])
        read_again(connection)
        assert labels_of(connection, "PAY-1") == []


def test_only_tickets_in_sight_of_the_sites_asked_for_are_planned(engine: Engine, first: int) -> None:
    finding = table_of(tables.Finding)
    with engine.begin() as connection:
        put(connection, first, [epic("PAY-1", labels=(OURS, "people")), epic("PAY-2", labels=(OURS,))])
        put(connection, first, [epic("FAR-3", labels=(OURS,))], "far")
        assert len(labels.present(connection, "align-", {SITE})) == 2
        assert len(labels.present(connection, "align-", {SITE, "far"})) == 3
        assert labels.present(connection, "align-", set()) == []
        second = runs.begin(connection, "test", NOW, dry_run=False)
        put(connection, second, [epic("PAY-2", labels=(OURS,))])
        save.bury_absent(connection, origin_of(SITE, second), at_once=False)
        assert [label.ticket.issue_key for label in labels.present(connection, "align-", {SITE})] == ["PAY-2"]
        assert labels.tickets_in_scope(connection, {SITE}) == {(SITE, "PAY"): 1}
        assert connection.execute(select(finding)).all() == []


def test_a_plan_is_kept_once_for_each_run(engine: Engine, first: int) -> None:
    with engine.begin() as connection:
        changes = (change(connection, "add"), change(connection, "remove", "align-x"))
        writes.save_plan(connection, first, Plan(changes))
        writes.save_plan(connection, first, Plan((change(connection, "add"),)))
        rows = connection.execute(select(labels.plan_change)).all()
    assert [(row.label, row.operation) for row in rows] == [(OURS, "add")]
