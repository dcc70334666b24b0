"""Spread writing over nights and hours: a quota of tickets a night, and hours in which nothing is written."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from connectors.errors import Permanent
from sync.labels.plan import Change, Plan, Ticket

WINDOW = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


class QuietHoursBegun(Permanent):
    """The hours in which nothing is written have begun while a run was writing."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A window of each day in the service's zone, its end not included; it may lie across midnight."""

    start: time
    end: time

    def hold(self, local: datetime) -> bool:
        """Say whether a local moment is within them."""
        clock = local.time()
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def __str__(self) -> str:
        """Write them as they are set."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


def parse_quiet_hours(text: str) -> QuietHours:
    """Read `08:00-18:30`; raises `ValueError` with what to write instead."""
    advice = f"{text!r} is no window of a day; use two times such as 08:00-18:00 or 22:00-06:00"
    found = WINDOW.fullmatch(text.replace(" ", ""))
    if found is None:
        raise ValueError(advice)
    numbers = [int(number) for number in found.groups()]
    try:
        hours = QuietHours(time(numbers[0], numbers[1]), time(numbers[2], numbers[3]))
    except ValueError:
        raise ValueError(advice) from None
    if hours.start == hours.end:
        raise ValueError(f"{text!r} begins where it ends; leave the setting empty for no quiet hours")
    return hours


def refuse_when_quiet(hours: QuietHours, local: datetime) -> None:
    """Raise `QuietHoursBegun` within the hours in which nothing is written."""
    if hours.hold(local):
        raise QuietHoursBegun(f"TIELINE_QUIET_HOURS={hours} have begun at {local:%H:%M}, so writing ended.")


def ration(plan: Plan, left: int, day: int) -> Plan:
    """Keep the changes of at most that many tickets for tonight; the others wait.

    A ticket that is put right loses its label first. Then projects take turns, each with its lowest ticket
    number first, and each `day` another project begins: none waits for another for ever, and a ticket that
    waits is passed by no newer one of its project.
    """
    tonight = set(in_turn(plan, day)[: max(0, left)])
    return replace(
        plan,
        changes=tuple(change for change in plan.changes if change.ticket in tonight),
        waiting=tuple(sorted({*plan.waiting, *(it for it in plan.changes if it.ticket not in tonight)})),
    )


def in_turn(plan: Plan, day: int) -> list[Ticket]:
    """Give the tickets of a plan in the order in which they are written where not all can be."""
    changes = defaultdict[Ticket, list[Change]](list)
    for change in plan.changes:
        changes[change.ticket].append(change)
    queues: dict[tuple[bool, tuple[str, str]], list[Ticket]] = defaultdict(list)
    for ticket, own in changes.items():
        frees = any(change.operation == "remove" for change in own)
        queues[not frees, ticket.project].append(ticket)
    projects = sorted({project for _, project in queues})
    place = {project: (number - day) % len(projects) for number, project in enumerate(projects)}
    ranked = [
        (waits, turn, place[project], ticket)
        for (waits, project), queue in queues.items()
        for turn, ticket in enumerate(sorted(queue, key=number_of))
    ]
    return [ticket for *_, ticket in sorted(ranked)]


def number_of(ticket: Ticket) -> tuple[int, str]:
    """Give the number of a ticket in its project."""
    number = ticket.issue_key.rpartition("-")[2]
    return (int(number) if number.isdecimal() else 0, ticket.issue_key)


def hush(plan: Plan) -> Plan:
    """Let all of the plan wait."""
    return replace(plan, changes=(), waiting=tuple(sorted({*plan.waiting, *plan.changes})))


def day_begun(local: datetime) -> datetime:
    """Give the moment at which a local day began."""
    return local - timedelta(
        hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond
    )
