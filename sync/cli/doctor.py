"""The command that checks everything a night needs and writes nothing: doctor."""

from __future__ import annotations

from collections.abc import Callable

import typer

from connectors import notices
from connectors.errors import ConnectorError
from connectors.finance import RestFinanceSource
from connectors.http import HURRIED
from connectors.jira import diagnose
from connectors.verdicts import Marker
from sync.cli.homeview import look_at_disks, look_at_store
from sync.cli.hostview import look_at_hosts
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output, counted
from sync.cli.session import Session, open_unwritten, utc_now
from sync.cli.siteview import Finding, describe
from sync.digests.audiences import unknown_names
from sync.errors import Exit, UserError
from sync.feeds import Feed, Kind
from sync.pull import meaning


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(env_file: EnvFile = None, json: Json = False) -> int:
    """Check everything a night needs; write nothing.

    Looks at the settings, the store, the rules, every file and every Jira site. A store that is not there yet
    is not made, and one of an earlier version is not upgraded.
    """
    output = Output(as_json=json)
    with open_unwritten(env_file) as session:
        session.sites.policy = HURRIED
        findings = [*look_at_home(session)]
        findings += look_at_markers(session)
        hosts, dead = look_at_hosts(session.settings, session.sources, utc_now())
        findings += hosts
        for feed in session.service.feeds:
            if dead & {feed.name, feed.site}:
                continue  # told already
            findings += look_at_site(session, feed) if feed.kind is Kind.WORK else look_at_file(feed)
    output.table(
        "Doctor",
        ["", "looked at", "seen", "needed for"],
        [("✓" if f.good else "✗", f.check, f.seen, f.needed_for) for f in findings],
    )
    bad = [finding for finding in findings if not finding.good]
    output.line("All is ready for `tieline run --dry-run`." if not bad else f"To put right: {len(bad)}.")
    for finding in bad:
        if finding.remedy:
            output.line(f"{finding.check}: {finding.remedy}")
    output.document([document(finding) for finding in findings])
    return max((finding.code for finding in bad), default=Exit.OK)


def document(finding: Finding) -> dict[str, object]:
    """Give a finding as a document."""
    return {
        "check": finding.check,
        "good": finding.good,
        "seen": finding.seen,
        "exit_code": int(finding.code),
        "needed_for": finding.needed_for,
        "remedy": "" if finding.good else finding.remedy,
        "details": finding.details,
    }


def attempt(check: str, look: Callable[[], str]) -> Finding:
    """Look, and make a finding of what was seen or of what went wrong."""
    try:
        return Finding(check, True, look())
    except UserError as error:
        return Finding(check, False, str(error), error.exit_code)
    except ConnectorError as error:
        return Finding(check, False, str(error), meaning(error))


def look_at_home(session: Session) -> list[Finding]:
    """Check what is on this machine."""
    settings = session.settings
    return [
        Finding("settings", True, f"zone {settings.timezone}, labels {settings.label_prefix}…"),
        attempt("store", lambda: look_at_store(session.engine)),
        attempt("rules", lambda: look_at_rules(session)),
        *look_at_disks(session),
        *look_at_digests(session),
    ]


def look_at_rules(session: Session) -> str:
    """Load the rules."""
    return f"{counted(len(session.service.rules(utc_now()).rules), 'rule')}, no mistakes"


def look_at_digests(session: Session) -> list[Finding]:
    """Check whether each digest knows its rules, and each address is one of Apprise; nothing is sent."""
    post = session.service.post
    if post is None or not post.audiences:
        return []
    try:
        wrong = unknown_names(post.audiences, session.service.rules(utc_now()))
    except UserError:
        wrong = []  # told of the rules themselves
    found = []
    for audience in post.audiences:
        problems = [name for name in wrong if name.startswith(f"digest {audience.name}:")]
        problems += filter(None, map(notices.trouble_with, audience.addresses))
        kinds = ", ".join(sorted(set(map(notices.kind_of, audience.addresses))))
        seen = "; ".join(problems) or f"told by {kinds}"
        found.append(Finding(f"digest {audience.name}", not problems, seen, Exit.USAGE))
    return found


def look_at_markers(session: Session) -> list[Finding]:
    """Say by what tickets are told why they bear a label, and where links lead."""
    sites = session.service.markers
    where = (
        f"links lead to {sites.public_url}" if sites.public_url else "no links: TIELINE_PUBLIC_URL is not set"
    )
    return [
        Finding(
            f"why, on tickets of {name}",
            True,
            (", ".join(kinds) or "not told") + (f"; {where}" if Marker.LINK in kinds else ""),
        )
        for name, kinds in sites.kinds.items()
    ]


def look_at_file(feed: Feed) -> list[Finding]:
    """Check a file by reading it, and an API by reading its first page."""
    if feed.site is not None:
        return []

    def look() -> str:
        source = feed.open()
        is_api = isinstance(source, RestFinanceSource)
        records = refused = 0
        for page in [source.look()] if isinstance(source, RestFinanceSource) else source.pages():
            records, refused = records + len(page.records), refused + len(page.quarantined)
        where = " on the first page" if is_api else ""
        return f"{feed.kind.value}: {counted(records, 'record')}{where}, {refused} refused"

    return [attempt(f"source {feed.name}", look)]


def look_at_site(session: Session, feed: Feed) -> list[Finding]:
    """Check a Jira site."""
    try:
        diagnosis = diagnose(session.sites.enter(feed.name), utc_now())
    except ConnectorError as error:
        return [Finding(f"site {feed.name}", False, str(error), meaning(error))]
    return describe(diagnosis)
