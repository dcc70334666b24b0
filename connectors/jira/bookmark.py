"""Turn what a complete read leaves into where the next one may go on, if it still asks the same question."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from connectors.jira.mapping import IssueMapping
from connectors.jira.site import JiraSite

# What changes without moving `updated` (a renamed status or project, a rank of types) is read this often.
WHOLE_EVERY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """What a complete read leaves for the next: what was asked, when it began, and when all was last read."""

    contract: str
    began: int
    whole: int

    def written(self) -> str:
        return json.dumps([self.contract, self.began, self.whole], separators=(",", ":"))


def read_bookmark(text: str | None, contract: str, now: datetime) -> Bookmark | None:
    """The bookmark in `text`; None where another question was asked, or all was last read too long ago."""
    try:
        given, began, whole = json.loads(text or "null")
        bookmark = Bookmark(given, int(began), int(whole))
    except (ValueError, TypeError):
        return None
    fresh = 0 <= now.timestamp() - bookmark.whole < WHOLE_EVERY.total_seconds()
    return bookmark if given == contract and fresh and bookmark.began <= now.timestamp() else None


def contract_of(site: JiraSite, jql: str, mapping: IssueMapping) -> str:
    """What stored rows depend on besides Jira: the question, how answers are read, and this very version."""
    read_as = json.dumps(asdict(mapping), default=plain, sort_keys=True)
    asked = json.dumps([site.config.api_base, site.deployment, jql, read_as, version("tieline")])
    return digest(asked)


def plain(value: Any) -> Any:
    """What JSON has no form for: a set in a fixed order, a search by its text, a tie by what it says."""
    if isinstance(value, BaseModel):
        return value.model_dump()
    return value.pattern if isinstance(value, re.Pattern) else sorted(value)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
