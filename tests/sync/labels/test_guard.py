"""The guard stops a plan beyond a limit of the whole run, and holds one rule or project beyond its own."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.labels.guard import Ruling, guard
from sync.labels.limits import LINKS, UNALIGNED, Limit, Limits, Measure, Scene, percent
from sync.labels.plan import Change, Plan, Ticket

WIDE = Limit(1000, 1.0)
OVERRIDE = re.compile(r" If this is meant, run once with --allow-changes (\d+)\.$")


def additions(number: int, rule: str = "a-rule", labels: int = 1, project: str = "PAY") -> Plan:
    tickets = [Ticket("jira", f"{project}-{n:04}", f"{project}{n}", n) for n in range(number)]
    return Plan(tuple(Change(ticket, "add", f"align-{n}", rule) for ticket in tickets for n in range(labels)))


def removals(number: int, label: str = "align-x") -> Plan:
    tickets = [Ticket("jira", f"PAY-{n:04}", str(n), n) for n in range(number)]
    return Plan(tuple(Change(ticket, "remove", label, "") for ticket in tickets))


def both(*plans: Plan) -> Plan:
    return Plan(tuple(sorted(change for plan in plans for change in plan.changes)))


def scene(tickets: int, **more: object) -> Scene:
    return Scene({("jira", "PAY"): tickets}, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("plan", "tickets", "limit", "problems"),
    [
        (Plan(), 0, Limit(1, 0.2), []),
        (additions(5), 1000, Limit(5, 1.0), []),
        (
            additions(6),
            1000,
            Limit(5, 1.0),
            ["The plan holds 6 label changes; TIELINE_MAX_CHANGES allows 5."],
        ),
        (additions(20), 100, Limit(500, 0.2), []),
        (
            additions(21),
            100,
            Limit(500, 0.2),
            ["The plan changes 21 of 100 tickets; TIELINE_MAX_SHARE allows 20%."],
        ),
        (additions(10), 11, Limit(500, 0.2), []),
        (additions(15, labels=2), 100, Limit(500, 0.2), []),
        (
            additions(11, labels=2),
            50,
            Limit(500, 0.125),
            ["The plan changes 11 of 50 tickets; TIELINE_MAX_SHARE allows 12.5%."],
        ),
        (
            removals(30),
            100,
            Limit(20, 0.2),
            [
                "The plan holds 30 label changes; TIELINE_MAX_CHANGES allows 20.",
                "The plan changes 30 of 100 tickets; TIELINE_MAX_SHARE allows 20%.",
            ],
        ),
    ],
)
def test_a_limit_of_the_whole_run_stops_the_plan_by_name_and_can_be_passed_once(
    plan: Plan, tickets: int, limit: Limit, problems: list[str]
) -> None:
    size = len(plan.changes)
    told = tuple(f"{problem} If this is meant, run once with --allow-changes {size}." for problem in problems)
    assert guard(plan, scene(tickets), Limits(limit)) == Ruling(plan, stopped=told)
    assert guard(plan, scene(tickets), Limits(limit), allowed=size) == Ruling(plan)
    if problems:
        assert guard(plan, scene(tickets), Limits(limit), allowed=size - 1).stopped == told


def test_a_rule_beyond_its_own_limit_is_held_and_the_others_go_on() -> None:
    limits = Limits(Limit(60, 0.2), {"a-rule": Limit(3, 1.0), "b-rule": Limit(1000, 0.05)})
    calm, wild = additions(50, "b-rule", project="CALM"), additions(400)
    ruling = guard(both(calm, wild), scene(1000), limits)
    assert (ruling.stopped, ruling.plan.changes, ruling.plan.held) == ((), calm.changes, wild.changes)
    assert ruling.held == (
        (
            "Rule a-rule would add 400 labels; its `limit` allows 3 of 1000 tickets. Its additions are held "
            "back. If this is meant, run once with --allow-changes 450."
        ),
    )
    assert guard(both(calm, wild), scene(1000), limits, allowed=450).plan == both(calm, wild)


@pytest.mark.parametrize(
    ("plan", "tickets", "passes"),
    [
        (additions(3), 1000, True),
        (additions(4), 1000, False),
        (additions(50, "b-rule"), 1000, True),
        (additions(51, "b-rule"), 1000, False),
        (additions(10, "b-rule"), 20, True),  # a share of a handful says nothing
        (additions(40, "c-rule"), 1000, True),
        (removals(40), 1000, True),  # taking away is never a rule's own matter
    ],
)
def test_a_rules_own_limit_is_a_count_and_a_share(plan: Plan, tickets: int, *, passes: bool) -> None:
    limits = Limits(WIDE, {"a-rule": Limit(3, 1.0), "b-rule": Limit(1000, 0.05)})
    ruling = guard(plan, scene(tickets), limits)
    assert not ruling.stopped if passes else ruling.stopped, "where nothing is left, the run is stopped"


def test_a_project_beyond_its_limit_is_held_and_the_others_go_on() -> None:
    two = Scene({("jira", "PAY"): 20, ("jira", "SEA"): 500})
    few, many = additions(5, project="SEA"), additions(11)
    limits = Limits(Limit(500, 0.2), project_changes=12, project_share=0.5)
    ruling = guard(both(few, many), two, limits)
    assert (ruling.plan.changes, ruling.plan.held) == (few.changes, many.changes)
    assert ruling.held == (
        (
            "In project PAY the plan changes 11 of 20 tickets; TIELINE_MAX_PROJECT_SHARE allows 50%. "
            "They are held back. If this is meant, run once with --allow-changes 16."
        ),
    )
    ruling = guard(both(additions(13, project="SEA"), additions(5)), two, limits)
    assert (
        "In project SEA the plan holds 13 label changes; TIELINE_MAX_PROJECT_CHANGES allows 12"
        in ruling.held[0]
    )
    assert not guard(many, scene(20), Limits(Limit(500, 0.6), project_share=0.5)).held, (
        "there is but one project"
    )


def test_a_project_that_is_held_does_not_make_a_plan_small() -> None:
    two = Scene({("jira", "PAY"): 40, ("jira", "SEA"): 60})
    plan = both(additions(30), additions(9, project="SEA"))
    ruling = guard(plan, two, Limits(Limit(500, 0.2), project_share=0.5))
    assert ruling.plan == plan
    assert "The plan changes 39 of 100 tickets; TIELINE_MAX_SHARE allows 20%." in ruling.stopped[0]


def test_too_many_removals_stop_the_plan() -> None:
    limits = Limits(WIDE, removals=0.25)
    assert not guard(removals(11), scene(100, own={"align-x": 44}), limits).stopped
    (said,) = guard(removals(11), scene(100, own={"align-x": 43}), limits).stopped
    assert said.startswith("The plan takes off 11 of our 43 labels; TIELINE_MAX_REMOVALS allows 25%.")
    assert not guard(removals(10), scene(100, own={"align-x": 10}), limits).stopped


def test_a_rule_that_finds_nothing_any_more_keeps_its_labels_for_now() -> None:
    held = scene(1000, own={"align-x": 30}, rule_of={"align-x": "x-rule"})
    few = additions(2)
    ruling = guard(both(few, removals(30)), held, Limits(Limit(500, 0.2)))
    assert (ruling.plan.changes, ruling.plan.held) == (few.changes, removals(30).changes)
    assert "Rule x-rule finds nothing any more, and would take align-x off all 30 tickets." in ruling.held[0]
    gone = scene(1000, own={"align-x": 30})
    assert guard(removals(30), gone, Limits(Limit(500, 0.2))) == Ruling(removals(30)), (
        "the rule is gone itself"
    )
    some = scene(1000, own={"align-x": 31}, rule_of={"align-x": "x-rule"})
    assert guard(removals(30), some, Limits(Limit(500, 0.2))) == Ruling(removals(30))


def test_a_rule_that_is_suddenly_true_of_all_is_held() -> None:
    few, all_of_them = additions(2, "b-rule"), additions(30)
    held = scene(1000, everything={"a-rule": 31, "b-rule": 2})
    ruling = guard(both(few, all_of_them), held, Limits(Limit(500, 0.2)))
    assert (ruling.plan.changes, ruling.plan.held) == (few.changes, all_of_them.changes)
    assert (
        "Rule a-rule is now true of all 31 tickets like those it finds, and was not before." in ruling.held[0]
    )
    grown = scene(1000, everything={"a-rule": 60})
    assert guard(all_of_them, grown, Limits(Limit(500, 0.2))) == Ruling(all_of_them), (
        "it was true of all before"
    )
    assert guard(all_of_them, held, Limits(WIDE)) == Ruling(all_of_them), "TIELINE_MAX_SHARE=100% asks for it"


def past(*shares: int) -> dict[str, list[Measure]]:
    return {UNALIGNED: [Measure(share, 100) for share in shares]}


@pytest.mark.parametrize(
    ("number", "usual", "stops"),
    [
        (21, past(10, 10, 10), True),
        (20, past(10, 10, 10), False),
        (21, past(10, 10), False),  # two nights say nothing
        (21, past(10, 50, 11), False),  # the median is 11
        (10, past(40, 21, 22), True),  # a good turn may be as wrong as a bad one
    ],
)
def test_a_share_unlike_the_last_nights_stops_the_plan(
    number: int, usual: dict[str, list[Measure]], *, stops: bool
) -> None:
    held = scene(1000, tonight={UNALIGNED: Measure(number, 100)}, usual=usual)
    ruling = guard(additions(1), held, Limits(WIDE, shift=0.1))
    assert bool(ruling.stopped) is stops
    if stops:
        assert re.search(
            rf"^{number} of 100 work items are unaligned: {number}.0%, where .* was usual; TIELINE_MAX_SHIFT "
            r"allows 10% more or less\. If",
            ruling.stopped[0],
        )
    assert guard(Plan(), held, Limits(WIDE, shift=0.1)) == Ruling(Plan()), "nothing is to be written"


def test_links_of_one_kind_that_vanish_stop_the_plan() -> None:
    usual = {LINKS + "custom field": [Measure(30), Measure(100)], LINKS + "label": [Measure(10)]}
    gone = scene(1000, tonight={LINKS + "custom field": Measure(14)}, usual=usual)
    (said,) = guard(additions(1), gone, Limits(WIDE, links_lost=0.5)).stopped
    assert said.startswith(
        "16 of 30 links by custom field are gone since the last night; TIELINE_MAX_LINKS_LOST allows 50%."
    )
    half = scene(1000, tonight={LINKS + "custom field": Measure(15)}, usual=usual)
    assert guard(additions(1), half, Limits(WIDE, links_lost=0.5)) == Ruling(additions(1))


changes = st.builds(
    Change,
    st.builds(
        lambda project, n: Ticket("jira", f"{project}-{n}", f"{project}{n}", n),
        st.sampled_from(["PAY", "SEA", "AIR"]),
        st.integers(1, 30),
    ),
    st.sampled_from(["add", "remove"]),
    st.sampled_from(["align-x", "align-y"]),
    st.sampled_from(["a-rule", "b-rule"]),
)
plans = st.sets(changes, max_size=80).map(lambda found: Plan(tuple(sorted(found))))
limits_of_all_kinds = st.builds(
    Limits,
    st.builds(Limit, st.integers(1, 80), st.sampled_from([0.1, 0.5, 0.99])),
    st.fixed_dictionaries({"a-rule": st.builds(Limit, st.integers(1, 30), st.sampled_from([0.1, 1.0]))}),
    st.none() | st.integers(1, 40),
    st.sampled_from([0.3, 1.0]),
    st.sampled_from([0.25, 1.0]),
)
scenes = st.builds(
    Scene,
    st.fixed_dictionaries({("jira", p): st.integers(1, 60) for p in ("PAY", "SEA", "AIR")}),
    st.fixed_dictionaries({"align-x": st.integers(0, 60)}),
    st.just({"align-x": "a-rule"}),
    st.fixed_dictionaries({"b-rule": st.integers(0, 60)}),
)


@given(plans, scenes, limits_of_all_kinds)
def test_whatever_passes_breaks_no_limit_and_whatever_does_not_is_named(
    plan: Plan, held: Scene, limits: Limits
) -> None:
    ruling = guard(plan, held, limits)
    if ruling.stopped:
        assert (ruling.plan, ruling.held) == (plan, ())
        assert all(OVERRIDE.search(said) for said in ruling.stopped)
        return
    assert sorted((*ruling.plan.changes, *ruling.plan.held)) == sorted(plan.changes), "nothing is lost"
    assert bool(ruling.held) == bool(ruling.plan.held)
    passed = Plan(ruling.plan.changes)
    assert guard(passed, held, limits) == Ruling(passed), "what passes once passes again"
    added = [c for c in ruling.plan.changes if c.operation == "add" and c.rule == "a-rule"]
    assert len(added) <= limits.rules["a-rule"].changes
    wanted = [c for c in plan.changes if c.operation == "add" and c.rule == "a-rule"]
    assert len(added) < len(wanted) or added == wanted
    assert len(ruling.plan.changes) <= limits.whole.changes


@given(plans, scenes, limits_of_all_kinds)
def test_the_number_in_the_message_lets_exactly_that_plan_through(
    plan: Plan, held: Scene, limits: Limits
) -> None:
    ruling = guard(plan, held, limits)
    for said in (*ruling.stopped, *ruling.held):
        found = OVERRIDE.search(said)
        assert found
        assert guard(plan, held, limits, int(found[1])) == Ruling(plan)
        assert guard(plan, held, limits, int(found[1]) - 1) == ruling


@pytest.mark.parametrize(("share", "written"), [(0.2, "20%"), (0.07, "7%"), (0.005, "0.5%"), (1.0, "100%")])
def test_a_share_is_written_as_it_was_set(share: float, written: str) -> None:
    assert percent(share) == written
