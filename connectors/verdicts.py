"""What a ticket is told beside its labels: why each is there and what removes it, as plain, bounded text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from connectors.http import clean

# Jira's own limits: a property's JSON, as we send it, and the title of a remote link.
PROPERTY_LIMIT, TITLE_LIMIT, SUMMARY_LIMIT = 32_768, 255, 1_000
MOST_REASONS = 20
# Raised when the same verdict is to be written another way: then every marker is written once more.
FORM = "1"


class Marker(StrEnum):
    """The ways of telling a ticket why it bears a label."""

    LINK = "link"
    PROPERTY = "property"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a ticket bears one label: the rule, since which day and run it holds, and what removes it."""

    rule: str
    label: str
    severity: str
    message: str
    fix: str
    since: str
    run: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with one ticket, the gravest first; `more` reasons were left out for want of room.

    `url` is where the explanation stands; without it there is nothing that a link could lead to.
    """

    reasons: tuple[Reason, ...]
    url: str | None = None
    more: int = 0

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(reason.label for reason in self.reasons))

    @property
    def title(self) -> str:
        """What is wrong and how to put it right, in one line."""
        others = len(self.reasons) - 1 + self.more
        suffix = f" (and {others} more)" if others else ""
        return cut(line_of(self.reasons[0]), TITLE_LIMIT - units(suffix)) + suffix

    @property
    def summary(self) -> str:
        """What the title had no room for."""
        said = " ".join(f"{one.label} (since {one.since}): {line_of(one)}" for one in self.reasons)
        return cut(f"{said} {self.removal}", SUMMARY_LIMIT)

    @property
    def removal(self) -> str:
        return "Tieline takes its label off in the night after this is put right."

    @property
    def digest(self) -> str:
        """Changes whenever any marker of this verdict would."""
        return hashlib.sha256((FORM + self.text).encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        """Everything, for our own memory: `read_verdict` takes it."""
        return DOCUMENT.dump_json(self).decode()

    def document(self) -> dict[str, Any]:
        """The value of the issue property: version 1 of what automations may rely on."""
        first = self.reasons[0]
        return {
            "version": 1,
            "labels": list(self.labels),
            "rules": [reason.rule for reason in self.reasons],
            "since": min(reason.since for reason in self.reasons),
            "run": first.run,
            "message": first.message,
            "fix": first.fix,
            "url": self.url,
            "more": self.more,
            "findings": [
                {
                    "rule": reason.rule,
                    "label": reason.label,
                    "severity": reason.severity,
                    "since": reason.since,
                    "run": reason.run,
                    "message": reason.message,
                    "fix": reason.fix,
                }
                for reason in self.reasons
            ],
        }

    def only(self, labels: Collection[str]) -> Verdict | None:
        """The same about these labels alone; None where none of them is in it."""
        left = tuple(reason for reason in self.reasons if reason.label in labels)
        return replace(self, reasons=left) if left else None


DOCUMENT = TypeAdapter(Verdict)


def read_verdict(text: str) -> Verdict:
    return DOCUMENT.validate_json(text)


def make_verdict(reasons: Collection[Reason], url: str | None = None) -> Verdict:
    """Put the reasons of one ticket together, as many as have room in a property."""
    kept = tuple(reasons)[:MOST_REASONS]
    while len(kept) > 1 and too_long(Verdict(kept, url, len(reasons)).document()):
        kept = kept[:-1]
    return Verdict(kept, url, len(reasons) - len(kept))


def too_long(document: Mapping[str, Any]) -> bool:
    """Whether Jira would refuse it as a property: counted as it is sent, with every sign escaped."""
    return len(json.dumps(document)) > PROPERTY_LIMIT


def plain(text: str) -> str:
    """Text from outside as one line without control, format or direction signs, and not too long."""
    return clean(text)


def line_of(reason: Reason) -> str:
    stop = "" if reason.message.endswith((".", "!", "?", "…")) else "."
    return f"{reason.message}{stop} {reason.fix}".strip()


def units(text: str) -> int:
    """The length as Jira counts it: signs beyond the first plane are two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """At most so many units, with a sign that there was more."""
    if units(text) <= limit:
        return text
    end = min(len(text), limit - 1)
    while units(text[:end]) > limit - 1:
        end -= 1
    return text[:end].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Marking:
    """One marker of one issue: to say this verdict, or (None) to be taken away."""

    issue_id: str
    issue_key: str
    marker: Marker
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """What became of a marking: `done`, `parked` with Jira's reason, `lost` (no answer), or `unsent`."""

    marking: Marking
    state: str
    reason: str = ""
