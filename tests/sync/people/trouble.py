"""What may go wrong in a night: refusals, lost answers, partial tasks, a late index, people, a kill."""

from __future__ import annotations

from collections.abc import Callable

from sync.frame.milestones import Milestone
from sync.sandbox import CUT_OFF, Answer, Call
from tests.sync.people.crowd import Crowd

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
    ("PUT", r"/issue/\d+$"),
    ("PUT", r"/issue/\d+$"),
    ("POST", r"/bulk/issues/fields"),
    ("GET", r"/bulk/queue"),
    ("POST", r"/issue/bulkfetch"),
    ("POST", r"/search"),
    ("*", r"/comment"),
    ("POST", r"/comment$"),
    ("*", r"/remotelink"),
    ("*", r"/properties/"),
)
WRITING = frozenset(
    {
        Milestone.WRITE_PERMITTED,
        Milestone.ANSWER_HEARD,
        Milestone.ANSWER_KEPT,
        Milestone.MARKERS_INTENDED,
        Milestone.MARKERS_ANSWERED,
    }
)


class Killed(BaseException):
    """The run ends here: nobody handles this."""


def arm(crowd: Crowd) -> None:
    """Arrange for a night's mischief."""
    random, jira, allowed = crowd.random, crowd.jira, crowd.jira.site.permissions
    issues = sorted(crowd.tickets, key=int)
    jira.site.index.lagging = random.random() < 0.3
    allowed.read_only_issues = set(random.sample(issues, random.choice([0, 0, 3])))
    allowed.bulk_change = random.random() < 0.8
    allowed.add_comments = random.random() < 0.9
    allowed.link_issues = random.random() < 0.9
    if random.random() < 0.3:
        allowed.project_admin.discard("PAY")
    for _ in range(random.randint(2, 5)):
        when, faults = random.choice([(jira.before, REFUSED + LOST), (jira.after, LOST)])
        fault, where = random.choice(faults), random.choice(WHERE)
        when(*where, now_and_then(crowd, fault), random.choice([1, 2, 3, 60]))
    if random.random() < 0.5:
        jira.before("*", r"/issue/\d+|bulk/", lambda _: meddle(crowd))


def disarm(crowd: Crowd) -> None:
    """Let all be well again."""
    jira, allowed = crowd.jira, crowd.jira.site.permissions
    jira.clear_hooks()
    allowed.read_only_issues.clear()
    allowed.bulk_change = allowed.add_comments = allowed.link_issues = True
    allowed.project_admin.add("PAY")
    jira.site.reindex()


def now_and_then(crowd: Crowd, fault: Answer) -> Callable[[Call], Answer | None]:
    def strike(_: Call) -> Answer | None:
        if crowd.luck.random() < 0.3:
            return None
        crowd.tally[f"faults {fault.status}" if fault is not CUT_OFF else "answers cut off"] += 1
        return fault

    return strike


def meddle(crowd: Crowd) -> None:
    """Let people label and remark on tickets between two requests."""
    with crowd.jira.site.lock:
        act = crowd.luck.choice([Crowd.label, Crowd.unlabel, Crowd.remark])
        act(crowd, crowd.luck.choice(sorted(crowd.tickets, key=int)))
        crowd.tally["edits while writing"] += 1


def deadly(crowd: Crowd) -> Callable[[Milestone], None]:
    """Kill the run at some place at which it writes."""
    left = crowd.random.randint(1, 24)

    def listen(milestone: Milestone) -> None:
        nonlocal left
        left -= milestone in WRITING
        if milestone in WRITING and left == 0:
            raise Killed

    return listen
