"""End a night at one place, go on with the next run, and hold what is left against an undisturbed night.

The night runs in a process of its own, forked from one that has imported everything; the sandbox Jira lives
here. Each case starts from the same morning: a copy of the store, of the files and of Jira.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, text

import sync.work.reading
from connectors import notices
from connectors.http import RetryPolicy
from connectors.jira import bulk_edits
from sync.frame.milestones import Milestone, listening
from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.frame.stopping import Stopped, stop_on
from sync.night import run_night
from sync.pull import Pull
from sync.report import figures_of, put_in_place
from sync.report.document import to_json
from sync.sandbox import CUT_OFF, Answer, Call, Sandbox
from sync.settings import load_settings
from sync.sources import load_sources
from sync.store.database import open_store
from sync.wiring import build_service
from tests.fakes.inbox import Inbox
from tests.postgres import administration
from tests.sync.alike import Picture, picture_of
from tests.sync.house import nap, no_report

# As soon as the lease of a killed run has run out.
AFTER_A_KILL = timedelta(minutes=16)
AT_ONCE = timedelta(minutes=1)
PROMPT = 30.0


class How(StrEnum):
    """How a process ends, or what happens to it."""

    KILLED = "SIGKILL"
    STOPPED = "SIGTERM"
    BROKEN = "exception"


class OnTheWire(StrEnum):
    """Places that only Jira sees: the milestones of a request."""

    PAGE_UNDER_WAY = "a page is asked for, its answer under way"
    EDIT_UNDER_WAY = "a label is written, its answer under way"
    TASK_UNDER_WAY = "a bulk edit is made, its number under way"
    TASK_ASKED_FOR = "a bulk edit is asked after"
    READ_BACK_UNDER_WAY = "labels are read back, their answer under way"
    PROPERTY_UNDER_WAY = "a property is written, the answer under way"
    LINK_UNDER_WAY = "a remote link is written, the answer under way"
    COMMENT_UNDER_WAY = "a comment is written, the answer under way"


Place = Milestone | OnTheWire
REQUESTS: dict[OnTheWire, tuple[str, str]] = {
    OnTheWire.PAGE_UNDER_WAY: ("POST", r"/search/jql"),
    OnTheWire.EDIT_UNDER_WAY: ("PUT", r"/issue/\d+"),
    OnTheWire.TASK_UNDER_WAY: ("POST", r"/bulk/issues/fields"),
    OnTheWire.TASK_ASKED_FOR: ("GET", r"/bulk/queue/"),
    OnTheWire.READ_BACK_UNDER_WAY: ("POST", r"/issue/bulkfetch"),
    OnTheWire.PROPERTY_UNDER_WAY: ("PUT", r"/properties/"),
    OnTheWire.LINK_UNDER_WAY: ("POST", r"/remotelink$"),
    OnTheWire.COMMENT_UNDER_WAY: ("POST", r"/comment$"),
}


TELLING = {OnTheWire.PROPERTY_UNDER_WAY, OnTheWire.LINK_UNDER_WAY, OnTheWire.COMMENT_UNDER_WAY}


class Broken(RuntimeError):
    """What nobody expected."""


@dataclass(frozen=True)
class Night:
    """What a process needs to know to run a night; `at` is where it ends, the `nth` time it comes by."""

    environ: dict[str, str]
    url: str
    now: datetime
    report: Path | None = None
    at: Milestone | None = None
    nth: int = 1
    how: How = How.KILLED

    def live(self) -> None:
        """Run the night and leave with its exit code: the body of the process."""
        setattr(sync.work.reading, "Pull", partial(Pull, at_once=1))  # noqa: B010  # each page is committed by itself
        bulk_edits.split.__defaults__ = (5,)
        settings = load_settings(self.environ)
        engine = open_store(self.url)
        report = no_report if self.report is None else partial(self.write_report, engine)
        sources = load_sources(settings, self.environ)
        service, sites = build_service(settings, sources, engine, report, lambda: self.now)
        sites.policy = RetryPolicy(sleep=nap)
        try:
            with stop_on(signal.SIGTERM), listening(self.come_by()):
                code = run_night(service, Options(), Quiet()).exit_code
        except Stopped as stopped:
            code = stopped.exit_code
        except Broken:
            code = 1  # type: ignore[assignment]
        engine.dispose()
        os._exit(code)

    def write_report(self, engine: Any, run_id: int) -> Path:
        """Put the figures into their place as the report does; drawing its charts would take seconds."""
        assert self.report is not None
        zone = load_settings(self.environ).zone
        figures = figures_of(engine, run_id, zone=zone, currency="USD", fiscal_year=2026)
        put_in_place(self.report, {"report.json": to_json(figures)})
        return self.report

    def come_by(self) -> Callable[[Milestone], None]:
        left = self.nth

        def listen(milestone: Milestone) -> None:
            nonlocal left
            left -= milestone is self.at
            if milestone is self.at and left == 0:
                self.end()

        return listen

    def end(self) -> None:
        if self.how is How.BROKEN:
            raise Broken
        os.kill(os.getpid(), signal.SIGKILL if self.how is How.KILLED else signal.SIGTERM)


@dataclass(frozen=True)
class Case:
    """One way for a night to end badly."""

    place: Place
    how: How
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.place.name}, {self.nth}, {self.how.value}"


@dataclass
class Morning:
    """What every case starts from, and what an undisturbed night makes of it."""

    jira: Sandbox
    folder: Path
    url: str
    environ: dict[str, str]
    now: datetime
    inbox: Inbox
    site: Any = None
    whole: Picture = field(default_factory=Picture)
    number: int = 0

    def keep(self) -> None:
        """Remember Jira as it is now."""
        self.site = self.copy_of(self.jira.site)

    def copy_of(self, site: Any) -> Any:
        known = {id(site.lock): site.lock, id(site.now): site.now}
        return deepcopy(site, known)

    @contextmanager
    def again(self) -> Iterator[str]:
        """Begin the day once more, with a store of its own; give its URL."""
        self.jira.site = self.jira._application.site = self.copy_of(self.site)
        self.jira._application.hooks.clear()
        self.jira.clear_requests()
        self.inbox.take()
        self.number += 1
        with copied(self.url, self.folder / f"case-{self.number}.db") as url:
            yield url

    def night(self, url: str, **said: Any) -> Night:
        return Night(self.environ, url, **({"now": self.now} | said))

    def live_undisturbed(self) -> Counter[Milestone]:
        """See what a night without any trouble makes of this morning, and which places it comes by."""
        with self.again() as url:
            passed = self.folder / "passed"
            assert run(partial(count_places, self.night(url, report=self.folder / "report"), passed)) == 0
            self.whole = picture_of(url, self.jira.site)
        return Counter(Milestone[name] for name in passed.read_text().split())

    def live_through(self, case: Case) -> list[str]:
        """Let a night end badly and the next run begin as soon as it may; say what is not as it should be."""
        with self.again() as url:
            report = self.folder / f"report-{self.number}" if is_of_the_report(case.place) else None
            ended = self.end_badly(case, self.night(url, report=report))
            wrong = [] if ended_as_meant(case, ended) else [f"the process ended with {ended}"]
            self.jira._application.hooks.clear()
            let_time_pass(report)
            writes = self.jira.write_requests()
            wait = AFTER_A_KILL if case.how is How.KILLED else AT_ONCE
            code = run(self.night(url, now=self.now + wait, report=report).live)
            wrong += [f"the next run ended with {code}"] if code else []
            wrong += self.whole.differences(picture_of(url, self.jira.site))
            wrong += litter(report)
            wrong += self.doubled_or_lost(case)
            if self.jira.write_requests() > writes and case.place in AFTER_WRITING:
                wrong.append("the next run wrote though all was written")
            return [f"{case}: {text}" for text in wrong]

    def doubled_or_lost(self, case: Case) -> list[str]:
        """Say where people did not hear once of this day; what was about to be sent is not sent again."""
        sent, wanted = len(self.inbox.take()), 0 if case.place is Milestone.DIGEST_INTENDED else 1
        return [] if sent == wanted else [f"{sent} digests came instead of {wanted}"]

    def end_badly(self, case: Case, night: Night) -> int:
        if isinstance(case.place, Milestone):
            return run(Night(**(vars(night) | {"at": case.place, "nth": case.nth, "how": case.how})).live)
        process = PROCESSES.Process(target=night.live)
        left = case.nth

        def strike(_: Call) -> Answer | None:
            nonlocal left
            left -= 1
            if case.how is How.BROKEN:
                return CUT_OFF if left <= 0 else None
            if left == 0 and process.pid is not None:
                os.kill(process.pid, signal.SIGKILL if case.how is How.KILLED else signal.SIGTERM)
            return None

        self.jira.after(*REQUESTS[case.place], strike)
        return ended(process)


AFTER_WRITING = frozenset(
    {
        Milestone.MARKERS_WRITTEN,
        Milestone.REPORTED,
        Milestone.REPORT_FILE_WRITTEN,
        Milestone.DIGEST_INTENDED,
        Milestone.DIGEST_ANSWERED,
        Milestone.RUN_ENDED,
    }
)
# Loaded once, before anything is forked: Apprise reads all its plugins at first.
notices.trouble_with("json://127.0.0.1")
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.sync.killing"])


def run(target: Callable[[], None]) -> int:
    """Run something in a process of its own and give how it ended."""
    return ended(PROCESSES.Process(target=target))


def ended(process: Any) -> int:
    process.start()
    process.join(PROMPT)
    if process.exitcode is None:
        process.kill()
        process.join()
        return 124
    return int(process.exitcode)


def count_places(night: Night, passed: Path) -> None:
    """Run a night and write down each place it comes by."""
    with passed.open("a") as file, listening(lambda milestone: print(milestone.name, file=file, flush=True)):
        night.live()


def ended_as_meant(case: Case, code: int) -> bool:
    """A process that is killed dies; one that is stopped says that it is not done; one that breaks fails.

    What goes wrong in telling a ticket why it is labelled, or people what changed, never makes a night fail.
    """
    if case.how is How.KILLED:
        return code == -signal.SIGKILL
    if case.how is How.STOPPED:
        return code == Stopped.exit_code
    if case.place in TELLING | {Milestone.DIGEST_INTENDED, Milestone.DIGEST_ANSWERED}:
        return code == 0
    return code in ({3, 5} if isinstance(case.place, OnTheWire) else {1})


def is_of_the_report(place: Place) -> bool:
    return place in {Milestone.REPORT_FILE_WRITTEN, Milestone.REPORTED}


def let_time_pass(report: Path | None) -> None:
    """Make the files of the report as old as the restart is late."""
    for path in [] if report is None else report.glob(".*"):
        os.utime(path, (0, 0))


def litter(report: Path | None) -> list[str]:
    """Name what is left in the folder of the report beside the report."""
    parts = [] if report is None else sorted(path.name for path in report.glob(".*"))
    return [f"left in the report's folder: {', '.join(parts)}"] if parts else []


@contextmanager
def copied(url: str, path: Path) -> Iterator[str]:
    """Copy a store, for as long as the context lasts."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        shutil.copy(str(parsed.database), path)
        try:
            yield f"sqlite:///{path}"
        finally:
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()
        return
    name = f"{parsed.database}_{path.stem.replace('-', '_')}"
    with administration(parsed.set(database="postgres").render_as_string(hide_password=False)) as engine:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {parsed.database}"))
        try:
            yield parsed.set(database=name).render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
