"""Turn the JQL a person configured into the JQL we send, in our own order and without being broken out of."""

from __future__ import annotations

import re

# Quoted text may hold anything, also brackets and the words ORDER BY; a backslash escapes the next character.
TOKEN = re.compile(
    r"""(?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<order>\border\s+by\b)|(?P<bracket>[()])|(?P<quote>["'])""",
    re.IGNORECASE | re.DOTALL,
)


def scope_of(jql: str) -> str:
    """The condition in `jql`, without its ORDER BY: Jira's search page appends one, but the order is ours.

    Raises ValueError where it could not be put in brackets safely, or where nothing is left.
    """
    depth = 0
    end = len(jql)
    for token in TOKEN.finditer(jql):
        if token["quote"]:
            raise ValueError(
                f"the JQL has a quotation mark without its pair at character {token.start() + 1}"
            )
        if token["order"]:
            end = token.start()
            break
        if token["bracket"]:
            depth += 1 if token["bracket"] == "(" else -1
            if depth < 0:
                raise ValueError(f"the JQL closes a bracket it never opened at character {token.start() + 1}")
    if depth:
        raise ValueError("the JQL opens a bracket it never closes")
    scope = jql[:end].strip()
    if not scope:
        raise ValueError("the JQL is empty: say which issues to read, for example project in (PAY, WEB)")
    return scope


def within(scope: str, *conditions: str, order: str = "created ASC, key ASC") -> str:
    """The JQL for the issues of `scope` that also meet `conditions`, oldest first: edits do not move them."""
    return " AND ".join([f"({scope})", *conditions]) + f" ORDER BY {order}"
