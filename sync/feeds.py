"""Say what is read each night: a feed, and the kind of record it brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.base import Ledger, Source


class Kind(StrEnum):
    """What a source brings, in the order in which sources are read."""

    OBJECTIVES = "objectives"
    WORK = "work items"
    LINKS = "mapping file"
    ALLOCATIONS = "allocation table"
    RATES = "exchange rates"
    FINANCE = "finance"
    OUTSIDE = "outside objectives"


@dataclass(frozen=True, slots=True)
class Feed:
    """A source to be read each night.

    `open` connects and may fail with a `ConnectorError`. `site` names the Jira site that records with an
    issue id live on. `resumable` sources go on where a killed read stopped; the others (files) are cheap to
    read again, and a row that is no longer in them is gone at once. `form` stands for how it is configured:
    machines that do not agree about that must not read for each other.
    """

    name: str
    kind: Kind
    open: Callable[[], Source | Ledger]
    site: str | None = None
    resumable: bool = False
    form: str = ""
