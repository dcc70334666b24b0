"""The middle of a night: judge, count, plan and guard in one transaction, of one snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rules.ruleset import RuleSet
from sync.feeds import Kind
from sync.frame.milestones import Milestone, reach
from sync.frame.progress import Progress
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.gaps import gaps_in
from sync.judge import judge
from sync.labels.first_night import first_nights
from sync.labels.guard import guard
from sync.labels.markers import MarkerPlan
from sync.labels.marking import Speaker, plan_markers
from sync.labels.plan import Plan
from sync.labels.planning import Desk, limits_of, refuse_stale
from sync.store import labels, rulebook, runs, writes
from sync.store.money.conversions import save_gaps
from sync.store.waivers import granted_waivers
from sync.tally import conversion_of, save_figures
from sync.upkeep.aftermath import unknown_since_restore
from sync.waivers.hearing import hear
from sync.waivers.remarks import remarks


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
        writes.settle_intents(connection, result.run_id, now)
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
