"""Turn the remote links of chosen issues into claims that they serve objectives: a request for each issue.

Jira has no way to ask for the remote links of many issues, nor to find issues by them. So only those issues
are asked that nothing else ties, at most `most` in a run, and what is left to the next runs is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from connectors.base import Candidates
from connectors.errors import BadInput, IncompleteRead, NotFound
from connectors.jira.client import JiraClient, NotJira
from connectors.jira.crew import in_order
from connectors.jira.site import JiraSite
from connectors.jira.ties import RemoteLinkTies, named_by
from connectors.pages import Page
from connectors.records import How, LinkClaim

AT_ONCE = 100


class RemoteLinks:
    """A source of claims: the remote links, of issues that nothing else ties, which name an objective."""

    def __init__(self, site: JiraSite, candidates: Candidates) -> None:
        self.site = site
        self.candidates = candidates

    @property
    def name(self) -> str:
        return remote_name(self.site.config.name)

    def pages(self, cursor: str | None = None) -> Iterator[Page]:  # noqa: ARG002 - asked anew in each run
        ties = self.site.config.remote_links
        if ties is None:
            raise BadInput(f"{self.name}: remote_links says nothing about which of them name an objective.")
        chosen = self.candidates.choose(ties.most)
        yield Page(unseen=chosen.kept)
        answers = self._answers(chosen.ask)
        while batch := list(islice(answers, AT_ONCE)):
            claims = [claim for issue, links in batch for claim in claims_of(self.site, issue, links, ties)]
            yield Page(records=tuple(claims))
            self.candidates.note_asked([issue for issue, _ in batch])
        if chosen.left:
            raise IncompleteRead(
                f"{self.name}: {chosen.left} issues that nothing else ties have never been asked for their "
                f"remote links: a run asks {ties.most} (remote_links.most). The next runs go on; raise it, "
                "or narrow JIRA_JQL, to be done sooner."
            )

    def _answers(self, issues: Iterable[str]) -> Iterator[tuple[str, Sequence[Any]]]:
        if self.site.is_cloud:
            return in_order(self.site.client, issues, read_links)
        return (read_links(self.site.client, issue) for issue in issues)


def remote_name(site: str) -> str:
    """The name under which the remote links of a site are stored."""
    return f"{site}-remote-links"


def read_links(client: JiraClient, issue: str) -> tuple[str, Sequence[Any]]:
    """The remote links of one issue; none where it is gone, which the next read of issues will settle."""
    try:
        answer = client.get(f"issue/{issue}/remotelink")
    except NotFound:
        return issue, ()
    if not isinstance(answer, list):
        raise NotJira(client.not_jira("an odd list of remote links"))
    return issue, answer


def claims_of(site: JiraSite, issue: str, links: Iterable[Any], ties: RemoteLinkTies) -> Iterator[LinkClaim]:
    for link in links:
        if isinstance(link, Mapping):
            for objective in dict.fromkeys(named_by(link, ties)):
                yield LinkClaim(
                    issue,
                    objective,
                    f"remote link {title_of(link)}",
                    site=site.config.name,
                    how=How.REMOTE_LINK,
                    strength=ties.strength,
                )


def title_of(link: Mapping[str, Any]) -> str:
    """What people see of a remote link."""
    target = link.get("object")
    shown = target if isinstance(target, Mapping) else {}
    return str(shown.get("title") or shown.get("url") or link.get("globalId") or "without a title")
