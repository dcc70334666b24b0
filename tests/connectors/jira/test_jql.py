"""What becomes of the JQL a person configured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.jira.jql import scope_of, within


@pytest.mark.parametrize(
    ("jql", "scope"),
    [
        ("project = PAY", "project = PAY"),
        ("project = PAY ORDER BY created DESC", "project = PAY"),
        ("project = PAY order\n by rank", "project = PAY"),
        ('summary ~ "in order by (date" AND project = A', 'summary ~ "in order by (date" AND project = A'),
        ("summary ~ 'say \\' ) order by' ORDER BY key", "summary ~ 'say \\' ) order by'"),
        ("(project = A OR project = B)", "(project = A OR project = B)"),
        ("reorder = byte", "reorder = byte"),
    ],
)
def test_the_order_is_left_out_and_the_condition_kept(jql: str, scope: str) -> None:
    assert scope_of(jql) == scope


@pytest.mark.parametrize(
    ("jql", "reason"),
    [
        ("project = A) OR (project = B", "closes a bracket it never opened at character 12"),
        ("(project = A", "opens a bracket it never closes"),
        ('summary ~ "x', "a quotation mark without its pair at character 11"),
        ("  ", "the JQL is empty"),
        ("ORDER BY created", "the JQL is empty"),
    ],
)
def test_a_jql_that_cannot_be_put_in_brackets_is_refused(jql: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        scope_of(jql)


def test_the_condition_is_bracketed_before_ours_are_added() -> None:
    assert within("project = A OR project = B", "created >= 0") == (
        "(project = A OR project = B) AND created >= 0 ORDER BY created ASC, key ASC"
    )


@given(st.text(alphabet="a()\"'\\ ORDERBYorderby\n", max_size=30))
def test_nothing_gets_out_of_the_brackets(jql: str) -> None:
    try:
        scope = scope_of(jql)
    except ValueError:
        return
    assert scope_of(f"({scope}) AND x = 1") == f"({scope}) AND x = 1"
