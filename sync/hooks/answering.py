"""Look at some issues of one site again, and put their labels right: a night for these items alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection, select

from connectors.base import NamedSource
from connectors.pages import Page
from connectors.records import WorkItem
from rules.ruleset import RuleSet
from sync.errors import IncompleteError
from sync.feeds import Feed, Kind
from sync.frame.opening import open_run
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.gaps import Gaps, gaps_in
from sync.judge import judge_items
from sync.labels.guard import SHARE_COUNTS_FROM, guard
from sync.labels.marking import Speaker, plan_markers
from sync.labels.plan import Plan
from sync.labels.planning import Desk, limits_of
from sync.labels.writing import write_all
from sync.store import history, labels, links, runs, writes
from sync.store.bulk import among
from sync.store.links import work_item
from sync.store.save import Origin, save_page

TRIGGER = "webhook"
# Items that inherit from the issues of one batch: beyond that they wait for the night.
MOST_BELOW = 1000
OLDEST = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some issues of one site, by their immutable ids."""

    feed: Feed
    ids: tuple[str, ...]


def waits(service: Service, rules: RuleSet, feed: Feed) -> str:
    """Say why the issues of a site must wait for the night; nothing where they need not.

    The night is the truth: an item is judged at once only by rules that a night has judged all items by, and
    only where everything it stands on was read whole.
    """
    with service.engine.connect() as connection:
        gaps = gaps_now(connection, service)
        if feed.site in gaps.sites or gaps.kinds & {Kind.WORK, Kind.OBJECTIVES, Kind.LINKS}:
            return "a source was not read whole"
        judged = history.newest_judged(connection)
        last = None if judged is None else history.run_with(connection, judged)
    if last is None or last.rules_hash != rules.hash:
        return "no night has judged by these rules yet"
    if last.started_at < service.clock() - OLDEST:
        return "the last night is too long ago"
    return ""


def gaps_now(connection: Connection, service: Service) -> Gaps:
    """Find what is not known whole at the moment."""
    return gaps_in(service.feeds, runs.complete_sources(connection))


def answer(service: Service, rules: RuleSet, batch: Batch) -> RunResult:
    """Read the issues, judge them, and write what that changes.

    Raises `LeaseHeld` while a night is at work, and the errors of a night.
    """
    source = batch.feed.open()
    if not isinstance(source, NamedSource):
        raise IncompleteError(f"{batch.feed.name}: its issues cannot be read one by one.")
    options = Options(TRIGGER)
    with open_run(service, options, Quiet()) as (result, lease, progress):
        page = source.named(batch.ids)
        judge_some(service, rules, batch.feed, page, result)
        write_all(service, options, result, lease, progress)
    return result


def judge_some(service: Service, rules: RuleSet, feed: Feed, page: Page, result: RunResult) -> None:
    """Save what was read, judge it and plan, in one transaction."""
    settings, now, site = service.settings, service.clock(), feed.site or feed.name
    with service.engine.begin() as connection:
        origin = Origin(feed.name, site, result.run_id, result.run_id, now)
        save_page(connection, origin, of_interest(connection, feed.name, page))
        ids = [record.id for record in page.records if isinstance(record, WorkItem)]
        items = links.below(connection, stored(connection, feed.name, ids), MOST_BELOW)
        writes.settle_intents(connection, result.run_id, now)
        today = now.astimezone(settings.zone).date()
        gaps = gaps_now(connection, service)
        result.judgement = judge_items(
            connection, rules, gaps.kinds, result.run_id, now, today=today, items=items
        )
        desk = Desk(connection, settings, result.run_id, now)
        result.plan = weigh_some(desk, rules, site, items, result)
        if not desk.quiet:
            speaker = Speaker.of(rules, settings.label_prefix)
            result.markers = plan_markers(
                connection, service.markers, result.plan, speaker, {site}, now, items=items
            )
        desk.keep(result.plan, intend=result.goes_ahead)


def weigh_some(desk: Desk, rules: RuleSet, site: str, items: Sequence[int], result: RunResult) -> Plan:
    """Plan for these items, and hold the plan against the limits, quota and hours of a night.

    What is usual for a night is not asked, for this is none.
    """
    draft = desk.draw_up({site}, retry=False, items=items)
    if len(draft.plan.changes) > SHARE_COUNTS_FROM:
        draft = replace(draft, own=desk.own({site}))
    scene = desk.scene(draft, {site}, rules.rules, {})
    ruling = guard(draft.plan, scene, limits_of(desk.settings, rules.rules), 0)
    result.held += ruling.held
    result.stopped += [*ruling.stopped, *too_many(desk, ruling.plan)]
    if result.stopped:
        return ruling.plan
    paced, result.waits = desk.pace(ruling.plan, 0, quiet=desk.quiet)
    return paced


def of_interest(connection: Connection, source: str, page: Page) -> Page:
    """Leave out issues that are neither in the scope nor known: nobody asked for them."""
    ids = [record.id for record in page.records if isinstance(record, WorkItem)]
    known = set(
        connection.scalars(
            select(work_item.c.source_id).where(
                work_item.c.source == source, among(connection, work_item.c.source_id, ids)
            )
        )
    )
    kept = tuple(it for it in page.records if isinstance(it, WorkItem) and (it.in_scope or it.id in known))
    return replace(page, records=kept, quarantined=())


def stored(connection: Connection, source: str, ids: Sequence[str]) -> list[int]:
    """Give the rows of these issues."""
    if not ids:
        return []
    return list(
        connection.scalars(
            select(work_item.c.id).where(
                work_item.c.source == source, among(connection, work_item.c.source_id, ids)
            )
        )
    )


def too_many(desk: Desk, plan: Plan) -> list[str]:
    """Hold all that webhooks have written since the last night against the limit of a night.

    Many small plans must not do together what one large plan would be stopped for.
    """
    night = history.newest_judged(desk.connection) or 0
    since = labels.written_by(desk.connection, TRIGGER, night) + len(plan.changes)
    most = desk.settings.max_changes
    if since <= most:
        return []
    said = f"Webhooks would make {since} label changes since run {night}; TIELINE_MAX_CHANGES allows {most}."
    return [f"{said} The rest is left to the next night."]
