"""A crowd of people at one Jira: what they do to tickets, and to the model of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connectors.http import RetryPolicy
from connectors.jira import bulk_edits
from rules.ruleset import RuleSet
from sync.errors import ConfigurationError
from sync.frame.service import Service
from sync.sandbox import Sandbox
from sync.sites import Sites
from sync.store.database import open_store
from sync.waivers.answering import Decision, decide
from sync.waivers.asking import Standing
from tests.sync.house import House
from tests.sync.people.model import DISPUTE, EXEMPT, OURS, Ticket

RULES = """\
version: 1
rules:
  - id: aimless
    when: issuetype = Epic AND objective IS EMPTY
    label: aimless
    message: "{key} serves no goal"
    fix: Name one.
    owner: jane
    tests: [{flag: {issuetype: Epic}}, {pass: {issuetype: Epic, objective: O1}}]
"""
# What people write on tickets, some of it in our manner.
THEIRS = ("sprint-1", "align", "align-by-hand", "ALIGN-AIMLESS", "ünïcode", "align-aimless2")
# The labels by which they ask, as they are named or as a company may name them.
ASKING = ({EXEMPT: "align-exempt", DISPUTE: "align-dispute"}, {EXEMPT: "leave-me", DISPUTE: "Is-Wrong"})
LIMITS = ("MAX_SHARE", "MAX_SHRINK", "MAX_REMOVALS", "MAX_SHIFT", "MAX_LINKS_LOST", "MAX_PROJECT_SHARE")


@dataclass
class Crowd:
    """One Jira with so many epics, one store, and the model. `tally` counts what came to pass.

    `gone` are tickets that were deleted: what was asked on them ends. `ran` are all runs so far. `luck` is
    drawn from while requests are under way, in whatever order they come; `random` tells the same days again.
    """

    jira: Sandbox
    folder: Path
    random: Random
    issues: int = 100
    tally: Counter[str] = field(default_factory=Counter)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    gone: dict[str, Ticket] = field(default_factory=dict)
    ran: list[int] = field(default_factory=list)
    luck: Random = field(default_factory=lambda: Random(1))

    def __post_init__(self) -> None:
        # Bulk edits are worth their while from a hundred equal changes on; here from five, until `close`.
        self.worth = bulk_edits.split.__defaults__
        bulk_edits.split.__defaults__ = (5,)
        self.engine = open_store(f"sqlite:///{self.folder / 'tieline.db'}")
        self.house = House(self.jira, self.folder, self.engine).furnish()
        self.asking = self.random.choice(ASKING)
        (self.folder / "rules.yaml").write_text(RULES, encoding="utf-8")
        self.house.more = dict.fromkeys((f"TIELINE_{name}" for name in LIMITS), "1") | {
            "TIELINE_RULES": str(self.folder / "rules.yaml"),
            "TIELINE_MAX_CHANGES": "100000",
            "TIELINE_REQUEST_DAYS": "3",
            "TIELINE_EXEMPT_LABEL": self.asking[EXEMPT],
            "TIELINE_DISPUTE_LABEL": self.asking[DISPUTE],
            "TIELINE_PUBLIC_URL": "https://tieline.example.com",
            "JIRA_MARKERS": "link, property, comment",
            "JIRA_JQL": "project = PAY",
        }
        self.jira.site.add_project("OUT", "Outside")
        self.person = self.jira.site.add_user("anna")
        for _ in range(self.issues):
            self.create()

    def close(self) -> None:
        bulk_edits.split.__defaults__ = self.worth
        self.engine.dispose()

    @property
    def today(self) -> date:
        return self.house.now.date()

    @property
    def everything(self) -> dict[str, Ticket]:
        return self.tickets | self.gone

    def service(self) -> tuple[Service, Sites]:
        service, sites = self.house.service()
        sites.policy = RetryPolicy(sleep=lambda _: None)
        return replace(service, rules=cache_of(service)), sites

    # --- what people do to a ticket

    def create(self, _: str = "") -> None:
        labels = set(self.random.sample(THEIRS, self.random.randint(0, 2)))
        aimless = self.random.random() < 0.5
        key = self.house.add_epic(*([] if aimless else ["O1"]), labels=sorted(labels))
        self.tickets[self.jira.site.get(key).id] = Ticket(key, labels, aimless)

    def put(self, issue: str, name: str) -> None:
        self.jira.site.label(issue, add=[name])
        self.tickets[issue].labels.add(name)

    def take(self, issue: str, *names: str) -> None:
        self.jira.site.label(issue, remove=names)
        self.tickets[issue].labels.difference_update(names)

    def label(self, issue: str) -> None:
        self.put(issue, self.luck.choice(THEIRS))

    def unlabel(self, issue: str) -> None:
        self.take(issue, self.luck.choice(THEIRS))

    def put_ours_on(self, issue: str) -> None:
        self.put(issue, OURS)

    def take_ours_off(self, issue: str) -> None:
        self.take(issue, OURS)

    def ask(self, issue: str) -> None:
        name = self.random.choice([*self.asking.values()])
        self.put(issue, self.random.choice([name, name.upper()]))

    def ask_no_more(self, issue: str) -> None:
        name = self.random.choice([*self.asking.values()])
        self.take(issue, name, name.upper())

    def remark(self, issue: str) -> None:
        """Write a comment that looks like ours, for nobody knows what people quote."""
        said = f"Remark {self.luck.randint(1, 9)}: what is [tieline:alignment]?"
        with self.jira.site.lock:
            there = self.jira.site.get(issue)
            comments = list((there.fields.get("comment") or {}).get("comments", []))
            number = 1_000_000 + sum(len(ticket.remarks) for ticket in self.everything.values())
            comments.append({"id": str(number), "author": self.person, "body": said})
            self.jira.site.change(there, {"comment": {"comments": comments}})
            self.tickets[issue].remarks.append(said)

    def mend(self, issue: str) -> None:
        self.house.serve(issue, "O1")
        self.tickets[issue].aimless = False

    def spoil(self, issue: str) -> None:
        self.house.serve(issue)
        self.tickets[issue].aimless = True

    def delete(self, issue: str) -> None:
        if len(self.tickets) > self.issues // 2:
            self.jira.site.delete(issue)
            self.gone[issue] = replace(self.tickets.pop(issue), hidden=True)

    def move(self, issue: str) -> None:
        ticket = self.tickets[issue]
        if ticket.unseen:  # what was gone for us and comes back outside the scope, we do not look for
            return
        ticket.elsewhere = not ticket.elsewhere
        ticket.key = self.jira.site.move(issue, "OUT" if ticket.elsewhere else "PAY")

    def hide(self, issue: str) -> None:
        if not self.tickets[issue].elsewhere:
            self.tickets[issue].hidden = not self.tickets[issue].hidden
            self.jira.site.permissions.hidden_issues ^= {issue}

    # --- what approvers do

    def approve(self, issue: str) -> None:
        self.decide(issue, Standing.APPROVED, self.today + timedelta(days=self.random.randint(0, 4)))

    def reject(self, issue: str) -> None:
        self.decide(issue, Standing.REJECTED, None)

    def decide(self, issue: str, standing: Standing, until: date | None) -> None:
        """Answer what is asked on some ticket; where nobody asks, there is nothing to answer."""
        asked = sorted((one for one, it in self.everything.items() if it.requests), key=int)
        issue = self.random.choice(asked) if asked and self.random.random() < 0.95 else issue
        ticket = self.everything[issue]
        service, sites = self.service()
        answered: AbstractContextManager[Any] = nullcontext()
        if not ticket.requests:
            answered = pytest.raises(ConfigurationError, match="nobody asks for anything there")
        with answered:
            decide(service, [ticket.seen_as], None, Decision(standing, "joe", "Not now", until))
        sites.close()
        ticket.answer(standing.value, until)

    def act(self, times: int = 1) -> None:
        for _ in range(times):
            name = self.random.choice(list(ACTS))
            ACTS[name](self, self.random.choice(sorted(self.tickets, key=int)))
            self.tally[name] += 1


def cache_of(service: Service) -> Callable[[Any], RuleSet]:
    """Load the rules once: no rule asks what day it is."""

    def load(now: Any) -> RuleSet:
        if not _RULES:
            _RULES.append(service.rules(now))
        return _RULES[0]

    return load


_RULES: list[RuleSet] = []

ACTS: dict[str, Callable[[Crowd, str], None]] = {
    "created": Crowd.create,
    "labelled": Crowd.label,
    "unlabelled": Crowd.unlabel,
    "took ours off": Crowd.take_ours_off,
    "took ours off again": Crowd.take_ours_off,
    "put ours on": Crowd.put_ours_on,
    "asked": Crowd.ask,
    "asked more": Crowd.ask,
    "asked no more": Crowd.ask_no_more,
    "remarked": Crowd.remark,
    "approved": Crowd.approve,
    "rejected": Crowd.reject,
    "mended": Crowd.mend,
    "mended more": Crowd.mend,
    "mended yet more": Crowd.mend,
    "spoilt": Crowd.spoil,
    "spoilt more": Crowd.spoil,
    "spoilt yet more": Crowd.spoil,
    "deleted": Crowd.delete,
    "moved": Crowd.move,
    "hid or showed": Crowd.hide,
}
