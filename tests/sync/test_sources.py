"""A sources file becomes the configuration of every source; each mistake is told with its place."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from connectors.finance import FinanceSourceConfig
from connectors.records import ValueType
from sync.errors import ConfigurationError
from sync.settings import Settings, load_settings
from sync.sources import SourcesConfig, declared_fields, load_sources

GOOD = """
jira:
  - url: https://one.example
    pat: ${ONE_PAT}
    jql: issuetype = Epic
    objective_jql: issuetype = Goal
  - name: two
    url: https://two.example
    pat: ${TWO_PAT}
    jql: project = TWO
finance:
  - name: sap
    path: money
    currency: EUR
    amount: {column: Betrag, fiscal_year: 2026}
objectives:
  - name: goals
    path: goals.csv
    columns: {id: Nr, title: Name}
links:
  - path: /data/links.csv
"""
KNOWN = {"ONE_PAT": "first-secret", "TWO_PAT": "second-secret"}

TOP = "expected the keys jira, finance, fx, allocations, objectives, links, schedules and digests at the top"


def load(tmp_path: Path, text: str, variables: dict[str, str] | None = None) -> SourcesConfig:
    path = tmp_path / "sources.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return load_sources(
        load_settings({"TIELINE_SOURCES": str(path)}), KNOWN if variables is None else variables
    )


def complaints(tmp_path: Path, text: str, variables: dict[str, str] | None = None) -> list[str]:
    """The problems, without the path of the file they all begin with."""
    with pytest.raises(ConfigurationError) as error:
        load(tmp_path, text, variables)
    start = f"{tmp_path / 'sources.yaml'}:"
    assert all(problem.startswith(start) for problem in error.value.problems)
    return [problem.removeprefix(start) for problem in error.value.problems]


def test_a_whole_file_is_read_with_variables_and_paths_beside_it(tmp_path: Path) -> None:
    config = load(tmp_path, GOOD)
    assert [site.name for site in config.jira] == ["jira", "two"]
    assert config.jira[1].pat is not None
    assert config.jira[1].pat.get_secret_value() == "second-secret"
    (finance,) = config.finance
    assert isinstance(finance, FinanceSourceConfig)
    assert finance.path == tmp_path / "money"
    assert config.objectives[0].path == tmp_path / "goals.csv"
    assert config.links[0].path == Path("/data/links.csv")
    assert not [value for value in KNOWN.values() if value in repr(config)]


def test_variables_that_are_not_set_are_all_told_with_their_places(tmp_path: Path) -> None:
    assert complaints(tmp_path, GOOD, {"TWO_PAT": "x"}) == [
        "4:5: ${ONE_PAT} is not set; set it in .env or in the environment"
    ]
    assert len(complaints(tmp_path, GOOD, {})) == 2


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("linkss:", "links:", "20:1: linkss: unknown key; did you mean links?"),
        (
            "    jqll: project = TWO",
            "    jql: project = TWO",
            "10:5: jira.1.jqll: unknown key; did you mean jql?",
        ),
        (
            "    currencies: EUR",
            "    currency: EUR",
            "14:5: finance.0.currencies: unknown key; did you mean currency?",
        ),
        (
            "{colum: Betrag, fiscal_year: 2026}",
            "{column: Betrag, fiscal_year: 2026}",
            "15:14: finance.0.amount.colum: unknown key; did you mean column?",
        ),
        (
            "{id: Nr, title: Name, owned: Wer}",
            "{id: Nr, title: Name}",
            "19:36: objectives.0.columns.owned: unknown key; did you mean owner?",
        ),
        (
            "{id: Nr, titel: Name}",
            "{id: Nr, title: Name}",
            "19:23: objectives.0.columns.titel: unknown key; did you mean title?",
        ),
        (
            "    objektive_jql: x = Goal",
            "    objective_jql: issuetype = Goal",
            "6:5: jira.0.objektive_jql: unknown key; did you mean objective_jql?",
        ),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_one_of_its_own_section(
    tmp_path: Path, wrong: str, right: str, said: str
) -> None:
    assert right in GOOD
    assert said in complaints(tmp_path, GOOD.replace(right, wrong))


def test_values_that_cannot_be_used_are_told_where_they_stand(tmp_path: Path) -> None:
    text = GOOD.replace("https://two.example", "two").replace("currency: EUR", "currency: EURO")
    assert complaints(tmp_path, text) == [
        "8:5: jira.1.url: must be a web address such as https://example.atlassian.net",
        "14:5: finance.0.currency: 'EURO' is no ISO 4217 currency code (such as USD or EUR)",
    ]


def test_a_value_that_may_have_two_forms_is_told_of_once_and_inside_the_form_it_has(tmp_path: Path) -> None:
    text = GOOD.replace("currency: EUR", "currency: {colum: Code}").replace("year: 2026", "year: soon")
    number = "Input should be a valid integer, unable to parse string as an integer"
    assert complaints(tmp_path, text) == [
        "14:5: finance.0.currency.column: Field required",
        "14:16: finance.0.currency.colum: unknown key; did you mean column?",
        f"15:30: finance.0.amount.fiscal_year: {number}",
    ]


def test_a_field_to_share_money_by_must_be_a_number_that_a_site_declares(tmp_path: Path) -> None:
    text = GOOD.replace("    currency: EUR\n", "    currency: EUR\n    share_by: points\n")
    said = "15:5: share_by: 'points' is no number under `fields` of a Jira site; "
    assert complaints(tmp_path, text) == [said + "declare points: {field: …, type: number} there."]
    fields = "    fields: {points: {field: P, type: text}, storyPoints: {field: SP, type: number}}\n"
    declared = text.replace("  - name: two\n", f"  - name: two\n{fields}")
    assert complaints(tmp_path, declared) == [said.replace("15:5", "16:5") + "did you mean 'storyPoints'?"]
    good = load(tmp_path, declared.replace("share_by: points", "share_by: storyPoints"))
    assert good.finance[0].share_by == "storyPoints"


def test_two_sources_of_one_name_are_told_where_the_second_stands(tmp_path: Path) -> None:
    text = GOOD.replace("name: two", "name: sap").replace("name: goals", "name: jira-objectives")
    assert complaints(tmp_path, text) == [
        "12:5: two sources are named 'sap'; give each a `name` of its own",
        "17:5: two sources are named 'jira-objectives'; give each a `name` of its own",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("jira: [\n", "2:1: not valid YAML: "),
        ("jira:\n  - url: a\n   pat: b\n", "not valid YAML: "),
        ("jira: []\njira: []\n", 'not valid YAML: found duplicate key "jira"'),
        ("just words", TOP),
        ("", TOP),
        ("jira: {url: x}", "1:1: jira: Input should be a valid tuple"),
        ("jira: \x01", "not valid YAML: "),
    ],
)
def test_a_file_that_is_no_sources_file_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = complaints(tmp_path, text)
    assert said in problem
    assert "\n" not in problem


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    settings = load_settings({"TIELINE_SOURCES": str(tmp_path / "absent.yaml")})
    with pytest.raises(
        ConfigurationError, match=r"TIELINE_SOURCES: cannot read .*absent\.yaml: No such file"
    ):
        load_sources(settings, {})
    (tmp_path / "latin.yaml").write_bytes(b"jira: \xff")
    settings = load_settings({"TIELINE_SOURCES": str(tmp_path / "latin.yaml")})
    with pytest.raises(ConfigurationError, match="not UTF-8 text"):
        load_sources(settings, {})


def from_env(**more: str) -> SourcesConfig:
    return load_sources(load_settings({"JIRA_URL": "https://one.example", "JIRA_PAT": "x"} | more), {})


def test_without_a_file_the_settings_make_one_site_one_finance_and_one_objectives_source() -> None:
    config = from_env(FINANCE_PATH="money.csv", OBJECTIVES_PATH="goals.csv", JIRA_OBJECTIVE_FIELD="Goals")
    assert [len(part) for part in (config.jira, config.finance, config.objectives, config.links)] == [
        1,
        1,
        1,
        0,
    ]
    assert [tie.field for tie in config.jira[0].objective_fields] == ["Goals"]
    assert from_env().finance == ()


def test_without_a_jira_the_next_step_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"JIRA_URL is not set\. Copy config\.example\.env to \.env"):
        load_sources(Settings(), {})


def test_what_is_wrong_with_the_settings_is_told_in_their_words() -> None:
    with pytest.raises(ConfigurationError) as error:
        from_env(JIRA_URL="no address")
    assert error.value.problems == ("JIRA_URL: must be a web address such as https://example.atlassian.net",)
    with pytest.raises(ConfigurationError, match="JIRA_EMAIL and JIRA_API_TOKEN"):
        from_env(JIRA_EMAIL="me@example.com")


SITES = """\
jira:
  - {url: https://a.example, pat: "${NOT_SET}", jql: a,
     fields: {risk: customfield_1, team: {field: T, type: options}}}
  - url: https://b.example
    fields:
      team: {field: T, type: %s}
      %s: customfield_7
"""


def test_the_fields_that_sites_declare_are_read_without_their_secrets(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(SITES % ("options", "benefit"), encoding="utf-8")
    assert declared_fields(path) == {
        "risk": ValueType.OPTION,
        "team": ValueType.OPTIONS,
        "benefit": ValueType.NUMBER,
    }
    assert declared_fields(None) == {}


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("text", "benefit", ":6:7: fields.team: another site says it holds options, this one text"),
        ("option", "priority", ":7:7: fields.priority: say what priority holds"),
        ("texts", "benefit", ":6:7: fields.team: Input should be"),
        ("options", "Risk", ":7:7: fields.Risk: say what Risk holds"),
    ],
)
def test_declarations_that_differ_or_mean_something_else_are_told_where_they_stand(
    tmp_path: Path, kind: str, name: str, said: str
) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(SITES % (kind, name), encoding="utf-8")
    with pytest.raises(ConfigurationError) as told:
        declared_fields(path)
    assert said in str(told.value)


@pytest.mark.parametrize("name", ["priority", "Status", "RISK", "duedate"])
def test_a_declared_field_cannot_have_the_name_of_another_one(tmp_path: Path, name: str) -> None:
    path = tmp_path / "sources.yaml"
    fields = f"{{{name}: {{field: x, type: text}}}}"
    path.write_text(f"jira: [{{url: https://a.example, fields: {fields}}}]", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="rules know a field of this name already"):
        declared_fields(path)
