"""Answers of Jira are read past what nobody asked for, and whatever shape they come in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.jira.decoding import decode

LINKED = {
    "id": "2",
    "key": "PAY-2",
    "self": "https://x",
    "fields": {"summary": "Two", "status": {"name": "Done"}},
}
LINK = {"id": "9", "self": "https://x", "type": {"id": "1", "name": "Blocks"}, "outwardIssue": LINKED}
ISSUE = {
    "id": "1",
    "key": "PAY-1",
    "self": "https://x",
    "fields": {"summary": "One", "issuelinks": [LINK], "votes": 3},
}


def through(answer: Any, *fields: str) -> Any:
    return decode(json.dumps(answer).encode(), fields)


def test_of_an_issue_what_is_wanted_is_read_and_of_a_link_what_it_leads_to() -> None:
    answer = {"issues": [ISSUE], "nextPageToken": "t", "isLast": False, "total": 7, "names": {}}
    named = {"type": {"id": "1", "name": "Blocks"}, "outwardIssue": {"id": "2", "key": "PAY-2"}}
    assert through(answer, "summary", "issuelinks", "duedate") == {
        "issues": [{"id": "1", "key": "PAY-1", "fields": {"summary": "One", "issuelinks": [named]}}],
        "nextPageToken": "t", "isLast": False, "total": 7,
    }  # fmt: skip


def test_what_the_answer_says_beside_the_issues_is_kept() -> None:
    said = {
        "issues": [], "issueErrors": [{"id": "1"}], "warnings": [1], "warningMessages": [2], "total": 0,
    }  # fmt: skip
    assert through(said, "summary") == said


@pytest.mark.parametrize(
    "answer",
    [
        {"issues": [ISSUE, "no issue"]},
        {"issues": [ISSUE | {"fields": {"issuelinks": "none"}}]},
        {"issues": None},
        {"issues": {"1": ISSUE}},
        {"errorMessages": ["no"]},
        [ISSUE],
    ],
    ids=["no issue", "no links", "null", "object", "error", "list"],
)
def test_what_is_built_otherwise_comes_whole_or_without_what_is_no_answer(answer: Any) -> None:
    whole = {} if isinstance(answer, dict) and "errorMessages" in answer else answer
    assert through(answer, "issuelinks") == whole


@pytest.mark.parametrize("nothing", [{"fields": None}, {"fields": {"issuelinks": None}}, {}])
def test_an_issue_may_lack_anything(nothing: dict[str, Any]) -> None:
    assert through({"issues": [nothing]}, "issuelinks") == {"issues": [nothing]}


@pytest.mark.parametrize("fields", [None, ("summary",)], ids=["all", "some"])
def test_a_text_cut_within_a_sign_is_read_and_a_page_of_a_proxy_is_none(
    fields: tuple[str, ...] | None,
) -> None:
    cut = {"issues": [{"id": "1", "fields": {"summary": "\ud83d"}}]}
    assert decode(json.dumps(cut).encode(), fields) == cut
    assert decode(b"<html>Bad gateway</html>", fields) is None
    assert decode(b"", fields) is None
    assert decode(b'"\xff"', fields) is None
