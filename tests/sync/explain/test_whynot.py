"""Why work serves no live objective: each way it was tried is told, and what came nearest comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from connectors.records import How, LinkClaim, Record, Reference
from sync.explain.whynot import Tried, Ways, few, read_case, tried, unknown, ways_of
from sync.sources import SourcesConfig
from sync.store.ties import find_work_item
from tests.sync.making import FILE, begin_run, epic, goal, names, put, relink

EVERY = Ways(("Objective",), ("Contributes",), "obj:", remote_links=True, files=("by-hand",))


def why(
    engine: Engine, key: str, records: Sequence[Record], *claims: LinkClaim, ways: Ways = EVERY
) -> list[Tried]:
    """Read these, link, and say why the work item serves nothing."""
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1"), goal("GROW", title="Grow the business")], FILE)
        put(connection, run_id, records)
        put(connection, run_id, claims, "links")
        relink(connection)
        row = find_work_item(connection, key)
        assert row is not None
        return list(tried(read_case(connection, row, ()), ways))


def said(found: list[Tried], how: How) -> list[tuple[str, bool]]:
    return [(one.found, one.near) for one in found if one.how == how.value]


def test_every_way_is_told_where_none_holds_anything(engine: Engine) -> None:
    assert why(engine, "PAY-1", [epic("PAY-1")]) == [
        Tried("parent chain", "it has no parent"),
        Tried("custom field", "nothing in Objective"),
        Tried("goals field", "no goal is set, or the site has no Goals field"),
        Tried("issue link", "there is no link of the type Contributes"),
        Tried("label", "no label begins with obj:"),
        Tried("remote link", "none that is known names an objective"),
        Tried("mapping file", "no row of by-hand names it"),
    ]


def test_a_way_that_is_not_configured_says_by_which_setting_it_would_be(engine: Engine) -> None:
    found = {one.how: one.found for one in why(engine, "PAY-1", [epic("PAY-1")], ways=Ways())}
    assert "JIRA_OBJECTIVE_FIELD" in found["custom field"]
    assert "remote_links" in found["remote link"]
    assert "none is configured (links)" in found["mapping file"]


def test_what_came_nearest_comes_first(engine: Engine) -> None:
    found = why(engine, "PAY-1", [epic("PAY-1", names("GROWTH"))])
    assert found[0] == Tried(
        "custom field",
        "custom field says GROWTH names 'GROWTH', which is no known objective; the nearest is GROW",
        near=True,
    )
    assert not any(one.near for one in found[1:])


def test_parents_are_told_as_far_as_they_go(engine: Engine) -> None:
    family = [
        epic("PAY-1", parent_id="2"),
        epic("PAY-2", parent_id="3", in_scope=False),
        epic("PAY-3", in_scope=False),
        epic("PAY-4", parent_id="5"),
        epic("PAY-5", parent_key="FAR-9"),
        epic("PAY-6", parent_id="7"),
        epic("PAY-7", parent_id="6"),
    ]
    outside = ["PAY-2 (outside the scope)", "PAY-3 (outside the scope)"]
    assert said(why(engine, "PAY-1", family), How.PARENT_CHAIN) == [
        (f"none of its parents serves a live objective: {', '.join(outside)}", False)
    ]
    assert said(why(engine, "PAY-4", family), How.PARENT_CHAIN) == [
        ("PAY-5, its ancestor, has the parent FAR-9, which is deleted or hidden from the account", True)
    ]
    assert said(why(engine, "PAY-5", family), How.PARENT_CHAIN) == [
        ("it has the parent FAR-9, which is deleted or hidden from the account", True)
    ]
    assert said(why(engine, "PAY-6", family), How.PARENT_CHAIN) == [
        ("its parents run in a circle: PAY-6 → PAY-7", True)
    ]


def test_a_link_that_leads_to_no_objective_came_near_only_where_its_type_is_for_objectives(
    engine: Engine,
) -> None:
    link = Reference(How.ISSUE_LINK, "2", "contributes to PAY-2")
    for meant in (True, False):
        items = [epic("PAY-1", replace(link, meant=meant)), epic("PAY-2")]
        assert said(why(engine, "PAY-1", items), How.ISSUE_LINK) == [
            ("no link of the type Contributes leads to an objective: contributes to PAY-2", meant)
        ]


def test_a_mapping_that_two_sites_could_mean_and_one_of_nobodys_objective_came_near(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [epic("PAY-1")], "other site")
    claims = [LinkClaim("PAY-1", "O1", "line 2"), LinkClaim("PAY-2", "O9", "line 3")]
    items = [epic("PAY-1"), epic("PAY-2")]
    assert said(why(engine, "PAY-1", items, *claims), How.MAPPING_FILE) == [
        ("line 2 names PAY-1, which more than one site has: add a column `site`", True)
    ]
    assert said(why(engine, "PAY-2", items, *claims), How.MAPPING_FILE) == [
        ("line 3 names 'O9', which is no known objective; the nearest is O1 (Objective O1)", True)
    ]


@pytest.mark.parametrize(
    ("target", "nearest"),
    [("GROWS", "; the nearest is GROW"), ("grow the bizness", "; the nearest is GROW (Grow the business)")],
)
def test_the_nearest_objective_is_found_by_its_id_or_its_title(target: str, nearest: str) -> None:
    known = {"GROW": "GROW", "Grow the business": "GROW", "SAVE": "SAVE"}
    assert unknown(target, known) == f"names {target!r}, which is no known objective{nearest}"
    assert unknown(target, {}) == f"names {target!r}, which is no known objective"


def test_many_names_are_cut_short_with_their_number() -> None:
    assert few(["a", "b", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_what_is_configured_is_told_for_each_site() -> None:
    site = {"name": "dc", "url": "https://jira.example", "jql": "project = PAY", "pat": "x"}
    more = {
        "objective_field": "Goal",
        "objective_links": ["Serves"],
        "remote_links": {"urls": "x{objective}"},
    }
    links = [{"name": "by-hand", "path": "links.csv"}]
    found = ways_of(SourcesConfig.model_validate({"jira": [site | more], "links": links}))
    assert found == {"dc": Ways(("Goal",), ("Serves",), "", remote_links=True, files=("by-hand",))}
