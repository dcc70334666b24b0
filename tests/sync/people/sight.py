"""What tickets in Jira show: their labels, our markers and the remarks of people, held against the model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.jira.comments import MARK, words_of
from connectors.jira.markers import PROPERTY_KEY
from connectors.jira.ties import OUR_LINK
from sync.sandbox import Request, Site
from tests.sync.people.model import COMMENT, LINK, MARKERS, PROPERTY, Ticket

OUTCOME = " Tieline takes its label off in the night after this is put right."
PATHS = {LINK: "/remotelink", PROPERTY: "/properties/", COMMENT: "/comment"}


def labels_of(site: Site, issue: str) -> set[str]:
    return set(site.get(issue).fields["labels"])


def shown(site: Site, issue: str) -> dict[str, list[str]]:
    """What each kind of marker of ours says on a ticket, once for each that is there."""
    there = site.get(issue)
    links = [link["object"] for link in there.remote_links if link.get("globalId") == OUR_LINK]
    found = there.properties.get(PROPERTY_KEY)
    return {
        LINK: [link["summary"].removesuffix(OUTCOME) for link in links],
        PROPERTY: [] if found is None else [line_of(one) for one in found["findings"]],
        COMMENT: [first_line(one["body"]) for one in comments(site, issue) if is_ours(site, one)],
    }


def line_of(finding: Mapping[str, str]) -> str:
    return f"{finding['label']} (since {finding['since']}): {finding['message']}. {finding['fix']}"


def first_line(body: Any) -> str:
    return words_of(body["content"][0]) if isinstance(body, dict) else str(body).splitlines()[1]


def comments(site: Site, issue: str) -> list[dict[str, Any]]:
    return list((site.get(issue).fields.get("comment") or {}).get("comments", []))


def is_ours(site: Site, comment: Mapping[str, Any]) -> bool:
    return bool(comment["author"] == site.account and MARK in words_of(comment["body"]))


def remarks(site: Site, issue: str) -> list[str]:
    """What people wrote on a ticket."""
    return [str(one["body"]) for one in comments(site, issue) if not is_ours(site, one)]


def differences(site: Site, tickets: Mapping[str, Ticket]) -> Iterator[str]:
    """Hold every ticket against the model."""
    for issue, ticket in tickets.items():
        expected = {
            "labels": sorted(ticket.labels),
            "remarks": ticket.remarks,
            **{kind: [said] if (said := ticket.says(kind)) else [] for kind in MARKERS},
        }
        found = {
            "labels": sorted(labels_of(site, issue)),
            "remarks": remarks(site, issue),
            **shown(site, issue),
        }
        yield from (
            f"{issue}: {name} are {found[name]} instead of {expected[name]} ({ticket})"
            for name in expected
            if found[name] != expected[name]
        )


def marked(requests: Iterable[Request]) -> set[tuple[str, str]]:
    """Which markers these requests wrote: (issue, kind), those that Jira was seen to answer well."""
    return {
        (request.path.split("/issue/")[1].split("/")[0], kind)
        for request in requests
        for kind, path in PATHS.items()
        if request.write and path in request.path and request.status < 300
    }
