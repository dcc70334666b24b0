"""Name the way to read one deployment: batches of raw issues, a count, and issues by their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connectors.census import Census, Entry
from connectors.errors import IncompleteRead
from connectors.http import clean
from connectors.jira.client import ID_OR_KEY
from connectors.jira.names import Names
from connectors.pages import FormerKey

Raw = Mapping[str, Any]

# More ids that were listed and not given than this many, and than this share, are no coincidence.
UNSEEN_FEW, UNSEEN_SHARE = 20, 0.01


@dataclass(frozen=True, slots=True)
class Scope:
    """Which issues to read; `setting` names where the JQL was configured, for messages."""

    jql: str
    setting: str

    def also(self, condition: str) -> Scope:
        """The part of the scope that meets a condition as well."""
        return Scope(f"({self.jql}) AND {condition}", self.setting)


@dataclass(frozen=True, slots=True)
class Batch:
    """Issues not met before, and the position from which to go on (None: this was the last batch).

    `expected` is how many issues the scope holds, told once. `unseen` are ids that Jira listed and then did
    not give, asked twice: deleted or hidden in between, or an index that disagrees with itself.
    """

    issues: tuple[Raw, ...]
    position: str | None
    expected: int | None = None
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Issues asked for by id or key, and those of the keys that are former ones, as far as Jira tells."""

    issues: list[Raw]
    former: tuple[FormerKey, ...] = ()


class Search(Protocol):
    """How one deployment is read."""

    def batches(self, scope: Scope, fields: Sequence[str], met: Names, position: str) -> Iterator[Batch]:
        """The issues in a scope from `position` on (empty: from the start).

        `met` holds the ids and keys met so far, which are not given again; it grows.
        """
        ...

    def sample(self, scope: Scope, fields: Sequence[str]) -> list[Raw]:
        """Some issues of the scope, none only where it is empty; most often one request."""
        ...

    @property
    def page_size(self) -> int:
        """The most issues that one answer brings: what fits in there is not worth a list of its own."""
        ...

    def census(self, scope: Scope, met: Names) -> Census:
        """List all issues in the scope; their ids and keys are added to `met`."""
        ...

    def changed(self, scope: Scope, minutes: int) -> Census:
        """List those changed within the last minutes; none where the census itself tells what changed."""
        ...

    def fetch(self, wanted: Sequence[int], fields: Sequence[str], setting: str) -> Iterator[Batch]:
        """The issues with these ids, ascending, in batches; the position is the last id of each."""
        ...

    def matching(self, scope: Scope, wanted: Sequence[str]) -> set[str]:
        """Which of these ids, all of them visible, are in the scope; as fresh as Jira can tell."""
        ...

    def count(self, scope: Scope) -> int | None:
        """How many issues the scope holds, as far as Jira tells; an approximation on Cloud."""
        ...

    def indexed(self, wanted: Sequence[str], fields: Sequence[str]) -> list[Raw]:
        """The issues with these ids or keys as far as few requests can tell."""
        ...

    def singly(self, wanted: Sequence[str], fields: Sequence[str]) -> tuple[Found, set[str]]:
        """Of ids or keys that `indexed` did not give by them, those that exist all the same.

        Also gives which were asked for: not more in a night than are reasonable.
        """
        ...

    def by_id(self, wanted: Sequence[str], fields: Sequence[str]) -> Found:
        """The issues with these ids or keys; those deleted or hidden from us are simply not among them."""
        ...


def issues_in(answer: Any, *, lenient: bool = False) -> list[Raw]:
    """The issues of one search answer.

    A warning means that the answer is cut, so the read is incomplete; not so where names were asked for that
    need not exist (`lenient`).
    """
    issues = answer.get("issues") if isinstance(answer, Mapping) else None
    if not isinstance(issues, list):
        raise IncompleteRead(
            "Jira answered a search without a list of issues: what was read is not the whole."
        )
    warnings = answer.get("warnings") or answer.get("warningMessages")
    if warnings and not lenient:
        raise IncompleteRead(f"Jira warned that a search is not complete: {clean(warning_text(warnings))}")
    return issues


def warning_text(warnings: Any) -> str:
    entries = warnings if isinstance(warnings, list) else [warnings]
    return "; ".join(
        str(entry.get("message") or entry.get("type")) if isinstance(entry, Mapping) else str(entry)
        for entry in entries
    )


def askable(names: Sequence[str]) -> list[str]:
    """The names that can be an issue's id or key: a parent field may hold any text, naming nothing."""
    return [name for name in names if ID_OR_KEY.fullmatch(name)]


def unmet(issues: Sequence[Raw], met: Names) -> tuple[Raw, ...]:
    """The issues not met before, which are then. One without an id is passed on, to be refused by name."""
    fresh: list[Raw] = []
    for issue in issues:
        identity = id_of(issue)
        if identity is None or identity not in met:
            fresh.append(issue)
        meet(issue, met)
    return tuple(fresh)


def meet(issue: Raw, met: Names) -> None:
    """Remember an issue by its id and, where it came with one, its key."""
    if isinstance(issue, dict):
        met.update(str(issue[name]) for name in ("id", "key") if issue.get(name))


def former_key(name: str, issue: Raw) -> FormerKey | None:
    """The name by which an issue was found, where it is a key that the issue no longer has."""
    identity, key = id_of(issue), str(issue.get("key") or "")
    if identity is None or not key or name == identity or name.casefold() == key.casefold():
        return None
    return FormerKey(name, identity)


def entry_of(issue: Raw, updated: datetime | None = None) -> Entry | None:
    """What a list says of an issue; None where it lacks the number that is its id."""
    name = id_of(issue)
    if name is None or not (name.isascii() and name.isdecimal()):
        return None
    return Entry(int(name), str(issue.get("key") or ""), updated)


def id_of(issue: Any) -> str | None:
    identity = issue.get("id") if isinstance(issue, dict) else None
    return str(identity) if identity else None
