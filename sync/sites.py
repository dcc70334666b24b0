"""Enter the Jira sites of a run when they are first needed, each once, and count what was asked of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.base import Candidates, LabelWriter, MarkerWriter, NamedObjectives, Source
from connectors.changes import Answered, LabelChange
from connectors.http import RetryPolicy
from connectors.jira import (
    JiraIssues,
    JiraLabels,
    JiraMarkers,
    JiraObjectives,
    JiraSite,
    JiraSiteConfig,
    OutsideObjectives,
    RemoteLinks,
    connect,
)
from connectors.turns import Turns
from connectors.verdicts import Marked, Marking
from sync.frame.deadline import Deadline
from sync.store.traces import Asked


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

    def outside_objectives(self, name: str, jql: str, candidates: NamedObjectives) -> Source:
        """Give the site's issues that work names as objectives and that are none."""
        return OutsideObjectives(self.enter(name), jql, candidates, self.prefix)

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
