"""The rules of our label on one ticket, of what people ask for there and of what the ticket is told.

This is the specification, in small: it knows nothing of ledgers, findings or requests to Jira. Days pass by
`night`, answers come by `answer`, and `take_back` is the undo of a run. All labels but ours are people's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

OURS = "align-aimless"
EXEMPT, DISPUTE = "exempt", "dispute"
LINK, PROPERTY, COMMENT = MARKERS = ("link", "property", "comment")
# So many removals by people are an objection; one is enough where somebody disputes the finding.
OBJECTION, DISPUTED = 2, 1
# A request that nobody answers so long expires.
PATIENCE = timedelta(days=3)
# A ticket that is out of sight for so many reads is gone.
GONE = 2


@dataclass
class Request:
    """What somebody asks for with a label, how it stands, and the last day it was granted for."""

    asked: date
    standing: str = "requested"
    until: date | None = None

    def sentence(self, kind: str) -> str:
        """What the ticket is told of it."""
        name = "An exemption from aimless" if kind == EXEMPT else "The dispute of aimless"
        if self.standing == "requested":
            return f"{name} was heard on {self.asked} and waits for jane; until then the finding counts."
        if self.standing == "rejected":
            return f"{name} was rejected by joe: Not now"
        assert self.standing == "expired", "what is granted has no label, so the ticket is told nothing"
        return (
            f"{name} got no answer in time. Take the label off for a night and put it on again to ask once "
            "more."
        )


@dataclass
class Ticket:
    """What must be true of one ticket.

    `seen_as` is its key when it was last in sight. `ours` says that we own our label, `put` how often we put
    it there since the rule holds (`held`). `touched` is the last run that put it there or took it off, `runs`
    all that wrote anything, and `told` what each marker said by which run.
    """

    key: str
    labels: set[str]
    aimless: bool
    seen_as: str = ""
    elsewhere: bool = False
    hidden: bool = False
    unseen: int = 0
    remarks: list[str] = field(default_factory=list)
    ours: bool = False
    held: date | None = None
    put: int = 0
    requests: dict[str, Request] = field(default_factory=dict)
    touched: tuple[int, str] = (0, "")
    runs: set[int] = field(default_factory=set)
    told: dict[str, list[tuple[int, str | None]]] = field(
        default_factory=lambda: {marker: [(0, None)] for marker in MARKERS}
    )

    # --- a night

    def night(self, today: date, asking: Mapping[str, str]) -> bool:
        """Live through a night, and say whether the ticket is disputed in it."""
        if self.hidden:
            self.miss(today)
            return False
        self.unseen, self.seen_as = 0, self.key
        self.ours = self.ours and OURS in self.labels
        if not self.aimless or self.elsewhere:
            self.held = None
        elif self.held is None:
            self.held, self.put = today, 0
        self.hear(today, asking)
        return self.label(today)

    def miss(self, today: date) -> None:
        """Of a ticket out of sight nothing is known; after a while it is gone, and nobody asks there."""
        self.unseen += 1
        gone = self.unseen >= GONE
        self.held = None if gone else self.held
        self.requests = {
            kind: it
            for kind, it in self.requests.items()
            if granted(it, today) or not (gone or it.standing == "approved")
        }

    def hear(self, today: date, asking: Mapping[str, str]) -> None:
        """A label asks once, while it is there and the finding stands; what is granted lasts its time."""
        stands = self.held is not None and not self.waived(today)
        for kind, name in asking.items():
            there, it = name.lower() in map(str.lower, self.labels), self.requests.get(kind)
            if it is not None and not granted(it, today):
                if it.standing == "approved" or not there or not stands:
                    del self.requests[kind]
                elif it.standing == "requested" and it.asked + PATIENCE <= today:
                    it.standing = "expired"
            if there and stands and kind not in self.requests:
                self.requests[kind] = Request(today)

    def label(self, today: date) -> bool:
        """Put our label on, or take it off where it is ours; say where an objection stands in the way."""
        wanted = self.held is not None and not self.waived(today)
        if OURS in self.labels:
            if self.ours and not wanted:
                self.take_off()
            return False
        asked = self.requests.get(DISPUTE)
        enough = DISPUTED if asked is not None and asked.standing == "requested" else OBJECTION
        if wanted and self.put < enough:
            self.put_on()
            return False
        return wanted

    def waived(self, today: date) -> bool:
        return any(granted(it, today) for it in self.requests.values())

    def put_on(self) -> None:
        self.labels.add(OURS)
        self.ours, self.put = True, self.put + 1

    def take_off(self) -> None:
        self.labels.discard(OURS)
        self.ours, self.put = False, self.put - 1

    # --- what it is told

    @property
    def bears(self) -> bool:
        """Whether our label is on it, and is ours."""
        return self.ours and OURS in self.labels

    def words(self) -> str | None:
        """What it is to be told beside our label: why, since when, and how requests stand."""
        if not self.bears:
            return None
        said = [it.sentence(kind) for kind, it in sorted(self.requests.items(), key=self.order)]
        return " ".join([f"{OURS} (since {self.held}): {self.key} serves no goal. Name one.", *said])

    @staticmethod
    def order(pair: tuple[str, Request]) -> tuple[date, str]:
        return pair[1].asked, pair[0]

    def says(self, marker: str) -> str | None:
        return self.told[marker][-1][1]

    # --- answers and undo

    def answer(self, standing: str, until: date | None) -> None:
        """Whoever answers, answers all that is asked on the ticket."""
        for it in self.requests.values():
            it.standing, it.until = standing, until

    def take_back(self, run: int, by: int) -> None:
        """Undo a run where the ticket still shows its change; markers say again what they said before."""
        if self.hidden or run not in self.runs:
            return
        if self.touched == (run, "add") and self.bears:
            self.take_off()
            self.note(by)
        elif self.touched == (run, "remove") and OURS not in self.labels:
            self.put_on()
            self.note(by)
        for marker, history in self.told.items():
            before = history[-2] if history[-1][0] == run else history[-1]
            target = before[1] if self.bears else None
            if target != self.says(marker):
                self.tell(marker, by, target)

    def note(self, run: int) -> None:
        """Remember that a run put our label on, or took it off."""
        self.touched = (run, "add" if OURS in self.labels else "remove")
        self.runs.add(run)

    def tell(self, marker: str, run: int, words: str | None) -> None:
        """Remember what a run told by a marker."""
        self.told[marker].append((run, words))
        self.runs.add(run)


def granted(it: Request, today: date) -> bool:
    """Whether a request was granted, and its time is not over."""
    return it.standing == "approved" and it.until is not None and today <= it.until
