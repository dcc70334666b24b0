"""What a preview says, the night then does: over random stores, rules and edits, on both databases."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from rules.ruleset import RuleSet
from sync.judge import judge
from sync.labels.limits import Limit, Limits
from sync.labels.plan import Plan, make_plan
from sync.preview import Frame, Previewer
from sync.rulebook import load_rules
from sync.settings import load_settings
from sync.store import labels, runs, writes
from tests.clock import NOW
from tests.sync.making import FILE, SITE, epic, goal, names, put

PREFIX = "align-"
CONDITIONS = (
    "objective IS EMPTY",
    "key IN (PAY-1, PAY-2, PAY-3)",
    'status = "In Progress" AND objective IS NOT EMPTY',
    "key = PAY-4 OR objective IS EMPTY",
)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Edit:
    """One rule as it is written: its label, its terms and who is waived."""

    condition: str
    label: str
    hold: int
    clear_after: int
    mode: str
    waived: str | None


RULES = st.dictionaries(
    st.sampled_from(["one", "two"]),
    st.builds(
        Edit,
        st.sampled_from(CONDITIONS),
        st.sampled_from(["red", "blue"]),
        st.integers(0, 2),
        st.integers(0, 2),
        st.sampled_from(["label", "label", "warn", "observe"]),
        st.none() | st.sampled_from(["key = PAY-1", "objective IS EMPTY"]),
    ),
    min_size=1,
)


def loaded(written: dict[str, Edit], folder: Path) -> RuleSet:
    """Load rules and waivers as files."""
    rules, waivers = ["version: 1", "rules:"], ["version: 1", "waivers:"]
    for name, edit in written.items():
        rules += [
            f"  - id: {name}",
            f"    when: {edit.condition}",
            f"    label: {edit.label}",
            f"    mode: {edit.mode}",
            f"    for: {edit.hold}d",
            f"    clear_after: {edit.clear_after}d",
            "    tests: [{flag: {key: PAY-1}}, {pass: {key: PAY-9, objective: O}}]",
        ]
        if edit.waived:
            waivers += [f"  - rule: {name}", f"    match: {edit.waived}"]
            waivers += ["    reason: Agreed", "    owner: jane", "    until: 2026-12-31"]
    (folder / "rules.yaml").write_text("\n".join(rules) + "\n", encoding="utf-8")
    (folder / "waivers.yaml").write_text("\n".join(waivers) + "\n", encoding="utf-8")
    said = {
        "TIELINE_RULES": str(folder / "rules.yaml"),
        "TIELINE_WAIVERS": str(folder / "waivers.yaml"),
    }
    return load_rules(load_settings(said), NOW)


def night(connection: Connection, rules: RuleSet, day: int) -> Plan:
    """Judge, plan and write, as far as the store is concerned."""
    now = NOW + day * DAY
    run_id = runs.begin(connection, "test", now, dry_run=False)
    judge(connection, rules, (), run_id, now)
    plan = make_plan(
        labels.wanted(connection, PREFIX, {SITE}),
        labels.present(connection, PREFIX, {SITE}),
        labels.owned(connection),
    )
    writes.intend(connection, run_id, plan.changes, now)
    writes.answer(connection, run_id, plan.changes, state="done", reason=None, now=now)
    writes.take_over(connection, plan.changes)
    return plan


def test_what_a_preview_says_the_night_then_does(engine: Engine) -> None:
    @settings(max_examples=12)
    @given(before=RULES, after=RULES, nights=st.integers(1, 3), days=st.integers(0, 3))
    def check(before: dict[str, Edit], after: dict[str, Edit], nights: int, days: int) -> None:
        with engine.connect() as connection, tempfile.TemporaryDirectory() as folder:
            first = runs.begin(connection, "test", NOW, dry_run=False)
            put(connection, first, [goal("O1")], FILE)
            items = [epic("PAY-1"), epic("PAY-2", names("O1")), epic("PAY-3"), epic("PAY-4", names("O1"))]
            put(connection, first, items)
            old, new = loaded(before, Path(folder)), loaded(after, Path(folder))
            for day in range(nights):
                night(connection, old, day)
            now = NOW + (nights - 1 + days) * DAY
            frame = Frame(now, now.date(), PREFIX, Limits(Limit(500, 1.0)))
            said = Previewer(connection, frame).compare(old, new)
            with connection.begin_nested() as aside:
                anyway = night(connection, old, nights - 1 + days)
                aside.rollback()
            done = night(connection, new, nights - 1 + days)
            connection.rollback()
        assert said.writes == tuple(change for change in done.changes if change not in anyway.changes)
        assert not said.stopped

    check()
