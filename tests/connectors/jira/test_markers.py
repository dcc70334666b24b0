"""Markers on both Jiras: each made twice is made once, hostile text stays text, and a refusal says why."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.jira import JiraMarkers, JiraSite, JiraSiteConfig, connect
from connectors.jira.comments import MARK, document_of, wiki_of, words_of
from connectors.jira.markers import PROPERTY_KEY, link_of
from connectors.jira.ties import OUR_LINK, RemoteLinkTies, named_by
from connectors.verdicts import (
    PROPERTY_LIMIT,
    TITLE_LIMIT,
    Marked,
    Marker,
    Marking,
    Reason,
    Verdict,
    cut,
    make_verdict,
    plain,
    read_verdict,
    units,
)
from sync.sandbox import CUT_OFF, Answer, Call, Deployment, Sandbox
from sync.sandbox.documents import to_text
from tests.contract.test_jira import config_for

WHY = Reason("a-rule", "align-a", "error", "PAY-1 is amiss", "Mend it.", "2026-03-01", 7)
VERDICT = Verdict((WHY,), "https://tieline.example.com/explain/jira/PAY-1")
HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "{noformat}[~admin] *bold* {color:red}h1. big{color}{noformat}",
    "[~accountid:123] [a|http://evil.example] !http://evil.example/x.png!",
    '"; DROP TABLE run; --',
    'summary ~ "x" OR project != PAY',
    '=HYPERLINK("http://evil.example")',
    "\x1b[31mred\x1b[0m\r\nSet-Cookie: a=b",
    "\u202egnirts\u2066 \u200b zero \ufeff width",
    "\ud800 half",
    "\N{GRINNING FACE}" * 300,
    "{{issue.key}} ${jndi:ldap://x} {0}",
    "x" * 998_000,
    "\0",
]


@pytest.fixture(params=list(Deployment), ids=["cloud", "dc"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(request.param, context_path="/jira") as jira:
        jira.site.add_project("PAY", "Payments")
        jira.site.add_issue({"project": "PAY", "summary": "An issue"})
        yield jira


@pytest.fixture
def site(sandbox: Sandbox) -> Iterator[JiraSite]:
    with connect(config_for(sandbox, jql="project = PAY")) as site:
        yield site


def mark(site: JiraSite, *markings: Marking) -> list[Marked]:
    return [one for batch in JiraMarkers(site).mark(markings) for one in batch]


def orders(
    sandbox: Sandbox, verdict: Verdict | None, kinds: Sequence[Marker] = tuple(Marker)
) -> list[Marking]:
    return [Marking(sandbox.site.get("PAY-1").id, "PAY-1", kind, verdict) for kind in kinds]


def comments(sandbox: Sandbox) -> list[Any]:
    return list((sandbox.site.get("PAY-1").fields.get("comment") or {}).get("comments", []))


def test_each_marker_made_twice_stands_there_once_and_taken_away_twice_is_gone(
    sandbox: Sandbox, site: JiraSite
) -> None:
    issue = sandbox.site.get("PAY-1")
    for verdict in (VERDICT, VERDICT, replace(VERDICT, reasons=(replace(WHY, fix="Otherwise."),))):
        assert [one.state for one in mark(site, *orders(sandbox, verdict))] == ["done"] * 3
        (link,) = issue.remote_links
        assert {name: link[name] for name in link if name != "id"} == link_of(verdict)
        assert issue.properties == {PROPERTY_KEY: verdict.document()}
        (comment,) = comments(sandbox)
        assert verdict.reasons[0].fix in words_of(comment["body"])
    for _ in range(2):
        assert [one.state for one in mark(site, *orders(sandbox, None))] == ["done"] * 3
        assert (issue.remote_links, issue.properties, comments(sandbox)) == ([], {}, [])


def test_what_others_put_there_stays(sandbox: Sandbox, site: JiraSite) -> None:
    issue = sandbox.site.get("PAY-1")
    theirs = {"id": 1, "globalId": "theirs", "object": {"url": "https://example.com", "title": "t"}}
    anna = {"id": "5", "author": sandbox.site.add_user("anna"), "body": f"Who wrote {MARK}?"}
    issue.remote_links, issue.properties = [theirs], {"theirs": 1}
    sandbox.site.edit("PAY-1", {"comment": {"comments": [anna]}})
    mark(site, *orders(sandbox, VERDICT))
    assert len(issue.remote_links) == len(issue.properties) == len(comments(sandbox)) == 2
    mark(site, *orders(sandbox, None))
    assert (issue.remote_links, issue.properties, comments(sandbox)) == ([theirs], {"theirs": 1}, [anna])


def test_our_comment_is_found_behind_hundreds_of_others(sandbox: Sandbox, site: JiraSite) -> None:
    mark(site, *orders(sandbox, VERDICT, [Marker.COMMENT]))
    anna = sandbox.site.add_user("anna")
    noise = [{"id": str(number), "author": anna, "body": "so?"} for number in range(250)]
    sandbox.site.edit("PAY-1", {"comment": {"comments": [*noise, *comments(sandbox)]}})
    mark(site, *orders(sandbox, VERDICT, [Marker.COMMENT]))
    assert len(comments(sandbox)) == 251
    mark(site, *orders(sandbox, None, [Marker.COMMENT]))
    assert comments(sandbox) == noise


def test_comments_that_were_doubled_become_one(sandbox: Sandbox, site: JiraSite) -> None:
    mark(site, *orders(sandbox, VERDICT, [Marker.COMMENT]))
    (one,) = comments(sandbox)
    sandbox.site.edit("PAY-1", {"comment": {"comments": [one, one | {"id": "99999"}]}})
    mark(site, *orders(sandbox, VERDICT, [Marker.COMMENT]))
    assert [comment["id"] for comment in comments(sandbox)] == [one["id"]]


def refuse_links(sandbox: Sandbox) -> None:
    sandbox.site.permissions.link_issues = False


def refuse_edits(sandbox: Sandbox) -> None:
    sandbox.site.permissions.read_only_projects.add("PAY")


def refuse_comments(sandbox: Sandbox) -> None:
    sandbox.site.permissions.add_comments = False


def hide(sandbox: Sandbox) -> None:
    sandbox.site.permissions.hidden_projects.add("PAY")


@pytest.mark.parametrize(
    ("forbid", "states", "reason"),
    [
        (refuse_links, ["parked", "done", "done"], "permission to link issues"),
        (refuse_edits, ["parked", "parked", "done"], "permission to link issues"),
        (refuse_comments, ["done", "done", "parked"], "permission to comment"),
        (hide, ["parked"] * 3, "does not exist or you do not have permission"),
    ],
)
def test_what_jira_refuses_is_parked_with_its_words_and_the_others_are_made(
    sandbox: Sandbox, site: JiraSite, forbid: Any, states: list[str], reason: str
) -> None:
    forbid(sandbox)
    answered = mark(site, *orders(sandbox, VERDICT))
    assert [one.state for one in answered] == states
    assert reason in next(one.reason for one in answered if one.state == "parked")


def test_a_marker_that_is_refused_after_a_lost_answer_may_be_there_and_is_told_as_lost(
    sandbox: Sandbox, site: JiraSite
) -> None:
    sandbox.after("POST", "/remotelink", lambda _: CUT_OFF, 1)
    tries: list[Call] = []

    def refuse_the_second(call: Call) -> Answer | None:
        tries.append(call)
        return Answer(403, {"errorMessages": ["no"], "errors": {}}) if len(tries) > 1 else None

    sandbox.before("POST", "/remotelink", refuse_the_second)
    answered = mark(site, *orders(sandbox, VERDICT))
    assert [one.state for one in answered] == ["lost", "done", "done"]


def test_a_hidden_issue_is_not_taken_for_one_without_markers(sandbox: Sandbox, site: JiraSite) -> None:
    mark(site, *orders(sandbox, VERDICT))
    hide(sandbox)
    assert {one.state for one in mark(site, *orders(sandbox, None))} == {"parked"}


def as_read(sandbox: Sandbox) -> list[str]:
    """What a person reads in the link, the property and the comment."""
    issue = sandbox.site.get("PAY-1")
    body = comments(sandbox)[0]["body"]
    shown = issue.remote_links[0]["object"]
    text = to_text(body) if isinstance(body, dict) else body
    return [shown["title"], shown["summary"], issue.properties[PROPERTY_KEY]["message"], text]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_plain_text_everywhere(sandbox: Sandbox, site: JiraSite, text: str) -> None:
    reason = replace(WHY, message=plain(text), fix=plain(text))
    answered = mark(site, *orders(sandbox, make_verdict([reason], VERDICT.url)))
    assert [one.state for one in answered] == ["done"] * 3
    title, summary, message, comment = as_read(sandbox)
    assert units(title) <= TITLE_LIMIT
    for shown in (title, summary, message):
        assert all(sign.isprintable() for sign in shown)
    assert all(sign.isprintable() or sign == "\n" for sign in comment)
    if sandbox.deployment is Deployment.DATA_CENTER:
        assert comment.startswith("{noformat}\n")
        assert comment.endswith("\n{noformat}")
        assert comment.count("{noformat}") == 2, "nothing inside ends the block that shows it as it stands"
        assert "[~" not in comment
    else:
        nodes = comments(sandbox)[0]["body"]["content"]
        assert {child["type"] for node in nodes for child in node["content"]} == {"text"}
        assert all("marks" not in child for node in nodes for child in node["content"])


texts = st.text(st.characters(codec="utf-8"), max_size=600)
reasons = st.builds(
    Reason,
    rule=st.from_regex(r"[a-z-]{1,40}", fullmatch=True),
    label=st.from_regex(r"align-[a-z]{1,200}", fullmatch=True),
    severity=st.sampled_from(["error", "warning", "info"]),
    message=texts.map(plain),
    fix=texts.map(plain),
    since=st.just("2026-03-01"),
    run=st.none() | st.integers(1, 9),
)


@given(st.lists(reasons, min_size=1, max_size=60))
@example([replace(WHY, message=plain("\N{GRINNING FACE}" * 400), fix=plain("\N{GRINNING FACE}" * 400))] * 60)
def test_a_verdict_fits_into_what_jira_takes_and_says_what_it_left_out(given_reasons: list[Reason]) -> None:
    verdict = make_verdict(given_reasons, VERDICT.url)
    document = verdict.document()
    assert len(json.dumps(document)) <= PROPERTY_LIMIT
    assert 0 < units(verdict.title) <= TITLE_LIMIT
    assert len(document["findings"]) + document["more"] == len(given_reasons)
    assert read_verdict(verdict.text) == verdict
    others = len(given_reasons) - 1
    assert verdict.title.endswith(f" (and {others} more)") == bool(others)


@given(texts, st.integers(2, 50))
def test_a_cut_text_is_a_beginning_and_says_that_there_was_more(text: str, limit: int) -> None:
    shown = cut(text, limit)
    assert units(shown) <= limit
    assert shown == text or (shown.endswith("…") and text.startswith(shown[:-1]))


@given(st.lists(texts.map(plain), max_size=4))
def test_wiki_text_shows_what_a_document_shows(lines: list[str]) -> None:
    inner = wiki_of(lines).removeprefix("{noformat}\n").removesuffix("\n{noformat}")
    assert "{noformat" not in inner
    assert "[~" not in inner
    assert inner.replace(" ", "") == "\n".join(lines).replace(" ", ""), "nothing but a space is put in"
    assert words_of(document_of(lines)) == "".join(lines)


def test_our_own_link_names_no_objective() -> None:
    ties = RemoteLinkTies(urls=("https://tieline.example.com/{objective}",), global_ids=("tieline:",))
    ours = {"globalId": OUR_LINK, "object": {"url": "https://tieline.example.com/explain/jira/PAY-1"}}
    assert list(named_by(ours, ties)) == []
    assert list(named_by(ours | {"globalId": "tieline:O1"}, ties)) == ["O1", "explain"]


@pytest.mark.parametrize(
    ("given_markers", "expected"),
    [
        ("link, property", (Marker.LINK, Marker.PROPERTY)),
        ("none", ()),
        ([], ()),
        (None, ()),
        (["comment"], (Marker.COMMENT,)),
    ],
)
def test_markers_are_named_in_words_or_a_list(given_markers: Any, expected: tuple[Marker, ...]) -> None:
    said = {"url": "https://jira.invalid", "pat": "x", "jql": "project = PAY", "markers": given_markers}
    assert JiraSiteConfig.model_validate(said).markers == expected


def test_an_unknown_marker_is_refused_with_those_there_are() -> None:
    said = {"url": "https://jira.invalid", "pat": "x", "jql": "project = PAY", "markers": "links"}
    with pytest.raises(ValueError, match=r"'link', 'property' or 'comment'"):
        JiraSiteConfig.model_validate(said)
