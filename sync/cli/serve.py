"""The command that runs nights on schedule: serve."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from threading import Event
from zoneinfo import ZoneInfo

import typer
from apscheduler.schedulers.background import BackgroundScheduler

from sync import schedule
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.session import Session, open_session, utc_now
from sync.cli.summary import run_document, show_run
from sync.errors import Exit, UserError
from sync.night import Options, run_night
from sync.settings import Settings
from sync.shelf import Shelf
from sync.store import runs
from sync.web import Office, pages_served
from sync.wiring import load_rules, load_rules_again

STOPS = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class Watch:
    """Asks at each tick whether a night is due, and runs it."""

    session: Session
    output: Output
    since: datetime
    clock: Callable[[], datetime]
    shelf: Shelf
    complaint: str = ""

    def tick(self) -> None:
        """Run the night that is due, if one is; what keeps it from running is said once and tried again."""
        changed = self.shelf.look(self.clock())
        if changed:
            self.output.line(changed, style="red" if self.shelf.mistakes else None)
        settings = self.session.settings
        with self.session.engine.connect() as connection:
            last = runs.last_night(connection, settings.schedule)
        due = schedule.due_night(settings.schedule, settings.zone, self.clock(), self.since, last)
        if due is None:
            return
        options = Options("schedule", night=(settings.schedule, due.local_date))
        try:
            service = replace(self.session.service, rules=self.shelf.rules)
            result = run_night(service, options, self.output.progress())
        except UserError as error:
            if str(error) != self.complaint:
                self.output.line(f"The night of {due.local_date} could not run:\n{error}", style="red")
            self.complaint = str(error)
            return
        finally:
            self.session.sites.close()
        self.complaint = ""
        show_run(self.output, self.session, result)
        self.output.document(run_document(self.session, result), lines=False)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(env_file: EnvFile = None, json: Json = False) -> int:
    """Run the night on its schedule, until stopped.

    TIELINE_SCHEDULE says when, in TIELINE_TIMEZONE; each local date runs once. With --json each night is a
    document on a line of its own.
    """
    output = Output(as_json=json)
    with open_session(env_file) as session:
        settings = session.settings
        shelf = shelf_for(settings)
        shelf.take(utc_now())  # a mistake in the rules is told now, not at night
        first = schedule.next_due(settings.schedule, settings.zone, utc_now())
        office = Office(settings, session.sources, session.engine, shelf.rules, utc_now)
        with stop_on_signal() as stop, pages_served(office) as url:
            output.line(
                f"Serving {settings.schedule!r} in {settings.timezone}. "
                f"Next night: {first.at:%Y-%m-%d %H:%M %Z}. Stop with Ctrl-C."
            )
            if url:
                output.line(pages_line(url, office))
            tick_until(stop, Watch(session, output, utc_now(), utc_now, shelf), settings.zone)
            output.line("Stopped.")
    return Exit.OK


def pages_line(url: str, office: Office) -> str:
    """Say where the pages are, and where nobody can see them why."""
    if office.logins or office.proxy:
        return f"Pages: {office.settings.public_url or url}"
    return f"Pages: {url}, closed to everybody: set TIELINE_LOGINS or TIELINE_PROXY_HEADER."


def shelf_for(settings: Settings) -> Shelf:
    """Make the shelf of the rule files and waivers that the settings name."""
    paths = [path for path in (settings.rules, settings.waivers) if path is not None]
    return Shelf(paths, partial(load_rules, settings), partial(load_rules_again, settings))


@contextmanager
def stop_on_signal() -> Iterator[Event]:
    """Turn SIGTERM and Ctrl-C into an event, for as long as the context lasts."""
    stop = Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in STOPS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tick_until(stop: Event, watch: Watch, zone: ZoneInfo) -> None:
    """Tick until told to stop; a night that is under way is finished first."""
    watch.tick()
    scheduler = BackgroundScheduler(timezone=zone)
    schedule.start_ticking(scheduler, watch.tick)
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=True)
