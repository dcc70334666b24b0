"""Say of waivers what their owners should know: which end soon, have ended, meet nothing or bunch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WARN_DAYS = 14
# So many ends on one day that nobody will look at each.
BUNCH = 5


@dataclass(frozen=True, slots=True)
class WaiverFacts:
    """A waiver as granted; `until` is the last day it counts.

    `findings` is how many the last run put under it: None where no run has met it yet.
    """

    rule: str
    condition: str
    reason: str
    owner: str
    approver: str | None
    until: date
    place: str
    findings: int | None
    on_ticket: bool = False

    def days_left(self, today: date) -> int:
        """Give the days it has after today; negative once it has ended."""
        return (self.until - today).days

    def standing(self, today: date) -> str:
        """Say in a word or two where it stands."""
        if self.days_left(today) < 0:
            return "ended"
        if self.days_left(today) <= WARN_DAYS:
            return "ends soon"
        if self.findings is None:
            return "not judged yet"
        return "in force" if self.findings else "unused"


def remarks(waivers: Sequence[WaiverFacts], today: date) -> list[str]:
    """Give a sentence for each thing that somebody should do about waivers."""
    said = [remark for waiver in waivers if (remark := remark_on(waiver, today))]
    return said + bunches(waivers, today)


def remark_on(waiver: WaiverFacts, today: date) -> str:
    """Say what is to be done about one waiver, if anything."""
    name, left = f"{waiver.place}: the waiver of {waiver.rule}", waiver.days_left(today)
    if left < 0 and not waiver.on_ticket:  # the next night ends one on a ticket by itself
        return f"{name} ended on {waiver.until}. Remove it, or have {waiver.owner} renew it."
    if waiver.findings == 0:
        mend = "Reject it." if waiver.on_ticket else "Remove it, or mend its match:."
        return f"{name} is unused: no finding meets its condition. {mend}"
    if left <= WARN_DAYS and waiver.findings:
        come_back = "1 finding comes" if waiver.findings == 1 else f"{waiver.findings} findings come"
        when = "today" if left == 0 else f"in {left} days" if left > 1 else "tomorrow"
        return f"{name} ends {when} ({waiver.until}); then {come_back} back. Its owner is {waiver.owner}."
    return ""


def bunches(waivers: Sequence[WaiverFacts], today: date) -> list[str]:
    """Name the days on which many waivers end together."""
    ending: dict[date, list[WaiverFacts]] = defaultdict(list)
    for waiver in waivers:
        if waiver.days_left(today) >= 0:
            ending[waiver.until].append(waiver)
    bunched = [(day, found) for day, found in sorted(ending.items()) if len(found) >= BUNCH]
    return [
        f"{len(found)} waivers with {sum(waiver.findings or 0 for waiver in found)} findings end on {day}. "
        "Spread them over several days, or all of it comes back at once."
        for day, found in bunched
    ]
