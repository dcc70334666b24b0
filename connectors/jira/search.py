"""Name the way to read one deployment: batches of raw issues, a count, and issues by their ids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from connectors.errors import IncompleteRead
from connectors.http import clean

Raw = Mapping[str, Any]

ID_OR_KEY = re.compile(r"\d+|[^\W\d]\w*-\d+")


@dataclass(frozen=True, slots=True)
class Batch:
    """Issues not met before, and the position from which to go on (None: this was the last batch)."""

    issues: tuple[Raw, ...]
    position: str | None


class Search(Protocol):
    """How one deployment is read. `setting` names where the JQL was configured, for messages."""

    def batches(
        self, jql: str, setting: str, fields: Sequence[str], seen: set[str], position: str | None
    ) -> Iterator[Batch]:
        """The issues in the scope `jql` from `position` on; `seen` holds the ids met so far and grows."""
        ...

    def count(self, jql: str, setting: str) -> int | None:
        """How many issues the scope holds, as far as Jira tells; an approximation on Cloud."""
        ...

    def by_id(self, wanted: Sequence[str], fields: Sequence[str]) -> list[Raw]:
        """The issues with these ids or keys; those deleted or hidden from us are simply not among them."""
        ...


def issues_in(answer: Any) -> list[Raw]:
    """The issues of one search answer. A warning means that the answer is cut: the read is incomplete."""
    issues = answer.get("issues") if isinstance(answer, Mapping) else None
    if not isinstance(issues, list):
        raise IncompleteRead(
            "Jira answered a search without a list of issues: what was read is not the whole."
        )
    warnings = answer.get("warnings") or answer.get("warningMessages")
    if warnings:
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


def unmet(issues: Sequence[Raw], seen: set[str]) -> tuple[Raw, ...]:
    """The issues not met before, which are then. One without an id is passed on, to be refused by name."""
    fresh: list[Raw] = []
    for issue in issues:
        identity = id_of(issue)
        if identity is None or identity not in seen:
            fresh.append(issue)
        if identity is not None:
            seen.add(identity)
    return tuple(fresh)


def id_of(issue: Any) -> str | None:
    identity = issue.get("id") if isinstance(issue, Mapping) else None
    return str(identity) if identity else None
