"""Run one night: pull, link, judge, plan, guard, write back, report; or a part of it."""

from __future__ import annotations

from sync.digests.telling import tell_people
from sync.frame.journal import Journal
from sync.frame.lease import Lease
from sync.frame.opening import goes_on, open_run
from sync.frame.progress import Progress
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.judging import judge_all
from sync.labels.writing import refuse_crossed, report_on, write_all
from sync.store.money.guards import Allowed
from sync.upkeep.clearing import clear_out
from sync.work.sharing import Sharing, waves


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


def pull_all(service: Service, options: Options, result: RunResult, lease: Lease, journal: Journal) -> None:
    """Read every source; one that fails does not keep the others from being read.

    Nor from being judged by: only rules that need its kind of source are frozen.
    """
    feeds = [feed for feed in service.feeds if not options.sources or feed.name in options.sources]
    shrink = 1.0 if options.allow_shrink else service.settings.max_shrink
    allowed = Allowed(shrink, options.allow_rejects, options.allow_restatement)
    sharing = Sharing(service, result, lease, journal, allowed, options.whole)
    for wave in waves(feeds):
        sharing.read(wave)
    with service.engine.begin() as connection:
        clear_out(connection, service.settings, result.run_id, service.clock())
