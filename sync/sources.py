"""Turn `sources.yaml`, or the plain variables of `.env`, into the configuration of every source.

There is one mechanism: without a sources file, one made of the same variables stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, ValidationError
from rapidfuzz import fuzz, process
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from connectors.finance import AllocationsConfig, FinanceSourceConfig, FxSourceConfig, RestFinanceConfig
from connectors.finance import canonical as canonical_finance
from connectors.jira import JiraSiteConfig, outside_name, remote_name
from connectors.jira.config import FieldDeclaration, declaration
from connectors.objectives import LinksConfig, ObjectivesSourceConfig
from connectors.objectives import canonical as canonical_objectives
from connectors.records import ValueType
from rules.vocabulary import taken
from sync.config.mistakes import mistakes, sentence
from sync.config.placeholders import place, substitute
from sync.digests.audiences import AudienceConfig, audience_problems
from sync.errors import ConfigurationError
from sync.service.schedules import ScheduleConfig, schedule_problems
from sync.settings import Settings


def kind_of(source: Any) -> str:
    """Say which kind of finance source an entry is: an API (`kind: rest`, or a profile) or a file."""
    if not isinstance(source, Mapping):
        return "api" if getattr(source, "kind", None) == "rest" else "file"
    return "api" if source.get("kind") == "rest" or "profile" in source else "file"


Finance = Annotated[
    Annotated[FinanceSourceConfig, Tag("file")] | Annotated[RestFinanceConfig, Tag("api")],
    Discriminator(kind_of),
]


class SourcesConfig(BaseModel):
    """What a sources file declares: Jira sites, money, rates, objectives, mappings; schedules and digests."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    jira: tuple[JiraSiteConfig, ...] = ()
    finance: tuple[Finance, ...] = ()
    fx: tuple[FxSourceConfig, ...] = ()
    allocations: tuple[AllocationsConfig, ...] = ()
    objectives: tuple[ObjectivesSourceConfig, ...] = ()
    links: tuple[LinksConfig, ...] = ()
    schedules: tuple[ScheduleConfig, ...] = ()
    digests: tuple[AudienceConfig, ...] = ()


SECTIONS = tuple(name for name in SourcesConfig.model_fields if name not in {"schedules", "digests"})


def load_sources(settings: Settings, variables: Mapping[str, str]) -> SourcesConfig:
    """Read the sources file that the settings name, or make one of the settings themselves.

    Raises a `ConfigurationError` that lists every mistake, with file, line and column.
    """
    found = from_settings(settings) if settings.sources is None else read_sources(settings.sources, variables)
    refuse_unknown_rates(settings, found)
    return found


def refuse_unknown_rates(settings: Settings, found: SourcesConfig) -> None:
    """Refuse a set of exchange rates that no source brings: nothing would be converted in silence."""
    known = [source.name for source in found.fx]
    if settings.fx_rates is None or settings.fx_rates in known:
        return
    near = process.extractOne(settings.fx_rates, known, scorer=fuzz.ratio)
    hint = f"did you mean {near[0]!r}?" if near else "declare one under `fx:` in sources.yaml."
    raise ConfigurationError(
        f"TIELINE_FX_RATES: {settings.fx_rates!r} is no source of exchange rates; {hint}"
    )


def from_settings(settings: Settings) -> SourcesConfig:
    """Make the configuration of one Jira site, one finance source and one objectives file from `.env`."""
    if settings.jira_url is None:
        raise ConfigurationError(
            "JIRA_URL is not set. Copy config.example.env to .env and fill it in, or name a file in "
            "TIELINE_SOURCES. To see Tieline at work without a Jira, run `tieline demo`."
        )
    site = {
        "url": settings.jira_url,
        "api_url": settings.jira_api_url,
        "email": settings.jira_email,
        "api_token": settings.jira_api_token,
        "pat": settings.jira_pat,
        "username": settings.jira_username,
        "password": settings.jira_password,
        "webhook_secret": settings.jira_webhook_secret,
        "jql": settings.jira_jql,
        "objective_jql": settings.jira_objective_jql,
        "objective_field": settings.jira_objective_field or "",
        "cost_code_field": settings.jira_cost_code_field or "",
        "markers": settings.jira_markers,
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
    document = read_yaml(path)
    problems: list[str] = []
    plain = substitute(document, variables, path, problems)
    if problems:
        raise ConfigurationError(*problems)
    try:
        config = SourcesConfig.model_validate(plain)
    except ValidationError as error:
        raise ConfigurationError(*mistakes(path, document, error.errors(), SourcesConfig)) from None
    problems += double_names(path, document, config) + unknown_drivers(path, document, config)
    entries = document.get("schedules") or ()
    problems += schedule_problems(path, entries, config.schedules, all_names(config), place)
    problems += audience_problems(path, document.get("digests") or (), config.digests, place)
    if problems:
        raise ConfigurationError(*problems)
    return with_absolute_paths(config, path.parent)


def read_yaml(path: Path) -> Any:
    """Read a sources file as it stands."""
    try:
        document = YAML().load(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise ConfigurationError(
            f"TIELINE_SOURCES: cannot read {path}: {error.strerror}. Name a YAML file that can be read."
        ) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigurationError(f"{path}{place}: not valid YAML: {error.problem}") from None
    except YAMLError as error:
        raise ConfigurationError(f"{path}: not valid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(document, Mapping):
        raise ConfigurationError(
            f"{path}: expected the keys jira, finance, fx, allocations, objectives, links, schedules and "
            "digests at the top"
        )
    return document


def declared_fields(path: Path | None) -> dict[str, ValueType]:
    """Give the fields that the Jira sites of a sources file declare for rules, without asking for secrets.

    Raises a `ConfigurationError` where two sites differ about a name, or a name means something else.
    """
    if path is None:
        return {}
    document = read_yaml(path)
    sites = document.get("jira") or []
    found: dict[str, ValueType] = {}
    problems: list[str] = []
    for site in sites if isinstance(sites, list) else []:
        fields = site.get("fields") if isinstance(site, Mapping) else None
        for name, value in fields.items() if isinstance(fields, Mapping) else ():
            where = f"{path}:{place(fields, name)}: fields.{name}"
            try:
                kind = FieldDeclaration.model_validate(declaration(str(name), value)).type
            except ValidationError as error:
                problems.append(f"{where}: {sentence(error.errors()[0]['msg'])}")
                continue
            except ValueError as error:
                problems.append(f"{where}: {error}")
                continue
            if taken(str(name)):
                problems.append(f"{where}: rules know a field of this name already; choose another one")
            elif found.setdefault(str(name), kind) is not kind:
                problems.append(f"{where}: another site says it holds {found[str(name)]}, this one {kind}")
    if problems:
        raise ConfigurationError(*problems)
    return found


def double_names(path: Path, document: Any, config: SourcesConfig) -> list[str]:
    """Point at each source whose name another one before it has: rows are stored under that name."""
    problems: list[str] = []
    taken: set[str] = set()
    for section in SECTIONS:
        for index, source in enumerate(getattr(config, section)):
            names = names_of(source)
            problems += [
                f"{path}:{place(document[section], index)}: two sources are named {name!r}; "
                "give each a `name` of its own"
                for name in sorted(names & taken)
            ]
            taken |= names
    return problems


def unknown_drivers(path: Path, document: Any, config: SourcesConfig) -> list[str]:
    """Point at each source that shares its money by a field that no Jira site declares as a number."""
    declared = {name: it.type for site in config.jira for name, it in site.fields.items()}
    numbers = [name for name, kind in declared.items() if kind is ValueType.NUMBER]
    problems = []
    for index, source in enumerate(config.finance):
        name = source.share_by
        if name is None or name in numbers:
            continue
        near = process.extractOne(name, numbers, scorer=fuzz.ratio)
        hint = f"did you mean {near[0]!r}?" if near else f"declare {name}: {{field: …, type: number}} there."
        problems.append(
            f"{path}:{place(document['finance'][index], 'share_by')}: share_by: {name!r} is no number under "
            f"`fields` of a Jira site; {hint}"
        )
    return problems


def names_of(source: Any) -> set[str]:
    """Give every name under which rows of an entry are stored."""
    names = {source.name}
    if getattr(source, "objective_jql", None) is not None:
        names |= {objectives_name(source.name), outside_name(source.name)}
    if getattr(source, "remote_links", None) is not None:
        names.add(remote_name(source.name))
    return names


def all_names(config: SourcesConfig) -> list[str]:
    """Give the name of every source."""
    return sorted(
        name for section in SECTIONS for source in getattr(config, section) for name in names_of(source)
    )


def objectives_name(site: str) -> str:
    """Give the name under which the objectives of a Jira site are stored."""
    return f"{site}-objectives"


def with_absolute_paths(config: SourcesConfig, folder: Path) -> SourcesConfig:
    """Count the relative paths of files from the folder of the sources file."""

    def placed(sources: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            source.model_copy(update={"path": folder / source.path}) if hasattr(source, "path") else source
            for source in sources
        )

    return config.model_copy(
        update={
            "finance": placed(config.finance),
            "fx": placed(config.fx),
            "allocations": placed(config.allocations),
            "objectives": placed(config.objectives),
            "links": placed(config.links),
        }
    )
