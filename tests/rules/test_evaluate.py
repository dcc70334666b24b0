"""A condition over one item: the answer, and what each leaf found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules.catalogue import Entity, Field, Kind, Relation
from rules.evaluate import LeafResult, evaluate, holds
from tests.rules.sample import THING, condition_of, with_rollups

WITH_ROLLUPS = with_rollups(THING)


def _holds(text: str, item: dict[str, Any]) -> bool:
    return holds(condition_of(text, WITH_ROLLUPS), item)


@pytest.mark.parametrize(
    "text", ["owner = x", "owner != x", "NOT owner = x", "NOT owner != x", "owner NOT IN (x)"]
)
def test_nothing_but_is_empty_holds_of_an_empty_field(text: str) -> None:
    assert not _holds(text, {})
    assert not _holds(text, {"owner": None})
    assert _holds("owner IS EMPTY", {})


def test_words_compare_without_regard_to_case_and_form() -> None:
    assert _holds("owner = STRASSE", {"owner": "straße"})
    assert _holds('title ~ "ÜBER"', {"title": "Alles über uns"})
    assert not _holds("owner = uber", {"owner": "über"})
    assert _holds("status = Done", {"status": "finished"})


def test_a_list_is_unequal_when_it_has_values_and_none_of_them_is_equal() -> None:
    assert _holds("tags != x", {"tags": ["y", "z"]})
    assert not _holds("tags != x", {"tags": ["y", "x"]})
    assert not _holds("tags != x", {"tags": []})
    assert _holds("tags = x", {"tags": ["y", "x"]})


def test_related_records_are_asked_one_by_one() -> None:
    item = {"goal": [{"id": "OBJ-1", "live": False}, {"id": "OBJ-2", "live": True}]}
    assert _holds('goal.live = "true"', item)
    assert not _holds('goal.live != "true"', item)
    assert _holds("goal = obj-2", item)
    assert _holds("goal.weight IS EMPTY", item)


def test_both_sides_of_a_comparison_within_a_relation_are_of_the_same_record() -> None:
    crossed = {"goal": [{"starts": "2026-01-01", "ends": None}, {"starts": None, "ends": "2025-01-01"}]}
    assert not _holds("goal.ends < goal.starts", crossed)
    assert _holds("goal.ends < goal.starts", {"goal": [{"starts": "2026-01-01", "ends": "2025-01-01"}]})


def test_amounts_compare_exactly_with_a_share_of_another() -> None:
    assert not _holds("spent > percentOf(110, plan)", {"plan": 1000, "spent": 1100})
    assert _holds("spent > percentOf(110, plan)", {"plan": 1000, "spent": 1101})
    assert _holds("spent >= percentOf(33.3, plan)", {"plan": 1000, "spent": 333})


def test_rollups_are_computed_from_the_related_records() -> None:
    item = {
        "goal": [
            {"live": True, "weight": 2, "marks": ["y"], "ends": "2026-01-01"},
            {"live": True, "weight": 3, "marks": ["x"], "ends": "2027-01-01"},
            {"live": False, "weight": 5, "marks": ["y"]},
        ]
    }
    assert _holds('goalCount = 3 AND liveWeight = 2 AND lastEnd = "2027-01-01"', item)
    assert _holds("goalCount = 0 AND liveWeight IS EMPTY AND lastEnd IS EMPTY", {})


def test_the_trace_tells_of_every_leaf_what_was_found() -> None:
    verdict = evaluate(
        condition_of("NOT status = Done AND (owner = x OR tags = y)"), {"status": "new", "tags": ["z", "y"]}
    )
    assert verdict.hit
    assert verdict.leaves == (
        LeafResult("status != Done", "status", ("new",), True),
        LeafResult("owner = x", "owner", (), None),
        LeafResult("tags = y", "tags", ("z", "y"), True),
    )


def test_raw_jira_values_are_read_through_a_field_of_its_own() -> None:
    issue = {
        "fields": {
            "status": {"name": "To Do"},
            "created": "2026-07-15T09:00:00.000+0000",
            "duedate": "2026-08-01",
            "customfield_1": 2.5,
            "labels": ["a", "b"],
        }
    }
    entity = Entity(
        "issue",
        (
            Field("status", Kind.OPTION, read=lambda raw: raw["fields"]["status"]["name"]),
            Field("created", Kind.DATETIME, read=lambda raw: raw["fields"]["created"]),
            Field("due", Kind.DATE, read=lambda raw: raw["fields"]["duedate"]),
            Field("cf[1]", Kind.NUMBER, read=lambda raw: raw["fields"]["customfield_1"]),
            Field("labels", Kind.OPTION, many=True, read=lambda raw: raw["fields"]["labels"]),
        ),
    )
    text = 'status = "to do" AND created < now() AND due > now() AND cf[1] = 2.5 AND labels = B'
    assert holds(condition_of(text, entity), issue)


def test_nested_mappings_serve_dotted_names() -> None:
    entity = Entity(
        "thing", (Field("budget.amount", Kind.MONEY),), (Relation("goal", (Field("id", Kind.OPTION),), "id"),)
    )
    assert holds(condition_of("budget.amount = 1.50", entity), {"budget": {"amount": 150}})
    assert holds(condition_of("goal = x", entity), {"goal": {"id": "x"}})


def test_decimals_and_integers_are_the_same_number() -> None:
    assert _holds("points = 2.5", {"points": Decimal("2.50")})
    assert _holds("points = 2", {"points": Decimal("2.0")})
