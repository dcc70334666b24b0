"""Findings live as a small model says: pending → open → clearing → closed, whatever the nights bring."""

from __future__ import annotations

from dataclasses import replace
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
from sqlalchemy import BigInteger, Connection, Engine, String, Text, false, literal, select, union_all, update

from sync.life import LABELLED, Life, Terms, next_life
from sync.store import findings, labels, runs, save, tables
from sync.store.findings import Verdict, finding
from sync.store.presence import live
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
        "label": "no-objective",
        "hold": hold * DAY,
        "clear_after": clear_after * DAY,
    }
    return Verdict(**(said | more))


class Lives(RuleBasedStateMachine):
    """Nights with hits, misses, frozen and renamed rules, missing items and waivers, on a real store."""

    engine: Engine

    @initialize(hold=st.integers(0, 3), clear_after=st.integers(0, 3))
    def start(self, hold: int, clear_after: int) -> None:
        self.connection = self.engine.connect()  # never committed: each example begins with an empty store
        self.now = NOW
        self.hold, self.clear_after = hold, clear_after
        self.mode, self.name = "label", "first-name"
        self.lives: dict[int, Life | None] = dict.fromkeys(ITEMS)
        self.waived: set[int] = set()
        self.labelled: set[int] = set()
        first = runs.begin(self.connection, "test", NOW, dry_run=False)
        put(self.connection, first, [epic(f"PAY-{number}") for number in ITEMS])
        self.ids = {number: item_id(self.connection, f"PAY-{number}") for number in ITEMS}

    @rule(
        hits=st.sets(st.sampled_from(ITEMS)),
        days=st.integers(0, 2),
        missing=st.none() | st.sampled_from(ITEMS),
        waivers=st.lists(SOME, max_size=2),
    )
    def night(self, hits: set[int], days: int, missing: int | None, waivers: list[set[int]]) -> None:
        self.now += days * DAY
        run_id = runs.begin(self.connection, "test", self.now, dry_run=False)
        for number in ITEMS:
            since = run_id if number == missing else None
            self.connection.execute(
                update(work_item).where(work_item.c.id == self.ids[number]).values(missing_since=since)
            )
        seen = hits - {missing}  # rules do not see an item that is missing
        merge_hits(self.connection, [self.ids[number] for number in seen], self.verdict(), run_id, self.now)
        covered = set().union(*waivers) - {missing}  # nor do waivers
        self.waive(waivers, missing)
        terms = Terms(self.hold * DAY, self.clear_after * DAY)
        for number in ITEMS:
            if number != missing:
                self.lives[number] = next_life(self.lives[number], terms, self.now, hit=number in seen)
        alive = {number for number, life in self.lives.items() if life and life.state != "closed"}
        self.waived = alive & (covered | (self.waived & {missing}))
        shown = {number for number in alive if self.state(number) in LABELLED}
        self.labelled = (shown - self.waived) if self.mode == "label" else set()

    def waive(self, waivers: list[set[int]], missing: int | None) -> None:
        granted = [
            (number, select(work_item.c.id).where(work_item.c.id.in_([self.ids[item] for item in of])))
            for number, of in enumerate((items - {missing} for items in waivers), start=1)
        ]
        findings.waive(self.connection, self.verdict(), granted)

    def state(self, number: int) -> str | None:
        life = self.lives[number]
        return None if life is None else life.state

    @rule(days=st.integers(1, 2))
    def frozen_night(self, days: int) -> None:
        """A night in which a source was incomplete: time passes and nothing else."""
        self.now += days * DAY

    @precondition(lambda self: self.now > NOW + 5 * DAY)
    @rule(hold=st.integers(0, 3), clear_after=st.integers(0, 3), mode=st.sampled_from(["warn", "label"]))
    def change_the_rule(self, hold: int, clear_after: int, mode: str) -> None:
        self.hold, self.clear_after, self.mode = hold, clear_after, mode

    @rule(name=st.sampled_from(["first-name", "second-name"]))
    def rename_the_rule(self, name: str) -> None:
        if name != self.name:
            findings.carry_over(self.connection, self.name, name)
        self.name = name

    @precondition(lambda self: self.now > NOW + 5 * DAY)
    @rule()
    def lose_the_rule(self) -> None:
        run_id = runs.begin(self.connection, "test", self.now, dry_run=False)
        findings.close_orphans(self.connection, [("another", "workItem")], run_id, self.now)
        for number, life in self.lives.items():
            if life is not None and life.state != "closed":
                self.lives[number] = replace(life, state="closed", closed_at=self.now)
        self.waived, self.labelled = set(), set()

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        found = lives_in(self.connection)
        assert found == {self.ids[key]: shape(life) for key, life in self.lives.items() if life is not None}

    @invariant()
    def the_same_findings_are_waived(self) -> None:
        found = self.connection.scalars(select(finding.c.subject_id).where(finding.c.waiver_id.is_not(None)))
        assert set(found) == {self.ids[number] for number in self.waived}

    @invariant()
    def labels_are_wanted_where_the_rule_labels_and_nobody_waived(self) -> None:
        wanted = labels.wanted(self.connection, "align-", [SITE])
        missing = set(self.connection.scalars(select(work_item.c.id).where(~live(work_item))))
        asked = {self.ids[number] for number in self.labelled}
        assert {label.ticket.item_id for label in wanted} == asked - missing

    def verdict(self) -> Verdict:
        return verdict(self.hold, self.clear_after, rule=self.name, mode=self.mode)

    def teardown(self) -> None:
        self.connection.close()


def shape(life: Life) -> Life:
    """What matters in each state: a closed finding may remember when it was clearing."""
    return life if life.state == "clearing" else replace(life, clearing_since=None)


def lives_in(connection: Connection) -> dict[int, Life]:
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
    severity: str = "major",
) -> None:
    none = select(literal(0, BigInteger).label("id")).where(false())
    rows = union_all(none, *(select(literal(subject, BigInteger)) for subject in subjects)).subquery()
    hits = select(rows.c.id, literal(evidence, Text), literal(severity, String)).where(rows.c.id > 0)
    findings.raise_findings(connection, said, hits, run_id, now)
    findings.close_departed(connection, said, run_id, now)
    findings.clear_findings(connection, said, run_id, now)


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
        changed = verdict(label="other", rule_hash="h2")
        shown = '{"status": "Blocked"}'
        merge_hits(connection, [7], changed, second, NOW + DAY, evidence=shown, severity="minor")
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
        first, second = (runs.begin(connection, "test", NOW, dry_run=False) for _ in range(2))
        merge_hits(connection, [7], verdict(rule="one"), first, NOW)
        merge_hits(connection, [7], verdict(rule="two"), first, NOW)
        merge_hits(connection, [], verdict(rule="two"), second, NOW)
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


def test_a_renamed_rule_leaves_its_new_finding_alone_where_both_found_the_row(engine: Engine) -> None:
    with engine.begin() as connection:
        run_id = runs.begin(connection, "test", NOW, dry_run=False)
        merge_hits(connection, [7, 8], verdict(rule="old"), run_id, NOW)
        merge_hits(connection, [7], verdict(rule="new"), run_id, NOW + DAY)
        findings.carry_over(connection, "old", "new")
        findings.close_orphans(connection, [("new", "workItem")], run_id, NOW + DAY)
        rows = connection.execute(
            select(finding.c.rule, finding.c.subject_id, finding.c.state, finding.c.since)
        )
        found = sorted(tuple(row) for row in rows)
    assert found == [("new", 7, "open", NOW + DAY), ("new", 8, "open", NOW), ("old", 7, "closed", NOW)]


def test_a_finding_that_is_hit_again_while_it_clears_goes_on_as_if_nothing_had_been(engine: Engine) -> None:
    said = verdict(clear_after=3)
    with engine.begin() as connection:
        for day, subjects in enumerate(([7], [], [7])):
            run_id = runs.begin(connection, "test", NOW, dry_run=False)
            merge_hits(connection, subjects, said, run_id, NOW + day * DAY)
        row = connection.execute(select(finding.c.state, finding.c.since, finding.c.clearing_since)).one()
    assert tuple(row) == ("open", NOW, None)


def test_a_rule_that_goes_back_to_warning_wants_no_label_while_its_findings_clear(engine: Engine) -> None:
    with engine.begin() as connection:
        first = runs.begin(connection, "test", NOW, dry_run=False)
        merge_hits(connection, [7], verdict(clear_after=3), first, NOW)
        second = runs.begin(connection, "test", NOW, dry_run=False)
        merge_hits(connection, [], verdict(clear_after=3, mode="warn"), second, NOW + DAY)
        row = connection.execute(select(finding.c.state, finding.c.mode, finding.c.label)).one()
    assert tuple(row) == ("clearing", "warn", None)
