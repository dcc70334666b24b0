"""Turn a JQL scope on Jira Cloud into batches of raw issues: a sweep of ids, then the issues in parallel."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.census import Census, Entry
from connectors.errors import IncompleteRead
from connectors.http import clean
from connectors.jira.client import JiraClient
from connectors.jira.crew import in_order
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
    meet,
    unmet,
)

# The most that Jira gives in one answer: issues with fields, bare ids, and issues asked for by their ids.
PAGE_LIMIT = 100
SWEEP_LIMIT = 5000
BULK_LIMIT = 100
# Pages in a row without anything new are a stall, though each may be short or empty for good reasons.
BARREN_PAGES = 50
RECONCILE_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a bulk fetch gave, by ascending id, and the ids that it neither gave nor called failed, twice."""

    issues: tuple[Raw, ...]
    unseen: tuple[str, ...]


class CloudSearch:
    """Reads one page; where that is not all, sweeps the ids and fetches the issues, several at a time.

    Only the token tells the end of a search: pages may be short or empty, and there is no total. The position
    is the last id given: ids are fetched in ascending order, so what follows it is still to do.
    """

    def __init__(self, client: JiraClient) -> None:
        self.client = client

    def batches(self, scope: Scope, fields: Sequence[str], met: Names, position: str) -> Iterator[Batch]:
        first: tuple[Raw, ...] = ()
        if not position:
            issues, token = self._page(scope, fields, self.page_size, None)
            first = unmet(issues, met)
            if token is None:
                yield Batch(first, None, expected=len(first))
                return
        ids = sorted_ids(entry.id for entry, _ in self._sweep(scope, ["id"]))
        names = (str(number) for number in ids if number > int(position or -1))
        todo = array("Q", (int(name) for name in names if name not in met))
        met.update(map(str, ids))
        expected = None if position else len(first) + len(todo)
        yield Batch(first, position if todo else None, expected)
        yield from self.fetch(todo, fields, scope.setting)

    @property
    def page_size(self) -> int:
        return min(self.client.config.page_size or PAGE_LIMIT, PAGE_LIMIT)

    def sample(self, scope: Scope, fields: Sequence[str]) -> list[Raw]:
        token: str | None = None
        for _ in range(BARREN_PAGES):  # a page may be empty though others follow
            issues, token = self._page(scope, fields, self.page_size, token)
            if issues or token is None:
                return issues
        return []

    def census(self, scope: Scope, met: Names) -> Census:
        """Keys come as cheaply as ids; any other field would cut the pages to a fiftieth."""

        def listed() -> Iterator[Entry]:
            for entry, issue in self._sweep(scope, ["key"]):
                meet(issue, met)
                yield entry

        return Census(listed())

    def changed(self, scope: Scope, minutes: int) -> Census:
        recent = scope.also(f'updated >= "-{minutes}m"')
        return Census(entry for entry, _ in self._sweep(recent, ["id"]))

    def matching(self, scope: Scope, wanted: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(wanted), RECONCILE_LIMIT):
            asked = list(wanted[start : start + RECONCILE_LIMIT])
            among = scope.also(f"id in ({', '.join(asked)})")
            found |= {str(entry.id) for entry, _ in self._sweep(among, ["id"], fresh=asked)}
        return found

    def _sweep(
        self, scope: Scope, fields: Sequence[str], fresh: Sequence[str] = ()
    ) -> Iterator[tuple[Entry, Raw]]:
        """All issues in the scope, each once. `fresh` ids are looked up past the lag of Jira's index."""
        known = Names()
        tokens: set[str] = set()
        token, barren = None, 0
        while True:
            listed, token = self._page(scope, fields, SWEEP_LIMIT, token, fresh)
            new = {entry.id: (entry, issue) for entry, issue in self._swept(listed, known)}
            known.update(map(str, new))
            yield from new.values()
            barren = 0 if new else barren + 1
            if token is None:
                return
            if token in tokens or barren > BARREN_PAGES:
                what = "the same page token twice" if token in tokens else "page after page with nothing new"
                raise IncompleteRead(
                    f"{self.client.place.host} sent {what} while reading {scope.setting}: what was read is "
                    "not the whole. The next run reads it again."
                )
            tokens.add(token)

    def _swept(self, listed: Sequence[Raw], known: Names) -> Iterator[tuple[Entry, Raw]]:
        for issue in listed:
            entry = entry_of(issue)
            if entry is None:
                raise IncompleteRead(f"{self.client.place.host} listed an issue without its number as id.")
            if str(entry.id) not in known:
                yield entry, issue

    def _page(
        self, scope: Scope, fields: Sequence[str], size: int, token: str | None, fresh: Sequence[str] = ()
    ) -> tuple[list[Raw], str | None]:
        body: dict[str, Any] = {"jql": within(scope.jql), "fields": list(fields), "maxResults": size}
        if fresh:
            body["reconcileIssues"] = [int(name) for name in fresh]
        answer = self.client.request(
            "POST",
            "search/jql",
            body=body | ({"nextPageToken": token} if token else {}),
            resend=True,
            subject=f"the JQL in {scope.setting}",
            fields=fields,
        )
        return issues_in(answer), next_token(answer)

    def fetch(self, wanted: Sequence[int], fields: Sequence[str], setting: str) -> Iterator[Batch]:
        todo, size = wanted, min(self.client.config.page_size or BULK_LIMIT, BULK_LIMIT)
        jobs = ([str(number) for number in todo[at : at + size]] for at in range(0, len(todo), size))
        done = unseen = 0
        for fetched in in_order(self.client, jobs, lambda twin, names: fetch(twin, names, fields)):
            done += min(size, len(todo) - done)
            unseen += len(fetched.unseen)
            if unseen > max(UNSEEN_FEW, UNSEEN_SHARE * len(todo)):
                raise IncompleteRead(
                    f"{self.client.place.host} listed issues of {setting} and then did not give "
                    f"{unseen} of them, {fetched.unseen[-1]} among them: what was read is not the whole."
                )
            position = str(todo[done - 1]) if done < len(todo) else None
            yield Batch(fetched.issues, position, unseen=fetched.unseen)

    def count(self, scope: Scope) -> int | None:
        answer = self.client.request(
            "POST",
            "search/approximate-count",
            body={"jql": f"({scope.jql})"},
            resend=True,
            subject=f"the JQL in {scope.setting}",
        )
        count = answer.get("count") if isinstance(answer, Mapping) else None
        return count if isinstance(count, int) else None

    def indexed(self, wanted: Sequence[str], fields: Sequence[str]) -> list[Raw]:
        return self.by_id(wanted, fields).issues

    def singly(self, wanted: Sequence[str], fields: Sequence[str]) -> tuple[Found, set[str]]:
        """Bulk fetch needs no index, so no id is asked for again; but a key may be one of before a move."""
        keys = askable([name for name in wanted if not name.isdecimal()])
        parts = (keys[start : start + BULK_LIMIT] for start in range(0, len(keys), BULK_LIMIT))
        moved = [pair for part in parts for pair in self._moved(part, fields)]
        former = (former_key(name, issue) for name, issue in moved)
        issues = [issue for _, issue in moved]
        return Found(issues, tuple(one for one in former if one is not None)), set(wanted)

    def _moved(self, keys: Sequence[str], fields: Sequence[str]) -> Iterator[tuple[str, Raw]]:
        """Which issue each key leads to: an answer does not say, so halves are asked for, down to one key."""
        issues = self.by_id(keys, fields).issues
        if len(keys) == 1 or not issues:
            yield from ((key, issue) for key in keys for issue in issues)
        else:
            for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
                yield from self._moved(half, fields)

    def by_id(self, wanted: Sequence[str], fields: Sequence[str]) -> Found:
        """Whoever is not among them has been deleted or is hidden.

        A key may come back as another one, and nothing says which: Cloud names parents by their ids as well.
        """
        found: list[Raw] = []
        names = askable(wanted)
        for start in range(0, len(names), BULK_LIMIT):
            issues, failed = bulk_fetch(self.client, names[start : start + BULK_LIMIT], fields)
            if failed:
                again, failed = bulk_fetch(self.client, list(failed), fields)
                issues += again
            refuse_failed(self.client, failed)
            found += issues
        return Found(found)


def fetch(client: JiraClient, wanted: Sequence[str], fields: Sequence[str]) -> Fetched:
    """The issues with these ids. What the answer lacks is asked for once more."""
    issues, _ = bulk_fetch(client, wanted, fields)
    lacking = without(wanted, issues)
    if lacking:
        again, failed = bulk_fetch(client, lacking, fields)
        refuse_failed(client, failed)
        issues += again
        lacking = without(lacking, again)
    place = {name: number for number, name in enumerate(wanted)}
    issues.sort(key=lambda issue: place.get(id_of(issue) or "", len(place)))
    return Fetched(tuple(issues), tuple(lacking))


def sorted_ids(found: Iterable[int]) -> array[int]:
    return array("Q", sorted(array("Q", found)))


def without(wanted: Sequence[str], issues: Sequence[Raw]) -> list[str]:
    given = {id_of(issue) for issue in issues}
    return [name for name in wanted if name not in given]


def bulk_fetch(
    client: JiraClient, wanted: Sequence[str], fields: Sequence[str]
) -> tuple[list[Raw], dict[str, str]]:
    """The issues, and those called failed with the reason: they exist and were not read.

    What is deleted or hidden is in neither.
    """
    answer = client.request(
        "POST",
        "issue/bulkfetch",
        body={"issueIdsOrKeys": list(wanted), "fields": list(fields)},
        resend=True,
        subject="a list of issues",
        fields=fields,
    )
    errors = answer.get("issueErrors") if isinstance(answer, Mapping) else None
    failed = {
        str(error.get("id")): str(error.get("errorMessage") or "")
        for error in errors or ()
        if isinstance(error, Mapping)
    }
    return issues_in(answer), failed


def refuse_failed(client: JiraClient, failed: Mapping[str, str]) -> None:
    if failed:
        name, reason = next(iter(failed.items()))
        raise IncompleteRead(
            f"{client.place.host} could not give {len(failed)} issues, {name} among them: "
            f"{clean(reason) or 'it gave no reason'}"
        )


def next_token(answer: Mapping[str, Any]) -> str | None:
    """The token of the next page, None at the end: `isLast`, or no token (left out, null or empty)."""
    token = answer.get("nextPageToken") or None
    if answer.get("isLast") is True:
        return None
    if token is None and answer.get("isLast") is False:
        raise IncompleteRead("Jira says that more issues follow but gives no token to read them with.")
    return str(token) if token is not None else None
