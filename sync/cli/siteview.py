"""Turn what was seen of a Jira site into what doctor shows: what is there, and what it is needed for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.jira import FEATURES, NEEDED, Access, Diagnosis, IssueType
from sync.cli.output import counted
from sync.errors import Exit

# A clock further off than this makes `updated` times and due dates untrustworthy.
SKEW_SECONDS = 60
SHOWN = 10
TIES = "links to objectives"
HIERARCHY = {
    "epic link": "stories under epics",
    "parent link": "epics under initiatives",
    "goals": "links to goals of Atlassian Home",
}
NAMES = {"cloud": "Cloud", "datacenter": "Data Center"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is as a night needs it, what was seen, and what it is needed for.

    `remedy` says what to do about it, where `seen` does not. `details` holds for machines what is too long
    for people.
    """

    check: str
    good: bool
    seen: str
    code: Exit = Exit.FAILED
    needed_for: str = ""
    details: Any = None
    remedy: str = ""


def describe(it: Diagnosis) -> list[Finding]:
    """Make findings of what was seen of a site."""
    skew = it.clock_skew
    lacking = {name: f"{it.account} lacks {name} in every project." for name in NEEDED}
    return [
        Finding(f"site {it.name}", True, f"Jira {NAMES[it.deployment]} {it.version} at {it.url}"),
        Finding("rate limits", True, it.limits, needed_for="not being shut out"),
        Finding("account", True, f"{it.account}, zone {it.timezone or 'not told'}"),
        Finding(
            "clocks",
            skew is None or abs(skew) <= SKEW_SECONDS,
            told_skew(skew),
            needed_for="due dates",
            remedy="Set this machine's clock by NTP (`timedatectl`); if it is right, tell Jira's admins.",
        ),
        *(may(name, has, lacking) for name, has in it.permissions.items()),
        *told_projects(it.access),
        *told_ties(it),
        Finding("issue types", True, told_types(it.issue_types), details=it.issue_types),
        Finding("issues in scope", True, "not told" if it.issues is None else str(it.issues)),
        Finding("objectives in Jira", True, "not asked for" if it.objectives is None else str(it.objectives)),
        *(Finding("note", True, note) for note in it.notes),
        *(
            Finding("problem", False, problem, Exit.USAGE)
            for problem in it.problems
            if problem not in lacking.values()
        ),
    ]


def may(name: str, has: bool, lacking: Mapping[str, str]) -> Finding:
    """Say whether the account has a permission; without some of them there is no night."""
    seen = "yes" if has else lacking.get(name, "no")
    remedy = f"Grant the account {name} in the permission scheme of the projects it is to look after."
    return Finding(
        f"may {words(name)}",
        has or name not in NEEDED,
        seen,
        Exit.ACCESS,
        FEATURES[name],
        remedy=remedy,
    )


def told_projects(access: Access) -> list[Finding]:
    """Say of each permission in how many projects of the scope the account has it, and where not."""
    if not access.projects:
        return []
    names = list(next(iter(access.allowed.values())))
    seen = [(name, access.lacking(name)) for name in names]
    return [
        Finding(
            f"{words(name)} in scope",
            True,
            f"{len(access.projects) - len(without)} of {counted(len(access.projects), 'project')}"
            + (f", not in {few(without)}" if without else ""),
            needed_for=FEATURES[name],
            details={key: has[name] for key, has in access.allowed.items()},
        )
        for name, without in seen
    ]


def told_ties(it: Diagnosis) -> list[Finding]:
    """Say what ties work to objectives, to its parents and to money."""
    hierarchy = {name: ", ".join(fields) or "none" for name, fields in it.hierarchy_fields.items()}
    links = "any that leads to an objective" if it.link_types is None else ", ".join(it.link_types) or "none"
    return [
        Finding(
            "objective fields", True, ", ".join(it.objective_fields) or "none configured", needed_for=TIES
        ),
        Finding("issue links", True, links, needed_for=TIES),
        Finding("labels", True, it.labels, needed_for=TIES),
        Finding("remote links", True, it.remote_links, needed_for=TIES),
        *(
            Finding(f"{name} field", True, seen, needed_for=HIERARCHY[name])
            for name, seen in hierarchy.items()
        ),
        Finding(
            "cost code fields", True, ", ".join(it.cost_code_fields) or "none configured", needed_for="money"
        ),
    ]


def told_types(types: Sequence[IssueType]) -> str:
    """Give the issue types by level, the highest first."""
    levels: dict[int | None, dict[str, None]] = {}
    for one in types:
        levels.setdefault(one.level, {})[one.name] = None
    return "; ".join(
        f"{'no level' if level is None else f'level {level}'}: {few(list(names))}"
        for level, names in levels.items()
    )


def few(names: Sequence[str]) -> str:
    """Give the first of some names."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def told_skew(skew: float | None) -> str:
    """Say how far Jira's clock is from ours."""
    if skew is None:
        return "Jira does not tell its time"
    seconds = round(abs(skew))
    if seconds == 0:
        return "agree to the second"
    return f"Jira's is {counted(seconds, 'second')} {'ahead' if skew > 0 else 'behind'}"


def words(permission: str) -> str:
    """Give a permission in plain words: `EDIT_ISSUES` is `edit issues`."""
    return permission.lower().replace("_", " ")
