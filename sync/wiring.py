"""Build the service from the settings: the only place that puts connectors, store and rules together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from connectors.base import Candidates, LabelWriter, MarkerWriter, Source, TokenStore
from connectors.changes import Answered, LabelChange
from connectors.finance import (
    AllocationsSource,
    FinanceSource,
    FinanceSourceConfig,
    FxSource,
    RestFinanceConfig,
    RestFinanceSource,
)
from connectors.finance.currencies import EXPONENTS
from connectors.http import RetryPolicy
from connectors.jira import (
    JiraIssues,
    JiraLabels,
    JiraMarkers,
    JiraObjectives,
    JiraSite,
    JiraSiteConfig,
    RemoteLinks,
    connect,
    remote_name,
)
from connectors.naps import Nap
from connectors.objectives import LinksSource, ObjectivesSource
from connectors.pings import Pings
from connectors.turns import Turns
from connectors.verdicts import Marked, Marking
from rules.moments import Context
from rules.pack import load, load_again, shipped
from rules.problem import RuleErrors
from rules.ruleset import RuleFile, RuleSet
from sync.config.tokens import FileTokens
from sync.digests.audiences import audiences_of
from sync.digests.delivering import PostOffice
from sync.errors import ConfigurationError
from sync.feeds import Feed, Kind
from sync.frame.deadline import Deadline
from sync.frame.observers import DeadMansSwitch, MetricsFile, Observer
from sync.frame.service import Service
from sync.labels.marking import MarkerSites
from sync.service.metrics import StoreMetrics, write_textfile
from sync.service.timetable import load_schedules
from sync.settings import Settings
from sync.sources import SourcesConfig, declared_fields, objectives_name
from sync.store.catalogue import Frame, bind_catalogue
from sync.store.remote import RemoteCandidates
from sync.store.traces import Asked
from sync.work.forms import form_of
from sync.work.workbench import workbench_for


@dataclass(slots=True)
class Sites:
    """The Jira sites of a run, each entered once, when it is needed; none asks on past the deadline.

    `turns` are those of requests that other processes send to the same sites too, if there are any.
    """

    configs: Mapping[str, JiraSiteConfig]
    prefix: str
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    open_sites: dict[str, JiraSite] = field(default_factory=dict)
    deadline: Deadline = field(default_factory=Deadline)
    left: Counter[Asked] = field(default_factory=Counter)
    turns: Turns | None = None

    def enter(self, name: str) -> JiraSite:
        """Give the site, connecting to it the first time."""
        if name not in self.open_sites:
            config = self.configs[name]
            limit = min(config.time_limit, self.deadline.left())
            config = config.model_copy(update={"time_limit": limit})
            self.open_sites[name] = connect(config, self.policy, turns=self.turns)
        return self.open_sites[name]

    def issues(self, name: str) -> Source:
        """Give the site's issues in scope."""
        return JiraIssues(self.enter(name), self.prefix)

    def objectives(self, name: str, jql: str) -> Source:
        """Give the site's issues that are objectives."""
        return JiraObjectives(self.enter(name), jql, self.prefix)

    def remote_links(self, name: str, candidates: Candidates) -> Source:
        """Give the remote links of the site's issues that nothing else ties."""
        return RemoteLinks(self.enter(name), candidates)

    def writers(
        self, permit: Callable[[], None], older: frozenset[str] = frozenset()
    ) -> dict[str, LabelWriter]:
        """Give a label writer for each site, which enters it with the first change.

        `permit` is called before each write and raises when nothing may be written any more. `older` labels
        were written by us under another prefix: they may be taken off.
        """
        return {name: SiteLabels(self, name, permit, older) for name in self.configs}

    def markers(self, permit: Callable[[], None]) -> dict[str, MarkerWriter]:
        """Give a marker writer for each site, which enters it with the first marker."""
        return {name: SiteMarkers(self, name, permit) for name in self.configs}

    def requests(self) -> Counter[Asked]:
        """Count what was asked of each site so far, also of those that were left."""
        counts = self.left.copy()
        for name, site in self.open_sites.items():
            for (method, endpoint, status), number in site.requests.items():
                counts[name, method, endpoint, status] += number
        return counts

    def close(self) -> None:
        """Leave every site."""
        self.left = self.requests()
        for site in self.open_sites.values():
            site.close()
        self.open_sites.clear()


@dataclass(slots=True)
class SiteLabels:
    """Writes labels on one site; a site that cannot be entered fails its own changes and no others."""

    sites: Sites
    name: str
    permit: Callable[[], None]
    older: frozenset[str] = frozenset()
    writer: JiraLabels | None = None

    def apply(self, changes: Sequence[LabelChange]) -> Iterator[Sequence[Answered]]:
        """Make the changes."""
        return self._entered().apply(changes)

    def labels_of(self, issue_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Read labels back."""
        return self._entered().labels_of(issue_ids)

    def _entered(self) -> JiraLabels:
        """Enter the site the first time."""
        if self.writer is None:
            site = self.sites.enter(self.name)
            self.writer = JiraLabels(site, self.sites.prefix, self.permit, self.older)
        return self.writer


@dataclass(frozen=True, slots=True)
class SiteMarkers:
    """Writes markers on one site, entered with the first of them."""

    sites: Sites
    name: str
    permit: Callable[[], None]

    def mark(self, markings: Sequence[Marking]) -> Iterator[Sequence[Marked]]:
        """Make the markings."""
        return JiraMarkers(self.sites.enter(self.name), self.permit).mark(markings)


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


def frame_of(settings: Settings, now: datetime) -> Frame:
    """Say what today, this fiscal year, our currency and our labels are at a moment."""
    context = context_of(settings, now)
    return Frame(
        today=now.astimezone(settings.zone).date(),
        fiscal_year=settings.fiscal_year or context.fiscal_year(),
        currency=settings.currency,
        prefix=settings.label_prefix,
        fields=declared_fields(settings.sources),
    )


def context_of(settings: Settings, now: datetime) -> Context:
    """Give what conditions depend on besides the item."""
    return Context(
        now=now,
        timezone=settings.zone,
        fiscal_start=settings.fiscal_year_start,
        currency=settings.currency,
        minor_digits=EXPONENTS[settings.currency],
    )


def load_rules(
    settings: Settings, now: datetime, paths: Sequence[Path] = (), waivers: Sequence[Path] = ()
) -> RuleSet:
    """Load the rules and waivers named, or those of the settings, bound to the store as of a moment."""
    configured = [settings.rules] if settings.rules is not None else shipped()
    granted = [settings.waivers] if settings.waivers is not None else []
    catalogue, context = bind_catalogue(frame_of(settings, now)), context_of(settings, now)
    try:
        rules = load(paths or configured, catalogue, context, waivers or granted)
    except RuleErrors as errors:
        raise ConfigurationError(*(problem.render() for problem in errors.problems)) from None
    keep_labels_apart(settings, rules)
    return rules


def keep_labels_apart(settings: Settings, rules: RuleSet) -> None:
    """Refuse rules that put a label by which people ask for something: nobody could tell whose it is."""
    asking = {name.casefold(): kind for kind, name in settings.asking.items()}
    problems = [
        f"Rule {rule.id} puts the label {label}, by which people ask for something on a ticket. Give the "
        f"rule another label, or set TIELINE_{asking[label.casefold()].upper()}_LABEL."
        for rule in rules.rules
        if rule.label is not None
        if (label := settings.label_prefix + rule.label).casefold() in asking
    ]
    if problems:
        raise ConfigurationError(*problems)


def load_rules_again(settings: Settings, now: datetime, files: Sequence[RuleFile]) -> RuleSet:
    """Load rules as a run had them, bound to the store as of a moment."""
    catalogue, context = bind_catalogue(frame_of(settings, now)), context_of(settings, now)
    try:
        return load_again(files, catalogue, context)
    except RuleErrors as errors:
        raise ConfigurationError(*(problem.render() for problem in errors.problems)) from None
