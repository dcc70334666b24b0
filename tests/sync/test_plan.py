"""A plan is wanted minus present, inside our prefix and our ledger only; the guard names what stops it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.plan import Change, LabelOn, Limit, Plan, Refusals, Ticket, guard, make_plan, percent
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


def additions(number: int, rule: str = "a-rule", labels: int = 1) -> Plan:
    tickets = [Ticket("jira", f"PAY-{n:04}", str(n), n) for n in range(number)]
    return Plan(tuple(Change(ticket, "add", f"align-{n}", rule) for ticket in tickets for n in range(labels)))


def removals(number: int) -> Plan:
    tickets = [Ticket("jira", f"PAY-{n:04}", str(n), n) for n in range(number)]
    return Plan(tuple(Change(ticket, "remove", "align-x", "") for ticket in tickets))


WIDE = Limit(1000, 1.0)


@pytest.mark.parametrize(
    ("plan", "tickets", "limit", "problems"),
    [
        (Plan(), 0, Limit(1, 0.2), []),
        (additions(5), 1000, Limit(5, 1.0), []),
        (
            additions(6),
            1000,
            Limit(5, 1.0),
            [
                (
                    "The plan holds 6 label changes; TIELINE_MAX_CHANGES allows 5. "
                    "If this is meant, run once with --allow-changes 6."
                )
            ],
        ),
        (additions(20), 100, Limit(500, 0.2), []),
        (
            additions(21),
            100,
            Limit(500, 0.2),
            [
                (
                    "The plan changes 21 of 100 tickets; TIELINE_MAX_SHARE allows 20%. "
                    "If this is meant, run once with --allow-changes 21."
                )
            ],
        ),
        (additions(10), 11, Limit(500, 0.2), []),
        (additions(15, labels=2), 100, Limit(500, 0.2), []),
        (
            additions(11, labels=2),
            50,
            Limit(500, 0.125),
            [
                (
                    "The plan changes 11 of 50 tickets; TIELINE_MAX_SHARE allows 12.5%. "
                    "If this is meant, run once with --allow-changes 22."
                )
            ],
        ),
        (
            removals(30),
            100,
            Limit(20, 0.2),
            [
                (
                    "The plan holds 30 label changes; TIELINE_MAX_CHANGES allows 20. "
                    "If this is meant, run once with --allow-changes 30."
                ),
                (
                    "The plan changes 30 of 100 tickets; TIELINE_MAX_SHARE allows 20%. "
                    "If this is meant, run once with --allow-changes 30."
                ),
            ],
        ),
    ],
)
def test_the_guard_says_which_setting_stops_the_plan_and_how_to_let_it_through_once(
    plan: Plan, tickets: int, limit: Limit, problems: list[str]
) -> None:
    assert guard(plan, tickets, limit, {}) == problems
    assert guard(plan, tickets, limit, {}, allowed=len(plan.changes)) == []
    if problems:
        assert guard(plan, tickets, limit, {}, allowed=len(plan.changes) - 1) == problems


def test_a_rule_has_limits_of_its_own_for_what_it_adds() -> None:
    limits = {"a-rule": Limit(3, 1.0), "b-rule": Limit(1000, 0.05)}
    assert guard(additions(3), 1000, WIDE, limits) == []
    assert guard(additions(4), 1000, WIDE, limits) == [
        (
            "Rule a-rule would add 4 labels; its `limit` allows 3 of 1000 tickets. "
            "If this is meant, run once with --allow-changes 4."
        )
    ]
    assert guard(additions(50, "b-rule"), 1000, WIDE, limits) == []
    assert guard(additions(51, "b-rule"), 1000, WIDE, limits) == [
        (
            "Rule b-rule would add 51 labels; its `limit` allows 50 of 1000 tickets. "
            "If this is meant, run once with --allow-changes 51."
        )
    ]
    assert guard(additions(10, "b-rule"), 20, WIDE, limits) == [], "a share of a handful says nothing"
    assert guard(additions(40, "c-rule"), 1000, WIDE, limits) == []
    assert guard(removals(40), 1000, WIDE, limits) == [], "taking away is never a rule's own matter"


@pytest.mark.parametrize(("share", "written"), [(0.2, "20%"), (0.07, "7%"), (0.005, "0.5%"), (1.0, "100%")])
def test_a_share_is_written_as_it_was_set(share: float, written: str) -> None:
    assert percent(share) == written


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
