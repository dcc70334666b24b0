"""Turn a JQL scope on Jira Data Center into batches of raw issues, walking along the time of creation.

Offset paging over issues that people edit and delete loses rows without a sign. `id > n` does not help: Jira
compares it within one project. Creation times never change, so each request starts again at the minute of the
last issue read (JQL knows minutes only), an offset serves only inside such a window, and ids met twice are
dropped. Every request overlaps the one before by at least one issue: where that overlap is missing, something
before it was removed or Jira reads times in another zone than it told, and the walk steps back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from connectors.errors import IncompleteRead, NotFound, Refused
from connectors.jira.client import JiraClient, NotJira
from connectors.jira.jql import within
from connectors.jira.names import Names
from connectors.jira.search import Batch, Raw, Scope, askable, id_of, issues_in, unmet
from connectors.jira.values import moment_of

# Jira gives fewer where `jira.search.views.default.max` says so, often just as many.
PAGE_LIMIT = 1000
BULK_LIMIT = 50
# No two time zones are further apart: with this margin it does not matter in which one Jira reads a time.
ANY_ZONE = timedelta(hours=26)
STEPS_BACK = 20


@dataclass(frozen=True, slots=True)
class Window:
    """Where a request starts: at a moment of creation (None: the beginning), less a margin, plus an offset.

    `overlaps`: the first issue of the answer must be one already met.
    """

    since: datetime | None = None
    offset: int = 0
    margin: timedelta = timedelta()
    overlaps: bool = False

    def after(self, issues: Sequence[Raw]) -> Window:
        """The window for the next request: at the last issue's minute, or further into this one."""
        last = created_of(issues[-1])
        if last is not None and (self.since is None or last - self.margin > self.since):
            return replace(self, since=last, offset=0, overlaps=True)
        return replace(self, offset=self.offset + max(1, len(issues) - 1), overlaps=len(issues) > 1)

    def stepped_back(self) -> Window | None:
        """A window that begins earlier; None where there is none left that could bring more."""
        if self.offset:
            return replace(self, offset=0)
        if self.since is not None and self.margin < ANY_ZONE:
            return replace(self, margin=ANY_ZONE)
        return None


class KeysetSearch:
    """`POST search` with keyset paging. `zone` is the account's: Jira reads the times in a JQL in it."""

    def __init__(self, client: JiraClient, zone: tzinfo | None) -> None:
        self.client = client
        self.zone = zone

    def batches(self, scope: Scope, fields: Sequence[str], met: Names, position: str) -> Iterator[Batch]:
        # A walk that goes on from an earlier night has met nothing yet by which it could check the zone.
        margin = ANY_ZONE if position or not self.zone else timedelta()
        window = Window(since=datetime.fromisoformat(position) if position else None, margin=margin)
        walked = Names()  # not `met`: that may hold issues this walk has not come to yet
        steps_back = 0
        previous: list[str | None] = []
        expected: int | None = None
        while True:
            issues, total = self._page(scope, fields, window)
            at_end = window.offset + len(issues) >= total
            self._check_progress(issues, previous, window, at_end=at_end, setting=scope.setting)
            torn = window.overlaps and not (issues and (id_of(issues[0]) or "") in walked)
            if torn and (back := window.stepped_back()):
                steps_back += 1
                if steps_back > STEPS_BACK:
                    raise IncompleteRead(f"The issues of {scope.setting} kept changing while they were read.")
                window, previous = back, []
                continue
            expected = total if window == Window(margin=margin) else None
            fresh = unmet(issues, met)
            walked.update(id_of(issue) or "" for issue in issues)
            if at_end:
                yield Batch(fresh, None, expected)
                return
            previous = [id_of(issue) for issue in issues]
            window = window.after(issues)
            yield Batch(fresh, window.since.isoformat() if window.since else "", expected)

    def sample(self, scope: Scope, fields: Sequence[str]) -> list[Raw]:
        return self._page(scope, fields, Window())[0]

    def learn(self, scope: Scope, met: Names) -> None:
        for _ in self.batches(scope, ["created"], met, ""):
            pass

    def _check_progress(
        self,
        issues: Sequence[Raw],
        previous: Sequence[str | None],
        window: Window,
        *,
        at_end: bool,
        setting: str,
    ) -> None:
        """An empty page before the end, or the same page at another offset, is a stall: never an end."""
        repeated = window.offset > 0 and [id_of(issue) for issue in issues] == previous
        if not at_end and (not issues or repeated):
            raise IncompleteRead(
                f"{self.client.place.host} stopped giving issues of {setting} before the end: what was read "
                "is not the whole. The next run reads it again."
            )

    def _page(self, scope: Scope, fields: Sequence[str], window: Window) -> tuple[list[Raw], int]:
        bounds = (
            [] if window.since is None else [f'created >= "{self.literal(window.since - window.margin)}"']
        )
        subject = f"the JQL in {scope.setting}"
        return self._search(within(scope.jql, *bounds), fields, subject, offset=window.offset)

    def _search(
        self, jql: str, fields: Sequence[str], subject: str, *, offset: int = 0, limit: int | None = None
    ) -> tuple[list[Raw], int]:
        size = (self.client.config.page_size or PAGE_LIMIT) if limit is None else limit
        body = {"jql": jql, "fields": list(fields), "startAt": offset, "maxResults": size}
        answer = self.client.request("POST", "search", body=body, resend=True, subject=subject)
        issues = issues_in(answer)
        total = answer.get("total")
        if not isinstance(total, int):
            raise IncompleteRead(f"{self.client.place.host} did not say how many issues a search has.")
        return issues, total

    def literal(self, moment: datetime) -> str:
        """The minute of `moment` as Jira reads it; for the hour that clocks repeat, one before that hour."""
        zone = self.zone or UTC
        local = moment.astimezone(zone)
        while local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
            moment -= timedelta(minutes=30)
            local = moment.astimezone(zone)
        return local.strftime("%Y-%m-%d %H:%M")

    def count(self, scope: Scope) -> int | None:
        return self._search(f"({scope.jql})", ["id"], f"the JQL in {scope.setting}", limit=0)[1]

    def by_id(self, wanted: Sequence[str], fields: Sequence[str]) -> list[Raw]:
        found: list[Raw] = []
        names = askable(wanted)
        for start in range(0, len(names), BULK_LIMIT):
            found += self._fetch(names[start : start + BULK_LIMIT], fields)
        return found

    def _fetch(self, wanted: Sequence[str], fields: Sequence[str]) -> list[Raw]:
        """One search for all of them; one request each where a dead key makes Jira refuse the whole list."""
        listed = ", ".join(name if name.isdigit() else f'"{name}"' for name in wanted)
        try:
            found, total = self._search(
                f"key in ({listed})", fields, "a list of parent issues", limit=len(wanted)
            )
        except NotJira:
            raise
        except Refused:
            found, total = [], len(wanted)
        if len(found) >= total:
            return found
        met = {str(issue.get(name)) for issue in found for name in ("id", "key")}
        rest = (self._one(name, fields) for name in wanted if name not in met)
        return found + [issue for issue in rest if issue is not None]

    def _one(self, name: str, fields: Sequence[str]) -> Raw | None:
        try:
            answer: Any = self.client.get(f"issue/{name}", fields=",".join(fields))
        except NotFound:
            return None
        return answer if isinstance(answer, Mapping) else None


def created_of(issue: Raw) -> datetime | None:
    """The minute in which an issue was created, in UTC."""
    fields = issue.get("fields")
    try:
        moment = moment_of(fields.get("created")) if isinstance(fields, Mapping) else None
    except (ValueError, TypeError):
        return None
    return moment.replace(second=0, microsecond=0) if moment else None
