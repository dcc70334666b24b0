"""The commands for people who edit rules: rules check, test, list, new, fmt, schema."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rules.advice import Advice, about_updated
from rules.document import read as read_document
from rules.handbook import page
from rules.house_form import format_text
from rules.keys import ID, ID_LENGTH
from rules.names import suggest
from rules.pack import every_pack
from rules.problem import Problem, RuleErrors
from rules.rule_reader import ID_ADVICE
from rules.ruleset import RuleSet
from rules.schema import schema, waiver_schema
from rules.skeleton import skeleton
from rules.testing import cover
from rules.testing import run as run_tests
from rules.vocabulary import DEFAULT_ENTITY, VOCABULARY
from sync.advice import advise
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output, counted
from sync.cli.preview import preview
from sync.cli.rule_desk import desk_for
from sync.cli.session import has_store, open_engine, read_settings, standing_findings, utc_now
from sync.errors import ConfigurationError, Exit
from sync.rulebook import load_rules
from sync.store.database import read_only
from sync.store.schema import AnyRow

COUNTS = ("open", "pending", "clearing", "waived")

app = typer.Typer(help="Check, test, list and write rule files.", no_args_is_help=True)
Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH", help="Rule files or folders; those of TIELINE_RULES, or the shipped pack, by default."
    ),
]


app.command("preview")(preview)


class Form(StrEnum):
    """How `rules check` tells mistakes."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


@app.command("check")
def check_rules(
    paths: Paths = None,
    form: Annotated[
        Form,
        typer.Option(
            "--format", help="Text with carets, one JSON document, or annotations for GitHub Actions."
        ),
    ] = Form.TEXT,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Show every mistake of rule files, with place and fix."""
    output = Output(as_json=json or form is Form.JSON)
    try:
        rules = desk_for(paths, env_file).load()
    except RuleErrors as errors:
        for problem in errors.problems:
            output.line(problem.annotate() if form is Form.GITHUB else problem.render())
        output.document({"problems": [problem_document(problem) for problem in errors.problems]})
        return Exit.USAGE
    advice = advice_on(rules, paths, env_file)
    for one in advice:
        output.line(one.annotate() if form is Form.GITHUB else one.render())
    waivers = f" and {counted(len(rules.waivers), 'waiver')}" if rules.waivers else ""
    output.line(f"{counted(len(rules.rules), 'rule')}{waivers}, no mistakes.")
    output.document(
        {
            "problems": [],
            "rules": [rule.id for rule in rules.rules],
            "advice": [{"rule": one.rule.id, "text": one.text} for one in advice],
        }
    )
    return Exit.OK


def advice_on(rules: RuleSet, paths: Sequence[Path] | None, env_file: Path | None) -> list[Advice]:
    """Give advice on rules: with counts from the store where there is one, else what the text alone tells."""
    settings = read_settings(env_file)
    if not has_store(settings):
        return [one for rule in rules.rules for one in about_updated(rule)]
    with open_engine(settings) as engine, read_only(engine) as connection:
        return list(advise(connection, load_rules(settings, utc_now(), paths or ())))


@app.command("test")
def try_rules(
    paths: Paths = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="List what no test pins down, and fail if there is any.")
    ] = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Run the tests that the rule files hold, and count what they leave untested."""
    output = Output(as_json=json)
    desk = desk_for(paths, env_file)
    rules = desk.checked()
    results = list(run_tests(rules))
    failed = [result for result in results if not result.passed]
    covered = [] if failed else [cover(rule, desk.context) for rule in (*rules.rules, *rules.resting)]
    untested = [line for coverage in covered for line in coverage.lines]
    for line in [result.text for result in failed] + (untested if strict else []):
        output.line(line)
    passed = len(results) - len(failed)
    output.line(f"{passed} passed, {len(failed)} failed{untested_words(untested, strict=strict)}")
    output.document({"passed": passed, "failed": [result.text for result in failed], "untested": untested})
    return Exit.FAILED if failed or (strict and untested) else Exit.OK


def untested_words(untested: Sequence[str], *, strict: bool) -> str:
    """Say how many slips in the conditions no test would notice, and how to see them."""
    if not untested:
        return ""
    return f", {len(untested)} untested" + ("" if strict else ": see them with --strict")


@app.command("new")
def new_rule(
    rule: Annotated[str, typer.Argument(metavar="ID", help="The id of the rule, such as epic-is-late.")],
    each: Annotated[str, typer.Option("--each", help="What it judges, row by row.")] = DEFAULT_ENTITY,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a new file instead of stdout.")
    ] = None,
) -> int:
    """Write a rule to begin with: it checks, and its tests pass."""
    entity = VOCABULARY.entity(each)
    if entity is None:
        names = [known.name for known in VOCABULARY.entities]
        advice = suggest(each, names) or f"There are {', '.join(names)}."
        raise ConfigurationError(f'There is no entity "{each}". {advice}')
    if len(rule) > ID_LENGTH or not ID.fullmatch(rule):
        raise ConfigurationError(f'"{rule}" cannot be the id of a rule. {ID_ADVICE}')
    if out is None:
        sys.stdout.write(skeleton(rule, entity))
    else:
        write_new(out, skeleton(rule, entity))
    return Exit.OK


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigurationError(f"{path} is there already. Name a new file.") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from None


@app.command("fmt")
def format_rules(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Rule files or folders.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file is not in the house form.")
    ] = False,
    json: Json = False,
) -> int:
    """Bring rule files into the house form: keys in order, conditions in blocks, comments kept."""
    output = Output(as_json=json)
    changed: list[Path] = []
    problems: list[Problem] = []
    for path in files_of(paths):
        try:
            before, after = house_form_of(path)
        except RuleErrors as errors:
            problems += errors.problems
            continue
        if before != after:
            changed.append(path)
            if not check:
                path.write_bytes(after.encode())
    for problem in problems:
        output.line(problem.render())
    for path in changed:
        output.line(f"{path}: " + ("not in the house form" if check else "formatted"))
    output.line(f"{counted(len(changed), 'file')} {'to format' if check else 'formatted'}.")
    output.document({"problems": [problem_document(problem) for problem in problems], "changed": changed})
    return Exit.USAGE if problems else Exit.FAILED if check and changed else Exit.OK


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Give the rule files named, and those in the folders named."""
    return [
        file
        for path in paths
        for file in (sorted(path.glob("*.y*ml")) if path.is_dir() else [path])
        if file.suffix in {".yaml", ".yml"} or not path.is_dir()
    ]


def house_form_of(path: Path) -> tuple[str, str]:
    """Give the text of a rule file as it is, and in the house form."""
    document = read_document(path)
    if document.problems:
        raise RuleErrors(tuple(document.problems))
    text = path.read_bytes().decode("utf-8")
    return text, format_text(document.text, path)


@app.command("schema")
def print_schema(
    waivers: Annotated[bool, typer.Option("--waivers", help="That of waiver files instead.")] = False,
) -> int:
    """Print the JSON Schema of rule files, for completion and hover text in editors."""
    Output(as_json=True).document(waiver_schema() if waivers else schema(VOCABULARY))
    return Exit.OK


@app.command("packs")
def show_packs(env_file: EnvFile = None) -> int:
    """Print what every rule that ships is for, as a page of Markdown."""
    desk = desk_for(None, env_file)
    sys.stdout.write(page(every_pack(VOCABULARY, desk.context)))
    return Exit.OK


@app.command("list")
def list_rules(paths: Paths = None, env_file: EnvFile = None, json: Json = False) -> int:
    """List the rules: how far each goes, the labels they write, and the findings that stand."""
    output = Output(as_json=json)
    rules = desk_for(paths, env_file).checked()
    counts = {} if paths else standing_findings(read_settings(env_file))
    output.table(
        "Rules",
        ["rule", "judges", "severity", "mode", "label", *([f"{word}>" for word in COUNTS] if counts else [])],
        [
            (
                r.id,
                r.entity.name,
                r.severity.value,
                r.mode.value,
                r.label or "none",
                *(standing(counts, r.id).values() if counts else ()),
            )
            for r in rules.rules
        ],
    )
    for rule in rules.resting:
        output.line(f"{rule.id} rests: " + (f"it needs {rule.needs}." if rule.needs else "it is off."))
    output.document(
        [
            {
                "id": rule.id,
                "each": rule.entity.name,
                "pack": rule.pack,
                "mode": rule.mode.value,
                "needs": rule.needs,
                "parameters": {name: list(p.value) for name, p in rule.parameters.items()},
                "severity": rule.severity.value,
                "label": rule.label,
                "title": rule.title,
                "when": rule.when,
                "hash": rule.hash,
                "file": str(rule.path),
                "line": rule.line,
                "owner": rule.owner,
                "findings": standing(counts, rule.id) if counts else None,
            }
            for rule in (*rules.rules, *rules.resting)
        ]
    )
    return Exit.OK


def standing(counts: Mapping[str, AnyRow], rule: str) -> dict[str, int]:
    """Give the findings of a rule by state; a rule that has none is not counted in the store."""
    row = counts.get(rule)
    return {word: 0 if row is None else int(getattr(row, word)) for word in COUNTS}


def problem_document(problem: object) -> dict[str, object]:
    """Give a problem as plain values."""
    names = ("path", "line", "column", "width", "message", "suggestion", "rule")
    return {name: getattr(problem, name) for name in names}
