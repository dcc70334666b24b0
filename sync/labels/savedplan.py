"""Keep a plan with all that it was made from, so that a later `apply` can tell whether it still holds."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from sync.errors import ConfigurationError
from sync.labels.markers import MarkerChange
from sync.labels.plan import Change, LabelOn, Plan, Ticket

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Expected:
    """A ticket of the plan and the labels of our prefix that it carried when the plan was made."""

    ticket: Ticket
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as it was reviewed.

    `rules` is the hash of the rules it follows, `store` the serial of what it was made from: it moves with
    every read and every write. `undoes` names the run that the plan takes back; None for an ordinary one.
    `markers` are the changes to what tickets are told beside their labels.
    """

    version: Literal[2]
    rules: str
    store: str
    changes: tuple[Change, ...]
    expected: tuple[Expected, ...]
    undoes: int | None = None
    markers: tuple[MarkerChange, ...] = ()


DOCUMENT = TypeAdapter(SavedPlan)
NOTHING_PLANNED = SavedPlan(2, "", "", (), ())


def save(
    plan: Plan, present: Iterable[LabelOn], rules: str, store: str, undoes: int | None = None
) -> SavedPlan:
    """Put a plan together with what it rests on."""
    carried: dict[Ticket, list[str]] = {change.ticket: [] for change in plan.changes}
    for label in present:
        if label.ticket in carried:
            carried[label.ticket].append(label.label)
    expected = tuple(Expected(ticket, tuple(sorted(labels))) for ticket, labels in carried.items())
    return SavedPlan(2, rules, store, plan.changes, expected, undoes)


def stale(saved: SavedPlan, now: SavedPlan) -> list[str]:
    """Say in one sentence why a saved plan no longer holds; nothing where it does."""
    reasons = []
    if saved.rules != now.rules:
        reasons.append("the rules have changed")
    if saved.store != now.store:
        reasons.append("the store has been read or written")
    if saved.changes != now.changes:
        more, less = set(now.changes) - set(saved.changes), set(saved.changes) - set(now.changes)
        reasons.append(f"{len(more)} changes have come and {len(less)} have gone")
    if saved.markers != now.markers:
        reasons.append("what is to be said beside the labels has changed")
    return [refusal(reasons, saved.undoes)] if reasons else []


def ours(found: Iterable[str], prefix: str, theirs: Collection[str]) -> tuple[str, ...]:
    """Give the labels of our prefix, sorted, without those by which people ask for something."""
    asking = {name.casefold() for name in theirs}
    return tuple(
        sorted(label for label in found if label.startswith(prefix) and label.casefold() not in asking)
    )


def crossed(
    saved: SavedPlan,
    live: Mapping[tuple[str, str], Sequence[str]],
    prefix: str,
    theirs: Collection[str] = (),
) -> list[str]:
    """Say which tickets carry other labels of ours by now than the plan was made for.

    `live` holds the labels of tickets by (site, issue id), read just now; a ticket may be missing from it.
    """
    moved = [
        entry.ticket.issue_key
        for entry in saved.expected
        if (found := live.get((entry.ticket.site, entry.ticket.issue_id))) is None
        or ours(found, prefix, theirs) != entry.labels
    ]
    if not moved:
        return []
    named = ", ".join(moved[:SHOWN]) + (f" and {len(moved) - SHOWN} more" if len(moved) > SHOWN else "")
    return [refusal([f"people have changed labels of ours, or tickets can no longer be read: {named}"], None)]


def refusal(reasons: Sequence[str], undoes: int | None) -> str:
    """Refuse a plan."""
    again = "tieline plan" if undoes is None else f"tieline undo {undoes}"
    return (
        f"The plan in the file is stale: since it was made, {' and '.join(reasons)}. Nothing was written. "
        f"Make a new one with `{again} --out FILE` and review it."
    )


def to_document(saved: SavedPlan) -> dict[str, Any]:
    """Give the plan as plain values."""
    document: dict[str, Any] = DOCUMENT.dump_python(saved, mode="json")
    return document


def write(path: Path, saved: SavedPlan) -> None:
    """Write the plan to a file."""
    text = json.dumps(to_document(saved), indent=2, ensure_ascii=False) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"--out {path}: cannot write: {error.strerror}. Name another file."
        ) from None


def read(path: Path) -> SavedPlan:
    """Read a plan; raise `ConfigurationError` for what is none."""
    try:
        return DOCUMENT.validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot read the plan: {error.strerror}.") from None
    except ValidationError:
        raise ConfigurationError(
            f"{path}: not a plan of this version. Make one with `tieline plan --out {path}`."
        ) from None
