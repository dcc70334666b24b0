"""Turn a JQL scope on Jira Data Center into batches of raw issues, walking along the time of creation.

Offset paging over issues that people edit and delete loses rows without a sign. `id > n` does not help: Jira
compares it within one project. Creation times never change, so each request starts again at the minute of the
last issue read (JQL knows minutes only), an offset serves only inside such a window, and ids met twice are
dropped. Every request overlaps the one before by at least one issue: where that overlap is missing, something
before it was removed or Jira reads times in another zone than it told, and the walk steps back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from connectors.census import Census, Entry
from connectors.errors import IncompleteRead, NotFound, Refused
from connectors.jira.client import JiraClient, NotJira
from connectors.jira.crew import beside
from connectors.jira.jql import within
from connectors.jira.names import Names
from connectors.jira.search import (
    UNSEEN_FEW,
    UNSEEN_SHARE,
    Batch,
    Found,
    Raw,
    Scope,
    askable,
    entry_of,
    former_key,
    id_of,
    issues_in,
    unmet,
)
from connectors.jira.values import moment_of
from connectors.pages import FormerKey

# Jira gives fewer where `jira.search.views.default.max` says so, often just as many.
PAGE_LIMIT = 1000
BULK_LIMIT = 200
# Issues of which the index knows nothing are asked for one by one: no more of them in a night.
SINGLY_LIMIT = 200
# No two time zones are further apart: with this margin it does not matter in which one Jira reads a time.
ANY_ZONE = timedelta(hours=26)
STEPS_BACK = 20
PageAndTotal = tuple[list[Raw], int]


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
        with beside(self.client) as ask:

            def asked(window: Window) -> Future[PageAndTotal]:
                return ask(lambda twin: KeysetSearch(twin, self.zone).page(scope, fields, window))

            yield from self._walk(scope.setting, window, met, asked)

    def _walk(
        self,
        setting: str,
        window: Window,
        met: Names,
        asked: Callable[[Window], Future[PageAndTotal]],
    ) -> Iterator[Batch]:
        """Each page is asked for before the one ahead of it is given: it comes while that one is stored."""
        walked = Names()  # not `met`: that may hold issues this walk has not come to yet
        steps_back = 0
        previous: list[str | None] = []
        coming = asked(window)
        while True:
            issues, total = coming.result()
            at_end = window.offset + len(issues) >= total
            self._check_progress(issues, previous, window, at_end=at_end, setting=setting)
            torn = window.overlaps and not (issues and (id_of(issues[0]) or "") in walked)
            if torn and (back := window.stepped_back()):
                steps_back += 1
                if steps_back > STEPS_BACK:
                    raise IncompleteRead(f"The issues of {setting} kept changing while they were read.")
                window, previous, coming = back, [], asked(back)
                continue
            expected = total if window == Window(margin=window.margin) else None
            previous = [id_of(issue) for issue in issues]
            walked.update(name or "" for name in previous)
            if at_end:
                yield Batch(unmet(issues, met), None, expected)
                return
            window = window.after(issues)
            coming = asked(window)
            position = window.since.isoformat() if window.since else ""
            yield Batch(unmet(issues, met), position, expected)

    def sample(self, scope: Scope, fields: Sequence[str]) -> list[Raw]:
        return self.page(scope, fields, Window())[0]

    @property
    def page_size(self) -> int:
        return self.client.config.page_size or PAGE_LIMIT

    def census(self, scope: Scope, met: Names) -> Census:
        """Every issue with its key and its last change: compared with the store's, they need no clock."""
        walked = Names()

        def listed() -> Iterator[Entry]:
            for batch in self.batches(scope, ["created", "updated"], walked, ""):
                for issue in batch.issues:
                    entry = entry_of(issue, moment_in(issue, "updated"))
                    if entry is not None:
                        met.update((str(entry.id), entry.key))
                        yield entry

        return Census(listed())

    def changed(self, scope: Scope, minutes: int) -> Census:  # noqa: ARG002 - the census has told it
        return Census()

    def matching(self, scope: Scope, wanted: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(wanted), BULK_LIMIT):
            among = scope.also(f"id in ({', '.join(wanted[start : start + BULK_LIMIT])})")
            issues, _ = self._search(among.jql, ["id"], f"the JQL in {scope.setting}", limit=BULK_LIMIT)
            found |= {id_of(issue) or "" for issue in issues}
        return found

    def fetch(self, wanted: Sequence[int], fields: Sequence[str], setting: str) -> Iterator[Batch]:
        unseen = 0
        for start in range(0, len(wanted), BULK_LIMIT):
            asked = [str(number) for number in wanted[start : start + BULK_LIMIT]]
            issues = self.by_id(asked, fields).issues
            lacking = tuple(set(asked) - {id_of(issue) or "" for issue in issues})
            unseen += len(lacking)
            if unseen > max(UNSEEN_FEW, UNSEEN_SHARE * len(wanted)):
                raise IncompleteRead(
                    f"{self.client.place.host} listed issues of {setting} and then did not give "
                    f"{unseen} of them, {lacking[-1]} among them: what was read is not the whole."
                )
            position = asked[-1] if start + BULK_LIMIT < len(wanted) else None
            yield Batch(tuple(issues), position, unseen=lacking)

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

    def page(self, scope: Scope, fields: Sequence[str], window: Window) -> PageAndTotal:
        """The issues that begin where the window does, and how many there are from its moment on."""
        bounds = (
            [] if window.since is None else [f'created >= "{self.literal(window.since - window.margin)}"']
        )
        subject = f"the JQL in {scope.setting}"
        return self._search(within(scope.jql, *bounds), fields, subject, offset=window.offset)

    def _search(
        self,
        jql: str,
        fields: Sequence[str],
        subject: str,
        *,
        offset: int = 0,
        limit: int | None = None,
        lenient: bool = False,
    ) -> tuple[list[Raw], int]:
        size = self.page_size if limit is None else limit
        body: dict[str, Any] = {"jql": jql, "fields": list(fields), "startAt": offset, "maxResults": size}
        if lenient:
            body["validateQuery"] = False
        answer = self.client.request("POST", "search", body=body, resend=True, subject=subject, fields=fields)
        issues = issues_in(answer, lenient=lenient)
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

    def by_id(self, wanted: Sequence[str], fields: Sequence[str]) -> Found:
        """Whom the index does not know (it may lag, or give it by a newer key) is asked for singly."""
        found: list[Raw] = []
        former: list[FormerKey] = []
        names = askable(wanted)
        for start in range(0, len(names), BULK_LIMIT):
            asked = names[start : start + BULK_LIMIT]
            given = self.indexed(asked, fields)
            met = {str(issue.get(name)) for issue in given for name in ("id", "key")}
            rest = self._each([name for name in asked if name not in met], fields)
            found += [*given, *rest.issues]
            former += rest.former
        return Found(found, tuple(former))

    def singly(self, wanted: Sequence[str], fields: Sequence[str]) -> tuple[Found, set[str]]:
        asked = wanted[:SINGLY_LIMIT]
        return self._each(asked, fields), set(asked)

    def _each(self, names: Sequence[str], fields: Sequence[str]) -> Found:
        """Ask for each by itself, which tells the keys that are former ones."""
        pairs = [(name, issue) for name in names if (issue := self.one(name, fields)) is not None]
        former = (former_key(name, issue) for name, issue in pairs)
        return Found([issue for _, issue in pairs], tuple(one for one in former if one is not None))

    def indexed(self, wanted: Sequence[str], fields: Sequence[str]) -> list[Raw]:
        """The issues the index knows by these ids or keys: without validation, dead names do no harm."""
        listed = ", ".join(name if name.isdigit() else f'"{name}"' for name in wanted)
        found: list[Raw] = []
        total = 1
        while len(found) < total:
            try:
                page, total = self._search(
                    f"key in ({listed})",
                    fields,
                    "a list of issues",
                    offset=len(found),
                    limit=len(wanted),
                    lenient=True,
                )
            except NotJira:
                raise
            except Refused:  # by a Jira that validates all the same: each is then asked for by itself
                return found
            if not page:
                return found
            found += page
        return found

    def one(self, name: str, fields: Sequence[str]) -> Raw | None:
        try:
            answer: Any = self.client.get(f"issue/{name}", fields=",".join(fields))
        except NotFound:
            return None
        return answer if isinstance(answer, Mapping) else None


def created_of(issue: Raw) -> datetime | None:
    """The minute in which an issue was created, in UTC."""
    moment = moment_in(issue, "created")
    return moment.replace(second=0, microsecond=0) if moment else None


def moment_in(issue: Raw, name: str) -> datetime | None:
    fields = issue.get("fields")
    try:
        return moment_of(fields.get(name)) if isinstance(fields, Mapping) else None
    except (ValueError, TypeError):
        return None
