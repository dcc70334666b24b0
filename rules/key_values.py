"""Turn the text of a rule's key into its value, or raise ValueError with what to write instead."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction

from rules.keys import COUNT, DURATION, LABEL, LABEL_LENGTH, SHARE
from rules.names import suggest
from rules.ruleset import Severity

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def to_severity(text: str) -> Severity | None:
    """Read a severity."""
    try:
        return Severity(text)
    except ValueError as error:
        advice = suggest(text, list(Severity)) or "Write info, warning or error."
        raise ValueError(f'There is no severity "{text}". {advice}') from error


def to_label(text: str) -> str | None:
    """Read a label of Jira: one word."""
    if not LABEL.fullmatch(text) or len(text) > LABEL_LENGTH:
        fixed = re.sub(r"\s+", "-", text.strip())
        raise ValueError(f"A Jira label is one word. Write {fixed}." if fixed else "The label is empty.")
    return text


def to_duration(text: str) -> timedelta:
    """Read `12h`, `14d` or `2w`."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a duration. Write 14d, 2w or 12h.')
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def to_count(text: str) -> int | None:
    """Read a whole number."""
    if not COUNT.fullmatch(text):
        raise ValueError(f'"{text}" is not a whole number.')
    return int(text)


def to_share(text: str) -> Fraction | None:
    """Read a percentage."""
    match = SHARE.fullmatch(text)
    if match is None or Fraction(match[1]) > 100:
        raise ValueError(f'"{text}" is not a share. Write a percentage such as 10%.')
    return Fraction(match[1]) / 100
