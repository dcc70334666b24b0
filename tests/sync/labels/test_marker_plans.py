"""Which markers a night puts and removes, and how an undo brings back what was said: held against a model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.verdicts import Marker, Reason, Verdict
from sync.labels.markers import PUT, MarkerPlan, Standing, Told, labels_after, make_markers, undo_markers
from sync.labels.plan import Change, Ticket
from tests.clock import NOW

TICKETS = [Ticket("jira", f"PAY-{number}", str(number), 100 + number) for number in range(1, 5)]
LABELS = ["align-a", "align-b"]
KINDS = {"jira": tuple(Marker)}
URL = "https://tieline.example.com/explain/jira/1"
World = dict[tuple[Ticket, Marker], str]


def reason(label: str, fix: str = "Mend it.") -> Reason:
    return Reason("r", label, "error", "Amiss", fix, "2026-03-01", 1)


verdicts = st.builds(
    lambda labels, fix, url: Verdict(tuple(reason(label, fix) for label in labels), url),
    st.lists(st.sampled_from(LABELS), min_size=1, unique=True),
    st.sampled_from(["Mend it.", "Otherwise."]),
    st.sampled_from([URL, None]),
)
wanted_verdicts = st.dictionaries(st.sampled_from(TICKETS), verdicts)
markers = st.tuples(st.sampled_from(TICKETS), st.sampled_from(Marker))
kinds = st.sets(st.sampled_from(Marker)).map(lambda chosen: {"jira": tuple(sorted(chosen))})


def make(
    wanted: Mapping[Ticket, Verdict], world: Mapping[tuple[Ticket, Marker], str | None], most: int = 99,
    on: Mapping[str, tuple[Marker, ...]] = KINDS,
) -> MarkerPlan:  # fmt: skip
    standing = [Standing(ticket, marker, digest) for (ticket, marker), digest in world.items()]
    return make_markers(sorted(wanted.items(), key=lambda pair: pair[0]), standing, on, {}, NOW, most=most)


def carried_out(world: World, plan: MarkerPlan) -> World:
    after = dict(world)
    for change in plan.changes:
        if change.operation == PUT:
            after[change.ticket, change.marker] = change.digest
        else:
            del after[change.ticket, change.marker]
    return after


@given(
    wanted_verdicts, st.dictionaries(markers, verdicts.map(lambda one: one.digest)), st.integers(1, 5), kinds
)
def test_night_after_night_the_tickets_say_what_is_so_and_then_nothing_is_written(
    wanted: dict[Ticket, Verdict], world: World, most: int, on: dict[str, tuple[Marker, ...]]
) -> None:
    expected = {
        (ticket, marker): verdict.digest
        for ticket, verdict in wanted.items()
        for marker in on["jira"]
        if marker is not Marker.LINK or verdict.url
    }
    while True:
        plan = make(wanted, world, most, on)
        assert len(plan.changes) <= most
        assert list(plan.changes) == sorted(plan.changes)
        missing = sum(world.get(key) != digest for key, digest in expected.items())
        assert len(plan.changes) + plan.left == missing + len(world.keys() - expected.keys())
        if not plan.changes:
            break
        assert all(plan.verdict(change) is not None for change in plan.changes if change.operation == PUT)
        world = carried_out(world, plan)
    assert world == expected


def test_a_marker_of_which_nobody_knows_is_written_again_and_one_too_many_removed() -> None:
    verdict = Verdict((reason("align-a"),))
    world = {(TICKETS[0], Marker.PROPERTY): None, (TICKETS[1], Marker.PROPERTY): None}
    plan = make({TICKETS[0]: verdict}, world, on={"jira": (Marker.PROPERTY,)})
    assert [(change.ticket, change.operation) for change in plan.changes] == [
        (TICKETS[0], "put"),
        (TICKETS[1], "remove"),
    ]


def test_removals_come_first_then_new_markers_then_other_words() -> None:
    verdict = Verdict((reason("align-a"),))
    world: dict[tuple[Ticket, Marker], str | None] = {
        (TICKETS[0], Marker.PROPERTY): "other words",
        (TICKETS[2], Marker.PROPERTY): "no longer so",
    }
    wanted = {TICKETS[0]: verdict, TICKETS[1]: verdict}
    taken = [
        [change.ticket for change in make(wanted, world, most, {"jira": (Marker.PROPERTY,)}).changes]
        for most in (0, 1, 2, 3)
    ]
    assert taken == [[], [TICKETS[2]], [TICKETS[1], TICKETS[2]], TICKETS[:3]]


def test_what_jira_refused_waits_for_its_next_try_whether_it_is_to_come_or_to_go() -> None:
    verdict = Verdict((reason("align-a"),))
    standing = [Standing(TICKETS[1], Marker.PROPERTY, "x")]
    later = NOW + timedelta(seconds=1)
    due: dict[tuple[int, str], datetime] = {(it.item_id, Marker.PROPERTY): later for it in TICKETS}
    on = {"jira": (Marker.PROPERTY,)}
    plan = make_markers([(TICKETS[0], verdict)], standing, on, due, NOW, most=9)
    assert (plan.changes, plan.postponed, plan.left) == ((), 2, 0)
    assert len(make_markers([(TICKETS[0], verdict)], standing, on, due, later, most=9).changes) == 2


@given(
    st.sets(st.tuples(st.sampled_from(TICKETS), st.sampled_from(LABELS))),
    st.lists(st.tuples(st.sampled_from(TICKETS), st.sampled_from(LABELS)), unique=True),
)
def test_labels_after_a_plan_are_those_before_with_its_changes(
    before: set[tuple[Ticket, str]], flipped: list[tuple[Ticket, str]]
) -> None:
    changes = [
        Change(ticket, "remove" if (ticket, label) in before else "add", label, "")
        for ticket, label in flipped
    ]
    after = labels_after([(ticket.item_id, label) for ticket, label in before], changes)
    expected = before ^ set(flipped)
    assert {(item, label) for item, labels in after.items() for label in labels} == {
        (ticket.item_id, label) for ticket, label in expected
    }


@given(
    st.lists(
        st.builds(
            Told,
            st.sampled_from(TICKETS),
            st.sampled_from(Marker),
            st.none() | verdicts,
            st.none() | verdicts,
            st.booleans(),
        ),
        unique_by=lambda one: (one.ticket, one.marker),
    ),
    st.dictionaries(st.sampled_from(TICKETS), st.sets(st.sampled_from(LABELS))),
)
def test_an_undo_says_what_was_said_before_and_never_of_a_label_that_is_not_there(
    told: list[Told], labels: dict[Ticket, set[str]]
) -> None:
    plan = undo_markers(told, lambda ticket: labels.get(ticket, set()), KINDS)
    done = {(change.ticket, change.marker): plan.verdict(change) for change in plan.changes}
    for one in told:
        ends = done.get((one.ticket, one.marker), one.now)
        there = labels.get(one.ticket, set())
        if one.before is None or there.isdisjoint(one.before.labels):
            assert ends is None
        else:
            assert ends is not None
            assert set(ends.labels) == there & set(one.before.labels)
            assert set(ends.reasons) <= set(one.before.reasons)
        if (one.ticket, one.marker) not in done:
            assert one.certain, "what nobody knows is written again"
