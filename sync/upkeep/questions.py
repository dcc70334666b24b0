"""What a set-up asks, and how each answer is tried at once: on the site itself, or by reading the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.errors import BadInput
from connectors.finance import FinanceSource, canonical
from connectors.finance.inspect import propose
from connectors.http import HURRIED
from connectors.jira import CLOUD, DATA_CENTER, connect, deployment_at, diagnose
from connectors.objectives import ObjectivesSource
from connectors.objectives import canonical as canonical_objectives
from sync.errors import ConfigurationError
from sync.settings import Settings, load_settings
from sync.sources import from_settings

NAMES = {CLOUD: "Jira Cloud", DATA_CENTER: "Jira Data Center"}


@dataclass(slots=True)
class Answers:
    """What is known so far: settings by key, which Jira it is, a proposal of how to read a budget file."""

    values: dict[str, str]
    year: int
    deployment: str | None = None
    mapping: str = ""

    def settings(self) -> Settings:
        """Give the answers as checked settings."""
        return load_settings({}, None, dict(self.values))


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask for. `keys` are asked for together and tried together; secrets are typed unseen.

    `tried` says in a sentence what the answer led to, and raises what is wrong with it. `asked` says whether
    the question comes up at all after the answers before it.
    """

    keys: tuple[str, ...]
    prompts: tuple[str, ...]
    tried: Callable[[Answers], str]
    asked: Callable[[Answers], bool] = lambda answers: True  # noqa: ARG005
    required: bool = True
    secret: frozenset[str] = frozenset()
    default: Mapping[str, str] | None = None


def try_address(answers: Answers) -> str:
    """Ask the address itself."""
    url = answers.values["JIRA_URL"] = answers.values["JIRA_URL"].rstrip("/")
    if "://" not in url:
        raise ConfigurationError("JIRA_URL: must be a web address such as https://example.atlassian.net")
    answers.deployment = deployment_at(url, HURRIED)
    if answers.deployment is None:
        return "A Jira that wants a login first."
    return f"{NAMES[answers.deployment]} answers."


def try_login(answers: Answers) -> str:
    """Log in."""
    with connect(from_settings(answers.settings()).jira[0], HURRIED) as site:
        answers.deployment = site.deployment
        return f"Logged in to {NAMES[site.deployment]} {site.version} as {site.account}."


def try_scope(answers: Answers) -> str:
    """Count what is in scope, and look whether the account may do there what a night does."""
    with connect(from_settings(answers.settings()).jira[0], HURRIED) as site:
        seen = diagnose(site, site.now())
    if seen.problems:
        raise ConfigurationError(*seen.problems)
    return "Issues in scope: " + ("not told" if seen.issues is None else str(seen.issues))


def try_objectives(answers: Answers) -> str:
    """Read the file."""
    path = Path(answers.values["OBJECTIVES_PATH"])
    return read_whole(ObjectivesSource(canonical_objectives(path)), "objectives")


def try_budget(answers: Answers) -> str:
    """Read the file as it is, or find out how it wants to be read."""
    path = Path(answers.values["FINANCE_PATH"])
    try:
        return read_whole(FinanceSource(canonical(path)), "budget lines")
    except BadInput:
        if not path.is_file():
            raise
    proposal = propose(path, answers.year)
    answers.mapping = proposal.yaml()
    tried = [note for note in proposal.notes.get("", []) if note.startswith("tried")]
    return " ".join(["It has columns of its own; sources.yaml will say how to read it.", *tried])


def read_whole(source: Any, noun: str) -> str:
    """Read a source to its end, and count."""
    records = refused = 0
    for page in source.pages():
        records, refused = records + len(page.records), refused + len(page.quarantined)
    return f"{records} {noun}, {refused} rows refused."


def try_setting(answers: Answers) -> str:
    """Let the settings themselves say what is wrong."""
    answers.settings()
    return ""


def on_cloud(answers: Answers) -> bool:
    """Say whether a Cloud login is to be asked for."""
    return answers.deployment != DATA_CENTER


QUESTIONS = (
    Question(("JIRA_URL",), ("Address of your Jira, as people open it in the browser",), try_address),
    Question(
        ("JIRA_EMAIL", "JIRA_API_TOKEN"),
        ("E-mail address of the account", "Its API token"),
        try_login,
        asked=on_cloud,
        secret=frozenset({"JIRA_API_TOKEN"}),
    ),
    Question(
        ("JIRA_PAT",),
        ("Personal access token of the account",),
        try_login,
        asked=lambda answers: not on_cloud(answers),
        secret=frozenset({"JIRA_PAT"}),
    ),
    Question(
        ("JIRA_JQL",),
        ("Which issues are judged (JQL)",),
        try_scope,
        default={"JIRA_JQL": "issuetype = Epic"},
    ),
    Question(
        ("JIRA_OBJECTIVE_FIELD",),
        ("The field that holds the ids of objectives, by name or id",),
        try_scope,
        required=False,
    ),
    Question(("OBJECTIVES_PATH",), ("File with your objectives",), try_objectives, required=False),
    Question(
        ("JIRA_OBJECTIVE_JQL",),
        ("Which issues are objectives, if they live in Jira (JQL)",),
        try_scope,
        asked=lambda answers: not answers.values.get("OBJECTIVES_PATH"),
        required=False,
    ),
    Question(("FINANCE_PATH",), ("File or folder with budgets",), try_budget, required=False),
    Question(
        ("TIELINE_CURRENCY",),
        ("Currency of the reports",),
        try_setting,
        default={"TIELINE_CURRENCY": "USD"},
    ),
    Question(
        ("TIELINE_TIMEZONE",),
        ("Time zone in which nights are counted",),
        try_setting,
        default={"TIELINE_TIMEZONE": "UTC"},
    ),
)
