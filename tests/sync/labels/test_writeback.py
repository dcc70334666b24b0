"""A plan is carried out ticket by ticket; a refusal parks one, an error of the site drops its rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, select

from connectors.changes import Answered, LabelChange, Outcome
from connectors.errors import ConnectorError, PermissionDenied, Unreachable
from sync.errors import Exit
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.labels.plan import Change, Plan, Ticket
from sync.labels.writeback import WriteBack, Written
from sync.store import labels, writes
from tests.clock import NOW
from tests.sync.making import begin_run, epic, item_id, labels_of, put

OURS = "align-x"
KEYS = ["PAY-1", "PAY-2", "PAY-3", "PAY-4"]


@dataclass
class Tickets:
    """Stands for a Jira site: takes every change, but for the issues it was told to refuse or to fail at."""

    refused: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, ConnectorError] = field(default_factory=dict)
    loud: bool = False
    lying: bool = False
    asked: list[str] = field(default_factory=list)
    shown: dict[str, set[str]] = field(default_factory=dict)

    def apply(self, changes: Sequence[LabelChange]) -> Iterator[Sequence[Answered]]:
        for change in changes:
            try:
                yield [Answered(change, self.outcome(change))]
            except ConnectorError as error:
                yield [Answered(change, Outcome(False, str(error), lost=True))]
                raise

    def outcome(self, change: LabelChange) -> Outcome:
        self.asked.append(change.issue_key)
        if change.issue_key in self.broken:
            raise self.broken[change.issue_key]
        if change.issue_key in self.refused:
            return Outcome(False, self.refused[change.issue_key])
        self.shown[change.issue_id] = set() if self.lying else set(change.add)
        return Outcome(True, "", {"notified": "yes"} if self.loud else {})

    def labels_of(self, issue_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return {issue_id: sorted(self.shown[issue_id]) for issue_id in issue_ids}


@dataclass
class Desk:
    """A store with four tickets on two sites, and a plan that adds to three and removes from one."""

    engine: Engine
    run_id: int
    plan: Plan

    def carry_out(self, **sites: Tickets) -> Written:
        with self.engine.begin() as connection:
            writes.intend(connection, self.run_id, self.plan.changes, NOW)
        return WriteBack(self.engine, self.run_id, sites, lambda: NOW, Quiet()).carry_out(self.plan)

    def ledger(self) -> dict[str, tuple[str, str | None]]:
        work_item = labels.work_item
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(work_item.c.key, labels.ledger.c.state, labels.ledger.c.reason).join(
                    labels.ledger, labels.ledger.c.work_item_id == work_item.c.id
                )
            )
            return {row.key: (row.state, row.reason) for row in rows}

    def labels(self, key: str) -> list[str]:
        with self.engine.connect() as connection:
            return labels_of(connection, key)


@pytest.fixture
def desk(engine: Engine) -> Desk:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(
            connection, run_id, [epic("PAY-1"), epic("PAY-2"), epic("PAY-3", labels=(OURS, "people"))], "near"
        )
        put(connection, run_id, [epic("PAY-4")], "far")
        changes = [
            Change(
                Ticket("far" if key == "PAY-4" else "near", key, key[-1], item_id(connection, key)),
                "remove" if key == "PAY-3" else "add",
                OURS,
                "a-rule",
            )
            for key in KEYS
        ]
    return Desk(engine, run_id, Plan(tuple(sorted(changes))))


def test_every_change_is_made_answered_and_taken_over(desk: Desk) -> None:
    written = desk.carry_out(near=Tickets(), far=Tickets(loud=True))
    assert (written.added, written.removed, written.notified, written.whole) == (3, 1, 1, True)
    assert desk.ledger() == dict.fromkeys(KEYS, ("done", None))
    assert [desk.labels(key) for key in KEYS] == [[OURS], [OURS], ["people"], [OURS]]


def test_a_refused_ticket_is_parked_with_its_reason_and_the_rest_goes_on(desk: Desk) -> None:
    written = desk.carry_out(near=Tickets(refused={"PAY-2": "the field is not on the screen"}), far=Tickets())
    assert (written.added, written.removed, written.whole) == (2, 1, False)
    assert [(p.ticket.issue_key, p.reason) for p in written.parked] == [
        ("PAY-2", "the field is not on the screen")
    ]
    assert desk.ledger()["PAY-2"] == ("parked", "the field is not on the screen")
    assert [desk.labels(key) for key in KEYS] == [[OURS], [], ["people"], [OURS]]


@pytest.mark.parametrize("error", [Unreachable("no answer"), PermissionDenied("read-only account")])
def test_an_error_of_a_site_leaves_what_was_sent_open_and_drops_the_rest_of_that_site_only(
    desk: Desk, error: ConnectorError
) -> None:
    near, far = Tickets(broken={"PAY-2": error}), Tickets()
    written = desk.carry_out(near=near, far=far)
    assert near.asked == ["PAY-1", "PAY-2"], "a broken site is not asked again"
    assert far.asked == ["PAY-4"]
    assert (written.added, written.removed, written.open, written.dropped) == (2, 0, 1, 1)
    assert not written.whole
    assert written.broken_sites == {"near": str(error)}
    assert desk.ledger() == {
        "PAY-1": ("done", None),
        "PAY-2": ("intended", str(error)),
        "PAY-3": ("dropped", str(error)),
        "PAY-4": ("done", None),
    }
    assert desk.labels("PAY-3") == [OURS, "people"]


def test_a_jira_that_says_yes_and_changes_nothing_is_found_out(desk: Desk) -> None:
    written = desk.carry_out(near=Tickets(lying=True), far=Tickets())
    assert (written.added, written.removed, written.read_back, written.whole) == (1, 1, 4, False)
    assert [parked.ticket.issue_key for parked in written.parked] == ["PAY-1", "PAY-2"]
    assert "read back" in written.parked[0].reason
    assert {key: state for key, (state, _) in desk.ledger().items()} == {
        "PAY-1": "parked",
        "PAY-2": "parked",
        "PAY-3": "done",
        "PAY-4": "done",
    }
    assert [desk.labels(key) for key in KEYS] == [[], [], ["people"], [OURS]]


def test_what_a_dying_writer_left_open_stays_intended(desk: Desk) -> None:
    class Died(BaseException):
        pass

    class Dying(Tickets):
        def outcome(self, change: LabelChange) -> Outcome:
            if change.issue_key == "PAY-2":
                raise Died
            return super().outcome(change)

    with pytest.raises(Died):
        desk.carry_out(near=Dying(), far=Tickets())
    states = {key: state for key, (state, _) in desk.ledger().items()}
    assert states == {"PAY-1": "done", "PAY-2": "intended", "PAY-3": "intended", "PAY-4": "done"}


@pytest.mark.parametrize(
    ("refused", "broken", "code", "status"),
    [
        ({}, {}, Exit.OK, "done"),
        ({"PAY-1": "no"}, {}, Exit.PARTLY, "partly done"),
        ({}, {"PAY-1": Unreachable("gone")}, Exit.PARTLY, "partly done"),
    ],
)
def test_the_exit_code_says_whether_everything_was_written(
    desk: Desk, refused: dict[str, str], broken: dict[str, ConnectorError], code: Exit, status: str
) -> None:
    result = RunResult(desk.run_id, datetime(2026, 1, 1, tzinfo=UTC))
    result.written = desk.carry_out(near=Tickets(refused, broken), far=Tickets())
    assert (result.exit_code, result.status) == (code, status)
