"""The command that checks everything a night needs and writes nothing: doctor."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer
from sqlalchemy import text

from connectors.errors import ConnectorError
from connectors.http import RetryPolicy
from connectors.jira import Diagnosis, diagnose
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output, counted
from sync.cli.session import Session, open_session, utc_now
from sync.errors import Exit, UserError
from sync.pull import Feed, Kind, meaning

# A clock further off than this makes `updated` times and due dates untrustworthy.
SKEW_SECONDS = 60
FREE_BYTES = 200_000_000
# Somebody is waiting: a night tries longer.
HURRIED = RetryPolicy(tries=2, first_wait=1.0)
NAMES = {"cloud": "Cloud", "datacenter": "Data Center"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: whether it is as a night needs it, and what was seen."""

    check: str
    good: bool
    seen: str
    code: Exit = Exit.FAILED


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(env_file: EnvFile = None, json: Json = False) -> int:
    """Check everything a night needs; write nothing.

    Looks at the settings, the store, the rules, every file and every Jira site.
    """
    output = Output(as_json=json)
    with open_session(env_file) as session:
        session.sites.policy = HURRIED
        findings = [*look_at_home(session)]
        for feed in session.service.feeds:
            findings += look_at_site(session, feed) if feed.kind is Kind.WORK else look_at_file(feed)
    output.table(
        "Doctor", ["", "looked at", "seen"], [("✓" if f.good else "✗", f.check, f.seen) for f in findings]
    )
    bad = [finding for finding in findings if not finding.good]
    output.line("All is ready for `tieline run --dry-run`." if not bad else f"To put right: {len(bad)}.")
    output.document(
        [{"check": f.check, "good": f.good, "seen": f.seen, "exit_code": int(f.code)} for f in findings]
    )
    return max((finding.code for finding in bad), default=Exit.OK)


def look_at_home(session: Session) -> list[Finding]:
    """Check what is on this machine."""
    settings = session.settings
    with session.engine.connect() as connection:
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    free = shutil.disk_usage(Path.cwd()).free
    return [
        Finding("settings", True, f"zone {settings.timezone}, labels {settings.label_prefix}…"),
        Finding("store", True, f"{session.engine.dialect.name}, schema {version}"),
        attempt("rules", lambda: look_at_rules(session)),
        Finding("free disk space", free > FREE_BYTES, f"{free // 1_000_000} MB"),
    ]


def attempt(check: str, look: Callable[[], str]) -> Finding:
    """Look, and make a finding of what was seen or of what went wrong."""
    try:
        return Finding(check, True, look())
    except UserError as error:
        return Finding(check, False, str(error), error.exit_code)
    except ConnectorError as error:
        return Finding(check, False, str(error), meaning(error))


def look_at_rules(session: Session) -> str:
    """Load the rules."""
    return f"{counted(len(session.service.rules(utc_now()).rules), 'rule')}, no mistakes"


def look_at_file(feed: Feed) -> list[Finding]:
    """Check a file by reading it."""
    if feed.site is not None:
        return []

    def look() -> str:
        records = refused = 0
        for page in feed.open().pages():
            records, refused = records + len(page.records), refused + len(page.quarantined)
        return f"{feed.kind.value}: {counted(records, 'record')}, {refused} refused"

    return [attempt(f"source {feed.name}", look)]


def look_at_site(session: Session, feed: Feed) -> list[Finding]:
    """Check a Jira site."""
    try:
        diagnosis = diagnose(session.sites.enter(feed.name), utc_now())
    except ConnectorError as error:
        return [Finding(f"site {feed.name}", False, str(error), meaning(error))]
    return describe(diagnosis)


def describe(it: Diagnosis) -> list[Finding]:
    """Make findings of what was seen of a site."""
    skew = it.clock_skew
    lacking = {name: f"{it.account} lacks {name} in every project." for name in it.permissions}
    return [
        Finding(f"site {it.name}", True, f"Jira {NAMES[it.deployment]} {it.version} at {it.url}"),
        Finding("account", True, f"{it.account}, zone {it.timezone or 'not told'}"),
        Finding(
            "clocks",
            skew is None or abs(skew) <= SKEW_SECONDS,
            told_skew(skew),
        ),
        *(
            Finding(f"may {words(name)}", has, "yes" if has else lacking[name], Exit.ACCESS)
            for name, has in it.permissions.items()
        ),
        Finding("objective fields", True, ", ".join(it.objective_fields) or "none configured"),
        Finding("cost code fields", True, ", ".join(it.cost_code_fields) or "none configured"),
        Finding("issues in scope", True, "not told" if it.issues is None else str(it.issues)),
        *(
            Finding("problem", False, problem, Exit.USAGE)
            for problem in it.problems
            if problem not in lacking.values()
        ),
    ]


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
