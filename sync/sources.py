"""Turn `sources.yaml`, or the plain variables of `.env`, into the configuration of every source.

There is one mechanism: without a sources file, one made of the same variables stands in for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from rapidfuzz import process
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from connectors.finance import FinanceSourceConfig
from connectors.finance import canonical as canonical_finance
from connectors.jira import JiraSiteConfig
from connectors.objectives import LinksConfig, ObjectivesSourceConfig
from connectors.objectives import canonical as canonical_objectives
from sync.errors import ConfigurationError
from sync.settings import Settings, sentence

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class SourcesConfig(BaseModel):
    """What a sources file declares: Jira sites, finance, objectives and mapping files."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    jira: tuple[JiraSiteConfig, ...] = ()
    finance: tuple[FinanceSourceConfig, ...] = ()
    objectives: tuple[ObjectivesSourceConfig, ...] = ()
    links: tuple[LinksConfig, ...] = ()


def load_sources(settings: Settings, variables: Mapping[str, str]) -> SourcesConfig:
    """Read the sources file that the settings name, or make one of the settings themselves.

    Raises a `ConfigurationError` that lists every mistake, with file, line and column.
    """
    config = (
        from_settings(settings) if settings.sources is None else read_sources(settings.sources, variables)
    )
    names = [
        *(source.name for source in config.jira),
        *(source.name for source in config.finance),
        *(source.name for source in config.objectives),
        *(source.name for source in config.links),
    ]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise ConfigurationError(
            *(
                f"{settings.sources or '.env'}: two sources are named {name!r}; give each its own"
                for name in double
            )
        )
    return config


def from_settings(settings: Settings) -> SourcesConfig:
    """Make the configuration of one Jira site, one finance source and one objectives file from `.env`."""
    if settings.jira_url is None:
        raise ConfigurationError(
            "JIRA_URL is not set. Copy config.example.env to .env and fill it in, or name a file in "
            "TIELINE_SOURCES. To see Tieline at work without a Jira, run `tieline demo`."
        )
    site = {
        "url": settings.jira_url,
        "email": settings.jira_email,
        "api_token": settings.jira_api_token,
        "pat": settings.jira_pat,
        "username": settings.jira_username,
        "password": settings.jira_password,
        "jql": settings.jira_jql,
        "objective_jql": settings.jira_objective_jql,
        "objective_field": settings.jira_objective_field or "",
        "cost_code_field": settings.jira_cost_code_field or "",
    }
    if settings.jira_ca_bundle is not None:
        site["ca_bundle"] = str(settings.jira_ca_bundle)
    try:
        jira = JiraSiteConfig.model_validate(site)
    except ValidationError as error:
        raise ConfigurationError(*(setting_problem(detail) for detail in error.errors())) from None
    return SourcesConfig(
        jira=(jira,),
        finance=(canonical_finance(settings.finance_path),) if settings.finance_path else (),
        objectives=(canonical_objectives(settings.objectives_path),) if settings.objectives_path else (),
    )


def setting_problem(detail: Any) -> str:
    """Say what is wrong with the Jira settings in the words of `.env`."""
    field = str(detail["loc"][0]) if detail["loc"] else ""
    key = "JIRA_" + field.upper() if field else "Jira settings"
    return f"{key}: {sentence(detail['msg'])}"


def read_sources(path: Path, variables: Mapping[str, str]) -> SourcesConfig:
    """Read a sources file; relative paths in it count from its folder."""
    try:
        document = YAML().load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"TIELINE_SOURCES: cannot read {path}: {error.strerror}. Name a YAML file that can be read."
        ) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{path}{place}: not valid YAML: {error.problem}") from None
    if not isinstance(document, Mapping):
        raise ConfigurationError(f"{path}: expected the keys jira, finance, objectives and links at the top")
    problems: list[str] = []
    plain = substitute(document, variables, path, problems)
    if problems:
        raise ConfigurationError(*problems)
    try:
        config = SourcesConfig.model_validate(plain)
    except ValidationError as error:
        raise ConfigurationError(*(problem(path, document, detail) for detail in error.errors())) from None
    return with_absolute_paths(config, path.parent)


def substitute(node: Any, variables: Mapping[str, str], path: Path, problems: list[str]) -> Any:
    """Give the document as plain dicts and lists, with every `${NAME}` replaced by its value."""
    if isinstance(node, Mapping):
        return {str(key): substitute_at(node, key, variables, path, problems) for key in node}
    if isinstance(node, list):
        return [substitute_at(node, index, variables, path, problems) for index in range(len(node))]
    return node


def substitute_at(
    parent: Any, key: Any, variables: Mapping[str, str], path: Path, problems: list[str]
) -> Any:
    """Replace the variables in one value, noting those that are not set with their place."""
    value = parent[key]
    if not isinstance(value, str):
        return substitute(value, variables, path, problems)
    problems += [
        f"{path}:{place(parent, key)}: ${{{name}}} is not set; set it in .env or in the environment"
        for name in VARIABLE.findall(value)
        if name not in variables
    ]
    return VARIABLE.sub(lambda match: variables.get(match[1], ""), value)


def problem(path: Path, document: Any, detail: Any) -> str:
    """Say where in the file a mistake stands, what it is, and the nearest known key."""
    node, where, steps = document, "1:1", list(detail["loc"])
    for step in steps:
        try:
            where = place(node, step)
            node = node[step]
        except (KeyError, IndexError, TypeError):
            break
    name = ".".join(str(step) for step in steps)
    if detail["type"] == "extra_forbidden":
        known = [str(key) for key in detail.get("ctx", {}).get("known", ())] or KNOWN_KEYS
        nearest = process.extractOne(str(steps[-1]), known)
        return f"{path}:{where}: {name}: unknown key; did you mean {nearest[0]}?"
    return f"{path}:{where}: {name}: {sentence(detail['msg'])}"


KNOWN_KEYS = sorted(
    {
        name
        for model in (SourcesConfig, JiraSiteConfig, FinanceSourceConfig, ObjectivesSourceConfig, LinksConfig)
        for name in model.model_fields
    }
)


def place(node: Any, key: Any) -> str:
    """Give `line:column` of a key in a mapping or of an element in a list."""
    marks: Any = node
    line, column = marks.lc.key(key) if isinstance(node, Mapping) else marks.lc.item(key)
    return f"{line + 1}:{column + 1}"


def with_absolute_paths(config: SourcesConfig, folder: Path) -> SourcesConfig:
    """Count the relative paths of files from the folder of the sources file."""

    def placed(sources: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(source.model_copy(update={"path": folder / source.path}) for source in sources)

    return config.model_copy(
        update={
            "finance": placed(config.finance),
            "objectives": placed(config.objectives),
            "links": placed(config.links),
        }
    )
