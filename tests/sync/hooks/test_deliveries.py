"""What a delivery hints at, and who may send one."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.hooks.deliveries import hints_in, is_signed
from sync.hooks.hints import Hints

PREFIX = "align-"


def hints(said: Any) -> tuple[str, ...]:
    return hints_in(json.dumps(said).encode(), PREFIX)


def changed(*items: tuple[str, str, str]) -> dict[str, Any]:
    rows = [{"field": name, "fromString": old, "toString": new} for name, old, new in items]
    return {"webhookEvent": "jira:issue_updated", "issue": {"id": "7"}, "changelog": {"items": rows}}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"webhookEvent": "jira:issue_updated", "issue": {"id": "10001", "key": "PAY-1"}}, ("10001",)),
        ({"webhookEvent": "jira:issue_created", "issue": {"id": 10001}}, ("10001",)),
        (
            {"webhookEvent": "issuelink_created", "issueLink": {"sourceIssueId": 1, "destinationIssueId": 2}},
            ("1", "2"),
        ),
        ({"webhookEvent": "jira:issue_deleted", "issue": {"id": "1"}}, ()),
        ({"webhookEvent": "comment_created", "issue": {"id": "1"}}, ()),
        ({"webhookEvent": "jira:issue_updated", "issue": {"id": "1 OR project = PAY"}}, ()),
        ({"webhookEvent": "jira:issue_updated", "issue": {"id": "9" * 30}}, ()),
        ({"webhookEvent": "jira:issue_updated", "issue": {"id": True}}, ()),
        ({"webhookEvent": "jira:issue_updated", "issue": "PAY-1"}, ()),
        ({"webhookEvent": ["jira:issue_updated"]} , ()),
        (["jira:issue_updated"], ()),
        (None, ()),
    ],
)  # fmt: skip
def test_a_delivery_hints_at_the_issues_that_it_is_about(said: Any, found: tuple[str, ...]) -> None:
    assert hints(said) == found


def test_the_echo_of_our_own_labels_hints_at_nothing() -> None:
    assert hints(changed(("labels", "a b", "a b align-no-objective"))) == ()
    assert hints(changed(("labels", "align-no-objective", ""))) == ()
    assert hints(changed(("labels", "a", "align-no-objective"))) == ("7",)
    assert hints(changed(("labels", "a", "a align-x"), ("status", "Open", "Done"))) == ("7",)
    assert hints(changed(("summary", "a", "a align-x"))) == ("7",)
    assert hints(changed(("labels", "a", "a"))) == ("7",)


NAMES = st.sampled_from(["webhookEvent", "issue", "id", "changelog", "items", "issueLink"])
JSON = st.recursive(
    st.none() | st.text() | st.sampled_from(["jira:issue_updated", "issuelink_created"]),
    lambda it: st.lists(it) | st.dictionaries(NAMES, it),
)


@given(st.binary(max_size=200) | JSON.map(lambda it: json.dumps(it).encode()))
def test_whatever_is_sent_gives_numbers_or_nothing(body: bytes) -> None:
    assert all(name.isdecimal() for name in hints_in(body, PREFIX))


def test_only_who_knows_the_secret_has_signed_and_only_this_body() -> None:
    body = b'{"a": 1}'
    good = "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert is_signed(body, good, "secret")
    assert not is_signed(body + b" ", good, "secret")
    assert not is_signed(body, good, "other")
    sha1 = "sha1=" + hmac.new(b"secret", body, hashlib.sha1).hexdigest()
    for wrong in ("", "sha256=", good.upper(), good[7:], sha1, good[:-1], good + "0", "é"):
        assert not is_signed(body, wrong, "secret"), wrong


def test_hints_are_kept_once_each_in_order_and_no_more_than_there_is_room_for() -> None:
    hints = Hints(room=3)
    assert hints.put("a", ["1", "2"])
    assert hints.put("b", ["1"])
    assert hints.put("a", ["2", "1"])
    assert not hints.put("a", ["3"])
    assert hints.take(10) == [("a", "1"), ("a", "2")]
    assert hints.put("a", ["2", "4"])
    hints.give_back([("a", "1"), ("a", "2")])
    assert list(hints.waiting) == [("a", "1"), ("a", "2"), ("b", "1"), ("a", "4")]
    hints.close()
    assert hints.take(10) == []
