"""The command that runs nights on schedule: serve."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import Event

import typer

from sync.cli.letters import digest_lines
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.pages import pages_open
from sync.cli.session import Session, open_session, utc_now
from sync.cli.summary import run_document, show_pull, show_run
from sync.errors import Exit, UserError
from sync.frame.faults import fault
from sync.frame.log import log
from sync.rulebook import load_rules, load_rules_again
from sync.service.cron import Slot
from sync.service.metrics import StoreMetrics
from sync.service.probes import probe_routes
from sync.service.running import find_due, run_slot
from sync.service.schedules import Schedule, What
from sync.service.ticking import Ticker
from sync.service.timetable import load_schedules
from sync.settings import Settings
from sync.shelf import Shelf
from sync.store.schedules import note_schedules

STOPS = (signal.SIGTERM, signal.SIGINT)
# Whoever asks us to stop kills us after ten seconds, if it is a container's engine; the last pages take five.
GRACE_SECONDS = 4.5


@dataclass(slots=True)
class Watch:
    """Asks at each tick which schedules are due, and runs them one after the other."""

    session: Session
    output: Output
    schedules: Sequence[Schedule]
    clock: Callable[[], datetime]
    shelf: Shelf
    complaints: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        """Note which schedules there are: what fell due before they were known is nobody's."""
        with self.session.engine.begin() as connection:
            note_schedules(connection, [schedule.name for schedule in self.schedules], self.clock())

    def tick(self) -> None:
        """Run what is due; what keeps it from running is said once and tried again."""
        changed = self.shelf.look(self.clock())
        if changed:
            (log.warning if self.shelf.mistakes else log.info)("rule files changed", what=changed)
            self.output.line(changed, style="red" if self.shelf.mistakes else None)
        for schedule in self.schedules:
            if not self.session.service.deadline.stop.is_set():
                self._attend(schedule)
        self._release()

    def _attend(self, schedule: Schedule) -> None:
        name = schedule.name
        try:
            slot = find_due(self.session.engine, schedule, self.clock())
            if slot is None:
                return
            name = f"{schedule.name} of {slot.name}"
            log.info("schedule due", schedule=schedule.name, slot=slot.name)
            self._run(schedule, slot)
        except UserError as error:
            self._complain(schedule, f"{name} could not run:\n{error}")
        except Exception as error:  # noqa: BLE001 - the service outlives whatever one run dies of
            self._complain(schedule, f"{name} broke off: {fault(error)}")
        else:
            self.complaints.pop(schedule.name, None)
        finally:
            self.session.sites.close()

    def _run(self, schedule: Schedule, slot: Slot) -> None:
        service = replace(self.session.service, rules=self.shelf.rules)
        result = run_slot(service, schedule, slot, self.output.progress())
        show = show_pull if schedule.what is What.PULL else show_run
        show(self.output, self.session, result)
        self.output.document(run_document(self.session, result), lines=False)

    def _release(self) -> None:
        """Send the digests that quiet hours held back, once these are over."""
        service = self.session.service
        if service.post is None or not service.post.audiences or service.deadline.stop.is_set():
            return
        try:
            done = service.post.after_quiet_hours(lambda: self.shelf.rules(self.clock()))
            for line in digest_lines(done):
                self.output.line(line)
        except Exception as error:  # noqa: BLE001 - the service outlives a store that is away for a while
            log.error("digests broke off", why=fault(error))

    def _complain(self, schedule: Schedule, complaint: str) -> None:
        if self.complaints.get(schedule.name) != complaint:
            log.error("run broke off", schedule=schedule.name, why=complaint)
            self.output.line(complaint, style="red")
        self.complaints[schedule.name] = complaint


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(env_file: EnvFile = None, json: Json = False) -> int:
    """Run the nights on their schedules, until stopped.

    TIELINE_SCHEDULE says when, in TIELINE_TIMEZONE, or `schedules:` in sources.yaml; each local date, or each
    time of it, runs once. With --json each run is a document on a line of its own.
    """
    output = Output(as_json=json)
    with open_session(env_file, served=True) as session:
        shelf = shelf_for(session.settings)
        shelf.take(utc_now())  # a mistake in the rules is told now, not at night
        watch = Watch(session, output, load_schedules(session.settings), utc_now, shelf)
        watch.begin()
        stop = session.service.deadline.stop
        probes = probe_routes(StoreMetrics(session.engine, watch.schedules, utc_now))
        with stop_on_signal(stop):
            tell_schedules(output, watch.schedules)
            with pages_open(session, shelf.rules, output, probes):
                if not Ticker(watch.tick).run_until(stop, GRACE_SECONDS):
                    leave_at_once(output)
            output.line("Stopped.")
    return Exit.OK


def tell_schedules(output: Output, schedules: Sequence[Schedule]) -> None:
    """Say what is served, and when next."""
    for schedule in schedules:
        times = schedule.times
        first = times.next_after(utc_now())
        output.line(
            f"Serving {schedule.name} ({times.cron!r} in {times.zone}). Next: {first.at:%Y-%m-%d %H:%M %Z}."
        )
    output.line("Stop with Ctrl-C.")


def leave_at_once(output: Output) -> None:
    """End the process although a run goes on: whatever it waits for, the next run settles it."""
    output.line("Stopped in the middle of a request or a statement; the next run settles what became of it.")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(Exit.INCOMPLETE)


def shelf_for(settings: Settings) -> Shelf:
    """Make the shelf of the rule files and waivers that the settings name."""
    paths = [path for path in (settings.rules, settings.waivers) if path is not None]
    return Shelf(paths, partial(load_rules, settings), partial(load_rules_again, settings))


@contextmanager
def stop_on_signal(stop: Event) -> Iterator[None]:
    """Have SIGTERM and Ctrl-C set an event, for as long as the context lasts."""
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in STOPS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
