"""Pages are saved set-wise: what is new or changed is written, and only complete reads make rows vanish."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from connectors.pages import Page, Quarantined
from connectors.records import How, LinkClaim, Record, Reference
from sync.store import links, rows, runs, save, tables
from sync.store.schema import AnyRow, table_of
from tests.clock import NOW, TODAY
from tests.sync.making import (
    FILE,
    MONEY,
    SITE,
    begin_run,
    epic,
    goal,
    labels_of,
    money,
    names,
    origin_of,
    put,
    relink,
    ties,
)

LATER = NOW + timedelta(days=1)
ONE_OF_EACH: list[Record] = [
    epic("PAY-1", names("O1"), labels=("a", "b"), due=TODAY, created=NOW, updated=NOW),
    goal("O1", starts=TODAY),
    LinkClaim("PAY-1", "O1", "line 2"),
]


def row(connection: Connection, model: Any = tables.WorkItem) -> AnyRow:
    return connection.execute(select(table_of(model))).one()


def test_more_rows_than_one_statement_takes_are_each_saved_with_what_is_theirs(engine: Engine) -> None:
    first, second = begin_run(engine), begin_run(engine)
    many = [epic(f"PAY-{n}", names(f"O{n}"), labels=(f"l{n}", "ü\0")) for n in range(1, 1102)]
    other = [replace(item, labels=("new",)) if int(item.id) % 2 else item for item in many]
    with engine.begin() as connection:
        assert put(connection, first, many).changed == 1101
        assert put(connection, second, other, now=LATER).changed == 551
        assert labels_of(connection, "PAY-1100") == ["l1100", "ü\ufffd"]
        assert labels_of(connection, "PAY-1101") == ["new"]
        stored = connection.execute(
            select(links.work_item.c.key, links.reference.c.target).join_from(
                links.work_item, links.reference
            )
        )
        assert {tuple(pair) for pair in stored} == {(f"PAY-{n}", f"O{n}") for n in range(1, 1102)}


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=lambda record: type(record).__name__)
def test_the_same_page_again_changes_nothing_but_when_it_was_seen(engine: Engine, record: Record) -> None:
    model = getattr(tables, type(record).__name__)
    first, second = begin_run(engine), begin_run(engine)
    with engine.begin() as connection:
        assert put(connection, first, [record]).changed == 1
        before = row(connection, model)
        assert put(connection, second, [record], now=LATER).changed == 0
        after = row(connection, model)
        assert (after.last_seen, after.last_run) == (LATER, second)
        aside = {"last_seen": None, "last_run": None}
        assert dict(after._mapping) | aside == dict(before._mapping) | aside


def test_a_changed_record_replaces_its_row_labels_and_references(engine: Engine) -> None:
    first, second = begin_run(engine), begin_run(engine)
    old = epic("PAY-1", names("O1"), names("O2"), labels=("gone", "stays"), priority="High")
    new = epic("PAY-9", names("O3"), labels=("stays", "new"), id="1", summary="Changed")
    with engine.begin() as connection:
        put(connection, first, [old])
        number = row(connection).id
        assert put(connection, second, [new], now=LATER).changed == 1
        found = row(connection)
        assert (found.id, found.key, found.summary, found.priority) == (number, "PAY-9", "Changed", None)
        assert (found.first_run, found.first_seen, found.last_run) == (first, NOW, second)
        assert labels_of(connection, "PAY-9") == ["new", "stays"]
        targets = connection.scalars(select(table_of(tables.WorkItemReference).c.target))
        assert list(targets) == ["O3"]


def test_every_column_comes_back_as_it_was(engine: Engine) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    item = epic(
        "PAY-1", created=moment, updated=None, due=date(2026, 5, 6), assignee="Zoë ẞ", parent_key="Pay-0"
    )
    with engine.begin() as connection:
        put(connection, runs.begin(connection, "test", NOW, dry_run=False), [item])
        found = row(connection)
    assert (found.created_at, found.updated_at, found.due_on) == (moment, None, date(2026, 5, 6))
    assert (found.assignee, found.assignee_folded, found.parent_folded) == ("Zoë ẞ", "zoë ss", "pay-0")
    assert (found.project_folded, found.status_category, found.in_scope) == ("pay", "indeterminate", True)


def test_of_two_records_with_one_id_in_a_page_the_later_counts(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        twins = [epic("PAY-1", labels=("old",)), epic("PAY-1", summary="Second", labels=("new", "new"))]
        assert put(connection, run_id, twins).records == 2
        assert row(connection).summary == "Second"
        assert labels_of(connection, "PAY-1") == ["new"]


def test_sources_do_not_touch_each_others_rows(engine: Engine) -> None:
    first, second = begin_run(engine), begin_run(engine)
    with engine.begin() as connection:
        put(connection, first, [epic("PAY-1")], "one")
        put(connection, first, [epic("WEB-1")], "two")
        put(connection, second, [], "one")
        save.bury_absent(connection, origin_of("one", second), at_once=True)
        found = connection.execute(select(links.work_item.c.key, links.work_item.c.deleted_at)).all()
    assert {key: deleted is not None for key, deleted in found} == {"PAY-1": True, "WEB-1": False}


HOSTILE = st.text(max_size=40) | st.sampled_from(
    [
        "\x00", "a\x00b", "\ud800", "x\udfffy", "'; DROP TABLE run; --", "{{7*7}}", "%s %(x)s :y ?", "\\",
        "\u202e", "=1+1", "<script>", "ﬀ", "İ", "ß" * 400, "\U0001f600" * 600, "a, b", '"', "\r\n\t", " ",
    ]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@given(
    texts=st.lists(HOSTILE, min_size=6, max_size=6),
    labels=st.lists(HOSTILE, max_size=4),
    targets=st.lists(HOSTILE, max_size=3),
)
def test_any_text_is_stored_and_read_again_without_a_change(
    engine: Engine, texts: list[str], labels: list[str], targets: list[str]
) -> None:
    key, summary, name, owner, code, evidence = texts
    records: list[Record] = [
        epic("PAY-1", *(Reference(How.LABEL, target, evidence) for target in targets), summary=summary,
             project_name=name, assignee=owner, labels=tuple(labels), parent_key=code),
        goal(key, title=summary, owner=owner, parent=code),
        money(code, 1, id=key, description=summary, account=name),
        LinkClaim(key, code, evidence),
    ]  # fmt: skip
    with engine.connect() as connection:  # never committed
        run_id = runs.begin(connection, "test", NOW, dry_run=False)
        assert put(connection, run_id, records).changed == 4
        assert put(connection, run_id, records).changed == 0
        bad = Quarantined(name, 1, code, evidence, summary)
        save.save_page(connection, origin_of(SITE, run_id), Page(quarantined=(bad,)))
        relink(connection)
        found = row(connection, tables.Objective)
        storable = rows.storable(summary)
        assert found.title == storable
        assert row(connection).summary == storable
        assert len(labels_of(connection, "PAY-1")) == len({rows.storable(label) for label in labels})
        connected = {tie.how for tie in ties(connection)}
        assert ("label" in connected) == (rows.match_key(key) in {rows.match_key(t) for t in targets})


def test_a_change_beside_half_of_a_character_is_seen(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        texts = ("cut \ud83d", "cut \ud83d!", "cut \ud83d!", "cut \ud83e!")
        changed = [put(connection, run_id, [epic("PAY-1", summary=text)]).changed for text in texts]
    assert changed == [1, 1, 0, 1]


def test_ids_too_long_for_an_index_stay_apart_and_still_match(engine: Engine) -> None:
    long = "".join(f"{number:x}" for number in range(20_000))
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal(long + "one"), goal(long + "two")], FILE)
        put(connection, run_id, [money(long, 1, id=long)], MONEY)
        put(connection, run_id, [epic("PAY-1", names(long.upper() + "ONE"), names(long, How.COST_CODE))])
        relink(connection)
        assert [tie.source_id for tie in ties(connection)] == [rows.short(long + "one")]
        assert len(connection.execute(select(links.budget_link)).all()) == 1


def test_ten_thousand_records_are_saved_in_batches_and_only_changes_are_written(engine: Engine) -> None:
    first, second = begin_run(engine), begin_run(engine)
    items = [epic(f"PAY-{number}", labels=(f"l{number % 7}",)) for number in range(10_000)]
    with engine.begin() as connection:
        assert put(connection, first, items).changed == 10_000
    items[1234] = replace(items[1234], summary="Changed")
    with engine.begin() as connection:
        assert put(connection, second, items).changed == 1
        origin = origin_of(SITE, second)
        assert save.count_absent(connection, origin) == save.Absent(10_000, 0)
        assert len(connection.execute(select(table_of(tables.WorkItemLabel).c.label)).all()) == 10_000


def standing(connection: Connection) -> dict[str, str]:
    """Every work item as there, missing or deleted."""
    found = connection.execute(select(links.work_item)).all()
    return {
        item.key: "deleted" if item.deleted_at else "missing" if item.missing_since else "there"
        for item in found
    }


def read_whole(engine: Engine, *keys: str, at_once: bool = False) -> dict[str, str]:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [epic(key) for key in keys])
        save.bury_absent(connection, origin_of(SITE, run_id), at_once=at_once)
        return standing(connection)


def test_an_issue_is_missing_first_and_deleted_when_a_second_complete_read_misses_it(engine: Engine) -> None:
    read_whole(engine, "PAY-1", "PAY-2")
    assert read_whole(engine, "PAY-1") == {"PAY-1": "there", "PAY-2": "missing"}
    assert read_whole(engine, "PAY-1") == {"PAY-1": "there", "PAY-2": "deleted"}
    assert read_whole(engine, "PAY-1") == {"PAY-1": "there", "PAY-2": "deleted"}


def test_an_issue_that_was_listed_and_not_given_is_not_taken_for_missing(engine: Engine) -> None:
    assert read_whole(engine, "PAY-1", "PAY-2") == {"PAY-1": "there", "PAY-2": "there"}
    run_id = begin_run(engine)
    with engine.begin() as connection:
        given = epic("PAY-2", names("O1"))
        listed = epic("PAY-1", names("O1"))
        origin = origin_of(SITE, run_id, LATER)
        save.save_page(connection, origin, Page((given,), unseen=(listed.id,)))
        save.bury_absent(connection, origin, at_once=False)
        assert standing(connection) == {"PAY-1": "there", "PAY-2": "there"}


def test_an_issue_that_comes_back_is_there_again_and_its_misses_start_anew(engine: Engine) -> None:
    read_whole(engine, "PAY-1", "PAY-2")
    read_whole(engine, "PAY-1")
    assert read_whole(engine, "PAY-1", "PAY-2")["PAY-2"] == "there"
    assert read_whole(engine, "PAY-1")["PAY-2"] == "missing"
    assert read_whole(engine, "PAY-1")["PAY-2"] == "deleted"
    assert read_whole(engine, "PAY-1", "PAY-2")["PAY-2"] == "there"


def test_a_row_that_a_file_no_longer_has_is_gone_at_once_and_may_come_back(engine: Engine) -> None:
    read_whole(engine, "PAY-1", "PAY-2", at_once=True)
    assert read_whole(engine, "PAY-1", at_once=True)["PAY-2"] == "deleted"
    assert read_whole(engine, "PAY-1", "PAY-2", at_once=True)["PAY-2"] == "there"


STEP = st.one_of(
    st.tuples(st.just("read"), st.sets(st.sampled_from(["PAY-1", "PAY-2", "PAY-3"]), max_size=3)),
    st.tuples(st.just("break off"), st.sets(st.sampled_from(["PAY-1", "PAY-2", "PAY-3"]), max_size=3)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(steps=st.lists(STEP, max_size=8))
def test_only_complete_reads_make_rows_vanish_and_only_the_second_in_a_row_deletes(
    engine: Engine, steps: list[tuple[str, set[str]]]
) -> None:
    misses: dict[str, int] = {}
    with engine.connect() as connection:  # never committed
        for step, keys in steps:
            run_id = runs.begin(connection, "test", NOW, dry_run=False)
            put(connection, run_id, [epic(key) for key in keys])
            misses |= dict.fromkeys(keys, 0)
            if step == "read":
                save.bury_absent(connection, origin_of(SITE, run_id), at_once=False)
                misses = {key: 0 if key in keys else min(2, count + 1) for key, count in misses.items()}
            words = ("there", "missing", "deleted")
            assert standing(connection) == {key: words[count] for key, count in misses.items()}
