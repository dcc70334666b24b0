"""The limits of a run, and what a plan is held against: values only, read by the guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

UNALIGNED = "unaligned"
LINKS = "links by "


@dataclass(frozen=True, slots=True)
class Limit:
    """How much may change: a number of label changes, and a share of the tickets in scope."""

    changes: int
    share: float


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of a run; a share of 1 is none.

    `removals` is a share of the labels of ours on tickets, `shift` how far the unaligned share of work may be
    from what is usual, `links_lost` the share of one kind of link that may be gone since the last night.
    """

    whole: Limit
    rules: Mapping[str, Limit] = field(default_factory=dict)
    project_changes: int | None = None
    project_share: float = 1.0
    removals: float = 1.0
    shift: float = 1.0
    links_lost: float = 1.0


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a night and what it is a part of, if of anything."""

    number: int
    out_of: int = 0

    @property
    def share(self) -> float:
        """Give the part."""
        return self.number / self.out_of if self.out_of else 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """What a plan is held against.

    `tickets` are counted by site and project, labels of ours on tickets by name in `own`. `rule_of` gives the
    rule of a label that only one rule puts. `everything` counts the tickets of rules that are true of all
    they could be. Of each measure there is tonight's and, newest first, those of the last nights let through.
    """

    tickets: Mapping[tuple[str, str], int]
    own: Mapping[str, int] = field(default_factory=dict)
    rule_of: Mapping[str, str] = field(default_factory=dict)
    everything: Mapping[str, int] = field(default_factory=dict)
    tonight: Mapping[str, Measure] = field(default_factory=dict)
    usual: Mapping[str, Sequence[Measure]] = field(default_factory=dict)

    @property
    def in_scope(self) -> int:
        """Count all tickets in scope."""
        return sum(self.tickets.values())


def percent(share: float) -> str:
    """Write a share as a percentage, with decimals only where it has them."""
    return f"{share * 100:.6g}%"
