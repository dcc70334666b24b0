"""The two protocols a connector implements: a source of pages, and a writer of labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from connectors.records import LabelChange, Outcome, Page


class Source(Protocol):
    """Something that can be read whole, page by page.

    `name` is unique among the configured sources and stable over time: rows are stored under it.
    """

    @property
    def name(self) -> str: ...

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        """Yield the pages from `cursor` on (None: from the start).

        Raises a `ConnectorError` when the read cannot be completed; what was yielded before still stands.
        A source never ends early and quietly: reaching the end of the iterator means the read was complete.
        """
        ...


class LabelWriter(Protocol):
    """Something that can add labels to and remove labels from an issue."""

    def apply(self, change: LabelChange) -> Outcome:
        """Make one change with add and remove operations only.

        A refusal that concerns this issue alone (screen, permission, archived, deleted) is an `Outcome` with
        `done=False`; an error that concerns the whole site (credential, network) raises a `ConnectorError`.
        """
        ...
