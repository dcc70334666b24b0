"""Findings live as a small model says: pending → open → clearing → closed, whatever the nights bring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Engine, delete, insert, select, update

from sync.store import findings, runs, save, tables
from sync.store.findings import Verdict, finding, hit
from sync.store.schema import table_of
from tests.clock import NOW
from tests.sync.making import SITE, begin_run, epic, goal, item_id, origin_of, put

DAY = timedelta(days=1)
ITEMS = (1, 2, 3)
SOME = st.sets(st.sampled_from(ITEMS))
work_item = table_of(tables.WorkItem)


def verdict(hold: int = 0, clear_after: int = 0, **more: Any) -> Verdict:
    said: dict[str, Any] = {
        "rule": "no-objective",
        "entity": "workItem",
        "rule_hash": "h1",
        "severity": "major",
        "label": "no-objective",
        "hold": hold * DAY,
        "clear_after": clear_after * DAY,
    }
    return Verdict(**(said | more))


@dataclass(frozen=True)
class Life:
    """The model of one finding: its state and the night of each step."""

    state: str
    since: datetime
    opened: datetime | None = None
    clearing: datetime | None = None
    closed: datetime | None = None


def one_night(
    life: Life | None, *, hit: bool, hold: timedelta, clear: timedelta, now: datetime
) -> Life | None:
    """What one night makes of a finding, said without any database."""
    if hit:
        if life is None or life.state == "closed":
            return Life("pending", now) if hold else Life("open", now, opened=now)
        if life.state == "clearing":
            return replace(life, state="open", clearing=None)
        if life.state == "pending" and now - life.since >= hold:
            return replace(life, state="open", opened=now)
        return life
    if life is None or life.state == "closed":
        return life
    if life.state == "open" and clear:
        return replace(life, state="clearing", clearing=now)
    if life.state == "clearing" and life.clearing is not None and now - life.clearing < clear:
        return life
    return replace(life, state="closed", closed=now)


class Lives(RuleBasedStateMachine):
    """Nights with hits, misses, frozen rules, missing items and changed rules, on a real store."""

    engine: Engine

    @initialize(hold=st.integers(0, 3), clear_after=st.integers(0, 3))
    def start(self, hold: int, clear_after: int) -> None:
        self.connection = self.engine.connect()  # never committed: each example begins with an empty store
        self.now = NOW
        self.hold, self.clear_after = hold, clear_after
        self.lives: dict[int, Life | None] = dict.fromkeys(ITEMS)
        first = runs.begin(self.connection, "test", NOW, dry_run=False)
        put(self.connection, first, [epic(f"PAY-{number}") for number in ITEMS])
        self.ids = {number: item_id(self.connection, f"PAY-{number}") for number in ITEMS}

    @rule(
        hits=st.sets(st.sampled_from(ITEMS)),
        days=st.integers(0, 2),
        missing=st.none() | st.sampled_from(ITEMS),
    )
    def night(self, hits: set[int], days: int, missing: int | None) -> None:
        self.now += days * DAY
        run_id = runs.begin(self.connection, "test", self.now, dry_run=False)
        for number in ITEMS:
            since = run_id if number == missing else None
            self.connection.execute(
                update(work_item).where(work_item.c.id == self.ids[number]).values(missing_since=since)
            )
        seen = hits - {missing}  # rules do not see an item that is missing
        merge_hits(self.connection, [self.ids[number] for number in seen], self.verdict(), run_id, self.now)
        for number in ITEMS:
            if number != missing:
                self.lives[number] = one_night(
                    self.lives[number],
                    hit=number in seen,
                    hold=self.hold * DAY,
                    clear=self.clear_after * DAY,
                    now=self.now,
                )

    @rule(days=st.integers(1, 2))
    def frozen_night(self, days: int) -> None:
        """A night in which a source was incomplete: time passes and nothing else."""
        self.now += days * DAY

    @precondition(lambda self: self.now > NOW + 5 * DAY)
    @rule(hold=st.integers(0, 3), clear_after=st.integers(0, 3))
    def change_the_rule(self, hold: int, clear_after: int) -> None:
        self.hold, self.clear_after = hold, clear_after

    @precondition(lambda self: self.now > NOW + 5 * DAY)
    @rule()
    def lose_the_rule(self) -> None:
        run_id = runs.begin(self.connection, "test", self.now, dry_run=False)
        findings.close_orphans(self.connection, [("another", "workItem")], run_id, self.now)
        for number, life in self.lives.items():
            if life is not None and life.state != "closed":
                self.lives[number] = replace(life, state="closed", closed=self.now)

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        found = lives_in(self.connection)
        assert found == {self.ids[key]: shape(life) for key, life in self.lives.items() if life is not None}

    def verdict(self) -> Verdict:
        return verdict(self.hold, self.clear_after)

    def teardown(self) -> None:
        self.connection.close()


def shape(life: Life) -> tuple[Any, ...]:
    """What matters in each state: a closed finding may remember when it was clearing."""
    clearing = life.clearing if life.state == "clearing" else None
    return life.state, life.since, life.opened, clearing, life.closed


def lives_in(connection: Connection) -> dict[int, tuple[Any, ...]]:
    return {
        row.subject_id: shape(Life(row.state, row.since, row.opened_at, row.clearing_since, row.closed_at))
        for row in connection.execute(select(finding))
    }


def merge_hits(
    connection: Connection,
    subjects: list[int],
    said: Verdict,
    run_id: int,
    now: datetime,
    evidence: str = "{}",
) -> None:
    connection.execute(delete(hit))
    rows = [
        {"rule": said.rule, "entity": said.entity, "subject_id": subject, "evidence": evidence}
        for subject in subjects
    ]
    if rows:
        connection.execute(insert(hit), rows)
    findings.merge(connection, said, run_id, now)


def test_findings_live_as_the_model_says(engine: Engine) -> None:
    machine = type("OnThisStore", (Lives,), {"engine": engine})
    steps = settings(max_examples=50, stateful_step_count=12)
    run_state_machine_as_test(machine, settings=steps)


def state_of(connection: Connection, subject: int) -> str:
    return str(connection.scalars(select(finding.c.state).where(finding.c.subject_id == subject)).one())


def test_a_finding_takes_over_the_newest_evidence_severity_and_label(engine: Engine) -> None:
    with engine.begin() as connection:
        first = runs.begin(connection, "test", NOW, dry_run=False)
        merge_hits(connection, [7], verdict(), first, NOW, evidence='{"status": "Open"}')
        second = runs.begin(connection, "test", NOW, dry_run=False)
        changed = verdict(severity="minor", label="other", rule_hash="h2")
        merge_hits(connection, [7], changed, second, NOW + DAY, evidence='{"status": "Blocked"}')
        row = connection.execute(select(finding)).one()
    assert (row.evidence, row.severity, row.label, row.rule_hash) == (
        '{"status": "Blocked"}',
        "minor",
        "other",
        "h2",
    )
    assert (row.last_run, row.opened_run, row.since) == (second, first, NOW)


def test_two_rules_on_one_item_do_not_touch_each_other(engine: Engine) -> None:
    with engine.begin() as connection:
        run_id = runs.begin(connection, "test", NOW, dry_run=False)
        merge_hits(connection, [7], verdict(rule="one"), run_id, NOW)
        merge_hits(connection, [7], verdict(rule="two"), run_id, NOW)
        merge_hits(connection, [], verdict(rule="two"), run_id, NOW)
        states = dict(tuple(row) for row in connection.execute(select(finding.c.rule, finding.c.state)))
    assert states == {"one": "open", "two": "closed"}


def test_a_rule_that_turns_to_another_entity_closes_what_it_found_before(engine: Engine) -> None:
    with engine.begin() as connection:
        run_id = runs.begin(connection, "test", NOW, dry_run=False)
        merge_hits(connection, [7], verdict(), run_id, NOW)
        findings.close_orphans(connection, [("no-objective", "objective")], run_id, NOW)
        row = connection.execute(select(finding)).one()
    assert (row.state, row.closed_why) == ("closed", "rule gone")


def test_without_any_rule_every_finding_is_closed(engine: Engine) -> None:
    with engine.begin() as connection:
        run_id = runs.begin(connection, "test", NOW, dry_run=False)
        merge_hits(connection, [7], verdict(), run_id, NOW)
        findings.close_orphans(connection, [], run_id, NOW)
        assert state_of(connection, 7) == "closed"


def test_an_objective_that_is_missing_for_a_night_keeps_its_finding(engine: Engine) -> None:
    first, second, third = (begin_run(engine) for _ in range(3))
    with engine.begin() as connection:
        put(connection, first, [goal("OBJ-5")])
        subject = connection.scalars(select(table_of(tables.Objective).c.id)).one()
        said = verdict(entity="objective")
        merge_hits(connection, [subject], said, first, NOW)
        for run_id, expected in ((second, "open"), (third, "closed")):
            save.bury_absent(connection, origin_of(SITE, run_id), at_once=False)
            merge_hits(connection, [], said, run_id, NOW)
            assert state_of(connection, subject) == expected
