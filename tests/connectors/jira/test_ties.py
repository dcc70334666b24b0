"""The ways to tie work to objectives, as configured for one site and as found there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connectors.errors import BadInput
from connectors.jira.bookmark import contract_of
from connectors.jira.linktypes import LinkType, link_types, map_links
from connectors.jira.source import mapping_for
from connectors.jira.ties import LinkTie, RemoteLinkTies, named_by
from connectors.records import Strength
from tests.connectors.jira.conftest import Jira, config_for
from tests.fakes.scripted_http import Answer

TYPES = (
    LinkType("10000", "Blocks", "blocks", "is blocked by"),
    LinkType("10001", "Contributes", "contributes to", "is served by"),
    LinkType("10002", "dependent", "depends", "is depended on"),
    LinkType("10003", "Dependent", "needs", "is needed by"),
    LinkType("10004", "DEPENDENT", "wants", "is wanted by"),
)


@pytest.mark.parametrize("name", ["10001", "Contributes", "contributes"])
def test_a_link_type_is_found_by_its_id_or_its_name_and_counts_both_ways(name: str) -> None:
    assert map_links([LinkTie(type=name)], TYPES) == {"10001": {"outward": None, "inward": None}}


def test_each_direction_of_a_link_type_may_say_something_else() -> None:
    ties = [
        LinkTie(type="Contributes", direction="outward", strength=Strength.ACCELERATES),
        LinkTie(type="Dependent", direction="inward"),
    ]
    assert map_links(ties, TYPES) == {
        "10001": {"outward": Strength.ACCELERATES},
        "10003": {"inward": None},
    }


def test_all_link_types_that_cannot_be_told_are_told_at_once() -> None:
    with pytest.raises(BadInput) as told:
        map_links([LinkTie(type="Contribute"), LinkTie(type="dEPENDENT"), LinkTie(type="xyzzy")], TYPES)
    unknown, ambiguous, strange = told.value.problems
    assert unknown == (
        "objective_links: this Jira has no link type called 'Contribute'. Did you mean Contributes?"
    )
    assert "3 link types are called 'dEPENDENT': give the id of one (dependent (10002: depends" in ambiguous
    assert strange.endswith("There are Blocks, Contributes, dependent, Dependent, DEPENDENT.")


def test_an_answer_of_another_shape_holds_no_link_types() -> None:
    assert link_types(None) == link_types({"issueLinkTypes": None}) == link_types([]) == ()


def test_a_site_resolves_its_link_types_once_and_only_where_some_are_configured(jira: Jira) -> None:
    answer = {"issueLinkTypes": [{"id": "7", "name": "Serves", "outward": "serves", "inward": "gets"}]}
    site, scripted = jira("cloud", lambda _: Answer(answer), objective_links="serves")
    assert site.links == site.links == {"7": {"outward": None, "inward": None}}
    assert len(scripted.asked("/issueLinkType")) == 1
    usual, untouched = jira("cloud", lambda _: Answer(answer))
    none, untouched_too = jira("cloud", lambda _: Answer(answer), objective_links=[])
    assert (usual.links, none.links) == (None, {})
    assert untouched.asked("/issueLinkType") == untouched_too.asked("/issueLinkType") == []


def test_a_site_without_issue_linking_is_told_as_such(jira: Jira) -> None:
    site, _ = jira("cloud", lambda _: Answer({}, status=404), objective_links="Serves")
    with pytest.raises(BadInput, match="issue linking may be switched off there"):
        _ = site.links


REMOTE = RemoteLinkTies(global_ids=("okr:",), urls=("https://okr.example/o/{objective}",))


@pytest.mark.parametrize(
    ("link", "named"),
    [
        ({"globalId": "okr:G-1", "object": {"url": "https://elsewhere"}}, ["G-1"]),
        ({"globalId": "system=x", "object": {"url": "https://okr.example/o/G-2?tab=1"}}, ["G-2"]),
        ({"globalId": "okr:G-1", "object": {"url": "https://okr.example/o/G-1"}}, ["G-1", "G-1"]),
        ({"globalId": "okr: ", "object": {"url": "https://okr.example/x/G-2"}}, []),
        ({"globalId": None, "object": None}, []),
    ],
)
def test_a_remote_link_names_an_objective_by_its_global_id_or_its_address(
    link: dict[str, Any], named: list[str]
) -> None:
    assert list(named_by(link, REMOTE)) == named


WRONG: dict[str, dict[str, Any]] = {
    "must hold {objective} once": {"remote_links": {"urls": "https://okr.example/"}},
    "give global_ids or urls": {"remote_links": {"most": 5}},
    "an empty text separates nothing": {"objective_fields": [{"field": "A", "separators": [""]}]},
    "'outward' or 'inward'": {"objective_links": [{"type": "A", "direction": "up"}]},
    "'traces', 'supports' or 'accelerates'": {"objective_links": {"type": "A", "strength": "helps"}},
}


@pytest.mark.parametrize("said", WRONG)
def test_a_mistake_in_the_configuration_is_told(said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("{", r"\{").replace("}", r"\}")):
        config_for("https://j.example.com", **WRONG[said])


def test_another_way_of_reading_ties_is_another_contract_so_that_all_is_read_anew(jira: Jira) -> None:
    fields = {"field": "Objective ids", "separators": "|"}
    ways: list[dict[str, Any]] = [
        {},
        {"objective_fields": [fields]},
        {"objective_fields": [fields | {"pattern": "O-{objective}"}]},
        {"objective_fields": [fields | {"strength": "supports"}]},
        {"objective_links": [{"type": "Serves", "direction": "outward"}]},
        {"objective_links": [{"type": "Serves", "direction": "inward"}]},
        {"strengths": {"direct": "supports"}},
    ]
    answer = {"issueLinkTypes": [{"id": "7", "name": "Serves"}]}
    first, _ = jira("cloud", lambda _: Answer(answer))
    contracts = []
    for way in ways * 2:
        site, _ = jira("cloud", lambda _: Answer(answer), **way)
        mapping = replace(mapping_for(site, "align-"), browse_url="https://jira.example")
        contracts.append(contract_of(first, "project = PAY", mapping))
    assert contracts[: len(ways)] == contracts[len(ways) :]
    assert len(set(contracts)) == len(ways)
