"""What must not be done twice is asked for once, and a limit on one issue keeps nobody else waiting."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from connectors.budget import shared_budget
from connectors.changes import LabelChange
from connectors.errors import ConnectorError
from connectors.http import RetryPolicy
from connectors.jira import JiraLabels, JiraSite, JiraSiteConfig, connect
from sync.sandbox import CUT_OFF, Answer, Call, Deployment, Sandbox

PER_ISSUE = {"RateLimit-Reason": "jira-per-issue-on-write"}
FAULTS = {
    "429": Answer(429, {}, {"Retry-After": "1"}),
    "429 without a word": Answer(429, {}),
    "500": Answer(500, {"errorMessages": ["Internal server error"], "errors": {}}),
    "502": Answer(502, "<html>bad gateway</html>"),
    "503": Answer(503, "<html>busy</html>"),
    "503 with a pause": Answer(503, "<html>busy</html>", {"Retry-After": "1"}),
    "504": Answer(504, "<html>timeout</html>"),
    "cut off": CUT_OFF,
}


@pytest.fixture
def jira() -> Iterator[Sandbox]:
    with Sandbox(Deployment.CLOUD) as made:
        made.site.add_project("PAY", "Payments")
        made.site.permissions.project_admin.add("PAY")
        yield made


def enter(jira: Sandbox, policy: RetryPolicy, **more: object) -> JiraSite:
    known = jira.credentials
    said = {"url": jira.url, "email": known.email, "api_token": known.token, "jql": "project = PAY", **more}
    return connect(JiraSiteConfig.model_validate(said), policy)


@pytest.mark.parametrize("acted", [False, True], ids=["before Jira acted", "after Jira acted"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_post_that_is_not_idempotent_is_never_sent_twice(jira: Sandbox, fault: str, acted: bool) -> None:
    """Two comments are two."""
    key = jira.site.add_issue({"project": "PAY", "issuetype": "Epic", "summary": "x"})
    words = {"type": "paragraph", "content": [{"type": "text", "text": "Once"}]}
    body = {"body": {"type": "doc", "version": 1, "content": [words]}}
    (jira.after if acted else jira.before)("POST", "/comment$", lambda _: FAULTS[fault])
    with enter(jira, RetryPolicy(sleep=lambda _: None)) as site:
        jira.clear_requests()
        with pytest.raises(ConnectorError):
            site.client.request("POST", f"issue/{key}/comment", body=body)
    path = f"/rest/api/3/issue/{key}/comment"
    assert [(asked.method, asked.path) for asked in jira.requests()] == [("POST", path)]


class Storm:
    """Refuses writes to single issues, and notes each that comes back too soon."""

    def __init__(self, jira: Sandbox, seed: int) -> None:
        self.budget = shared_budget(jira.url)
        self.dice = Random(seed)
        self.until: dict[str, float] = {}
        self.early: list[str] = []
        self.asked: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def __call__(self, call: Call) -> Answer | None:
        issue, now = call.args["issue"], self.budget.now()
        self.asked[issue] += 1
        if now < self.until.get(issue, 0.0) - 0.001:
            self.early.append(issue)
        if self.dice.random() > 0.6 or self.refused[issue] >= 4:
            return None
        self.refused[issue] += 1
        pause = self.dice.choice([0.5, 2.0, 20.0])
        self.until[issue] = now + pause
        return Answer(429, {}, {"Retry-After": str(pause), **PER_ISSUE})


@pytest.mark.parametrize("seed", range(3))
def test_in_a_storm_of_limits_on_single_issues_each_waits_as_it_is_told_and_is_written_once(
    jira: Sandbox, seed: int
) -> None:
    keys = [jira.site.add_issue({"project": "PAY", "issuetype": "Epic", "summary": "x"}) for _ in range(20)]
    issues = [jira.site.get(key) for key in keys]
    changes = [LabelChange(issue.id, issue.key, add=("align-x",)) for issue in issues]
    storm = Storm(jira, seed)
    jira.before("PUT", r"/issue/\d+", storm)
    with enter(jira, RetryPolicy(sleep=lambda _: None), parallel=4, bulk_edits=False) as site:
        answered = [one for batch in JiraLabels(site, "align-").apply(changes) for one in batch]
    assert all(one.outcome.done for one in answered)
    assert all(issue.fields["labels"] == ["align-x"] for issue in issues)
    assert sum(storm.refused.values()) > 10
    assert storm.asked == {issue.id: storm.refused[issue.id] + 1 for issue in issues}
    assert storm.early == []


def test_while_one_issue_is_held_back_the_others_are_written(jira: Sandbox) -> None:
    keys = [jira.site.add_issue({"project": "PAY", "issuetype": "Epic", "summary": "x"}) for _ in range(6)]
    issues = [jira.site.get(key) for key in keys]
    changes = [LabelChange(issue.id, issue.key, add=("align-x",)) for issue in issues]
    others, tries = threading.Event(), Counter[str]()

    def refuse_the_first(call: Call) -> Answer | None:
        issue = call.args["issue"]
        tries[issue] += 1
        if issue == issues[0].id and tries[issue] == 1:
            return Answer(429, {}, {"Retry-After": "30", **PER_ISSUE})
        if len(tries) == len(issues):
            others.set()
        return None

    def wait_for_the_others(seconds: float) -> None:
        assert seconds < 1 or others.wait(60), "nobody else went on meanwhile"

    jira.before("PUT", r"/issue/\d+", refuse_the_first)
    policy = RetryPolicy(sleep=wait_for_the_others)
    with enter(jira, policy, parallel=2, bulk_edits=False) as site:
        answered = [one for batch in JiraLabels(site, "align-").apply(changes) for one in batch]
    assert all(one.outcome.done for one in answered)
    assert tries == {issue.id: 1 + (issue is issues[0]) for issue in issues}
