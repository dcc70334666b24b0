"""The investments' CSV as epics: one each, in a project per agency, with status, dates and objective ids."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadInput
from sync.sandbox import Deployment
from sync.sandbox.portfolio import SAMPLE, cited_ids, load_portfolio, project_keys
from sync.sandbox.registry import PROJECT_KEY
from tests.sync.sandbox.clients import SHARED, Client
from tests.sync.sandbox.test_loading import new_site

REAL = SHARED / "data/finance/us_itdb_fy2017_businesscase.csv"
OBJECTIVES = SHARED / "data/objectives/us_itdb_fy2017_strategic_objectives_derived.csv"
needs_real = pytest.mark.skipif(not REAL.exists(), reason="needs the real export in ../shared/data/finance")
needs_sample = pytest.mark.skipif(
    not (SAMPLE / "investments.csv").exists(), reason="needs the shipped sample portfolio"
)
HEADER = (
    "Unique Investment Identifier,Agency Code,Agency Name,Investment Title (IT Portfolio),"
    "Agency Strategic Objectives / Agency Priority Goals,Investment Start Year,Investment End Year,"
    "Budget Year,Date Investment First Submitted,Date of Last Investment Detail Update"
)
LAST = "2009-06-30 00:00:00,2016-02-02 21:08:35"


def test_ids_are_split_from_titles_that_hold_commas_and_numbers() -> None:
    cell = "3227 - Develop, invest, and 20 - more, 3228 - Build, 41 - not one"
    assert cited_ids(cell, frozenset({"3227", "3228"})) == ["3227", "3228"]
    assert cited_ids(cell) == ["3227", "3228", "41"]
    assert cited_ids("0 - Not Applicable") == ["0"]
    assert cited_ids("472 - Title, 0 - odd, 472 - Title") == ["472"]
    assert cited_ids("") == []


@given(st.lists(st.text(), unique=True, max_size=40))
def test_any_names_get_valid_keys_and_none_twice(agencies: list[str]) -> None:
    keys = project_keys(agencies)
    assert all(PROJECT_KEY.match(key) for key in keys.values())
    assert len(set(keys.values())) == len(agencies)


@needs_sample
def test_each_investment_is_an_epic_and_31_cite_no_objective(client: Client) -> None:
    made = load_portfolio(client.jira.site, SAMPLE / "investments.csv", SAMPLE / "objectives.csv")
    assert len(made.keys) == 747
    number = made.objectives_field.removeprefix("customfield_")
    assert len(client.keys("issuetype = Epic AND created < now()")) == 747
    assert len(client.keys(f"issuetype = Epic AND cf[{number}] IS EMPTY AND statusCategory != Done")) == 31
    assert len(client.keys("created < now() AND statusCategory = Done")) == 3
    assert len(client.keys("created < now() AND status = 'To Do'")) == 1
    assert len(client.get("project")) == 27  # 26 agencies and the project of the fixture


@needs_sample
def test_an_epic_carries_the_row(client: Client) -> None:
    made = load_portfolio(client.jira.site, SAMPLE / "investments.csv", SAMPLE / "objectives.csv")
    fields = client.get(f"issue/{made.keys['005-000000039']}")["fields"]
    assert fields["summary"] == "DM-OPPM-Integrated Acquisition System (IAS)"
    assert fields["project"]["name"] == "Department of Agriculture"
    assert fields[made.uii_field] == "005-000000039"
    assert fields[made.objectives_field] == "3227, 3228, 3229"
    assert (fields["created"], fields["duedate"]) == ("2009-06-30T00:00:00.000+0000", "2025-09-30")
    names = {field["id"]: field["name"] for field in client.get("field")}
    assert (names[made.uii_field], names[made.objectives_field]) == ("UII", "Strategic objectives")


@needs_real
@needs_sample
def test_the_sample_and_the_real_export_make_the_same_epics() -> None:
    sample, real = new_site(), new_site()
    made = load_portfolio(sample, SAMPLE / "investments.csv", SAMPLE / "objectives.csv")
    assert load_portfolio(real, REAL, OBJECTIVES) == made
    assert [i.fields for i in sample.issues.values()] == [i.fields for i in real.issues.values()]


@needs_real
def test_the_ids_split_are_those_of_the_derived_file() -> None:
    site = new_site()
    made = load_portfolio(site, REAL, OBJECTIVES)
    cited: Counter[str] = Counter()
    for key in made.keys.values():
        cited.update(set((site.get(key).fields[made.objectives_field] or "").split(", ")) - {"", "0"})
    expected: Counter[str] = Counter()
    with OBJECTIVES.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            expected[row["objective_id"]] += len(row["linked_uiis"].split())
    assert cited == expected


BAD = [
    (HEADER.replace("Budget Year", "Year"), ":1: the column 'Budget Year' is missing"),
    (
        f"{HEADER}\n1,5,Agriculture,T,,soon,2020,2017,{LAST}",
        ":2: column 'Investment Start Year' holds 'soon'",
    ),
    (f"{HEADER}\n1,5,A,T,,2001,2020,2017,x,x", ":2: column 'Date Investment First Submitted' holds 'x'"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_file_that_cannot_be_used_is_refused_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "investments.csv"
    path.write_text(text + "\n")
    site = new_site(Deployment.DATA_CENTER)
    with pytest.raises(BadInput) as refused:
        load_portfolio(site, path)
    assert str(refused.value).startswith(f"{path}{message}")
    assert site.registry.projects == {}


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.csv: cannot be read as CSV"):
        load_portfolio(new_site(), tmp_path / "none.csv")
