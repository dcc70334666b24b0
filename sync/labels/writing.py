"""The end of a night: carry the plan out within lease, time and quiet hours, then say why."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connectors.base import LabelWriter
from sync.frame.lease import Heartbeat, Lease
from sync.frame.log import log
from sync.frame.milestones import Milestone, reach
from sync.frame.opening import goes_on
from sync.frame.progress import Progress
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.labels.marking import MarkerWriting
from sync.labels.pacing import refuse_when_quiet
from sync.labels.planning import read_live
from sync.labels.savedplan import SavedPlan, crossed
from sync.labels.writeback import WriteBack, Written
from sync.store import labels
from sync.store.history import coverage_of


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
