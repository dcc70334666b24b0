"""Fields that a site declares for rules become values of the declared type, or are reported."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import BadInput
from connectors.jira.config import JiraSiteConfig
from connectors.jira.declared import declared_values
from connectors.jira.fields import DeclaredField, FieldMap, SiteField, map_fields
from connectors.jira.mapping import IssueMapping, Mapped, to_work_item
from connectors.records import FieldValue, ValueType, WorkItem

SITE = {"url": "https://j.example", "pat": "x", "jql": "project = PAY"}
DOCUMENT = {
    "type": "doc",
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Customers pay by card"}]}],
}


@pytest.mark.parametrize(
    ("kind", "raw", "texts"),
    [
        (ValueType.TEXT, "  So that customers pay  ", ["So that customers pay"]),
        (ValueType.TEXT, DOCUMENT, ["Customers pay by card"]),
        (ValueType.TEXT, "   ", []),
        (ValueType.TEXT, "x" * 5000, ["x" * 1000]),
        (ValueType.OPTION, {"value": "High", "id": "1"}, ["High"]),
        (ValueType.OPTION, {"value": "Group", "child": {"value": "Choice"}}, ["Choice"]),
        (ValueType.OPTION, [{"value": "High"}], ["High"]),
        (ValueType.OPTION, "High", ["High"]),
        (ValueType.OPTIONS, [{"value": "A"}, {"value": "B"}, {"value": "A"}], ["A", "B"]),
        (ValueType.OPTIONS, ["a, b", "c"], ["a, b", "c"]),
        (ValueType.USER, {"displayName": "Zoë", "accountId": "7"}, ["Zoë"]),
        (ValueType.USERS, [{"displayName": "Zoë"}, {"displayName": "Jim"}], ["Zoë", "Jim"]),
        (ValueType.OPTION, 5.0, ["5"]),
    ],
)
def test_words_are_read_from_every_shape_that_jira_gives_them(
    kind: ValueType, raw: Any, texts: list[str]
) -> None:
    assert [value.text for value in declared_values("f", kind, raw)] == texts


@pytest.mark.parametrize(
    ("raw", "millionths"), [(5, 5_000_000), (2.5, 2_500_000), ("-0.000001", -1), (0, 0), (0.1, 100_000)]
)
def test_numbers_are_read_exactly(raw: Any, millionths: int) -> None:
    (value,) = declared_values("benefit", ValueType.NUMBER, raw)
    assert value.number == millionths


def test_a_day_is_read_from_a_day_and_from_a_moment() -> None:
    for raw in ("2026-03-31", "2026-03-31T23:30:00.000+0200"):
        (value,) = declared_values("review", ValueType.DATE, raw)
        assert value == FieldValue("review", "2026-03-31", day=date(2026, 3, 31))


@pytest.mark.parametrize(
    ("kind", "raw", "said"),
    [
        (ValueType.NUMBER, "many", "'many' is not a number"),
        (ValueType.NUMBER, True, "'True' is not a number"),
        (ValueType.NUMBER, 1e300, "is not a number"),
        (ValueType.NUMBER, {"value": 5}, "is not a number"),
        (ValueType.DATE, "soon", "'soon' is not a date"),
        (ValueType.DATE, 20260331, "'20260331' is not a date"),
        (ValueType.OPTION, [{"value": "A"}, {"value": "B"}], "it holds 2 values and not one option"),
    ],
)
def test_what_is_of_another_type_is_refused_with_its_text(kind: ValueType, raw: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        declared_values("f", kind, raw)


def mapped(**fields: Any) -> Mapped[WorkItem]:
    declared = (
        DeclaredField("risk", SiteField("customfield_1", "Risk"), ValueType.OPTION),
        DeclaredField("benefit", SiteField("customfield_2", "Benefit"), ValueType.NUMBER),
    )
    mapping = IssueMapping("jira", "https://j", FieldMap(declared=declared))
    return to_work_item({"id": "1", "key": "PAY-1", "fields": fields}, mapping)


def test_an_issue_carries_its_declared_values_under_the_names_of_rules() -> None:
    found = mapped(customfield_1={"value": "High"}, customfield_2=0, resolutiondate="2026-03-31T10:00:00Z")
    assert found.record is not None
    assert [(value.name, value.text) for value in found.record.values] == [("risk", "High"), ("benefit", "0")]
    assert found.record.resolved is not None
    assert found.record.resolved.date() == date(2026, 3, 31)


def test_a_value_of_another_type_is_reported_and_the_issue_kept_without_it() -> None:
    found = mapped(customfield_1={"value": "High"}, customfield_2="many")
    assert found.record is not None
    assert [value.name for value in found.record.values] == ["risk"]
    (refused,) = found.refused
    assert refused.reason == (
        "Benefit (customfield_2): 'many' is not a number, as fields: benefit declares; "
        "the issue is kept without it"
    )


def test_only_declared_fields_are_asked_of_jira() -> None:
    site = [SiteField("customfield_1", "Risk"), SiteField("description", "Description", "description")]
    plain = JiraSiteConfig.model_validate(SITE)
    assert "description" not in map_fields(plain, site).to_request
    fields = {"description": "description", "risk": "risk"}
    config = JiraSiteConfig.model_validate({**SITE, "fields": fields})
    assert set(map_fields(config, site).to_request) >= {"description", "customfield_1"}
    misspelt = JiraSiteConfig.model_validate({**SITE, "fields": {"risk": "Rsik"}})
    with pytest.raises(BadInput, match=r"fields: risk: .*'Rsik'.*Did you mean Risk"):
        map_fields(misspelt, site)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"team": "customfield_9"}, "say what team holds, as in {field: customfield_9, type: option}"),
        ({"risk": {"field": "x", "type": "number"}}, "risk is always of type option"),
        ({"my risk": "x"}, "'my risk' cannot be the name of a field"),
        ({"team": {"field": "x", "type": "texts"}}, "Input should be 'text', 'option'"),
        ({"team": {"field": "", "type": "text"}}, "at least 1 character"),
    ],
)
def test_a_declaration_that_rules_could_not_use_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        JiraSiteConfig.model_validate({**SITE, "fields": fields})
