"""The labels to change on one issue, and how that was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LabelChange:
    """The labels to add to and to remove from one issue: never the whole set."""

    issue_id: str
    issue_key: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one label change was answered: done, or refused with the reason in the source's words.

    `lost`: it was sent and no answer came, so nobody knows yet whether it was made.
    """

    done: bool
    reason: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """One label change and what became of it."""

    change: LabelChange
    outcome: Outcome
