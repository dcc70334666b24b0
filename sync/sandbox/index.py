"""What search knows of the issues: less than is true while the index lags, until it catches up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sync.sandbox.state import Issue


class SearchIndex:
    """The issues as search sees them. While it lags, each shows as it was before the first edit since.

    Values inside an issue are replaced, never changed in place, so a shallow copy stays as it was.
    """

    def __init__(self, issues: dict[str, Issue]) -> None:
        self.lagging = False
        self._issues = issues
        self._behind: dict[str, Issue | None] = {}

    def note(self, issue: Issue, *, new: bool = False) -> None:
        """Keep how an issue looks before it is edited; a new one is not known at all."""
        if self.lagging:
            self._behind.setdefault(issue.id, None if new else dataclasses.replace(issue))

    def catch_up(self, ids: Iterable[str] | None = None) -> bool:
        """Learn of the edits of these issues (None: of all). Says whether there were any."""
        wanted = list(self._behind) if ids is None else ids
        late = [issue_id for issue_id in wanted if issue_id in self._behind]
        for issue_id in late:
            del self._behind[issue_id]
        return bool(late)

    def get(self, issue_id: str) -> Issue | None:
        if issue_id in self._behind:
            return self._behind[issue_id]
        return self._issues.get(issue_id)

    def __iter__(self) -> Iterator[Issue]:
        for issue in self._issues.values():
            if issue.id not in self._behind:
                yield issue
        yield from (issue for issue in self._behind.values() if issue is not None)
