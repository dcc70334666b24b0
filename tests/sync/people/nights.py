"""Nights of Tieline among the people: each is held against the model, and so is the undo of any run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Self

from sqlalchemy import func, select

from sync.errors import ConfigurationError, LeaseHeld
from sync.frame.milestones import listening
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options
from sync.labels.undo import run_undo
from sync.night import run_night
from sync.store import markers, requests, runs
from sync.store.labels import work_item
from tests.sync.people.crowd import Crowd
from tests.sync.people.model import MARKERS, OURS
from tests.sync.people.sight import differences, labels_of, marked
from tests.sync.people.trouble import Killed, arm, deadly, disarm

HOUR = timedelta(hours=1)


def run(crowd: Crowd, **options: Any) -> RunResult:
    service, sites = crowd.service()
    try:
        return run_night(service, replace(Options(), **options), Quiet())
    finally:
        sites.close()


@dataclass
class Watch:
    """Sees which labels and markers one run writes."""

    crowd: Crowd
    run: int = 0
    labelled: set[str] = field(default_factory=set)
    marked: set[tuple[str, str]] = field(default_factory=set)

    def labels(self) -> set[str]:
        """The tickets that bear a label like ours."""
        site = self.crowd.jira.site
        return {issue for issue in self.crowd.tickets if OURS in labels_of(site, issue)}

    def __enter__(self) -> Self:
        self.crowd.jira.clear_requests()
        self.before = self.labels()
        return self

    def __exit__(self, *_: object) -> None:
        with self.crowd.engine.connect() as connection:
            self.run = connection.scalars(select(func.max(runs.run.c.id))).one()
        self.labelled = self.before ^ self.labels()
        self.marked = marked(self.crowd.jira.requests())
        self.crowd.ran.append(self.run)


def night(crowd: Crowd) -> list[str]:
    """Run a night a day later; say what is not as the model has it, and whether it wrote what it need not."""
    crowd.house.now += timedelta(days=1)
    with Watch(crowd) as seen:
        result = run(crowd)
    said = judged(crowd, result)
    needed = {
        (issue, kind)
        for issue, ticket in crowd.tickets.items()
        for kind in MARKERS
        if not ticket.hidden and ticket.words() != ticket.says(kind)
    }
    if seen.marked != needed:
        said.append(f"markers are written that need not be, or not: {sorted(seen.marked ^ needed)}")
    remember(crowd, seen)
    return [*said, *differences(crowd.jira.site, crowd.tickets)]


def bad_night(crowd: Crowd) -> list[str]:
    """Run a night in which much goes wrong, then a healing one; together they are as good as one."""
    arm(crowd)
    crowd.house.now += timedelta(days=1) - HOUR
    with ExitStack() as stack, Watch(crowd) as first:
        if crowd.random.random() < 0.3:
            stack.enter_context(listening(deadly(crowd)))
        try:
            result = run(crowd, retry=True)
            crowd.tally[f"bad nights, {result.status}"] += 1
            crowd.tally["labels planned"] += len(result.plan.changes)
        except Killed:
            crowd.tally["bad nights, killed"] += 1
    disarm(crowd)
    if was_read_whole(crowd, first.run):
        for ticket in crowd.everything.values():
            ticket.unseen += ticket.hidden
    crowd.house.now += HOUR
    with Watch(crowd) as second:
        result = run(crowd, retry=True)
    said = judged(crowd, result)
    remember(crowd, first, second)
    return [*said, *differences(crowd.jira.site, crowd.tickets)]


def judged(crowd: Crowd, result: RunResult) -> list[str]:
    """Have the model live through the night, and say where the run tells another story."""
    tickets, tally = crowd.tickets, crowd.tally
    disputed = {
        issue for issue, ticket in crowd.everything.items() if ticket.night(crowd.today, crowd.asking)
    }
    in_scope = {issue for issue, ticket in tickets.items() if not ticket.hidden and not ticket.elsewhere}
    forged = {issue for issue in in_scope if OURS in tickets[issue].labels and not tickets[issue].ours}
    strangers = {one.ticket.issue_id for one in result.plan.strangers if one.label == OURS} & in_scope
    told = {change.ticket.issue_id for change in result.plan.disputed}
    asked = {
        (issue, kind): (it.standing, it.until)
        for issue, ticket in crowd.everything.items()
        for kind, it in ticket.requests.items()
    }
    tally["nights"] += 1
    tally["disputes"] += len(disputed)
    tally["labels planned"] += len(result.plan.changes)
    tally["requests heard"] += len(result.heard.new)
    tally.update(f"requests {turn.standing}" for turn in result.heard.turns)
    said = [] if result.exit_code == 0 else [f"the night ended with {result.exit_code!r}: {result.said}"]
    said += [f"the others disputed are {sorted(told ^ disputed)}"] if told != disputed else []
    said += [f"the others put on by people are {sorted(strangers ^ forged)}"] if strangers != forged else []
    found = asked_of(crowd)
    for request in sorted(found.keys() | asked.keys()):
        if found.get(request) != asked.get(request):
            ticket = crowd.everything.get(request[0])
            said.append(f"{request} is {found.get(request)} and not {asked.get(request)} ({ticket})")
    crowd.gone = {issue: ticket for issue, ticket in crowd.gone.items() if ticket.requests}
    return said


def asked_of(crowd: Crowd) -> dict[tuple[str, str], tuple[str, Any]]:
    """What is asked for on tickets, as approvers see it."""
    with crowd.engine.connect() as connection:
        rows = requests.requests(connection)
        known = connection.execute(select(work_item.c.id, work_item.c.source_id))
        ids = {row.id: row.source_id for row in known}
    return {(ids[row.work_item_id], row.kind): (row.state, row.until) for row in rows}


def was_read_whole(crowd: Crowd, run_id: int) -> bool:
    """Whether a run read every ticket: only then is one that it did not see out of sight."""
    source = runs.source_run
    with crowd.engine.connect() as connection:
        status = select(source.c.status).where(source.c.run_id == run_id, source.c.source == "jira")
        return connection.scalar(status) == "complete"


def remember(crowd: Crowd, *watches: Watch) -> None:
    """Note in the model which run wrote what, where there were two."""
    for watch in watches:
        for issue in watch.labelled:
            crowd.tickets[issue].note(watch.run)
    ran, tellers = {watch.run for watch in watches}, tellers_of(crowd)
    for issue, ticket in crowd.tickets.items():
        for kind in () if ticket.hidden else MARKERS:
            teller = tellers.get((issue, kind))
            if teller in ran:
                ticket.tell(kind, teller, ticket.words())
                crowd.tally["markers written"] += 1


def tellers_of(crowd: Crowd) -> dict[tuple[str, str], int]:
    """By which run each marker was written last: after a lost answer that is no question for Jira."""
    ledger = markers.ledger
    statement = (
        select(work_item.c.source_id, ledger.c.kind, func.max(ledger.c.run_id).label("run"))
        .join_from(ledger, work_item, work_item.c.id == ledger.c.work_item_id)
        .where(ledger.c.state == "done")
        .group_by(work_item.c.source_id, ledger.c.kind)
    )
    with crowd.engine.connect() as connection:
        return {(row.source_id, row.kind): row.run for row in connection.execute(statement)}


def undo(crowd: Crowd) -> list[str]:
    """Take back what some run wrote, mostly the last one, where people have not changed it since."""
    if not crowd.ran:
        return []
    undone = crowd.ran[-1] if crowd.random.random() < 0.5 else crowd.random.choice(crowd.ran[-12:])
    service, sites = crowd.service()
    told_before = {(issue, kind): it.says(kind) for issue, it in crowd.tickets.items() for kind in MARKERS}
    try:
        with Watch(crowd) as seen:
            run_undo(service, undone, Options(), Quiet())
    except ConfigurationError as error:
        wrote = [issue for issue, ticket in crowd.tickets.items() if undone in ticket.runs]
        return [f"{error}, though it wrote to {wrote}"] if wrote else []
    finally:
        sites.close()
    crowd.tally["undone"] += 1
    for ticket in crowd.tickets.values():
        ticket.take_back(undone, seen.run)
    changed = {
        (issue, kind)
        for (issue, kind), said in told_before.items()
        if crowd.tickets[issue].says(kind) != said
    }
    said = (
        [] if changed == seen.marked else [f"the undo wrote other markers: {sorted(changed ^ seen.marked)}"]
    )
    return said + [f"undo of run {undone}: {text}" for text in differences(crowd.jira.site, crowd.tickets)]


def second_runner(crowd: Crowd) -> list[str]:
    """Try to run a night beside another one."""
    writes = crowd.jira.write_requests()
    with crowd.engine.begin() as connection:
        fence = runs.take_lease(connection, "another", crowd.house.now, timedelta(minutes=15))
    try:
        run(crowd)
    except LeaseHeld:
        crowd.tally["second runners sent away"] += 1
    else:
        return ["two runs at a time"]
    finally:
        with crowd.engine.begin() as connection:
            runs.free_lease(connection, "another", fence, crowd.house.now)
    return ["the second run wrote"] if crowd.jira.write_requests() != writes else []
