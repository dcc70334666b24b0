"""Run one night: pull, link, judge, plan, guard, write back, report; or a part of it."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine
from structlog.contextvars import bound_contextvars

from connectors.base import LabelWriter
from rules.ruleset import RuleSet
from sync.asking import Heard
from sync.deadline import Deadline
from sync.errors import Exit, LeaseHeld, UserError
from sync.first_night import FirstNight, first_nights
from sync.gaps import gaps_in
from sync.guard import guard
from sync.hearing import hear
from sync.journal import Journal
from sync.judge import Judgement, judge
from sync.lease import Heartbeat, Lease, take_lease
from sync.log import log
from sync.markers import MarkerPlan
from sync.marking import MarkerSites, MarkersWritten, MarkerWriting, Speaker, plan_markers
from sync.milestones import Milestone, reach
from sync.observers import Ending, Observer, tell
from sync.pacing import refuse_when_quiet
from sync.plan import Plan
from sync.planning import Desk, limits_of, read_live, refuse_stale
from sync.progress import Progress
from sync.pull import Feed, Kind, Pull, Pulled
from sync.savedplan import NOTHING_PLANNED, SavedPlan, crossed
from sync.service.cron import Slot
from sync.settings import Settings
from sync.stopping import STOPPED, Stopped, undisturbed
from sync.store import audit, labels, rulebook, runs, schedules, traces
from sync.store.history import coverage_of
from sync.store.money.conversions import save_gaps
from sync.store.money.guards import Allowed
from sync.store.waivers import granted_waivers
from sync.tally import conversion_of, save_figures
from sync.upkeep.aftermath import unknown_since_restore
from sync.upkeep.clearing import clear_out
from sync.waivers import remarks
from sync.writeback import WriteBack, Written


@dataclass(frozen=True, slots=True)
class Service:
    """Everything a run needs, built once by `sync.wiring`.

    `rules` loads the rule files as of a moment (dates in conditions are relative to it). `writers` gives a
    label writer for each Jira site of the feeds; it calls what it is given before each write, which raises
    when this run may write no more, and may take off the labels it is given, which we wrote under an older
    prefix. `report` writes the report of a run and says where. `drivers` are the fields of work that finance
    sources share their money by. Set `deadline.stop` to end the run under way. `requests` counts what the
    process has asked of each site so far. `observers` are told of each run.
    """

    settings: Settings
    engine: Engine
    feeds: Sequence[Feed]
    writers: Callable[[Callable[[], None], frozenset[str]], Mapping[str, LabelWriter]]
    rules: Callable[[datetime], RuleSet]
    report: Callable[[int], Path]
    clock: Callable[[], datetime]
    drivers: Mapping[str, str] = field(default_factory=dict)
    markers: MarkerSites = field(default_factory=MarkerSites)
    deadline: Deadline = field(default_factory=Deadline)
    requests: Callable[[], Counter[traces.Asked]] = Counter
    observers: Sequence[Observer] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of one run.

    `sources` limits a pull to these names; empty means all. `whole` reads every source from scratch, where
    otherwise only changes would be read. `retry` asks Jira again for changes that it refused before and that
    would wait for a later night. `slot` is what this run counts for, with the name of its schedule. It ends
    after `time_limit`, or as the settings say. `beside` names what asks in a process in which others ask too:
    none of them takes the lease of another.
    """

    trigger: str = "cli"
    dry_run: bool = False
    allow_changes: int = 0
    allow_quiet_hours: bool = False
    allow_shrink: bool = False
    whole: bool = False
    allow_rejects: bool = False
    allow_restatement: bool = False
    retry: bool = False
    sources: tuple[str, ...] = ()
    slot: tuple[str, Slot] | None = None
    time_limit: timedelta | None = None
    expected: SavedPlan | None = None
    beside: tuple[str, ...] = ()

    @property
    def is_night(self) -> bool:
        """Say whether the run does the work that nights are for, and does not only look."""
        return self.slot is not None or (self.trigger == "cli" and not self.dry_run)


@dataclass(slots=True)
class RunResult:
    """What a run found and did."""

    run_id: int
    started_at: datetime
    dry_run: bool = False
    pulled: list[Pulled] = field(default_factory=list)
    incomplete: dict[str, str] = field(default_factory=dict)
    judgement: Judgement = field(default_factory=Judgement)
    heard: Heard = field(default_factory=Heard)
    plan: Plan = field(default_factory=Plan)
    saved: SavedPlan = NOTHING_PLANNED
    stopped: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    first_nights: list[FirstNight] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    stale: str = ""
    halted: str = ""
    interrupted: bool = False
    written: Written | None = None
    markers: MarkerPlan = field(default_factory=MarkerPlan)
    marked: MarkersWritten | None = None
    report: Path | None = None

    @property
    def exit_code(self) -> Exit:
        """Give the exit code of the most serious thing that happened."""
        codes = {pulled.exit_code for pulled in self.pulled}
        for code in (Exit.USAGE, Exit.ACCESS, Exit.INCOMPLETE):
            if code in codes:
                return code
        if self.judgement.frozen or self.incomplete or self.halted:
            return Exit.INCOMPLETE
        if self.stopped:
            return Exit.GUARD
        quiet = bool(self.waits) and not self.plan
        if self.held or quiet or (self.written is not None and not self.written.whole):
            return Exit.PARTLY
        return Exit.OK

    @property
    def goes_ahead(self) -> bool:
        """Say whether labels are to be written."""
        return not self.dry_run and not self.stopped

    @property
    def said(self) -> list[str]:
        """Give what the run's row keeps: what stopped it, and by which rules it judged if not the newest."""
        return [*self.stopped, *self.held, *self.waits, *filter(None, [self.stale, self.halted])]

    @property
    def status(self) -> str:
        """Say in a word how the run ended."""
        if self.interrupted:
            return "interrupted"
        words = {Exit.OK: "done", Exit.PARTLY: "partly done", Exit.GUARD: "stopped by the guard"}
        return words.get(self.exit_code, "incomplete")


def run_night(service: Service, options: Options, progress: Progress) -> RunResult:
    """Run the whole night.

    Raises `ConfigurationError` for rules or files that cannot be used and `LeaseHeld` when another run is at
    work; nothing has been written to Jira then. Everything else is told by the result.
    """
    rules = service.rules(service.clock())
    with open_run(service, options, progress) as (result, lease, journal):
        pull_all(service, options, result, lease, journal)
        if goes_on(service, result):
            judge_all(service, rules, options, result, journal)
            if not options.dry_run and goes_on(service, result):
                write_all(service, options, result, lease, journal)
            report_on(service, result, journal)
    return result


def goes_on(service: Service, result: RunResult) -> bool:
    """Say whether the run may begin another step; what keeps it from doing so is kept in the result."""
    result.halted = result.halted or service.deadline.why()
    result.interrupted = service.deadline.stop.is_set()
    return not result.halted


def run_pull(service: Service, options: Options, progress: Progress) -> RunResult:
    """Only read the sources."""
    with open_run(service, options, progress) as (result, lease, journal):
        pull_all(service, options, result, lease, journal)
        goes_on(service, result)
    return result


def run_judge(service: Service, options: Options, progress: Progress) -> RunResult:
    """Judge what the store holds already and plan; write it too, unless it is a dry run."""
    rules = service.rules(service.clock())
    with open_run(service, options, progress) as (result, lease, journal):
        if options.expected is not None:
            result.stopped = refuse_crossed(service, options.expected, lease)
        judge_all(service, rules, options, result, journal)
        if not options.dry_run and goes_on(service, result):
            write_all(service, options, result, lease, journal)
            report_on(service, result, journal)
    return result


@contextmanager
def open_run(
    service: Service, options: Options, progress: Progress
) -> Iterator[tuple[RunResult, Lease, Progress]]:
    """Hold the lease and the run's row for as long as the run lasts, and close both however it ends.

    The progress that is given keeps the run's journal.
    """
    holder = ":".join((socket.gethostname(), str(os.getpid()), *options.beside))
    with service.engine.begin() as connection:
        lease = take_lease(service.engine, connection, holder, service.clock)
        reach(Milestone.LEASE_TAKEN)
        started = lease.kept_at
        run_id = runs.begin(connection, options.trigger, started, dry_run=options.dry_run)
        audit.append(connection, run_id, "began", [asked_for(options)], started)
        if options.slot is not None:
            claim_slot(connection, options.slot, run_id, started)
    service.deadline.begin(started, options.time_limit or service.settings.time_limit)
    result = RunResult(run_id, started, options.dry_run)
    journal, before = Journal(progress, service.clock), service.requests()
    ending = Ending()
    with bound_contextvars(run=run_id):
        log.info("run began", trigger=options.trigger, dry_run=options.dry_run)
        tell(service.observers, lambda one: one.began(run_id, night=options.is_night))
        try:
            reach(Milestone.RUN_BEGUN)
            yield result, lease, journal
            ending = Ending(result.status, result.exit_code, "\n".join(result.said))
        except UserError as error:
            ending = Ending("failed", error.exit_code, str(error))
            raise
        except (Stopped, KeyboardInterrupt):
            ending = Ending("interrupted", Exit.INCOMPLETE, STOPPED)
            raise
        finally:
            with undisturbed(), service.engine.begin() as connection:
                traces.save_steps(connection, run_id, journal.steps)
                traces.save_requests(connection, run_id, service.requests() - before)
                close_run(connection, service, lease, run_id, ending)
            reach(Milestone.RUN_ENDED)
            tell(service.observers, lambda one: one.ended(run_id, ending, night=options.is_night))


def close_run(connection: Connection, service: Service, lease: Lease, run_id: int, ending: Ending) -> None:
    """Close the row of a run, give the lease back, and say so."""
    now = service.clock()
    runs.finish(
        connection,
        run_id,
        now,
        status=ending.status,
        exit_code=int(ending.code),
        message=ending.message or None,
    )
    lease.free(connection)
    tell = log.info if ending.code is Exit.OK else log.warning
    tell("run ended", status=ending.status, exit_code=int(ending.code), message=ending.message)


def asked_for(options: Options) -> dict[str, object]:
    """Give what the audit keeps of how a run was asked for: above all, which guards it may pass."""
    apart = {"slot", "expected", "time_limit", "beside"}
    said = {field.name: getattr(options, field.name) for field in fields(options) if field.name not in apart}
    kept = {name: value for name, value in said.items() if value}
    return kept | ({} if options.expected is None else {"reviewed": len(options.expected.changes)})


def claim_slot(connection: Connection, slot: tuple[str, Slot], run_id: int, now: datetime) -> None:
    """Make the slot of a schedule ours, or raise `LeaseHeld` when another process has run it just now."""
    schedule, due = slot
    if not schedules.claim(connection, schedule, due, run_id, now):
        raise LeaseHeld(f"{schedule} of {due.name} has been run already. There is nothing to do.")


def pull_all(service: Service, options: Options, result: RunResult, lease: Lease, progress: Progress) -> None:
    """Read every source; one that fails does not keep the others from being read.

    Nor from being judged by: only rules that need its kind of source are frozen.
    """
    order = list(Kind)
    feeds = [feed for feed in service.feeds if not options.sources or feed.name in options.sources]
    shrink = 1.0 if options.allow_shrink else service.settings.max_shrink
    allowed = Allowed(shrink, options.allow_rejects, options.allow_restatement)
    for feed in sorted(feeds, key=lambda feed: order.index(feed.kind)):
        why = service.deadline.why()
        if why:
            result.pulled.append(Pulled(feed, "not read", why, Exit.INCOMPLETE))
            continue
        with progress.step(f"pull {feed.name}") as step:
            beating = Heartbeat(step, lease, service.deadline)
            pull = Pull(
                service.engine, feed, result.run_id, service.clock, allowed, beating, whole=options.whole
            )
            pulled = pull.read()
        result.pulled.append(pulled)
        if not pulled.complete:
            log.warning(
                "source incomplete",
                source=feed.name,
                site=feed.site,
                status=pulled.status,
                why=pulled.message,
            )
        lease.keep()
    with service.engine.begin() as connection:
        clear_out(connection, service.settings, result.run_id, service.clock())


def judge_all(
    service: Service, rules: RuleSet, options: Options, result: RunResult, progress: Progress
) -> None:
    """Judge, count, plan and guard in one transaction: all of it, and the intents, are of one snapshot."""
    settings, now = service.settings, service.clock()
    with progress.step("link, judge and plan"), service.engine.begin() as connection:
        complete = runs.complete_sources(connection)
        names = [feed.name for feed in service.feeds if feed.name not in complete]
        result.incomplete = runs.why_incomplete(connection, names)
        gaps = gaps_in(service.feeds, complete)
        sites = {feed.name for feed in service.feeds if feed.kind is Kind.WORK and feed.name in complete}
        rulebook.note_rules(connection, result.run_id, rules)
        labels.settle_intents(connection, result.run_id, now)
        labels.note_taken_off(connection, result.run_id, now)
        today = now.astimezone(settings.zone).date()
        save_gaps(connection, conversion_of(settings))
        result.judgement = judge(
            connection,
            rules,
            gaps.kinds,
            result.run_id,
            now,
            today=today,
            dark=gaps.sites,
            drivers=service.drivers,
        )
        reach(Milestone.JUDGED)
        result.incomplete |= runs.why_incomplete(connection, result.judgement.unproved)
        result.heard = hear(connection, settings, rules, sites, (result.run_id, now))
        save_figures(connection, settings, result.run_id, today, gaps)
        reach(Milestone.FIGURES_SAVED)
        desk = Desk(connection, settings, result.run_id, now)
        speaker = Speaker.of(rules, settings.label_prefix)
        tell = partial(
            plan_markers,
            connection,
            service.markers,
            speaker=speaker,
            sites=sites,
            now=now,
            retry=options.retry,
        )
        weigh(desk, rules, sites, result, options=options, tell=tell)
        result.first_nights = first_nights(
            connection,
            rules,
            result.plan,
            result.run_id,
            frozen=result.judgement.frozen,
            prefix=settings.label_prefix,
        )
        result.stale = rules.stale
        result.remarks = remarks(granted_waivers(connection), today)
        result.remarks += unknown_since_restore(connection, settings, result.run_id)
        desk.keep(result.plan, intend=result.goes_ahead)
        if result.goes_ahead:
            begun = begun_tonight(result)
            rulebook.note_first_labels(connection, begun, result.run_id)
    reach(Milestone.PLAN_SEALED)


def weigh(
    desk: Desk,
    rules: RuleSet,
    sites: set[str],
    result: RunResult,
    *,
    options: Options,
    tell: Callable[[Plan], MarkerPlan],
) -> None:
    """Plan, hold the plan against its limits, and leave for later what quota or hour do not allow.

    `tell` works out what tickets are told beside the labels that they bear after a plan.
    """
    draft, tonight = desk.draw_up(sites, retry=options.retry), desk.measures()
    scene = desk.scene(draft, sites, rules.rules, tonight)
    limits = limits_of(desk.settings, rules.rules)
    ruling = guard(draft.plan, scene, limits, options.allow_changes)
    result.plan, result.markers = ruling.plan, tell(ruling.plan)
    saved = desk.seal(ruling.plan, draft.present, rules.hash)
    result.saved = replace(saved, markers=result.markers.changes)
    result.stopped += [*refuse_stale(result.saved, options.expected), *ruling.stopped]
    result.held += ruling.held
    if not result.stopped:
        quiet = desk.quiet and not options.dry_run and not options.allow_quiet_hours
        result.plan, result.waits = desk.pace(ruling.plan, options.allow_changes, quiet=quiet)
        if result.waits or quiet:
            result.markers = MarkerPlan() if quiet else tell(result.plan)
    if result.goes_ahead:
        passed = options.allow_changes and guard(draft.plan, scene, limits).stopped
        desk.accept(tonight, anew=bool(passed))


def begun_tonight(result: RunResult) -> list[str]:
    """Give the rules that label from tonight on: those that are held back or wait have not begun."""
    late = {change.rule for change in (*result.plan.held, *result.plan.waiting)}
    late -= {change.rule for change in result.plan.changes}
    return [night.rule for night in result.first_nights if night.rule not in late]


def writers_for(
    service: Service, lease: Lease, *, despite_quiet_hours: bool = True
) -> Mapping[str, LabelWriter]:
    """Give the writers of every site, for as long as the lease is ours and the hour allows it."""
    permit = permit_of(service, lease, despite_quiet_hours=despite_quiet_hours)
    return service.writers(permit, older_labels(service))


def permit_of(service: Service, lease: Lease, *, despite_quiet_hours: bool) -> Callable[[], None]:
    """Give what is asked before each write: it raises when time or lease are over, or quiet hours begin."""
    settings = service.settings

    def permit() -> None:
        service.deadline.check()
        lease.check()
        if not despite_quiet_hours and settings.quiet is not None:
            refuse_when_quiet(settings.quiet, service.clock().astimezone(settings.zone))

    return permit


def refuse_crossed(service: Service, expected: SavedPlan, lease: Lease) -> list[str]:
    """Refuse a reviewed plan when the tickets themselves, read now, carry other labels of ours."""
    writers = writers_for(service, lease)
    live, _ = read_live(writers, [entry.ticket for entry in expected.expected])
    settings = service.settings
    return crossed(expected, live, settings.label_prefix, settings.asking.values())


def write_all(
    service: Service, options: Options, result: RunResult, lease: Lease, progress: Progress
) -> None:
    """Carry out the plan, unless the guard stopped it."""
    if result.stopped:
        for problem in result.stopped:
            log.warning("guard stopped the plan", why=problem)
        return
    lease.keep()
    with progress.step("write labels") as step:
        loud = options.allow_quiet_hours
        writers = writers_for(service, lease, despite_quiet_hours=loud) if result.plan else {}
        beating = Heartbeat(step, lease)  # each write asks for leave by itself: its answer must be heard
        writing = WriteBack(service.engine, result.run_id, writers, service.clock, beating)
        result.written = writing.carry_out(result.plan)
    tell_written(result.written)
    if not result.written.whole:
        goes_on(service, result)
    if result.markers.changes and not result.halted:
        with progress.step("say why on the tickets") as step:
            marking = MarkerWriting(service.engine, result.run_id, service.clock, Heartbeat(step, lease))
            permit = permit_of(service, lease, despite_quiet_hours=options.allow_quiet_hours)
            result.marked = marking.carry_out(result.markers, service.markers.writers(permit))


def tell_written(written: Written) -> None:
    """Log what was written, what was refused and which site broke off."""
    for parked in written.parked:
        site, key = parked.ticket.site, parked.ticket.issue_key
        project = key.rpartition("-")[0]
        log.warning("write refused", site=site, project=project, issue=key, why=parked.reason)
    for site, why in written.broken_sites.items():
        log.warning("writing stopped", site=site, why=why)
    log.info("labels written", added=written.added, removed=written.removed, refused=len(written.parked))


def older_labels(service: Service) -> frozenset[str]:
    """Read which labels we wrote under another prefix than today's."""
    with service.engine.connect() as connection:
        return labels.older_labels(connection, service.settings.label_prefix)


def report_on(service: Service, result: RunResult, progress: Progress) -> None:
    """Write the report of the run; a store that holds nothing yet has nothing to report."""
    if service.deadline.stop.is_set():
        return
    with service.engine.connect() as connection:
        if not coverage_of(connection, result.run_id):
            return
    with progress.step("report"):
        result.report = service.report(result.run_id)
    reach(Milestone.REPORTED)
