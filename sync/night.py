"""Run one night: pull, link, judge, plan, guard, write back, report; or a part of it."""

from __future__ import annotations

from sync.digests.telling import tell_people
from sync.errors import Exit
from sync.feeds import Kind
from sync.frame.lease import Heartbeat, Lease
from sync.frame.log import log
from sync.frame.opening import goes_on, open_run
from sync.frame.progress import Progress
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.judging import judge_all
from sync.labels.writing import refuse_crossed, report_on, write_all
from sync.pull import Pull, Pulled
from sync.store.money.guards import Allowed
from sync.upkeep.clearing import clear_out


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
            if not options.dry_run:
                tell_people(service, rules, result, lease, journal)
    return result


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
