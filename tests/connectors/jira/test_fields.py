"""Finding the fields a person names, and those known by their kind only."""

from __future__ import annotations

import json

import pytest

from connectors.errors import BadInput
from connectors.jira.fields import SYSTEM_FIELDS, SiteField, find_field, map_fields, site_fields
from tests.connectors.jira.conftest import config_for
from tests.connectors.jira.real_issues import DATA, needs_real_data

FIELDS = (
    SiteField("summary", "Summary", "summary"),
    SiteField("customfield_1", "Objective", "text"),
    SiteField("customfield_2", "Objective", "select"),
    SiteField("customfield_3", "Objective ids", "text"),
    SiteField("customfield_4", "Epic Link", "com.pyxis.greenhopper.jira:gh-epic-link"),
    SiteField("customfield_5", "Elternteil", "com.atlassian.jpo:jpo-custom-field-parent"),
    SiteField("customfield_6", "Ziele", "com.atlassian.jira.plugin.system.customfieldtypes:goals"),
)


@pytest.mark.parametrize("name", ["customfield_3", "CUSTOMFIELD_3", "objective IDS", " Objective ids "])
def test_a_field_is_found_by_its_id_or_its_name_whatever_the_case(name: str) -> None:
    assert find_field(name, FIELDS, "X").id == "customfield_3"


def test_a_name_two_fields_share_is_refused_with_their_ids() -> None:
    with pytest.raises(BadInput) as told:
        find_field("Objective", FIELDS, "JIRA_OBJECTIVE_FIELD")
    assert str(told.value) == (
        "JIRA_OBJECTIVE_FIELD: 2 fields are called 'Objective': give the id of one "
        "(customfield_1: text; customfield_2: select)."
    )


def test_a_field_may_be_chosen_by_its_kind_where_only_one_is_of_it() -> None:
    kind = "com.atlassian.jira.plugin.system.customfieldtypes:goals"
    assert find_field(kind, FIELDS, "X").id == "customfield_6"
    scoped = SiteField("customfield_7", "Ziele", kind, "10200")
    with pytest.raises(BadInput, match=r"customfield_6: goals; customfield_7: goals, only in project 10200"):
        find_field(kind, (*FIELDS, scoped), "X")


def test_the_project_that_a_field_belongs_to_is_read() -> None:
    scope = {"type": "PROJECT", "project": {"id": "10200"}}
    assert site_fields([{"id": "a", "name": "A", "scope": scope}]) == (SiteField("a", "A", "", "10200"),)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="Did you mean Objective ids \\(customfield_3\\)"):
        find_field("Objektive ids", FIELDS, "JIRA_OBJECTIVE_FIELD")


def test_fields_are_found_by_kind_in_any_language() -> None:
    fields = map_fields(config_for("https://j.example.com"), FIELDS)
    assert [field.id for field in fields.epic_link + fields.parent_link + fields.goals] == [
        "customfield_4",
        "customfield_5",
        "customfield_6",
    ]


def test_only_the_fields_needed_are_asked_for() -> None:
    config = config_for(
        "https://j.example.com", objective_field="Objective ids", cost_code_field="customfield_1"
    )
    fields = map_fields(config, FIELDS)
    custom = {f"customfield_{number}" for number in (1, 3, 4, 5, 6)}
    assert set(fields.to_request) == set(SYSTEM_FIELDS) | custom
    assert not {"description", "comment"} & set(fields.to_request)


def test_all_mistakes_are_told_at_once() -> None:
    config = config_for(
        "https://j.example.com", objective_fields=["Objective", "Nope"], start_field="Neither"
    )
    with pytest.raises(BadInput) as told:
        map_fields(config, FIELDS)
    assert len(told.value.problems) == 3


def test_an_answer_of_another_shape_holds_no_fields() -> None:
    assert site_fields({"errors": 1}) == ()
    assert site_fields([{"id": "x"}, None, {"id": "a", "name": "A"}]) == (SiteField("a", "A"),)


@needs_real_data
def test_the_field_list_of_a_real_cloud_site_is_understood() -> None:
    answer = json.loads((DATA / "a2atlassian_v3" / "tests__fixtures__jira_fields.json").read_text())["items"]
    fields = site_fields(answer)
    assert len(fields) == len(answer)
    mapped = map_fields(config_for("https://j.example.com"), fields)
    assert [field.name for field in mapped.epic_link + mapped.parent_link] == ["Epic Link", "Parent Link"]
