"""Turn the ledger of a run round: the changes that take back what it wrote, where that still stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sync.errors import ConfigurationError
from sync.frame.opening import open_run
from sync.frame.progress import Progress
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.labels.guard import guard
from sync.labels.limits import Limit, Limits, Scene
from sync.labels.markers import MarkerPlan, Told, labels_after, undo_markers
from sync.labels.marking import told_before
from sync.labels.plan import Change, LabelOn, Plan
from sync.labels.planning import Desk, Live, read_live, refuse_stale
from sync.labels.savedplan import ours, save
from sync.labels.writing import report_on, write_all, writers_for
from sync.settings import Settings
from sync.store import labels, markers, runs, writes


@dataclass(frozen=True, slots=True)
class Write:
    """One change that a run made. `later` is the run that touched the same label after it, if one did.

    `lost`: people were seen to have taken the label off since; if it is back, it is theirs.
    """

    change: Change
    later: int | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A change that is not taken back, and why."""

    change: Change
    why: str


@dataclass(frozen=True, slots=True)
class Undoing:
    """The plan that takes a run back, and what it leaves as it is."""

    plan: Plan
    kept: tuple[Kept, ...]


def make_undo(done: Iterable[Write], live: Live, unread: Mapping[str, str]) -> Undoing:
    """Work out the inverse of what a run wrote.

    `live` are the labels of the tickets as read just now, by (site, issue id); `unread` says which sites
    could not be read, and why. What people or later runs have changed since is left alone.
    """
    changes, kept = [], []
    for write in done:
        why = obstacle(write, live, unread)
        if why is None:
            changes.append(write.change.inverse)
        else:
            kept.append(Kept(write.change, why))
    return Undoing(Plan(tuple(sorted(changes))), tuple(kept))


def obstacle(write: Write, live: Live, unread: Mapping[str, str]) -> str | None:
    """Say why a change cannot be taken back, or nothing where it can."""
    change = write.change
    if write.later is not None:
        return f"run {write.later} has changed this label since"
    if change.ticket.site in unread:
        return unread[change.ticket.site]
    found = live.get((change.ticket.site, change.ticket.issue_id))
    if found is None:
        return "the ticket is gone, or hidden from us"
    if write.lost or (change.label in found) != (change.operation == "add"):
        return (
            "people have taken it off since" if change.operation == "add" else "people have put it on since"
        )
    return None


def run_undo(
    service: Service, undone: int, options: Options, progress: Progress
) -> tuple[RunResult, Undoing]:
    """Take back what a run wrote, as a run of its own.

    The tickets are read first, by id, for our copy may be a day old. Raises `ConfigurationError` where there
    is no such run or where it wrote nothing.
    """
    with open_run(service, replace(options, trigger=f"undo {undone}"), progress) as (result, lease, journal):
        with journal.step("read the tickets"):
            done, told = writes_of(service, undone, result.run_id)
            writers = writers_for(service, lease)
            touched = [*(write.change.ticket for write in done), *(one.ticket for one in told)]
            live, unread = read_live(writers, touched)
        undoing = make_undo(done, live, unread)
        result.plan = undoing.plan
        result.markers = undo_told(service, told, live, undoing.plan)
        seal(service, options, result, live=live, undone=undone)
        if not options.dry_run:
            write_all(service, options, result, lease, journal)
            report_on(service, result, journal)
    return result, undoing


def writes_of(service: Service, undone: int, run_id: int) -> tuple[list[Write], list[Told]]:
    """Read what a run wrote, and what the tickets were told that it wrote to."""
    with service.engine.begin() as connection:
        if runs.status_of(connection, undone) is None:
            raise ConfigurationError(f"There is no run {undone}. `tieline runs` lists them.")
        writes.settle_intents(connection, run_id, service.clock())
        found = [Write(*made) for made in labels.made_by(connection, undone)]
        items = {write.change.ticket.item_id for write in found} | markers.items_of(connection, undone)
        told = told_before(markers.telling_rows(connection, items), undone)
    if not found and not told:
        raise ConfigurationError(f"Run {undone} wrote no label: there is nothing to take back.")
    return found, told


def undo_told(service: Service, told: Iterable[Told], live: Live, plan: Plan) -> MarkerPlan:
    """Work out what the tickets are to be told once the labels are taken back.

    A ticket that cannot be read keeps its markers.
    """
    with service.engine.connect() as connection:
        ours = labels.owned(connection)
    seen = [one for one in told if (one.ticket.site, one.ticket.issue_id) in live]
    present = {
        (one.ticket.item_id, label)
        for one in seen
        for label in live[one.ticket.site, one.ticket.issue_id]
        if (one.ticket.item_id, label) in ours
    }
    after = labels_after(present, plan.changes)
    return undo_markers(seen, lambda ticket: after.get(ticket.item_id, ()), service.markers.kinds)


def seal(service: Service, options: Options, result: RunResult, *, live: Live, undone: int) -> None:
    """Guard the plan, keep it, and write its intents into the ledger."""
    settings, plan = service.settings, result.plan
    sites = {change.ticket.site for change in plan.changes}
    with service.engine.begin() as connection:
        desk = Desk(connection, settings, result.run_id, service.clock())
        present = labels_on(plan, live, settings)
        result.saved = save(plan, present, "", runs.serial(connection), undone)
        result.saved = replace(result.saved, markers=result.markers.changes)
        scene = Scene(labels.tickets_in_scope(connection, sites))
        limits = Limits(Limit(settings.max_changes, settings.max_share))
        ruling = guard(plan, scene, limits, options.allow_changes)
        result.stopped = [*refuse_stale(result.saved, options.expected), *ruling.stopped]
        if not result.stopped:
            result.plan, result.waits = desk.hush(
                plan, quiet=not options.dry_run and not options.allow_quiet_hours
            )
        if result.waits:
            result.markers = MarkerPlan()
        desk.keep(result.plan, intend=result.goes_ahead)


def labels_on(plan: Plan, live: Live, settings: Settings) -> list[LabelOn]:
    """Give the labels of our prefix that the tickets of a plan carry."""
    return [
        LabelOn(ticket, label)
        for ticket in dict.fromkeys(change.ticket for change in plan.changes)
        for label in ours(live[ticket.site, ticket.issue_id], settings.label_prefix, settings.asking.values())
    ]
