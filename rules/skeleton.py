"""Turn an id and an entity into the text of a rule file to begin with: it checks, and its tests pass."""

from __future__ import annotations

from rules.catalogue import WORDS, Entity
from rules.jql import quote

_EXAMPLES = {
    "workItem": (
        "issuetype = Epic AND statusCategory != Done AND due < -7d",
        "{key} was due on {due}",
        (
            "flag: {issuetype: Epic, statusCategory: To Do, due: -8d}",
            "flag: {issuetype: Epic, statusCategory: In Progress, due: -8d}",
            "pass: {issuetype: Story, statusCategory: To Do, due: -8d}",
            "pass: {issuetype: Epic, statusCategory: Done, due: -8d}",
            "pass: {issuetype: Epic, statusCategory: To Do, due: -7d}",
        ),
    ),
    "objective": (
        "state = active AND ends < startOfDay()",
        "{key} is active, but ended on {ends}",
        (
            "flag: {state: active, ends: -1d}",
            "pass: {state: closed, ends: -1d}",
            "pass: {state: draft, ends: -1d}",
            "pass: {state: active, ends: 0d}",
        ),
    ),
    "budgetLine": (
        "version = budget AND costCentre IS EMPTY",
        "{id}: {amount} without a cost centre",
        (
            "flag: {version: budget}",
            'pass: {version: budget, costCentre: "4711"}',
            "pass: {version: actual}",
            "pass: {version: forecast}",
        ),
    ),
}


def skeleton(rule: str, entity: Entity) -> str:
    """Write a whole rule file with one rule to change."""
    when, message, tests = _EXAMPLES.get(entity.name) or _plain(entity)
    lines = [
        "version: 1",
        "",
        "rules:",
        f"  - id: {rule}",
        f"    title: {rule.replace('-', ' ').capitalize()}",
        f"    each: {entity.name}",
        "    when: |",
        f"      {when}",
        "    severity: info",
        f'    message: "{message}"',
        "    why: Say why this matters.",
        "    fix: Say what clears it.",
        "    tests:",
        *(f"      - {test}" for test in tests),
    ]
    return "\n".join(lines) + "\n"


def _plain(entity: Entity) -> tuple[str, str, tuple[str, ...]]:
    """Make an example of whatever an entity has: its first field of words is empty."""
    name = next(field.name for field in entity.fields if field.kind in WORDS and not field.closed)
    return (
        f"{quote(name)} IS EMPTY",
        f"{entity.name} without {name}",
        ("flag: {}", f"pass: {{{name}: example}}"),
    )
