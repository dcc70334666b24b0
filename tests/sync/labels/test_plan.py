"""A plan is wanted minus present, inside our prefix and our ledger only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.labels.plan import Change, LabelOn, Plan, Refusals, Ticket, make_plan
from tests.clock import NOW

TICKETS = [Ticket("jira", f"PAY-{number}", str(number), 100 + number) for number in range(1, 5)]
LABELS = ["align-one", "align-two", "align-three"]

on = st.builds(LabelOn, st.sampled_from(TICKETS), st.sampled_from(LABELS))
wanted_labels = st.lists(
    st.builds(LabelOn, st.sampled_from(TICKETS), st.sampled_from(LABELS), st.sampled_from(["b", "a"]))
)
ledger = st.sets(st.tuples(st.sampled_from([t.item_id for t in TICKETS]), st.sampled_from(LABELS)))


def carried_out(plan: Plan, present: list[LabelOn]) -> list[LabelOn]:
    """The labels of our prefix after every change of the plan was made."""
    there = {(label.ticket, label.label) for label in present}
    for change in plan.changes:
        if change.operation == "add":
            there.add((change.ticket, change.label))
        else:
            there.remove((change.ticket, change.label))
    return [LabelOn(ticket, label) for ticket, label in there]


def owned_after(plan: Plan, owned: set[tuple[int, str]]) -> set[tuple[int, str]]:
    added = {(c.ticket.item_id, c.label) for c in plan.changes if c.operation == "add"}
    removed = {(c.ticket.item_id, c.label) for c in plan.changes if c.operation == "remove"}
    return (owned | added) - removed


@given(wanted_labels, st.lists(on), ledger)
def test_a_plan_carried_out_leaves_nothing_to_plan(
    wanted: list[LabelOn], present: list[LabelOn], owned: set[tuple[int, str]]
) -> None:
    plan = make_plan(wanted, present, owned)
    assert not make_plan(wanted, carried_out(plan, present), owned_after(plan, owned))


@given(wanted_labels, st.lists(on), ledger)
def test_only_labels_of_our_ledger_are_removed_and_only_absent_ones_added(
    wanted: list[LabelOn], present: list[LabelOn], owned: set[tuple[int, str]]
) -> None:
    there = {(label.ticket, label.label) for label in present}
    asked = {(label.ticket, label.label) for label in wanted}
    plan = make_plan(wanted, present, owned)
    for change in plan.changes:
        pair = (change.ticket, change.label)
        if change.operation == "remove":
            assert pair in there
            assert pair not in asked
            assert (change.ticket.item_id, change.label) in owned
        else:
            assert pair in asked
            assert pair not in there
            assert change.rule == min(w.rule for w in wanted if (w.ticket, w.label) == pair)
    foreign = {pair for pair in there if (pair[0].item_id, pair[1]) not in owned}
    left = {(label.ticket, label.label) for label in carried_out(plan, present)}
    assert foreign | asked <= left


@given(st.permutations(sorted({(t, n) for t in TICKETS for n in LABELS})), st.data())
def test_the_order_of_a_plan_does_not_depend_on_the_order_of_what_it_is_made_of(
    pairs: list[tuple[Ticket, str]], data: st.DataObject
) -> None:
    labels = [LabelOn(ticket, label, "rule") for ticket, label in pairs]
    cut = data.draw(st.integers(0, len(labels)))
    present = [LabelOn(label.ticket, label.label) for label in labels[cut:]]
    owned = {(label.ticket.item_id, label.label) for label in present}
    plan = make_plan(labels[:cut], present, owned)
    again = make_plan(reversed(labels[:cut]), reversed(present), owned)
    assert plan == again
    assert list(plan.changes) == sorted(plan.changes)
    grouped = [ticket for ticket, _, _ in plan.tickets()]
    assert grouped == sorted(set(grouped)), "one request for each ticket"
    assert sum(len(change.add) + len(change.remove) for _, change, _ in plan.tickets()) == len(plan.changes)


@pytest.mark.parametrize(("tries", "disputed"), [(0, False), (1, False), (2, True), (7, True)])
def test_a_label_that_people_took_off_twice_is_disputed_and_not_put_on_again(
    tries: int, *, disputed: bool
) -> None:
    wanted = LabelOn(TICKETS[0], "align-one", "r", tries)
    addition = Change(TICKETS[0], "add", "align-one", "r")
    plan = make_plan([wanted], [], set())
    assert (plan.changes, plan.disputed) == (((), (addition,)) if disputed else ((addition,), ()))
    there = LabelOn(TICKETS[0], "align-one")
    assert make_plan([wanted], [there], {(101, "align-one")}) == Plan(), "while it is there, nobody objects"


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("refusals", "nights"),
    [(1, [1, 2, 3]), (2, [2, 3, 4]), (3, [4, 5, 6]), (4, [7, 8, 9]), (30, [7, 8, 9])],
)
def test_a_change_that_was_refused_is_tried_again_more_and_more_rarely(
    refusals: int, nights: list[int]
) -> None:
    wanted = [LabelOn(TICKETS[0], "align-one", "r")]
    waiting = {(101, "align-one", "add"): Refusals(refusals, NOW).next_try}
    tried = [
        night
        for night in range(1, nights[-1] + 1)
        if make_plan(wanted, [], set(), waiting, NOW + night * DAY).changes
    ]
    assert tried == nights
    postponed = make_plan(wanted, [], set(), waiting, NOW).postponed
    assert postponed == (Change(TICKETS[0], "add", "align-one", "r"),)
