"""What becomes of one raw issue: odd ones of every kind, and every real one kept beside the repository."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.jira.fields import FieldMap, SiteField
from connectors.jira.mapping import FieldReading, IssueMapping, field_reading, to_objective, to_work_item
from connectors.jira.ties import FieldTie
from connectors.records import How, ObjectiveState, Reference, StatusCategory, Strength, WorkItem
from tests.connectors.jira.real_issues import needs_real_data, real_issues

OBJECTIVES = SiteField("customfield_1", "Objective ids")
CODES = SiteField("customfield_2", "Cost code")
GOALS = SiteField("customfield_3", "Goals")
EPIC_LINK = SiteField("customfield_4", "Epic Link")
PARENT_LINK = SiteField("customfield_5", "Parent Link")
START = SiteField("customfield_6", "Start date")

MAPPING = IssueMapping(
    source="jira",
    browse_url="https://jira.example.com/jira",
    fields=FieldMap(
        objective=(OBJECTIVES,),
        cost_code=(CODES,),
        goals=(GOALS,),
        epic_link=(EPIC_LINK,),
        parent_link=(PARENT_LINK,),
        start=START,
    ),
)


def raw(**fields: Any) -> dict[str, Any]:
    return {"id": "10001", "key": "PAY-7", "self": "https://elsewhere.invalid/1", "fields": fields}


def item(**fields: Any) -> WorkItem:
    mapped = to_work_item(raw(**fields), MAPPING)
    assert mapped.refused == ()
    assert mapped.record is not None
    return mapped.record


def targets(how: How, **fields: Any) -> list[str]:
    return [reference.target for reference in item(**fields).references if reference.how is how]


def test_a_full_issue_becomes_a_work_item() -> None:
    assert item(
        summary="Pay by card",
        issuetype={"id": "10000", "name": "Epic", "subtask": False, "hierarchyLevel": 1},
        status={"name": "In Arbeit", "statusCategory": {"id": 4, "key": "indeterminate"}},
        project={"id": "1", "key": "PAY", "name": "Payments"},
        labels=["q3", "align-no-objective"],
        parent={"id": "9000", "key": "TOP-1", "fields": {}},
        assignee={"displayName": "Person A", "accountId": "1"},
        priority={"name": "High"},
        created="2026-09-27T10:03:11.123+0200",
        updated=1790000000000,
        duedate="2026-12-31",
    ) == WorkItem(
        id="10001",
        key="PAY-7",
        project_key="PAY",
        project_name="Payments",
        summary="Pay by card",
        type_name="Epic",
        hierarchy_level=1,
        status="In Arbeit",
        status_category=StatusCategory.IN_PROGRESS,
        url="https://jira.example.com/jira/browse/PAY-7",
        labels=("q3", "align-no-objective"),
        parent_id="9000",
        parent_key="TOP-1",
        assignee="Person A",
        priority="High",
        created=datetime(2026, 9, 27, 8, 3, 11, 123000, tzinfo=UTC),
        updated=datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC),
        due=date(2026, 12, 31),
        references=(Reference(How.LABEL, "q3", "label q3", meant=False),),
    )


def test_an_issue_with_nothing_in_its_fields_is_still_a_work_item() -> None:
    empty = item()
    assert (empty.summary, empty.project_key, empty.project_name, empty.labels) == ("", "PAY", "PAY", ())
    assert (empty.status_category, empty.hierarchy_level) == (StatusCategory.UNDEFINED, None)
    assert (empty.parent_id, empty.parent_key, empty.assignee, empty.created) == (None, None, None, None)


def test_null_fields_are_read_like_missing_ones() -> None:
    names = (
        "summary",
        "issuetype",
        "status",
        "project",
        "labels",
        "parent",
        "issuelinks",
        "assignee",
        "priority",
    )
    dates = ("created", "updated", "duedate", "customfield_1", "customfield_4", "customfield_5")
    assert item(**dict.fromkeys(names + dates)) == item()


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"key": "PAY-7", "fields": {}}, "the issue has no id or no key"),
        ({"id": "1", "fields": {}}, "the issue has no id or no key"),
        (
            {"id": "1", "key": "PAY-7"},
            "the issue came without its fields, so nothing is known about its labels",
        ),
        (["PAY-7"], "not an issue: Jira sent something that is no object"),
    ],
)
def test_what_is_no_whole_issue_is_refused_with_its_reason_and_text(broken: Any, reason: str) -> None:
    for mapped in (to_work_item(broken, MAPPING), to_objective(broken, MAPPING)):
        assert mapped.record is None
        assert [entry.reason for entry in mapped.refused] == [reason]
        assert "PAY-7" in mapped.refused[0].raw or "fields" in mapped.refused[0].raw


def test_a_date_that_cannot_be_read_is_reported_and_the_issue_is_kept() -> None:
    mapped = to_work_item(raw(summary="Typo", duedate="20022-01-01"), MAPPING)
    assert mapped.record is not None
    assert mapped.record.due is None
    assert [(entry.file, entry.column) for entry in mapped.refused] == [("jira PAY-7", "duedate")]
    assert "'20022-01-01' is not a date" in mapped.refused[0].reason


def test_labels_keep_their_commas_quotes_case_and_order() -> None:
    odd = ["Python,", 'say-"hi"', "zz", "ÄÖ", "a;b"]
    assert item(labels=odd).labels == tuple(odd)


def test_every_label_but_ours_may_name_an_objective() -> None:
    assert targets(How.LABEL, labels=["FIN-1", "align-no-objective", "ALIGN-x", "q3"]) == ["FIN-1", "q3"]


def test_with_a_label_prefix_only_such_labels_name_an_objective() -> None:
    mapping = IssueMapping("jira", "https://j", own_prefix="align-", objective_label_prefix="obj:")
    mapped = to_work_item(raw(labels=["obj:FIN-1", "OBJ:FIN-2", "q3", "obj:"]), mapping)
    assert mapped.record is not None
    assert mapped.record.references == (
        Reference(How.LABEL, "FIN-1", "label obj:FIN-1"),
        Reference(How.LABEL, "FIN-2", "label OBJ:FIN-2"),
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("FIN-1, FIN-2;FIN-3\r\nFIN-1", ["FIN-1", "FIN-2", "FIN-3"]),
        ("Goal 4 of 2017", ["Goal 4 of 2017"]),
        ({"self": "x", "value": "FIN-1, and more", "id": "1"}, ["FIN-1, and more"]),
        ([{"value": "FIN-1", "id": "1"}, {"value": "FIN-2", "id": "2"}], ["FIN-1", "FIN-2"]),
        ({"value": "Finance", "id": "1", "child": {"value": "FIN-1", "id": "2"}}, ["FIN-1", "Finance"]),
        (["FIN-1", "Python,"], ["FIN-1", "Python,"]),
        (10043.0, ["10043"]),
        (7, ["7"]),
        ("https://okr.example.com/o/1?a=1,2", ["https://okr.example.com/o/1?a=1,2"]),
        ("https://jira.example.com/jira/browse/obj-3", ["OBJ-3"]),
        ({"id": "10500", "key": "OBJ-3", "fields": {}}, ["OBJ-3"]),
        ([{"id": "10500", "key": "OBJ-3"}], ["OBJ-3"]),
        ({"id": "7", "name": "Release 1"}, ["Release 1"]),
        (True, []),
        ("  ", []),
        ([], []),
        (
            "{summaryBean=com.atlassian.jira.plugin.devstatus.rest.SummaryBean@9ccac4a[summary={a=1, b=2}]}",
            [],
        ),
    ],
)
def test_a_field_of_any_kind_names_its_objectives(value: Any, expected: list[str]) -> None:
    assert targets(How.CUSTOM_FIELD, customfield_1=value) == expected


def read_as(value: Any, **tie: Any) -> list[Reference]:
    """The references in a field that is read as configured."""
    reading = {OBJECTIVES.id: field_reading(FieldTie(field="x", **tie))}
    mapped = to_work_item(raw(customfield_1=value), replace(MAPPING, readings=reading))
    assert mapped.record is not None
    return list(mapped.record.references)


@pytest.mark.parametrize(
    ("tie", "value", "expected"),
    [
        ({"separators": "|"}, "FIN-1 | FIN-2, and more", ["FIN-1", "FIN-2, and more"]),
        ({"separators": [" / ", "//"]}, "A/B / C//D", ["A/B", "C", "D"]),
        ({"pattern": "OKR {objective}!"}, "see OKR FIN-1! and OKR FIN-2!", ["FIN-1", "FIN-2"]),
        ({"pattern": "https://o.example/{objective}"}, "https://o.example/G-7?x=1", ["G-7"]),
        ({"pattern": "https://o.example/{objective}"}, "FIN-1", ["FIN-1"]),
    ],
)
def test_separators_and_the_place_of_the_id_are_as_configured(
    tie: dict[str, Any], value: str, expected: list[str]
) -> None:
    assert [reference.target for reference in read_as(value, **tie)] == expected


def test_a_group_above_the_option_chosen_was_not_meant_as_an_objective() -> None:
    found = read_as({"value": "Finance", "child": {"value": "FIN-1"}})
    assert [(one.target, one.meant) for one in found] == [("FIN-1", True), ("Finance", False)]


def test_what_a_tie_says_of_the_work_is_the_fields_own_or_else_the_issues() -> None:
    mapping = replace(
        MAPPING,
        fields=replace(MAPPING.fields, strength=SiteField("customfield_9", "Alignment")),
        strengths={"direkt": Strength.ACCELERATES},
        readings={OBJECTIVES.id: FieldReading(strength=Strength.SUPPORTS)},
    )

    def strengths(option: Any) -> list[Strength | None]:
        fields = {"customfield_1": "FIN-1", "labels": ["q3"], "customfield_9": option}
        record = to_work_item(raw(**fields), mapping).record
        assert record is not None
        return [one.strength for one in record.references]

    assert strengths({"value": "Direkt", "id": "1"}) == [Strength.SUPPORTS, Strength.ACCELERATES]
    assert strengths({"value": "Who knows"}) == strengths(None) == [Strength.SUPPORTS, None]


def test_rich_text_on_cloud_names_one_objective_for_each_line() -> None:
    document = {
        "type": "doc",
        "version": 1,
        "content": [
            {
                "type": "paragraph",
                "content": [{"type": "text", "text": "FIN-1, "}, {"type": "text", "text": "FIN-2"}],
            },
            {"type": "paragraph", "content": [{"type": "text", "text": "FIN-3"}, {"type": "hardBreak"}]},
            {
                "type": "paragraph",
                "content": [
                    {"type": "inlineCard", "attrs": {"url": "https://jira.example.com/jira/browse/OBJ-9"}}
                ],
            },
        ],
    }
    assert targets(How.CUSTOM_FIELD, customfield_1=document) == ["FIN-1", "FIN-2", "FIN-3", "OBJ-9"]


def test_the_evidence_names_the_field_and_its_id() -> None:
    assert item(customfield_1="FIN-1").references == (
        Reference(How.CUSTOM_FIELD, "FIN-1", "Objective ids (customfield_1)"),
    )


def test_cost_codes_and_goals_are_references_of_their_own_kinds() -> None:
    goal = "ari:cloud:townsquare:c:goal/1"
    found = item(customfield_2="CC-10; CC-20", customfield_3=[{"id": goal, "name": "Grow"}]).references
    assert [(reference.how, reference.target) for reference in found] == [
        (How.GOALS_FIELD, goal),
        (How.COST_CODE, "CC-10"),
        (How.COST_CODE, "CC-20"),
    ]


LINKS = [
    {
        "id": "1",
        "type": {"id": "10", "name": "Implements", "inward": "is implemented by", "outward": "implements"},
        "outwardIssue": {"id": "500", "key": "OBJ-3"},
    },
    {
        "id": "2",
        "type": {"id": "11", "name": "Blocks", "inward": "is blocked by", "outward": "blocks"},
        "inwardIssue": {"id": "501", "key": "PAY-2"},
    },
    {"id": "3", "type": None, "outwardIssue": {"key": "PAY-3"}},
    {"id": "4", "type": {"name": "Blocks"}},
    None,
]


def test_a_link_names_the_other_issue_in_the_words_of_its_direction() -> None:
    assert item(issuelinks=LINKS).references == (
        Reference(How.ISSUE_LINK, "500", "implements OBJ-3", meant=False),
        Reference(How.ISSUE_LINK, "501", "is blocked by PAY-2", meant=False),
        Reference(How.ISSUE_LINK, "PAY-3", "is linked to PAY-3", meant=False),
    )


@pytest.mark.parametrize(("direction", "targets"), [("outward", ["500"]), ("inward", [])])
def test_only_the_configured_link_types_count_in_the_direction_that_counts(
    direction: str, targets: list[str]
) -> None:
    mapping = IssueMapping("jira", "https://j", objective_links={"10": {direction: Strength.SUPPORTS}})
    mapped = to_work_item(raw(issuelinks=LINKS), mapping)
    assert mapped.record is not None
    assert [one.target for one in mapped.record.references] == targets
    assert all(one.meant and one.strength is Strength.SUPPORTS for one in mapped.record.references)


@pytest.mark.parametrize(
    ("fields", "parent"),
    [
        ({"parent": {"id": "1", "key": "A-1"}, "customfield_4": "A-2"}, ("1", "A-1")),
        ({"customfield_4": "A-2", "customfield_5": "A-3"}, (None, "A-2")),
        ({"customfield_5": "A-3"}, (None, "A-3")),
        ({"customfield_5": {"showField": False, "data": {"id": 77, "key": "A-4"}}}, ("77", "A-4")),
        ({"customfield_5": {"showField": False, "nonEditableReason": {"reason": "x"}}}, (None, None)),
        ({"epic": {"id": 128563, "key": "ALOY-974", "name": "Document Alloy"}}, ("128563", "ALOY-974")),
        ({"parent": {"id": "10001", "key": "PAY-7"}}, (None, None)),
        ({"customfield_4": {}, "epic": None}, (None, None)),
    ],
)
def test_the_parent_is_read_from_wherever_a_deployment_keeps_it(
    fields: dict[str, Any], parent: tuple[str | None, str | None]
) -> None:
    found = item(**fields)
    assert (found.parent_id, found.parent_key) == parent
    assert found.references == ()


@pytest.mark.parametrize(
    ("issue_type", "level"),
    [
        ({"name": "Initiative", "hierarchyLevel": 2}, 2),
        ({"name": "Epic", "hierarchyLevel": 0}, 0),
        ({"name": "epic", "subtask": False}, 1),
        ({"name": "Technical task", "subtask": True}, -1),
        ({"name": "Story", "subtask": False}, 0),
        ({}, None),
    ],
)
def test_the_level_is_jiras_own_where_it_tells_one(issue_type: dict[str, Any], level: int | None) -> None:
    assert item(issuetype=issue_type).hierarchy_level == level


def test_an_epic_type_may_be_configured_by_its_id() -> None:
    mapping = IssueMapping("jira", "https://j", epic_types=frozenset({"10700"}))
    mapped = to_work_item(raw(issuetype={"id": "10700", "name": "Großvorhaben"}), mapping)
    assert mapped.record is not None
    assert mapped.record.hierarchy_level == 1


def test_a_status_without_a_known_category_key_is_read_by_the_categorys_id() -> None:
    assert item(status={"name": "x", "statusCategory": {"id": 3}}).status_category is StatusCategory.DONE
    assert item(status={"name": "x"}).status_category is StatusCategory.UNDEFINED
    assert (
        item(status={"name": "x", "statusCategory": {"key": "strange", "id": "?"}}).status_category
        == "undefined"
    )


def test_an_issue_that_is_an_objective_becomes_one() -> None:
    mapped = to_objective(
        raw(
            summary="Halve outages",
            status={"name": "Done", "statusCategory": {"key": "done"}},
            assignee={"displayName": "Person B"},
            parent={"id": "1", "key": "OBJ-1"},
            customfield_6="2026-01-01",
            duedate="2026-12-31",
        ),
        MAPPING,
    )
    objective = mapped.record
    assert objective is not None
    assert (objective.id, objective.issue_id, objective.title) == ("PAY-7", "10001", "Halve outages")
    assert (objective.state, objective.parent, objective.owner) == (
        ObjectiveState.CLOSED,
        "OBJ-1",
        "Person B",
    )
    assert (objective.starts, objective.ends) == (date(2026, 1, 1), date(2026, 12, 31))
    assert objective.url == "https://jira.example.com/jira/browse/PAY-7"


def test_an_objective_without_summary_or_status_is_active_and_called_by_its_key() -> None:
    objective = to_objective(raw(), MAPPING).record
    assert objective is not None
    assert (objective.title, objective.state) == ("PAY-7", ObjectiveState.ACTIVE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "key", "name", "value", "child", "type", "content", "text", "data", "statusCategory"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
FIELD_NAMES = st.sampled_from(
    [
        "summary",
        "issuetype",
        "status",
        "project",
        "labels",
        "parent",
        "issuelinks",
        "assignee",
        "priority",
        "epic",
    ]
    + ["created", "updated", "duedate"]
    + [f"customfield_{number}" for number in range(1, 7)]
)


@given(st.dictionaries(FIELD_NAMES, JSON, max_size=8))
def test_whatever_jira_puts_into_its_fields_the_issue_is_kept(fields: dict[str, Any]) -> None:
    assert to_work_item(raw(**fields), MAPPING).record is not None
    assert to_objective(raw(**fields), MAPPING).record is not None


@needs_real_data
def test_every_real_issue_maps_with_its_labels_exactly_as_they_stand() -> None:
    count = 0
    for file, issue in real_issues():
        mapped = to_work_item(issue, MAPPING)
        if not issue.get("id"):
            assert [entry.reason for entry in mapped.refused] == ["the issue has no id or no key"], file
            continue
        count += 1
        assert mapped.refused == (), file
        record = mapped.record
        assert record is not None
        assert list(record.labels) == (issue["fields"].get("labels") or [])
        assert record.key == issue["key"]
        assert record.id == str(issue["id"])
        assert record.parent_id != record.id
        assert all(reference.target and reference.evidence for reference in record.references)
        assert (record.created is None) == (not issue["fields"].get("created")), file
    assert count > 4400


@needs_real_data
def test_the_real_epics_and_their_children_are_found() -> None:
    items = [
        mapped.record
        for file, issue in real_issues()
        if file.startswith("tidev") and (mapped := to_work_item(issue, MAPPING)).record
    ]
    assert len(items) == 2183
    assert sum(record.hierarchy_level == 1 for record in items) == 20
    assert sum(record.parent_key is not None for record in items) == 119 + 98
    keys = {record.key for record in items}
    with_epic = [record for record in items if record.hierarchy_level == 0 and record.parent_key]
    assert sum(record.parent_key not in keys for record in with_epic) == 42
