"""Malformed and odd requests: each is answered by Jira's rules, none breaks the sandbox."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.jql import quote
from sync.sandbox import Deployment, Sandbox
from sync.sandbox.query import JqlRefused, search
from tests.sync.sandbox.clients import Client
from tests.sync.sandbox.test_loading import new_site

ODD: list[tuple[str, str, Any, int]] = [
    ("GET", "issue/%20", None, 404),
    ("GET", 'search/jql?jql=created>"-99999999w"', None, 400),
    ("GET", "search/jql?jql=created>startOfDay(99999999999)", None, 400),
    ("GET", "search/jql?jql=created>startOfYear(99999)", None, 400),
    ("GET", "search/jql?jql=id=²", None, 400),
    ("GET", "search/jql?jql=project=PAY&maxResults=²", None, 400),
    ("GET", "search/jql?jql=project=PAY&fields=*all,-labels", None, 200),
    ("GET", "project/search?startAt=-5&maxResults=-1", None, 200),
    ("POST", "search/jql", [1], 400),
    ("POST", "search/jql", {"jql": 1}, 400),
    ("POST", "search/jql", {"jql": "project=PAY", "fields": [{}]}, 400),
    ("POST", "search/jql", {"jql": "project=PAY", "fields": [""]}, 200),
    ("POST", "search/jql", {"jql": "project=PAY", "nextPageToken": [3]}, 400),
    ("POST", "issue/bulkfetch", {"issueIdsOrKeys": "x"}, 400),
    ("POST", "issue/bulkfetch", {"issueIdsOrKeys": [{}]}, 400),
    ("PUT", "issue/PAY-1", None, 400),
    ("PUT", "issue/PAY-1", {"fields": []}, 204),
    ("PUT", "issue/PAY-1", {"fields": ["labels"]}, 400),
    ("PUT", "issue/PAY-1", {"fields": {"parent": "x"}}, 400),
    ("PUT", "issue/PAY-1", {"properties": {"a": 1}}, 400),
    ("PUT", "issue/PAY-1", {"properties": ["a"]}, 400),
    ("PUT", "issue/PAY-1", {"properties": [{"key": "a"}]}, 400),
    ("PUT", "issue/PAY-1", {"fields": {"priority": 5, "assignee": 3}}, 400),
    ("PUT", "issue/PAY-1", {"update": {"labels": [{"remove": [1]}]}}, 400),
    ("PUT", "issue/PAY-1", {"update": {"labels": [{"add": "a", "remove": "b"}]}}, 400),
    ("POST", "issueLink", {"type": "x"}, 404),
    ("POST", "issueLink", {"type": {"name": "Blocks"}, "inwardIssue": "PAY-1"}, 404),
    ("POST", "issue/PAY-1/remotelink", {"object": 3}, 400),
]


def test_odd_requests_are_answered_by_the_rules(cloud: Client) -> None:
    cloud.jira.site.add_issue({"project": "PAY", "summary": "A"})
    got = [(method, path, body, cloud.ask(method, path, body).status_code) for method, path, body, _ in ODD]
    assert got == ODD


@given(st.sampled_from(["project", "created", "parent", "due", "assignee"]), st.text())
@pytest.mark.parametrize("deployment", list(Deployment))
def test_any_value_is_searched_for_or_refused(deployment: Deployment, field: str, value: str) -> None:
    site = new_site(deployment)
    with contextlib.suppress(JqlRefused):
        assert search(site, f"{field} = {quote(value)}").ids == ()


@given(st.text(min_size=1))
def test_any_label_is_found_by_its_quoted_name(label: str) -> None:
    site = new_site()
    site.add_project("PAY", "Payments")
    site.add_issue({"project": "PAY", "summary": "A", "labels": [label]})
    assert search(site, f"labels = {quote(label)}").ids == ("10001",)


def test_a_port_in_use_is_refused_and_the_first_sandbox_goes_on() -> None:
    with Sandbox() as jira:
        port = int(jira.url.rpartition(":")[2])
        with pytest.raises(OSError, match="Address already in use"):
            Sandbox(port=port).start()
        client = Client(jira)
        assert client.get("serverInfo")["deploymentType"] == "Cloud"
        client.close()
