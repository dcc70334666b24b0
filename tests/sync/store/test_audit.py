"""The record of what was done: complete, in order, and no edit of it goes unseen."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.sandbox import Deployment, Sandbox
from sync.store import audit
from sync.store.audit import Entry, verify
from tests.clock import NOW
from tests.sync.house import NO_OBJECTIVE, House
from tests.sync.making import begin_run


def chain(engine: Engine, length: int) -> list[Entry]:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        for number in range(length):
            at = NOW + timedelta(seconds=number, microseconds=number)
            audit.append(connection, run_id, "label", [{"key": f"PAY-{number}", "label": "größe\ud800"}], at)
    with engine.connect() as connection:
        return list(audit.entries_of(connection))


def test_a_chain_that_nobody_touched_is_whole_and_names_its_head(engine: Engine) -> None:
    entries = chain(engine, 30)
    assert verify(entries, {}) == audit.Verdict(30, entries[-1].hash)
    assert verify(entries, {1: entries[11].hash}, entries[29].hash).broken is None
    assert verify([], {}) == audit.Verdict(0, "")


def changed(dice: random.Random, entries: list[Entry]) -> list[Entry]:
    """Change one field of one entry."""
    number = dice.randrange(len(entries))
    one = entries[number]
    edits: list[Callable[[], Entry]] = [
        lambda: replace(one, detail=one.detail.replace("PAY", "WEB")),
        lambda: replace(one, at=one.at + timedelta(microseconds=1)),
        lambda: replace(one, run_id=one.run_id + 1),
        lambda: replace(one, event="planned"),
        lambda: replace(one, hash=one.hash[::-1]),
        lambda: replace(one, id=one.id + 1000),
    ]
    return [*entries[:number], dice.choice(edits)(), *entries[number + 1 :]]


def left_out(dice: random.Random, entries: list[Entry]) -> list[Entry]:
    """Take entries out, the last ones among them."""
    start = dice.randrange(len(entries))
    return entries[:start] + entries[start + dice.randint(1, 3) :]


def moved(dice: random.Random, entries: list[Entry]) -> list[Entry]:
    """Let two entries change places, numbers and all but the hash."""
    one, other = sorted(dice.sample(range(len(entries)), 2))
    tampered = list(entries)
    tampered[one] = replace(entries[other], id=entries[one].id)
    tampered[other] = replace(entries[one], id=entries[other].id)
    return tampered


def forged(dice: random.Random, entries: list[Entry]) -> list[Entry]:
    """Change an entry and make its own hash right again."""
    number = dice.randrange(len(entries))
    one = replace(entries[number], detail="{}")
    before = entries[number - 1].hash if number else ""
    digest = audit.hash_of(before, one.id, one.at, one.run_id, one.event, one.detail)
    return [*entries[:number], replace(one, hash=digest), *entries[number + 1 :]]


def test_a_thousand_tamperings_are_all_noticed(engine: Engine) -> None:
    entries, dice = chain(engine, 40), random.Random(7)
    ways = [changed, left_out, moved, forged]
    for number in range(1000):
        tampered = ways[number % 4](dice, entries)
        assert tampered != entries
        assert verify(tampered, {1: entries[-1].hash}).broken is not None, ways[number % 4].__name__


def test_what_was_tampered_with_is_named(engine: Engine) -> None:
    entries = chain(engine, 5)
    assert verify(entries[:2] + entries[3:], {}).broken == "entry 3 is missing: 4 follows 2"
    edited = [*entries[:3], replace(entries[3], detail="{}"), entries[4]]
    assert verify(edited, {}).broken == f"entry 4 (label, run {entries[0].run_id}) was changed"
    cut = verify(entries[:3], {9: entries[4].hash})
    assert cut.broken == "entries after 3 are missing: the end of run 9 is not there"


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(Deployment.CLOUD) as jira:
        yield House(jira, tmp_path, engine).furnish()


def test_a_night_notes_how_it_was_asked_for_what_it_planned_and_every_label(house: House) -> None:
    bad = house.add_epic()
    night = house.night(allow_changes=7)
    with house.engine.connect() as connection:
        entries = list(audit.entries_of(connection, night.run_id))
        assert audit.verify(audit.entries_of(connection), audit.heads(connection)).broken is None
    assert [entry.event for entry in entries] == ["began", "planned", "label", "ended"]
    assert entries[0].detail == '{"allow_changes":7,"trigger":"cli"}'
    assert entries[1].detail == '{"add":1,"carried_out":true,"remove":0}'
    assert f'"key":"{bad}","label":"{NO_OBJECTIVE}","operation":"add"' in entries[2].detail
    assert entries[3].detail == '{"exit_code":0,"status":"done"}'
