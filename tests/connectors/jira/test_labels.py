"""Writing labels: what is sent, what Jira's refusals become, and what is never sent at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from connectors.changes import Answered, LabelChange, Outcome
from connectors.errors import AuthenticationFailed, RateLimited, Refused, Unreachable
from connectors.jira import JiraLabels
from tests.connectors.jira.conftest import Jira
from tests.fakes.scripted_http import Answer, Asked, in_turn

CHANGE = LabelChange("10001", "PAY-1", add=("align-a", "align-b"), remove=("align-c",))
OTHER = LabelChange("10002", "PAY-2", add=("align-a",))
DONE = Answer(status=204)
NO_SILENCE = Answer(
    {
        "errorMessages": [
            "To discard the user notification either admin or project admin permissions are required."
        ]
    },
    status=403,
)


def outcome_of(labels: JiraLabels, change: LabelChange) -> Outcome:
    """Make one change and give its only answer."""
    ((answered,),) = labels.apply([change])
    assert answered.change == change
    return answered.outcome


def collect(batches: Iterable[Sequence[Answered]], into: list[Answered]) -> None:
    for batch in batches:
        into += batch


def test_one_request_adds_and_removes_and_mails_nobody(jira: Jira) -> None:
    site, scripted = jira("cloud", lambda _: DONE)
    assert outcome_of(JiraLabels(site, "align-"), CHANGE) == Outcome(True, detail={"notified": "no"})
    (asked,) = scripted.asked("issue/10001")
    assert (asked.method, asked.path, asked.query) == (
        "PUT",
        "/rest/api/3/issue/10001",
        {"notifyUsers": "false"},
    )
    operations = [{"add": "align-a"}, {"add": "align-b"}, {"remove": "align-c"}]
    assert asked.body == {"update": {"labels": operations}}


def test_where_silence_is_refused_the_change_is_made_aloud_and_the_project_remembered(jira: Jira) -> None:
    site, scripted = jira("datacenter", lambda asked: NO_SILENCE if asked.query else DONE)
    labels = JiraLabels(site, "align-")
    first, second = (
        outcome_of(labels, CHANGE),
        outcome_of(labels, LabelChange("10002", "PAY-2", add=("align-a",))),
    )
    other = outcome_of(labels, LabelChange("10003", "WEB-1", add=("align-a",)))
    assert first.done
    assert second.done
    assert other.done
    assert first.detail["notified"] == second.detail["notified"] == "yes"
    queries = [asked.query for asked in scripted.server.asked if asked.method == "PUT"]
    assert queries == [{"notifyUsers": "false"}, {}, {}, {"notifyUsers": "false"}, {}]


def test_a_real_lack_of_permission_is_an_outcome_and_not_remembered(jira: Jira) -> None:
    refused = Answer({"errorMessages": ["You may not edit this issue."]}, status=403)
    site, scripted = jira("cloud", lambda _: refused)
    labels = JiraLabels(site, "align-")
    outcome = outcome_of(labels, CHANGE)
    assert not outcome.done
    assert "You may not edit this issue." in outcome.reason
    assert not labels.loud_projects
    assert len(scripted.asked("issue/10001")) == 2


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (
            400,
            {"errorMessages": [], "errors": {"labels": "Field 'labels' cannot be set."}},
            "labels: Field 'labels'",
        ),
        (
            404,
            {"errorMessages": ["Issue does not exist or you do not have permission to see it."]},
            "does not exist",
        ),
        (409, {"errorMessages": ["conflict"]}, "conflict"),
        (422, {}, "answered 422"),
    ],
)
def test_a_refusal_of_this_issue_is_an_outcome_in_jiras_words(
    jira: Jira, status: int, said: object, words: str
) -> None:
    site, _ = jira("cloud", lambda _: Answer(said, status=status))
    outcome = outcome_of(JiraLabels(site, "align-"), CHANGE)
    assert not outcome.done
    assert words in outcome.reason
    assert len(outcome.reason) < 400


def test_a_conflicting_edit_is_tried_again(jira: Jira) -> None:
    site, scripted = jira("cloud", in_turn(Answer({}, status=409), Answer({}, status=409), DONE))
    assert outcome_of(JiraLabels(site, "align-"), CHANGE).done
    assert scripted.naps.seconds == [2.0, 4.0]


def test_a_lost_answer_is_asked_for_again_for_the_operations_may_be_repeated(jira: Jira) -> None:
    site, scripted = jira("cloud", in_turn(Answer(drop=True), DONE))
    assert outcome_of(JiraLabels(site, "align-"), CHANGE).done
    assert len(scripted.asked("issue/10001")) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_what_is_refused_after_a_lost_answer_may_be_done_and_is_told_as_lost(jira: Jira, status: int) -> None:
    site, scripted = jira("cloud", in_turn(Answer(drop=True), Answer({}, status=status)))
    outcome = outcome_of(JiraLabels(site, "align-"), CHANGE)
    assert (outcome.done, outcome.lost) == (False, True)
    assert outcome.reason
    assert len(scripted.asked("issue/10001")) == 2, "no try after it can tell any more"


def test_what_is_refused_without_a_lost_answer_before_is_not_done(jira: Jira) -> None:
    site, _ = jira("cloud", in_turn(Answer(status=429), Answer({}, status=404)))
    assert outcome_of(JiraLabels(site, "align-"), CHANGE).lost is False


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(status=401), AuthenticationFailed),
        (Answer(status=429), RateLimited),
        (Answer(text="<html>maintenance</html>"), Refused),
        (Answer(status=302, headers={"Location": "/login"}), Refused),
    ],
)
def test_what_concerns_the_whole_site_is_raised(jira: Jira, answer: Answer, kind: type[Exception]) -> None:
    site, _ = jira("cloud", lambda _: answer)
    answers: list[Answered] = []
    with pytest.raises(kind):
        collect(JiraLabels(site, "align-").apply([CHANGE, OTHER]), answers)
    assert all(entry.outcome.lost for entry in answers), "what was under way is told as lost"


def test_an_issue_that_never_answers_is_left_open_and_the_others_are_written(jira: Jira) -> None:
    site, _ = jira("cloud", lambda asked: Answer(status=502) if asked.path.endswith("10001") else DONE)
    answered = {
        entry.change: entry.outcome
        for one in JiraLabels(site, "align-").apply([CHANGE, OTHER])
        for entry in one
    }
    assert (answered[CHANGE].done, answered[CHANGE].lost) == (False, True)
    assert "502" in answered[CHANGE].reason
    assert answered[OTHER].done


def test_when_several_issues_in_a_row_never_answer_it_is_the_site(jira: Jira) -> None:
    site, scripted = jira("cloud", lambda _: Answer(status=502), parallel=1)
    changes = [LabelChange(str(number), f"PAY-{number}", add=("align-a",)) for number in range(1, 10)]
    answers: list[Answered] = []
    with pytest.raises(Unreachable):
        collect(JiraLabels(site, "align-").apply(changes), answers)
    asked = {request.path for request in scripted.server.asked if request.method == "PUT"}
    assert {f"/rest/api/3/issue/{entry.change.issue_id}" for entry in answers} >= asked
    assert len(asked) < len(changes)
    assert all(entry.outcome.lost for entry in answers)


@pytest.mark.parametrize("label", ["q3", "Align-x", "", "x-align-"])
def test_a_label_that_is_not_ours_is_never_sent(jira: Jira, label: str) -> None:
    def script(asked: Asked) -> Answer:
        raise AssertionError(asked)

    site, scripted = jira("cloud", script)
    for change in (
        LabelChange("1", "PAY-1", add=(label,)),
        LabelChange("1", "PAY-1", ("align-a",), (label,)),
    ):
        outcome = outcome_of(JiraLabels(site, "align-"), change)
        assert not outcome.done
        assert "not ours to touch" in outcome.reason
    assert list(JiraLabels(site, "align-").apply([LabelChange("1", "PAY-1")])) == []
    assert [asked.method for asked in scripted.server.asked] == ["GET", "GET"]
