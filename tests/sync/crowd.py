"""A crowd of people and Tieline edit the same issues, and a small model says what must be on each of them.

The model knows nothing of ledgers or findings: who put our label on, and how often people took it off while
the rule held. Everything else that is on a ticket is people's and must stay as they made it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from connectors.jira import bulk_edits
from rules.ruleset import RuleSet
from sync.errors import ConfigurationError, LeaseHeld
from sync.frame.milestones import Milestone, listening
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.labels.plan import OBJECTION
from sync.labels.undo import run_undo
from sync.night import run_night
from sync.sandbox import CUT_OFF, Answer, Call, Sandbox
from sync.store import runs
from sync.store.database import open_store
from sync.wiring import Sites
from tests.sync.house import House

RULES = """\
version: 1
rules:
  - id: aimless
    when: issuetype = Epic AND objective IS EMPTY
    label: aimless
    tests: [{flag: {issuetype: Epic}}, {pass: {issuetype: Epic, objective: O1}}]
"""
OURS = "align-aimless"
# What people write on tickets, some of it in our manner.
THEIRS = ("sprint-1", "align", "align-by-hand", "ALIGN-AIMLESS", "ünïcode", "align-aimless2")


class Killed(BaseException):
    """The run ends here: nobody handles this."""


@dataclass
class Expected:
    """What must be true of one ticket. `put` is how often we put our label there since the rule holds."""

    labels: set[str] = field(default_factory=set)
    aimless: bool = False
    ours: bool = False
    held: bool = False
    put: int = 0
    elsewhere: bool = False
    hidden: bool = False
    unseen: int = 0

    def night(self) -> bool:
        """Live through a night, and say whether the ticket is disputed in it."""
        if self.hidden:
            self.unseen += 1
            self.held = self.held and self.unseen < 2
            return False
        self.unseen = 0
        self.ours = self.ours and OURS in self.labels
        if not self.aimless or self.elsewhere:
            self.held = False
            if self.ours:
                self.labels.discard(OURS)
                self.ours = False
            return False
        self.put = self.put if self.held else 0
        self.held = True
        if OURS in self.labels:
            return False
        if self.put >= OBJECTION:
            return True
        self.labels.add(OURS)
        self.ours, self.put = True, self.put + 1
        return False


@dataclass
class Crowd:
    """One Jira with so many epics, one store, and the model. `tally` counts what came to pass."""

    jira: Sandbox
    folder: Path
    random: Random
    issues: int = 100
    tally: Counter[str] = field(default_factory=Counter)
    tickets: dict[str, Expected] = field(default_factory=dict)
    last: RunResult | None = None
    written: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bulk_edits.split.__defaults__ = (5,)
        self.engine = open_store(f"sqlite:///{self.folder / 'tieline.db'}")
        self.house = House(self.jira, self.folder, self.engine).furnish()
        (self.folder / "rules.yaml").write_text(RULES, encoding="utf-8")
        self.house.more = {
            "TIELINE_RULES": str(self.folder / "rules.yaml"),
            "TIELINE_MAX_SHARE": "1",
            "TIELINE_MAX_SHRINK": "1",
            "TIELINE_MAX_CHANGES": "100000",
            "JIRA_JQL": "project = PAY",
        }
        self.jira.site.add_project("OUT", "Outside")
        for _ in range(self.issues):
            self.create()

    def close(self) -> None:
        self.engine.dispose()

    # --- what people do

    def create(self, _: str = "") -> None:
        labels = set(self.random.sample(THEIRS, self.random.randint(0, 2)))
        aimless = self.random.random() < 0.5
        key = self.house.add_epic(*([] if aimless else ["O1"]), labels=sorted(labels))
        self.tickets[self.jira.site.get(key).id] = Expected(labels, aimless)

    def label(self, issue: str) -> None:
        name = self.random.choice(THEIRS)
        self.jira.site.label(issue, add=[name])
        self.tickets[issue].labels.add(name)

    def unlabel(self, issue: str) -> None:
        name = self.random.choice(THEIRS)
        self.jira.site.label(issue, remove=[name])
        self.tickets[issue].labels.discard(name)

    def take_ours_off(self, issue: str) -> None:
        self.jira.site.label(issue, remove=[OURS])
        self.tickets[issue].labels.discard(OURS)

    def put_ours_on(self, issue: str) -> None:
        self.jira.site.label(issue, add=[OURS])
        self.tickets[issue].labels.add(OURS)

    def mend(self, issue: str) -> None:
        self.house.serve(issue, "O1")
        self.tickets[issue].aimless = False

    def spoil(self, issue: str) -> None:
        self.house.serve(issue)
        self.tickets[issue].aimless = True

    def delete(self, issue: str) -> None:
        if len(self.tickets) > self.issues // 2:
            self.jira.site.delete(issue)
            del self.tickets[issue]

    def move(self, issue: str) -> None:
        ticket = self.tickets[issue]
        ticket.elsewhere = not ticket.elsewhere
        self.jira.site.move(issue, "OUT" if ticket.elsewhere else "PAY")

    def hide(self, issue: str) -> None:
        if not self.tickets[issue].elsewhere:
            self.tickets[issue].hidden = not self.tickets[issue].hidden
            self.jira.site.permissions.hidden_issues ^= {issue}

    def act(self, times: int = 1) -> None:
        for _ in range(times):
            name = self.random.choice(list(ACTS))
            ACTS[name](self, self.random.choice(sorted(self.tickets, key=int)))
            self.tally[name] += 1

    # --- what Tieline does

    def service(self) -> tuple[Service, Sites]:
        service, sites = self.house.service()
        return replace(service, rules=cache_of(service)), sites

    def run(self, **options: Any) -> RunResult:
        service, sites = self.service()
        try:
            return run_night(service, replace(Options(), **options), Quiet())
        finally:
            sites.close()

    def night(self, **options: Any) -> list[str]:
        """Run a night a day later; say what is not as the model has it."""
        self.house.now += timedelta(days=1)
        disputed = {issue for issue, ticket in self.tickets.items() if ticket.night()}
        before = {issue: self.labels(issue) for issue in self.tickets}
        self.last = self.run(**options)
        self.tally["nights"] += 1
        self.tally["disputes"] += len(disputed)
        self.tally["labels planned"] += len(self.last.plan.changes)
        self.written = {
            issue: "add" if OURS in ticket.labels else "remove"
            for issue, ticket in self.tickets.items()
            if (OURS in ticket.labels) != (OURS in before[issue])
        }
        said = [] if self.last.exit_code == 0 else [f"the night ended with {self.last.exit_code!r}"]
        told = {change.ticket.issue_id for change in self.last.plan.disputed}
        if told != disputed:
            said.append(f"disputed are {sorted(told)} instead of {sorted(disputed)}")
        return said + self.differences()

    def bad_night(self) -> list[str]:
        """Run a night in which much goes wrong, then a healing one; together they are as good as one."""
        self.arm()
        self.house.now += timedelta(days=1)
        with ExitStack() as stack:
            if self.random.random() < 0.3:
                stack.enter_context(listening(self.deadly()))
            try:
                result = self.run(retry=True)
                self.tally[f"bad nights, {result.status}"] += 1
                self.tally["labels planned"] += len(result.plan.changes)
            except Killed:
                self.tally["bad nights, killed"] += 1
        self.jira.clear_hooks()
        self.jira.site.permissions.read_only_issues.clear()
        self.jira.site.permissions.bulk_change = True
        self.jira.site.permissions.project_admin.add("PAY")
        self.jira.site.reindex()
        return self.night(retry=True)

    def deadly(self) -> Callable[[Milestone], None]:
        left = self.random.randint(1, 12)
        writing = {Milestone.WRITE_PERMITTED, Milestone.ANSWER_HEARD, Milestone.ANSWER_KEPT}

        def listen(milestone: Milestone) -> None:
            nonlocal left
            left -= milestone in writing
            if milestone in writing and left == 0:
                raise Killed

        return listen

    def arm(self) -> None:
        """Arrange for a night's mischief: refusals, broken answers, partial tasks, a late index, people."""
        random, jira = self.random, self.jira
        issues = sorted(self.tickets, key=int)
        jira.site.index.lagging = random.random() < 0.3
        jira.site.permissions.read_only_issues = set(random.sample(issues, random.choice([0, 0, 3])))
        jira.site.permissions.bulk_change = random.random() < 0.8
        if random.random() < 0.3:
            jira.site.permissions.project_admin.discard("PAY")
        for _ in range(random.randint(2, 5)):
            arm, faults = random.choice([(jira.before, REFUSED + LOST), (jira.after, LOST)])
            fault, where = random.choice(faults), random.choice(WHERE)
            arm(*where, self.now_and_then(fault), random.choice([1, 2, 3, 60]))
        if random.random() < 0.5:
            jira.before("*", r"/issue/\d+|bulk/", self.meddle)

    def now_and_then(self, fault: Answer) -> Callable[[Call], Answer | None]:
        def strike(_: Call) -> Answer | None:
            if self.random.random() < 0.3:
                return None
            self.tally[f"faults {fault.status}" if fault is not CUT_OFF else "answers cut off"] += 1
            return fault

        return strike

    def meddle(self, _: Call) -> None:
        """Let people label tickets between two requests."""
        with self.jira.site.lock:
            act = self.random.choice([Crowd.label, Crowd.unlabel])
            act(self, self.random.choice(sorted(self.tickets, key=int)))
            self.tally["edits while writing"] += 1

    def second_runner(self) -> list[str]:
        """Try to run a night beside another one."""
        writes = self.jira.write_requests()
        with self.engine.begin() as connection:
            fence = runs.take_lease(connection, "another", self.house.now, timedelta(minutes=15))
        try:
            self.run()
        except LeaseHeld:
            self.tally["second runners sent away"] += 1
        else:
            return ["two runs at a time"]
        finally:
            with self.engine.begin() as connection:
                runs.free_lease(connection, "another", fence, self.house.now)
        return ["the second run wrote"] if self.jira.write_requests() != writes else []

    def undo(self) -> list[str]:
        """Take back what the last night wrote, where people have not changed it since."""
        if self.last is None:
            return []
        service, sites = self.service()
        try:
            run_undo(service, self.last.run_id, Options(), Quiet())
        except ConfigurationError:
            return ["nothing to undo"] if self.written else []
        finally:
            sites.close()
        self.tally["undone"] += 1
        for issue, operation in self.written.items():
            ticket = self.tickets.get(issue)
            if ticket is None or ticket.hidden or (OURS in ticket.labels) != (operation == "add"):
                continue
            if operation == "add":
                ticket.labels.discard(OURS)
                ticket.ours, ticket.put = False, ticket.put - 1
            else:
                ticket.labels.add(OURS)
                ticket.ours = True
        self.written = {}
        return self.differences()

    # --- what came of it

    def labels(self, issue: str) -> set[str]:
        return set(self.jira.site.get(issue).fields["labels"])

    def differences(self) -> list[str]:
        """Hold every ticket against the model."""
        return [
            f"{issue}: {sorted(self.labels(issue))} instead of {sorted(ticket.labels)} ({ticket})"
            for issue, ticket in self.tickets.items()
            if self.labels(issue) != ticket.labels
        ]


def cache_of(service: Service) -> Callable[[Any], RuleSet]:
    """Load the rules once: no rule asks what day it is."""

    def load(now: Any) -> RuleSet:
        if not _RULES:
            _RULES.append(service.rules(now))
        return _RULES[0]

    return load


_RULES: list[RuleSet] = []

QUOTA = {"RateLimit-Reason": "jira-quota-tenant-based"}
# What Jira answers where it did nothing.
REFUSED = (
    Answer(429, {}, {"Retry-After": "1"}),
    Answer(429, "<html>slow down</html>", {"Retry-After": "0.2", **QUOTA}),
    Answer(429, {}, {"RateLimit-Reason": "jira-per-issue-on-write", "Retry-After": "2"}),
    Answer(429, {}),
    Answer(503, "<html>busy</html>", {"Retry-After": "3"}),
    Answer(409, {"errorMessages": ["edited by somebody else"], "errors": {}}),
)
# What may be heard whether it did something or not.
LOST = (
    Answer(500, {"errorMessages": ["Internal server error"], "errors": {}}),
    Answer(502, "<html>bad gateway</html>"),
    Answer(504, "<html>no answer in time</html>"),
    Answer(200, "<html>log in</html>"),
    CUT_OFF,
    CUT_OFF,
)
WHERE = (
    ("PUT", r"/issue/\d+"),
    ("PUT", r"/issue/\d+"),
    ("POST", r"/bulk/issues/fields"),
    ("GET", r"/bulk/queue"),
    ("POST", r"/issue/bulkfetch"),
    ("POST", r"/search/jql"),
)
ACTS: dict[str, Callable[[Crowd, str], None]] = {
    "created": Crowd.create,
    "labelled": Crowd.label,
    "unlabelled": Crowd.unlabel,
    "took ours off": Crowd.take_ours_off,
    "took ours off again": Crowd.take_ours_off,
    "put ours on": Crowd.put_ours_on,
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
