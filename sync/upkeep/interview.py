"""Go through the questions of a set-up, and write `.env`, and `sources.yaml` where it is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from connectors.errors import ConnectorError
from connectors.objectives import canonical as canonical_objectives
from sync.errors import ConfigurationError, UserError
from sync.upkeep.envfile import env_text, write_private
from sync.upkeep.questions import QUESTIONS, Answers, Question

SOURCES = "sources.yaml"
# What sources.yaml says itself, once there is one.
MOVED = ("JIRA_JQL", "JIRA_OBJECTIVE_JQL", "JIRA_OBJECTIVE_FIELD", "OBJECTIVES_PATH", "FINANCE_PATH")
LOGIN = {"JIRA_EMAIL": "email", "JIRA_API_TOKEN": "api_token", "JIRA_PAT": "pat"}


class Person(Protocol):
    """Whoever answers: a person at a terminal, or the flags of a command."""

    def ask(self, key: str, prompt: str, default: str, *, secret: bool, required: bool) -> str:
        """Give the answer to one question, the default where it is empty."""
        ...

    def tell(self, text: str) -> None:
        """Say what an answer led to."""
        ...

    def refuse(self, problem: str) -> None:
        """Say what is wrong with an answer; raise where there will be no other."""
        ...


def interview(person: Person, year: int) -> Answers:
    """Ask everything, each answer until it holds."""
    answers = Answers({}, year)
    for question in QUESTIONS:
        if question.asked(answers):
            ask_until_it_holds(question, answers, person)
    return answers


def ask_until_it_holds(question: Question, answers: Answers, person: Person) -> None:
    """Ask one question, try the answer, and ask again while it does not hold."""
    while True:
        for key, prompt in zip(question.keys, question.prompts, strict=True):
            default = (question.default or {}).get(key, "")
            given = person.ask(
                key, prompt, default, secret=key in question.secret, required=question.required
            )
            answers.values.pop(key, None)
            if given:
                answers.values[key] = given
        if not any(key in answers.values for key in question.keys):
            return
        try:
            person.tell(question.tried(answers))
        except (UserError, ConnectorError) as error:
            person.refuse(str(error))
        else:
            return


def files_of(answers: Answers, secrets: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the files to write, by name. `secrets` are settings that stand in files already, by key."""
    values = {key: value for key, value in answers.values.items() if key not in secrets}
    values |= {f"{key}_FILE": path for key, path in secrets.items()}
    if answers.mapping:
        yield SOURCES, sources_text(answers)
        values = {key: value for key, value in values.items() if key not in MOVED}
        values["TIELINE_SOURCES"] = SOURCES
    yield ".env", env_text(values)


def sources_text(answers: Answers) -> str:
    """Give the text of a first sources file; JSON is YAML, so every value is written as JSON."""
    values = answers.values
    site = {"url": "${JIRA_URL}"} | {name: f"${{{key}}}" for key, name in LOGIN.items() if key in values}
    site |= {
        name: values[key]
        for key, name in (
            ("JIRA_JQL", "jql"),
            ("JIRA_OBJECTIVE_JQL", "objective_jql"),
            ("JIRA_OBJECTIVE_FIELD", "objective_field"),
        )
        if key in values
    }
    lines = ["# Written by `tieline init`. `tieline doctor` reads every source once.", "jira:"]
    lines += entry(site)
    if "OBJECTIVES_PATH" in values:
        config = canonical_objectives(Path(values["OBJECTIVES_PATH"]))
        said = config.model_dump(mode="json", exclude_defaults=True)
        lines += ["objectives:", *entry(said)]
    return "\n".join(lines) + "\n" + answers.mapping


def entry(values: Mapping[str, object]) -> list[str]:
    """Write one element of a list."""
    return [
        f"{'  - ' if number == 0 else '    '}{name}: {json.dumps(value, ensure_ascii=False)}"
        for number, (name, value) in enumerate(values.items())
    ]


def write_files(
    folder: Path, files: Iterator[tuple[str, str]], may_replace: Callable[[Path], bool]
) -> list[Path]:
    """Write the files into a folder; one that is there is replaced only where that is allowed."""
    made = [(folder / name, text) for name, text in files]
    standing = [path for path, _ in made if path.exists() and not may_replace(path)]
    if standing:
        raise ConfigurationError(f"{standing[0]} exists already and stays as it is. Nothing was written.")
    for path, text in made:
        write_private(path, text)
    return [path for path, _ in made]
