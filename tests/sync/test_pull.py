"""A source is read page by page; a read that breaks off goes on where it stopped and ends like a whole."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from connectors.errors import (
    AuthenticationFailed,
    BadInput,
    ConnectorError,
    IncompleteRead,
    PermissionDenied,
    RateLimited,
    Unreachable,
)
from connectors.pages import ControlTotal, Page, Quarantined
from connectors.records import BudgetVersion
from sync.errors import Exit
from sync.feeds import Feed, Kind
from sync.frame.progress import Quiet
from sync.pull import CURSOR_LIVES, Pull, Pulled, joined
from sync.store import links, runs, tables
from sync.store.database import open_store
from sync.store.money.guards import Allowed
from sync.store.money.quarantine import refused_rows
from sync.store.presence import live
from sync.store.schema import table_of
from tests.clock import NOW
from tests.sync.making import Books, Pages, begin_run, epic, goal, in_pages, money, snapshot

ITEMS = [epic(f"PAY-{number}", labels=(f"l{number}",)) for number in range(1, 8)]


class Killed(BaseException):
    """The process ends here: nobody handles this."""


def read(
    engine: Engine,
    source: Pages,
    *,
    kind: Kind = Kind.WORK,
    resumable: bool = True,
    now: datetime = NOW,
    max_shrink: float = 0.2,
) -> Pulled:
    run_id = begin_run(engine, now)
    feed = Feed(source.name, kind, lambda: source, site=source.name, resumable=resumable)
    return Pull(engine, feed, run_id, lambda: now, Allowed(max_shrink), Quiet(), at_once=1).read()


def keys(engine: Engine) -> list[str]:
    item = links.work_item
    with engine.connect() as connection:
        return list(connection.scalars(select(item.c.key).where(live(item)).order_by(item.c.key)))


def test_a_whole_read_is_complete_and_counted(engine: Engine) -> None:
    pages = in_pages(ITEMS, 3)
    pulled = read(engine, Pages("jira", [*pages]))
    assert (pulled.complete, pulled.exit_code) == (True, Exit.OK)
    with engine.connect() as connection:
        told = runs.sources_of(connection, 1)[0]
        assert (told.status, told.records, told.changed, told.quarantined) == ("complete", 7, 7, 0)
        assert runs.complete_sources(connection) == {"jira"}
        assert connection.execute(select(runs.cursor)).all() == []


def test_a_killed_read_goes_on_where_it_stopped_and_ends_like_an_undisturbed_one(engine: Engine) -> None:
    pages = in_pages(ITEMS, 2)
    with pytest.raises(Killed):
        read(engine, Pages("jira", [pages[0], pages[1], Killed()]))
    again = Pages("jira", [*pages])
    assert read(engine, again).complete
    assert again.asked == ["2"]
    assert keys(engine) == [item.key for item in ITEMS]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    kills=st.lists(st.integers(0, 3), max_size=4),
    size=st.integers(1, 7),
    later=st.sets(st.sampled_from([item.key for item in ITEMS])),
)
def test_however_often_it_is_killed_a_read_ends_like_an_undisturbed_one(
    tmp_path_factory: pytest.TempPathFactory, kills: list[int], size: int, later: set[str]
) -> None:
    """Two stores read the same issues twice; one of them is killed again and again in between."""
    kept = [item for item in ITEMS if item.key not in later]
    seen = []
    for disturbed in (False, True):
        engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'tieline.db'}")
        read(engine, Pages("jira", [*in_pages(ITEMS, size)]))
        for stop in kills if disturbed else []:
            pages: Sequence[Page] = in_pages(kept, size)
            dying = Pages("jira", [*pages])
            with engine.connect() as connection:
                at = runs.read_cursor(connection, "jira", NOW - CURSOR_LIVES)
            dying.given.insert(min(int(at.value if at else 0) + stop, len(pages) - 1), Killed())
            with pytest.raises(Killed):
                read(engine, dying)
        for _ in range(2):
            read(engine, Pages("jira", [*in_pages(kept, size)]), max_shrink=1.0)
        with engine.connect() as connection:
            said = snapshot(connection)
            said["work_item"] = [
                tuple(value for value in row if not isinstance(value, int)) for row in said["work_item"]
            ]
            seen.append(said)
        engine.dispose()
    assert seen[0] == seen[1]


def test_a_page_and_its_cursor_stand_or_fall_together(engine: Engine) -> None:
    """A page that cannot be saved leaves neither its rows nor its cursor behind."""
    pages = in_pages(ITEMS, 2)
    broken = Page((ITEMS[2], epic("PAY-9", hierarchy_level=2**70)), cursor="2")
    with pytest.raises(Exception, match=r"too large|out of range"):
        read(engine, Pages("jira", [pages[0], broken]))
    assert keys(engine) == ["PAY-1", "PAY-2"]
    with engine.connect() as connection:
        assert connection.scalars(select(runs.cursor.c.value)).all() == ["1"]


def test_a_cursor_that_went_stale_starts_the_read_anew(engine: Engine) -> None:
    bad = Quarantined("jira PAY-9", None, "duedate", "no date", "{}")
    pages = in_pages(ITEMS, 2)
    with pytest.raises(Killed):
        read(engine, Pages("jira", [Page(pages[0].records, (bad,), "1"), Killed()]))
    source = Pages("jira", [*in_pages(ITEMS[1:], 2)], stale=IncompleteRead("the token has expired"))
    assert read(engine, source).complete
    assert source.asked == ["1", None]
    with engine.connect() as connection:
        told = runs.sources_of(connection, 2)[0]
        assert (told.records, told.quarantined) == (6, 0)
        assert refused_rows(connection) == []
    assert "PAY-1" not in keys(engine), "the new read did not bring it"


def test_a_read_that_is_incomplete_from_the_start_fails(engine: Engine) -> None:
    pulled = read(engine, Pages("jira", [IncompleteRead("pages repeat themselves")]))
    assert (pulled.status, pulled.message) == ("failed", "pages repeat themselves")


def test_a_cursor_of_a_night_long_past_is_not_used(engine: Engine) -> None:
    pages = in_pages(ITEMS, 2)
    with pytest.raises(Killed):
        read(engine, Pages("jira", [pages[0], Killed()]))
    soon = NOW + CURSOR_LIVES - timedelta(minutes=1)
    with pytest.raises(Killed):
        read(engine, Pages("jira", [pages[0], pages[1], Killed()]), now=soon)
    source = Pages("jira", [*pages])
    assert read(engine, source, now=soon + timedelta(minutes=2)).complete
    assert source.asked == [None], "the age of a read counts from its very beginning"


def test_rows_refused_before_a_kill_are_shown_with_the_read_that_went_on(engine: Engine) -> None:
    pages = in_pages(ITEMS, 2)
    bad = Quarantined("jira PAY-9", None, "duedate", "no date", "{}")
    with pytest.raises(Killed):
        read(engine, Pages("jira", [Page(pages[0].records, (bad,), "1"), Killed()]))
    assert read(engine, Pages("jira", [*pages])).complete
    with engine.connect() as connection:
        assert [row.file for row in refused_rows(connection)] == ["jira PAY-9"]


def test_a_file_is_read_from_the_start_whatever_happened_before(engine: Engine) -> None:
    pages = in_pages([goal("O1"), goal("O2")], 1)
    with pytest.raises(Killed):
        read(engine, Pages("file", [pages[0], Killed()]), kind=Kind.OBJECTIVES, resumable=False)
    source = Pages("file", [*pages])
    assert read(engine, source, kind=Kind.OBJECTIVES, resumable=False).complete
    assert source.asked == [None]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unreachable("no answer"), Exit.INCOMPLETE),
        (RateLimited("slow down"), Exit.INCOMPLETE),
        (IncompleteRead("cut"), Exit.INCOMPLETE),
        (AuthenticationFailed("who are you"), Exit.ACCESS),
        (PermissionDenied("not you"), Exit.ACCESS),
        (BadInput("line 3: no amount"), Exit.USAGE),
    ],
)
def test_a_failed_source_deletes_nothing_and_says_why(
    engine: Engine, error: ConnectorError, code: Exit
) -> None:
    read(engine, Pages("jira", [*in_pages(ITEMS, 3)]))
    pulled = read(engine, Pages("jira", [in_pages(ITEMS, 3)[0], error]))
    assert (pulled.status, pulled.message, pulled.exit_code) == ("failed", str(error), code)
    assert keys(engine) == [item.key for item in ITEMS]
    with engine.connect() as connection:
        assert runs.complete_sources(connection) == set()


def test_a_source_that_cannot_even_be_opened_is_a_failed_one(engine: Engine) -> None:
    def refuse() -> Pages:
        raise Unreachable("no such host")

    feed = Feed("jira", Kind.WORK, refuse)
    pulled = Pull(engine, feed, begin_run(engine), lambda: NOW, Allowed(0.2), Quiet()).read()
    assert (pulled.status, pulled.message) == ("failed", "no such host")


def test_a_source_that_lost_too_much_is_held_and_nothing_is_buried(engine: Engine) -> None:
    read(engine, Pages("jira", [*in_pages(ITEMS, 3)]))
    pulled = read(engine, Pages("jira", [*in_pages(ITEMS[:4], 3)]))
    assert (pulled.status, pulled.complete, pulled.exit_code) == ("held", False, Exit.INCOMPLETE)
    assert pulled.message is not None
    assert "3 of 7 known rows are gone; TIELINE_MAX_SHRINK allows 20%" in pulled.message
    assert "--allow-shrink" in pulled.message
    assert keys(engine) == [item.key for item in ITEMS]
    assert read(engine, Pages("jira", [*in_pages(ITEMS[:4], 3)]), max_shrink=1.0).complete
    assert keys(engine) == [item.key for item in ITEMS[:4]]


def test_a_source_that_is_suddenly_empty_is_held(engine: Engine) -> None:
    read(engine, Pages("jira", [*in_pages(ITEMS, 3)]))
    assert read(engine, Pages("jira", [Page()])).status == "held"
    assert read(engine, Pages("jira", [])).status == "held"
    assert keys(engine) == [item.key for item in ITEMS]


def test_one_row_may_always_go(engine: Engine) -> None:
    read(engine, Pages("jira", [*in_pages(ITEMS[:2], 3)]))
    assert read(engine, Pages("jira", [*in_pages(ITEMS[:1], 3)])).complete


def total(amount_minor: int) -> ControlTotal:
    return ControlTotal(BudgetVersion.BUDGET, 2026, "USD", amount_minor)


@pytest.mark.parametrize(
    ("stated", "refused", "status"), [(300, 0, "complete"), (350, 50, "complete"), (301, 0, "held")]
)
def test_the_sums_of_a_finance_source_must_add_up(
    engine: Engine, stated: int, refused: int, status: str
) -> None:
    page = Page((money("C1", 100), money("C2", 200)), totals=(total(stated),), refused=(total(refused),))
    pulled = read(engine, Books("money", [page]), kind=Kind.FINANCE, resumable=False)
    assert pulled.status == status
    if status == "held":
        assert pulled.message == (
            "budget 2026 USD: in minor units, the source sums to 301, the store to 300, the refused rows to 0"
        )
    with engine.connect() as connection:
        kept = connection.execute(select(table_of(tables.ControlTotal))).one()
        assert (kept.stated_minor, kept.accepted_minor, kept.refused_minor) == (stated, 300, refused)


def test_small_pages_are_saved_together_up_to_the_last_before_a_fault(engine: Engine) -> None:
    pages = in_pages(ITEMS, 1)
    source = Pages("jira", [*pages[:5], Unreachable("gone")])
    feed = Feed("jira", Kind.WORK, lambda: source, site="jira", resumable=True)
    Pull(engine, feed, begin_run(engine), lambda: NOW, Allowed(0.2), Quiet(), at_once=3).read()
    assert keys(engine) == [item.key for item in ITEMS[:5]]
    with engine.connect() as connection:
        resume = runs.read_cursor(connection, "jira", NOW - CURSOR_LIVES)
    assert resume is not None
    assert resume.value == "5"


def test_joined_pages_hold_all_that_the_single_ones_held() -> None:
    pages = [replace(page, unseen=(str(at),)) for at, page in enumerate(in_pages(ITEMS, 2))]
    together = list(joined(iter(pages), 3))
    assert [len(page.records) for page in together] == [4, 3]
    assert [page.cursor for page in together] == [pages[1].cursor, pages[-2].cursor]
    assert [record for page in together for record in page.records] == ITEMS
    assert [name for page in together for name in page.unseen] == ["0", "1", "2", "3"]
    assert together[0].expected == pages[0].expected


def test_the_collector_works_as_before_once_a_source_is_read(engine: Engine) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    assert read(engine, Pages("jira", [*in_pages(ITEMS, 3)])).complete
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
