"""Advice on rules tells with counts from the store what is probably not meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from rules.moments import Context
from rules.pack import load
from sync.advice import advise
from sync.store.catalogue import Frame, bind_catalogue
from sync.store.database import read_only
from tests.clock import NOW, TODAY
from tests.sync.making import begin_run, epic, put, relink

ASSIGNEE = "rows whose assignee is empty. Add OR assignee IS EMPTY to include them."


@pytest.fixture
def store(engine: Engine) -> Engine:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        items = [
            epic(
                f"PAY-{number}",
                assignee=["jane", "joe", None, None][number % 4],
                priority=["High", "Low"][number % 2],
                labels=("regulatory",) if number % 3 == 0 else (),
            )
            for number in range(40)
        ]
        put(connection, run_id, items)
        relink(connection)
    return engine


def advice_on(store: Engine, folder: Path, body: str) -> list[str]:
    path = folder / "own.yaml"
    tests = "    tests: [{flag: {key: A-1}}, {pass: {}}]\n"
    path.write_text(f"version: 1\nrules:\n  - id: r\n{body}\n{tests}", encoding="utf-8")
    rules = load([path], bind_catalogue(Frame(TODAY, 2026, "USD", "align-")), Context(now=NOW))
    with read_only(store) as connection:
        return [one.text for one in advise(connection, rules)]


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("priority = High AND assignee != jane", f"assignee != jane skips 10 {ASSIGNEE}"),
        ("priority = High AND NOT assignee IN (jane, j)", f"assignee NOT IN (jane, j) skips 10 {ASSIGNEE}"),
        ("priority = Hihg", 'priority is "hihg" on no row of the store. Did you mean High?'),
        ("labels IN (regulatory, x)", 'labels is "x" on no row of the store.'),
        ("project = PAY", "It is true for all rows of workItem. Is it the wrong way round?"),
        ("assignee != joe OR assignee IS EMPTY", "It is true for 30 of 40 rows of workItem. Is it the"),
    ],
)
def test_advice_has_counts_and_names(store: Engine, tmp_path: Path, when: str, said: str) -> None:
    first, *_ = advice_on(store, tmp_path, f"    when: {when}")
    assert first.startswith(said)


@pytest.mark.parametrize(
    "when",
    [
        "priority = High AND (assignee != jane OR assignee IS EMPTY)",
        "priority = High AND statusCategory != Done AND assignee = jane",
        "priority = HIGH AND project = pay AND assignee = jane",
        "due < -7d",
        "objective = OBJ-1",
    ],
)
def test_what_is_said_as_it_is_meant_gets_no_advice(store: Engine, tmp_path: Path, when: str) -> None:
    assert advice_on(store, tmp_path, f"    when: {when}") == []


def test_a_rule_that_labels_what_was_not_updated_would_undo_itself(store: Engine, tmp_path: Path) -> None:
    when = "    when: updated < -90d\n    label: idle"
    assert advice_on(store, tmp_path, when) == [
        "updated moves when the ticket is labelled, and the rule would flip. Ask for touched instead."
    ]
    assert advice_on(store, tmp_path, f"{when}\n    mode: warn") == []
    assert advice_on(store, tmp_path, when.replace("updated", "touched")) == []
