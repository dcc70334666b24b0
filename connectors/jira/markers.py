"""Turn verdicts into what a ticket shows beside its labels: a remote link, an issue property, a comment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from connectors.errors import ConnectorError, NotFound, PermissionDenied, Refused, Unreachable
from connectors.jira.client import JiraClient, NotJira
from connectors.jira.comments import Comments
from connectors.jira.crew import in_order
from connectors.jira.labels import LOST_IN_A_ROW, always
from connectors.jira.site import JiraSite
from connectors.jira.ties import OUR_LINK
from connectors.verdicts import Marked, Marker, Marking, Verdict

PROPERTY_KEY = "tieline.alignment"
# After so many refusals of one kind of marker in a row, with none made, the rest is not even asked for.
REFUSED_IN_A_ROW = 20


class JiraMarkers:
    """Writes markers, several issues at a time; each of them twice is like once.

    `permit` is called before each write, and raises to forbid it.
    """

    def __init__(self, site: JiraSite, permit: Callable[[], None] = always) -> None:
        self.client = site.client
        self.client.permit = permit
        self.comments = Comments(site.account_id, rich=site.is_cloud)
        self._lost = 0
        self._refused = dict.fromkeys(Marker, 0)

    def mark(self, markings: Sequence[Marking]) -> Iterator[Sequence[Marked]]:
        started: dict[str, list[Marking]] = {}

        def work(twin: JiraClient, job: list[Marking]) -> list[Marked]:
            started[job[0].issue_id] = job
            return [self._answer(twin, marking) for marking in job]

        jobs = [list(group) for _, group in groupby(markings, key=attrgetter("issue_id"))]
        try:
            for answered in in_order(self.client, jobs, work, most=len(jobs)) if jobs else ():
                del started[answered[0].marking.issue_id]
                yield answered
        except ConnectorError as error:
            yield [Marked(marking, "lost", str(error)) for job in started.values() for marking in job]
            raise

    def _answer(self, client: JiraClient, marking: Marking) -> Marked:
        if self._refused[marking.marker] >= REFUSED_IN_A_ROW:
            return Marked(marking, "unsent", f"Jira refused {REFUSED_IN_A_ROW} such markers in a row")
        try:
            self._write(client, marking)
        except NotJira:
            raise
        except (Refused, PermissionDenied, NotFound) as error:
            self._refused[marking.marker] += 1
            return Marked(marking, "lost" if error.unsure else "parked", str(error))
        except Unreachable as error:
            self._lost += 1
            if self._lost >= LOST_IN_A_ROW:
                raise
            return Marked(marking, "lost", str(error))
        self._lost = self._refused[marking.marker] = 0
        return Marked(marking, "done")

    def _write(self, client: JiraClient, marking: Marking) -> None:
        issue, verdict = marking.issue_id, marking.verdict
        if marking.marker is Marker.COMMENT:
            if verdict is None:
                self.comments.remove(client, issue)
            else:
                self.comments.put(client, issue, verdict)
        elif verdict is None:
            take_away(client, issue, marking.marker)
        elif marking.marker is Marker.LINK:
            body = link_of(verdict)
            client.request("POST", f"issue/{issue}/remotelink", body=body, resend=True, subject="the link")
        else:
            path = f"issue/{issue}/properties/{PROPERTY_KEY}"
            client.request("PUT", path, body=verdict.document(), resend=True, subject="the property")


def link_of(verdict: Verdict) -> dict[str, Any]:
    """The remote link as a whole: what an update leaves out, Jira empties."""
    return {
        "globalId": OUR_LINK,
        "application": {"type": "tieline", "name": "Tieline"},
        "relationship": "why it is labelled",
        "object": {
            "url": verdict.url,
            "title": verdict.title,
            "summary": verdict.summary,
            "status": {"resolved": False},
        },
    }


def take_away(client: JiraClient, issue: str, marker: Marker) -> None:
    """Delete a link or a property; one that is not there is gone, unless the whole issue is out of sight."""
    path, params = (
        (f"issue/{issue}/remotelink", {"globalId": OUR_LINK})
        if marker is Marker.LINK
        else (f"issue/{issue}/properties/{PROPERTY_KEY}", None)
    )
    try:
        client.request("DELETE", path, params=params, resend=True)
    except NotFound:
        client.get(f"issue/{issue}", fields="id")
