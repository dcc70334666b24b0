"""What people ask for with a label on a ticket is heard the same night, answered, and never fought over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from sync.errors import ConfigurationError, Exit
from sync.rulebook import load_rules
from sync.sandbox import Answer, Deployment, Sandbox
from sync.settings import load_settings
from sync.store import audit, requests
from sync.store.drift import drifts
from sync.waivers.answering import Decision, decide
from sync.waivers.asking import Ask, Heard, Kind, Live, Night, RequestFacts, Standing, answer, listen
from tests.clock import NOW
from tests.sync.house import NO_OBJECTIVE, House

EXEMPT, DISPUTE = "align-exempt", "align-dispute"
RULE = "epic-without-objective"
TODAY = NOW.date()
NIGHT = Night(NOW, TODAY, timedelta(days=14))
ASK = Ask(1, RULE, Kind.EXEMPT)
LABELLED = {(1, Kind.EXEMPT)}


def live(standing: Standing, days: int = 0, until: date | None = None) -> Live:
    return Live(7, ASK, standing, NOW - timedelta(days=days), until)


@pytest.mark.parametrize(
    ("there", "asks", "labelled", "new", "becomes"),
    [
        (None, {ASK}, LABELLED, True, None),
        (live(Standing.REQUESTED), {ASK}, LABELLED, False, None),
        (live(Standing.REQUESTED), set(), set(), False, (Standing.WITHDRAWN, True)),
        (live(Standing.REQUESTED), {ASK}, set(), False, (Standing.WITHDRAWN, True)),
        (live(Standing.REQUESTED), set(), LABELLED, False, (Standing.SETTLED, True)),
        (live(Standing.REQUESTED, 13), {ASK}, LABELLED, False, None),
        (live(Standing.REQUESTED, 14), {ASK}, LABELLED, False, (Standing.EXPIRED, False)),
        (live(Standing.EXPIRED, 30), {ASK}, LABELLED, False, None),
        (live(Standing.EXPIRED, 30), {ASK}, set(), False, (Standing.EXPIRED, True)),
        (live(Standing.REJECTED, 30), {ASK}, LABELLED, False, None),
        (live(Standing.REJECTED, 30), set(), set(), False, (Standing.REJECTED, True)),
        (live(Standing.APPROVED, 5, TODAY), set(), set(), False, None),
        (live(Standing.APPROVED, 5, TODAY - timedelta(days=1)), set(), set(), False, (Standing.ENDED, True)),
        (
            live(Standing.APPROVED, 5, TODAY - timedelta(days=1)),
            {ASK},
            LABELLED,
            True,
            (Standing.ENDED, True),
        ),
    ],
)
def test_a_night_makes_of_a_request_what_its_label_and_its_finding_say(
    there: Live | None,
    asks: set[Ask],
    labelled: set[tuple[int, Kind]],
    *,
    new: bool,
    becomes: tuple[Standing, bool] | None,
) -> None:
    heard = listen(asks & {ASK} if labelled else set(), labelled, [there] if there else [], NIGHT)
    assert heard.new == ((ASK,) if new else ())
    assert [(turn.standing, turn.over) for turn in heard.turns] == ([] if becomes is None else [becomes])


all_asks = st.builds(Ask, st.integers(1, 3), st.sampled_from(["a", "b"]), st.sampled_from(list(Kind)))
nights = st.lists(
    st.tuples(st.sets(all_asks), st.sets(st.tuples(st.integers(1, 3), st.sampled_from(list(Kind))))),
    max_size=12,
)


@given(nights, st.data())
def test_over_any_nights_one_label_never_has_two_live_requests_and_none_lives_on_without_it(
    told: list[tuple[set[Ask], set[tuple[int, Kind]]]], data: st.DataObject
) -> None:
    known: dict[int, Live] = {}
    for number, (findings, labelled) in enumerate(told):
        now = NOW + timedelta(days=5 * number)
        night = Night(now, now.date(), timedelta(days=14))
        asks = {ask for ask in findings if (ask.item_id, ask.kind) in labelled}
        heard = listen(asks, labelled, known.values(), night)
        for turn in heard.turns:
            known[turn.request.id] = replace(turn.request, standing=turn.standing)
            if turn.over:
                del known[turn.request.id]
        for ask in heard.new:
            known[len(known) + 100 * (number + 1)] = Live(
                len(known) + 100 * (number + 1), ask, Standing.REQUESTED, now
            )
        assert len({it.ask for it in known.values()}) == len(known)
        assert asks <= {it.ask for it in known.values()}, "each is heard the same night"
        waiting = [it for it in known.values() if it.standing is not Standing.APPROVED]
        assert all((it.ask.item_id, it.ask.kind) in labelled for it in waiting)
        assert listen(asks, labelled, known.values(), night) == Heard(), "a second look changes nothing"
        for it in list(known.values()):
            if it.standing is Standing.REQUESTED:
                given_ = data.draw(
                    st.sampled_from([Standing.REQUESTED, Standing.APPROVED, Standing.REJECTED])
                )
                known[it.id] = replace(it, standing=given_, until=now.date() + timedelta(days=7))


FACTS = RequestFacts("PAY-1", "", RULE, Kind.EXEMPT, Standing.REQUESTED, NOW, "jane")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            FACTS,
            (
                f"An exemption from {RULE} was heard on {TODAY} and waits for jane; until then the "
                "finding counts."
            ),
        ),
        (
            replace(FACTS, kind=Kind.DISPUTE, approver=""),
            (
                f"The dispute of {RULE} was heard on {TODAY} and waits for an answer; until then the "
                "finding counts."
            ),
        ),
        (
            replace(
                FACTS,
                standing=Standing.APPROVED,
                decided_by="joe",
                reason="Board agreed",
                until=date(2026, 9, 30),
            ),
            f"An exemption from {RULE} was accepted by joe until 2026-09-30: Board agreed",
        ),
        (
            replace(FACTS, standing=Standing.REJECTED, decided_by="joe", reason="Link it to O1"),
            f"An exemption from {RULE} was rejected by joe: Link it to O1",
        ),
        (
            replace(FACTS, standing=Standing.EXPIRED),
            (
                f"An exemption from {RULE} got no answer in time. Take the label off for a night and put it "
                "on again to ask once more."
            ),
        ),
    ],
)
def test_the_answer_on_the_ticket_says_how_a_request_stands(facts: RequestFacts, said: str) -> None:
    assert answer(facts) == said


@pytest.fixture(params=list(Deployment))
def house(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[House]:
    with Sandbox(request.param) as jira:
        yield House(jira, tmp_path, engine).furnish()


def asked(house: House) -> list[tuple[str, str, str]]:
    with house.engine.connect() as connection:
        return [(row.key, row.kind, row.state) for row in requests.requests(connection)]


def answered(house: House, key: str, standing: Standing, until: date | None = None) -> None:
    service, sites = house.service()
    try:
        decide(service, [key], None, Decision(standing, "joe", "Agreed", until))
    finally:
        sites.close()


def test_an_exemption_is_heard_the_same_night_and_counts_until_it_is_granted(house: House) -> None:
    key, other = house.add_epic(), house.add_epic()
    house.night()
    house.jira.site.label(key, add=[EXEMPT])
    heard = house.night()
    assert (heard.exit_code, house.writes()) == (Exit.OK, 0)
    assert asked(house) == [(key, "exempt", "requested")]
    assert [ask.rule for ask in heard.heard.new] == [RULE]
    assert house.labels(key) == [EXEMPT, NO_OBJECTIVE], "until it is approved it is counted, not hidden"
    answered(house, key, Standing.APPROVED, (house.now + timedelta(days=3)).date())
    seen = []
    for _ in range(5):
        house.night()
        seen.append(house.labels(key))
    granted, again = [EXEMPT], [EXEMPT, NO_OBJECTIVE]
    assert seen == [granted, granted, granted, again, again], "the label of the person is never touched"
    assert asked(house) == [(key, "exempt", "requested")], "the label that is still there asks anew"
    assert house.labels(other) == [NO_OBJECTIVE]


def test_a_rejected_request_is_not_made_again_until_the_label_was_off(house: House) -> None:
    key = house.add_epic(labels=["Align-EXEMPT"])
    house.night()
    assert asked(house) == [(key, "exempt", "requested")]
    answered(house, key, Standing.REJECTED)
    house.night()
    assert asked(house) == [(key, "exempt", "rejected")]
    house.jira.site.label(key, remove=["Align-EXEMPT"])
    house.night()
    assert asked(house) == []
    house.jira.site.label(key, add=[EXEMPT])
    house.night()
    assert asked(house) == [(key, "exempt", "requested")]


def test_the_ticket_is_told_beside_its_label_how_the_request_stands(house: House) -> None:
    house.more = {"JIRA_MARKERS": "property"}
    key = house.add_epic(labels=[EXEMPT])

    def fix() -> str:
        return str(house.jira.site.get(key).properties["tieline.alignment"]["fix"])

    house.night()
    assert f"An exemption from {RULE} was heard on {house.now:%Y-%m-%d} and waits for" in fix()
    house.night()
    assert house.writes() == 0, "nothing is said twice"
    answered(house, key, Standing.REJECTED)
    house.night()
    assert fix().endswith(f"An exemption from {RULE} was rejected by joe: Agreed")


def test_taking_the_label_off_withdraws_a_request_that_waits_and_not_one_that_was_granted(
    house: House,
) -> None:
    waits, granted = house.add_epic(labels=[EXEMPT]), house.add_epic(labels=[EXEMPT])
    house.night()
    answered(house, granted, Standing.APPROVED, (house.now + timedelta(days=30)).date())
    for key in (waits, granted):
        house.jira.site.label(key, remove=[EXEMPT])
    night = house.night()
    assert [turn.standing for turn in night.heard.turns] == [Standing.WITHDRAWN]
    assert asked(house) == [(granted, "exempt", "approved")]
    assert (house.labels(waits), house.labels(granted)) == ([NO_OBJECTIVE], [])
    answered(house, granted, Standing.REJECTED)
    house.night()
    assert house.labels(granted) == [NO_OBJECTIVE], "what was granted can be taken back"


def test_a_request_that_nobody_answers_expires(house: House) -> None:
    house.more = {"TIELINE_REQUEST_DAYS": "2"}
    key = house.add_epic(labels=[EXEMPT])
    states = []
    for _ in range(4):
        house.night()
        states += [state for _, _, state in asked(house)]
    assert states == ["requested", "requested", "expired", "expired"]
    assert house.labels(key) == [EXEMPT, NO_OBJECTIVE]


def test_a_dispute_is_heard_and_one_removal_then_is_an_objection(house: House) -> None:
    key, other = house.add_epic(), house.add_epic()
    house.night()
    house.jira.site.label(key, add=[DISPUTE], remove=[NO_OBJECTIVE])
    house.jira.site.label(other, remove=[NO_OBJECTIVE])
    house.night()
    house.night()
    assert asked(house) == [(key, "dispute", "requested")]
    assert house.labels(other) == [NO_OBJECTIVE], "one that nobody disputes comes back once"
    house.jira.site.label(key, remove=[NO_OBJECTIVE])
    night = house.night()
    assert house.labels(key) == [DISPUTE]
    assert [it.ticket.issue_key for it in night.plan.disputed] == [key]


def test_the_labels_that_ask_are_never_ours_whatever_they_begin_with(house: House) -> None:
    key = house.add_epic("O1", labels=[EXEMPT, DISPUTE])
    house.night()
    night = house.night()
    assert (house.writes(), house.labels(key), asked(house)) == (0, [DISPUTE, EXEMPT], [])
    assert not night.plan
    with house.engine.connect() as connection:
        assert drifts(connection, "align-", [EXEMPT, DISPUTE]) == []


def test_the_labels_can_be_named_otherwise(house: House) -> None:
    house.more = {"TIELINE_EXEMPT_LABEL": "leave-me", "TIELINE_DISPUTE_LABEL": "this-is-wrong"}
    keys = [house.add_epic(labels=[name]) for name in ("leave-me", "this-is-wrong", EXEMPT)]
    house.night()
    assert asked(house) == [(keys[0], "exempt", "requested"), (keys[1], "dispute", "requested")]


def test_a_dry_run_after_a_plan_does_not_take_a_request_for_a_change_of_ours(house: House) -> None:
    key = house.add_epic()
    shown = house.night(dry_run=True)
    house.jira.site.label(key, add=[EXEMPT])
    service, sites = house.service()
    from sync.frame.progress import Quiet  # noqa: PLC0415
    from sync.frame.service import Options  # noqa: PLC0415
    from sync.night import run_judge  # noqa: PLC0415

    try:
        applied = run_judge(service, Options("apply", expected=shown.saved), Quiet())
    finally:
        sites.close()
    assert (applied.stopped, house.labels(key)) == ([], [EXEMPT, NO_OBJECTIVE])


def test_all_of_it_is_in_the_chain_of_what_was_done(house: House) -> None:
    key = house.add_epic(labels=[EXEMPT])
    house.night()
    answered(house, key, Standing.APPROVED, TODAY + timedelta(days=30))
    with house.engine.connect() as connection:
        kept = [json.loads(it.detail) for it in audit.entries_of(connection) if it.event == "request"]
        assert audit.verify(audit.entries_of(connection), audit.heads(connection)).broken is None
    assert [(it["key"], it["state"]) for it in kept] == [(key, "requested"), (key, "approved")]
    assert (kept[1]["by"], kept[1]["why"]) == ("joe", "Agreed")


def test_an_answer_to_what_nobody_asks_is_refused_and_nothing_is_answered(house: House) -> None:
    key = house.add_epic(labels=[EXEMPT])
    house.night()
    service, sites = house.service()
    with pytest.raises(ConfigurationError, match="PAY-99: nobody asks for anything there"):
        decide(service, [key, "PAY-99"], None, Decision(Standing.REJECTED, "joe", "No"))
    sites.close()
    assert asked(house) == [(key, "exempt", "requested")]


def test_a_site_that_cannot_be_read_withdraws_nothing(house: House) -> None:
    key = house.add_epic(labels=[EXEMPT])
    house.night()
    house.jira.before("POST", "/search", lambda _: Answer(503, "down"))
    house.jira.before("GET", "/search", lambda _: Answer(503, "down"))
    for _ in range(2):
        assert house.night().exit_code == Exit.INCOMPLETE
    assert asked(house) == [(key, "exempt", "requested")]


def test_a_ticket_that_one_read_misses_withdraws_nothing(house: House) -> None:
    key = house.add_epic(labels=[EXEMPT])
    house.night()
    house.jira.site.permissions.hidden_issues.update(house.jira.site.issues)
    house.night()
    assert asked(house) == [(key, "exempt", "requested")]


def test_what_is_asked_on_a_ticket_ends_when_the_ticket_is_gone(house: House) -> None:
    house.more = {"TIELINE_MAX_SHRINK": "1"}
    waits, granted, other = [house.add_epic(labels=[EXEMPT]) for _ in range(3)]
    house.night()
    answered(house, granted, Standing.APPROVED, (house.now + timedelta(days=3)).date())
    for key in (waits, granted):
        house.jira.site.delete(key)
    seen = []
    for _ in range(4):
        house.night()
        seen.append([key for key, _, _ in asked(house)])
    everybody = [waits, granted, other]
    assert seen == [everybody, [granted, other], [granted, other], [other]], "gone is what two reads missed"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"TIELINE_EXEMPT_LABEL": "two words"}, "TIELINE_EXEMPT_LABEL: a label may not hold spaces"),
        (
            {"TIELINE_EXEMPT_LABEL": "Same", "TIELINE_DISPUTE_LABEL": "same"},
            "TIELINE_EXEMPT_LABEL and TIELINE_DISPUTE_LABEL: two labels are needed",
        ),
        ({"TIELINE_REQUEST_DAYS": "0"}, "TIELINE_REQUEST_DAYS: Input should be greater than or equal to 1"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(said: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_settings(said)


def test_a_rule_may_not_put_a_label_that_asks() -> None:
    settings = load_settings({"TIELINE_EXEMPT_LABEL": "align-no-objective"})
    with pytest.raises(
        ConfigurationError, match=f"Rule {RULE} puts the label align-no-objective, by which people ask"
    ):
        load_rules(settings, NOW)
