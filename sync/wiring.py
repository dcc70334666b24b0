"""Build the service from the settings: the only place that puts connectors, store and rules together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from connectors.base import Source, TokenStore
from connectors.finance import (
    AllocationsSource,
    FinanceSource,
    FinanceSourceConfig,
    FxSource,
    RestFinanceConfig,
    RestFinanceSource,
)
from connectors.http import RetryPolicy
from connectors.jira import outside_name, remote_name
from connectors.naps import Nap
from connectors.objectives import LinksSource, ObjectivesSource
from connectors.pings import Pings
from connectors.turns import Turns
from sync.config.tokens import FileTokens
from sync.digests.audiences import audiences_of
from sync.digests.delivering import PostOffice
from sync.feeds import Feed, Kind
from sync.frame.deadline import Deadline
from sync.frame.observers import DeadMansSwitch, MetricsFile, Observer
from sync.frame.service import Service
from sync.labels.marking import MarkerSites
from sync.rulebook import frame_of, load_rules
from sync.service.metrics import StoreMetrics, write_textfile
from sync.service.timetable import load_schedules
from sync.settings import Settings
from sync.sites import Sites
from sync.sources import SourcesConfig, objectives_name
from sync.store.outside import NamedInVain
from sync.store.remote import RemoteCandidates
from sync.work.forms import form_of
from sync.work.workbench import workbench_for


def build_service(
    settings: Settings,
    sources: SourcesConfig,
    engine: Engine,
    report: Callable[[int], Path],
    clock: Callable[[], datetime],
    *,
    turns: Turns | None = None,
) -> tuple[Service, Sites]:
    """Put a service together; close the sites when it is done."""
    deadline, bench = Deadline(clock), workbench_for(settings, engine, clock)
    policy = RetryPolicy(sleep=Nap(deadline.stop))
    configs = {config.name: config for config in sources.jira}
    sites = Sites(configs, settings.label_prefix, policy, deadline=deadline, turns=turns)
    service = Service(
        settings=settings,
        engine=engine,
        feeds=(
            *jira_feeds(sources, sites),
            *remote_feeds(sources, sites, bench.engine, clock),
            *outside_feeds(sources, sites, bench.engine),
            *file_feeds(sources, FileTokens(settings.tokens), policy),
        ),
        writers=sites.writers,
        rules=lambda now: load_rules(settings, now),
        report=report,
        clock=clock,
        bench=bench,
        drivers={it.name: it.share_by for it in sources.finance if it.share_by is not None},
        markers=MarkerSites(
            kinds={config.name: config.markers for config in sources.jira},
            public_url=settings.public_url,
            most=settings.max_markers,
            writers=sites.markers,
        ),
        deadline=deadline,
        requests=sites.requests,
        observers=observers_of(settings, engine, clock),
        post=PostOffice(
            engine,
            settings,
            audiences_of(sources.digests, settings.digest_to),
            clock,
            lambda: frame_of(settings, clock()).fiscal_year,
        ),
    )
    return service, sites


def observers_of(settings: Settings, engine: Engine, clock: Callable[[], datetime]) -> list[Observer]:
    """Give those who are told of each run: a dead man's switch, a file of metrics."""
    observers: list[Observer] = []
    if settings.ping_url is not None:
        observers.append(DeadMansSwitch(Pings(settings.ping_url.get_secret_value())))
    if settings.metrics_file is not None:
        metrics = StoreMetrics(engine, load_schedules(settings), clock)
        observers.append(MetricsFile(partial(write_textfile, metrics), settings.metrics_file))
    return observers


def jira_feeds(sources: SourcesConfig, sites: Sites) -> list[Feed]:
    """Make the feeds of every Jira site: its issues and, where it holds any, its objectives."""
    work = [
        Feed(
            c.name,
            Kind.WORK,
            partial(sites.issues, c.name),
            site=c.name,
            resumable=True,
            form=form_of(c, sites.prefix),
        )
        for c in sources.jira
    ]
    objectives = [
        Feed(
            objectives_name(c.name),
            Kind.OBJECTIVES,
            partial(sites.objectives, c.name, c.objective_jql),
            site=c.name,
            resumable=True,
            form=form_of(c, sites.prefix),
        )
        for c in sources.jira
        if c.objective_jql is not None
    ]
    return work + objectives


def remote_feeds(
    sources: SourcesConfig, sites: Sites, engine: Engine, clock: Callable[[], datetime]
) -> list[Feed]:
    """Make the feed of the remote links of each site where they tie work."""
    feeds = []
    for config in sources.jira:
        if config.remote_links is not None:
            source = remote_name(config.name)
            candidates = RemoteCandidates(engine, config.name, source, clock)
            open_links = partial(sites.remote_links, config.name, candidates)
            form = form_of(config, sites.prefix)
            feeds.append(Feed(source, Kind.LINKS, open_links, site=config.name, form=form))
    return feeds


def outside_feeds(sources: SourcesConfig, sites: Sites, engine: Engine) -> list[Feed]:
    """Make the feed of what work names as objectives of each site that has some, and that are none."""
    feeds = []
    for config in sources.jira:
        if config.objective_jql is not None:
            source, jql = outside_name(config.name), config.objective_jql
            candidates = NamedInVain(engine, config.name, objectives_name(config.name), source, config.url)
            open_named = partial(sites.outside_objectives, config.name, jql, candidates)
            form = form_of(config, sites.prefix)
            feeds.append(Feed(source, Kind.OUTSIDE, open_named, site=config.name, form=form))
    return feeds


def file_feeds(sources: SourcesConfig, tokens: TokenStore, policy: RetryPolicy) -> list[Feed]:
    """Make the feeds of every file."""
    return [
        *(Feed(c.name, Kind.OBJECTIVES, partial(ObjectivesSource, c)) for c in sources.objectives),
        *(Feed(c.name, Kind.LINKS, partial(LinksSource, c)) for c in sources.links),
        *(Feed(c.name, Kind.ALLOCATIONS, partial(AllocationsSource, c)) for c in sources.allocations),
        *(Feed(c.name, Kind.RATES, partial(FxSource, c)) for c in sources.fx),
        *(Feed(c.name, Kind.FINANCE, partial(finance_source, c, tokens, policy)) for c in sources.finance),
    ]


def finance_source(
    config: FinanceSourceConfig | RestFinanceConfig,
    tokens: TokenStore | None = None,
    policy: RetryPolicy | None = None,
) -> Source:
    """Make the source of a file or of an API; a login that replaces its token keeps it among `tokens`."""
    if isinstance(config, RestFinanceConfig):
        return RestFinanceSource(config, policy, store=tokens)
    return FinanceSource(config)
