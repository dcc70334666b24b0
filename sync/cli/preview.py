"""The command that shows what an edit of rules would do: rules preview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from rules.ruleset import RuleSet
from sync.cli.markdown import text as md
from sync.cli.options import EnvFile, Form, Json
from sync.cli.output import FEW, Output, counted, few, shortened
from sync.cli.plans import MARK
from sync.cli.session import open_engine, read_settings, utc_now
from sync.errors import ConfigurationError, Exit
from sync.labels.planning import limits_of
from sync.preview import Effect, Frame, Preview, Previewer
from sync.rulebook import load_rules, load_rules_again
from sync.settings import Settings
from sync.store import history, rulebook
from sync.store.database import read_only
from sync.store.subjects import Subject

SIGNS = {"raised": "+", "cleared": "-", "kept": "="}


def preview(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="The rules as they would be; those of TIELINE_RULES by default."),
    ] = None,
    *,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            "--against", metavar="PATH", help="The rules as they are; those of the last run by default."
        ),
    ] = None,
    waivers: Annotated[
        list[Path] | None,
        typer.Option("--waivers", metavar="PATH", help="Waivers instead of those of TIELINE_WAIVERS."),
    ] = None,
    form: Annotated[
        Form,
        typer.Option("--format", help="Text, one JSON document, or Markdown for a pull request."),
    ] = Form.TEXT,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Show what an edit of rules would raise, clear and keep, and write to Jira.

    Both rule sets are judged now over the store as it is, in a transaction that cannot write.
    """
    output = Output(as_json=json or form is Form.JSON)
    settings, now = read_settings(env_file), utc_now()
    with open_engine(settings) as engine, read_only(engine) as connection:
        new = load_rules(settings, now, paths or (), waivers or ())
        note = staleness(connection)
        old, whose = rules_before(connection, settings, now, against)
        found = Previewer(connection, frame_of(settings, now, new)).compare(old, new)
    if form is Form.MARKDOWN and not output.as_json:
        for line in markdown(found, whose, note):
            output.line(line)
    else:
        show(output, found, whose, note)
    output.document({"against": whose, "note": note, **document(found)})
    return Exit.OK


def frame_of(settings: Settings, now: datetime, new: RuleSet) -> Frame:
    """Give the day, the prefix and the limits that hold for the new rules."""
    return Frame(
        now=now,
        today=now.astimezone(settings.zone).date(),
        prefix=settings.label_prefix,
        limits=limits_of(settings, new.rules),
    )


def staleness(connection: Connection) -> str:
    """Say where the store was read after it was judged; refuse one that never was.

    Judging makes the links that conditions ask for, and a preview makes none.
    """
    judged = history.newest_judged(connection)
    if judged is None:
        raise ConfigurationError(
            "The store holds nothing that was judged yet. Make it ready with `tieline run --dry-run`."
        )
    read = history.newest_read(connection)
    if read is None or read <= judged:
        return ""
    return f"Sources were read after run {judged} judged; `tieline check` brings the links up to date."


def rules_before(
    connection: Connection, settings: Settings, now: datetime, against: Sequence[Path] | None
) -> tuple[RuleSet, str]:
    """Give the rules to compare with, and say whose they are."""
    if against:
        return load_rules(settings, now, against), ", ".join(str(path) for path in against)
    last = rulebook.last_rules(connection)
    if last is None:
        return RuleSet(()), "no rules, because no run has kept its own yet"
    try:
        rules = load_rules_again(settings, now, last.files)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"The rules of run {last.run_id} cannot be read any more; name a folder with --against.",
            *error.problems,
        ) from None
    return rules, f"the rules of run {last.run_id} ({last.started_at:%Y-%m-%d %H:%M} UTC)"


def show(output: Output, found: Preview, whose: str, note: str) -> None:
    """Show a preview as text: rule by rule, then the writes and what would stop them."""
    output.line(f"Compared with {whose}.", style="bold")
    if note:
        output.line(note, style="yellow")
    for effect in found.effects:
        show_effect(output, effect)
    if found.unchanged:
        output.line(f"\n{counted(found.unchanged, 'rule')} unchanged.")
    output.line()
    output.line(writes_line(found))
    for change in found.writes[:FEW]:
        told = f"  {MARK[change.operation]} {change.ticket.issue_key}  {change.label}  {change.rule}"
        output.line(told.rstrip())
    if len(found.writes) > FEW:
        output.line(f"  … and {len(found.writes) - FEW} more; --format json lists all.")
    for problem in found.stopped:
        output.line(f"Would be stopped: {problem}", style="red")


def show_effect(output: Output, effect: Effect) -> None:
    """Show what the edit of one rule does, by name."""
    output.line(f"\n{effect.rule}: {', '.join(effect.changes)}", style="bold")
    for word, sign in SIGNS.items():
        names = names_of(effect, word)
        if names:
            output.line(f"  {sign} {len(names)} {word}: {few([said(name) for name in names])}")
    if effect.waived:
        output.line(f"  {effect.waived} of them waived")
    if not (effect.raised or effect.cleared or effect.kept):
        output.line("  flags nothing, before and after")


def names_of(effect: Effect, word: str) -> tuple[Subject, ...]:
    """Give the rows that are raised, cleared or kept."""
    return {"raised": effect.raised, "cleared": effect.cleared, "kept": effect.kept}[word]


def said(subject: Subject) -> str:
    """Name a row with its title."""
    return f"{subject.name} {shortened(subject.title, 40)}".strip()


def writes_line(found: Preview) -> str:
    """Say how much would be written to Jira."""
    if not found.writes:
        return "It would write nothing to Jira."
    add, remove = found.count("add"), found.count("remove")
    changes = counted(len(found.writes), "label change")
    return f"It would write {changes} to Jira: {add} to add, {remove} to remove."


def document(found: Preview) -> dict[str, Any]:
    """Give a preview as plain values, with every name."""
    return {
        "rules": [
            {
                "rule": effect.rule,
                "each": effect.entity,
                "changes": list(effect.changes),
                **{
                    word: [
                        {"name": it.name, "title": it.title, "url": it.url} for it in names_of(effect, word)
                    ]
                    for word in SIGNS
                },
                "waived": effect.waived,
            }
            for effect in found.effects
        ],
        "unchanged": found.unchanged,
        "writes": [
            {
                "key": change.ticket.issue_key,
                "site": change.ticket.site,
                **{k: v for k, v in asdict(change).items() if k in {"operation", "label", "rule"}},
            }
            for change in found.writes
        ],
        "stopped": list(found.stopped),
    }


def markdown(found: Preview, whose: str, note: str) -> list[str]:
    """Write a preview as a comment on a pull request; text from tickets is escaped."""
    lines = ["### What these rules would do", "", f"Compared with {md(whose)}. {md(note)}", ""]
    if found.effects:
        lines += ["| rule | what changes | raised | cleared | kept |", "|---|---|--:|--:|--:|"]
    for effect in found.effects:
        numbers = " | ".join(str(len(names_of(effect, word))) for word in SIGNS)
        lines.append(f"| {md(effect.rule)} | {md(', '.join(effect.changes))} | {numbers} |")
    lines += ["", f"{counted(found.unchanged, 'rule')} unchanged. **{writes_line(found)}**"]
    lines += [f"> Would be stopped: {md(problem)}" for problem in found.stopped]
    for effect in found.effects:
        for word in SIGNS:
            lines += folded(effect, word)
    return lines


def folded(effect: Effect, word: str) -> list[str]:
    """List the rows that are raised, cleared or kept, folded away."""
    names = names_of(effect, word)
    if not names:
        return []
    rows = [f"- {md(it.name)} {md(shortened(it.title))}" for it in names[:FEW]]
    rest = [f"- … and {len(names) - FEW} more"] if len(names) > FEW else []
    title = f"{md(effect.rule)}: {len(names)} {word}"
    return ["", f"<details><summary>{title}</summary>", "", *rows, *rest, "", "</details>"]
