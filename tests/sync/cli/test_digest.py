"""`tieline digest` shows and sends what changed; `status`, `doctor` and a run say what became of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from sync.cli import letters
from sync.hooks.tally import Outcome, Tally
from sync.store.digests import State
from tests.clock import NOW
from tests.fakes.inbox import Inbox, open_inbox
from tests.sync.cli.desk import CANARY, Desk


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as opened:
        yield opened


@pytest.fixture
def told(desk: Desk, inbox: Inbox) -> Desk:
    """A desk whose .env names one address, with a canary in its user name, password and path."""
    address = inbox.address(CANARY).replace("json://", f"json://{CANARY}-user:{CANARY}-pass@")
    with (desk.folder / ".env").open("a", encoding="utf-8") as file:
        file.write(f"TIELINE_DIGEST_TO={address}\n")
    return desk


def declare(desk: Desk, digests: str) -> dict[str, str]:
    path = desk.write(
        "sources.yaml",
        f"""\
jira:
  - name: jira
    url: {desk.jira.url}
    {desk.entry_lines()}
    jql: issuetype = Epic
    objective_field: Objective ids
objectives:
  - {{name: goals, path: objectives.csv, columns: {{id: id, title: title, status: status, ends: ends}}}}
digests:
{digests}""",
    )
    return {"TIELINE_SOURCES": str(path)}


def test_a_run_sends_the_digest_and_says_so_and_no_secret_goes_anywhere_else(
    told: Desk, inbox: Inbox
) -> None:
    said = told.say("run", TIELINE_LOG="json")
    assert said.code == 0
    assert "Digest for TIELINE_DIGEST_TO (json): sent" in said.out
    (mail,) = inbox.take()
    assert mail.box == CANARY
    for command in (
        "status", "status --json", "doctor", "digest --dry-run", "digest", "config show --origin", "purge",
        "digest --test TIELINE_DIGEST_TO", "runs --show 1", "report",
    ):  # fmt: skip
        assert told.say(*command.split(), TIELINE_LOG="json").code == 0
    assert told.leaks() == []


def test_the_message_says_what_the_report_says(told: Desk, inbox: Inbox) -> None:
    told.say("run")
    (mail,) = inbox.take()
    page = (told.folder / "tieline-report/index.html").read_text(encoding="utf-8")
    for words in ("of the budget for fiscal year 2026 serves a live objective", "1,000.50 USD"):
        assert words in mail.body
        assert words in " ".join(page.replace("</b>", "").replace("<b>", "").replace("</span>", "").split())
    share = mail.body.partition(" of the budget")[0].rpartition("\n")[2]
    assert f'<span class="figure">{share}</span>' in page


def test_a_dry_run_shows_the_messages_and_sends_none(told: Desk, inbox: Inbox) -> None:
    assert "Nothing to tell" in told.say("digest", "--dry-run").out
    inbox.status = 500
    told.say("run")
    inbox.take()
    said = told.say("digest", "--dry-run")
    assert said.code == 0
    assert "To TIELINE_DIGEST_TO (json)\nTieline: " in said.out
    assert "- PAY-2 Nobody knows why (epic-without-objective, warning)" in said.out
    (letter,) = told.say("digest", "--dry-run", "--json").document
    assert (letter["audiences"], letter["kind"]) == (["TIELINE_DIGEST_TO"], "json")
    assert letter["title"] in said.out
    assert inbox.take() == []


def test_what_failed_can_be_sent_by_hand_and_is_sent_once(told: Desk, inbox: Inbox) -> None:
    inbox.status = 500
    ran = told.say("run", TIELINE_LOG="json")
    assert ran.code == 0
    assert '"event": "digest failed"' in ran.err
    failed = told.say("digest")
    assert failed.code == 3
    assert "Digest for TIELINE_DIGEST_TO (json): failed: json: answered 500; tried again" in failed.out
    assert "failed; tried again the next night (json: answered 500)" in told.say("status").out
    inbox.status = 200
    inbox.take()
    sent = told.say("digest", "--json")
    assert [(it["state"], it["problem"]) for it in sent.document] == [("sent", "")]
    assert len(inbox.take()) == 1
    again = told.say("digest")
    assert (again.code, "Nothing to tell" in again.out) == (0, True)
    assert inbox.take() == []
    ((audience, state),) = [
        (it["audience"], it["state"]) for it in told.say("status", "--json").document["digests"]
    ]
    assert (audience, state) == ("TIELINE_DIGEST_TO", "sent")


def test_a_test_message_says_whether_it_came(told: Desk, inbox: Inbox) -> None:
    said = told.say("digest", "--test", "TIELINE_DIGEST_TO")
    assert (said.code, said.out) == (0, "Test for TIELINE_DIGEST_TO (json): sent\n")
    assert [mail.title for mail in inbox.take()] == ["Tieline: a test"]
    inbox.status = 404
    said = told.say("digest", "--test", "TIELINE_DIGEST_TO", "--json")
    assert (said.code, said.document[0]["problem"]) == (3, "json: answered 404")


def test_who_is_unknown_is_told_with_who_is_known(told: Desk) -> None:
    said = told.say("digest", "--test", "everybody")
    assert said.code == 2
    assert said.err == "--test everybody: no such digest; there are TIELINE_DIGEST_TO\n"


def test_without_anybody_to_tell_it_says_where_to_name_them(desk: Desk) -> None:
    said = desk.say("digest")
    assert said.code == 2
    assert "TIELINE_DIGEST_TO is not set and sources.yaml has no `digests:`" in said.err


def test_doctor_names_rules_packs_and_addresses_that_do_not_exist(desk: Desk, inbox: Inbox) -> None:
    environ = declare(
        desk,
        f"""\
  - {{name: good, to: "{inbox.address()}", rules: [epic-without-objective], packs: [strategic]}}
  - {{name: bad, to: "${{BAD}}", rules: [epic-without-objectiv], packs: [strategy]}}
""",
    ) | {"BAD": f"nosuch://{CANARY}"}
    said = desk.say("doctor", "--json", **environ)
    assert said.code == 2
    found = {
        it["check"]: (it["good"], it["seen"]) for it in said.document if it["check"].startswith("digest")
    }
    assert found["digest good"] == (True, "told by json")
    good, seen = found["digest bad"]
    assert not good
    assert "there is no rule 'epic-without-objectiv'; did you mean epic-without-objective?" in seen
    assert "there is no pack 'strategy'; did you mean strategic?" in seen
    assert "nosuch: is no address that Apprise knows" in seen
    refused = desk.say("digest", **environ)
    assert refused.code == 2
    assert "digest bad: there is no rule 'epic-without-objectiv'" in refused.err


def test_without_the_extra_doctor_says_what_to_install(told: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    said = told.say("doctor")
    assert said.code == 2
    assert "Install Tieline with its extra `digests`" in said.out


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "{name: a, to: 'anna'}",
            "digests.0.to: entry 1 is no address of Apprise; it must look like mailto://…",
        ),
        ("{name: a, to: ''}", "digests.0.to: nobody is named; give one or more addresses of Apprise"),
        ("{name: a}", "digests.0.to: Field required"),
        ("{name: a, to: 'json://x', quiet_hours: night}", "quiet_hours: 'night' is no window of a day"),
        (
            "{name: a, to: 'json://x', days: [sundays]}",
            "digests.0.days.0: Input should be 'monday', 'tuesday'",
        ),
        ("{name: a, to: 'json://x', sevrity: error}", "unknown key; did you mean severity?"),
        ("{name: a, to: '${ABSENT}'}", "${ABSENT} is not set; set it in .env or in the environment"),
        ("{name: a, to: 'json://x'}\n  - {name: a, to: 'json://y'}", "two digests are named 'a'"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_without_the_address(
    desk: Desk, entry: str, problem: str
) -> None:
    said = desk.say("digest", **declare(desk, f"  - {entry}\n"))
    assert said.code == 2
    assert problem in said.err
    assert f"{desk.folder / 'sources.yaml'}:" in said.err


def test_an_address_in_the_settings_that_is_none_is_told_without_it(desk: Desk) -> None:
    said = desk.say("run", TIELINE_DIGEST_TO=f"json://x {CANARY}")
    assert said.code == 2
    assert said.err.startswith("TIELINE_DIGEST_TO: entry 2 is no address of Apprise; it must look like")


def test_each_state_of_a_message_has_words() -> None:
    assert set(letters.WORDS) == {state.value for state in State}


def test_status_shows_what_became_of_webhooks(desk: Desk) -> None:
    assert "Webhooks" not in desk.say("status").out
    store = desk.store()
    with Tally(store, lambda: NOW) as tally:
        tally.count("jira", Outcome.ACCEPTED)
        tally.count("jira", Outcome.FORGED)
        tally.count("jira", Outcome.FORGED)
    store.dispose()
    said = desk.say("status").out
    assert "site  accepted  duplicate  ignored  forged  oversized  refused        last (UTC)" in said
    assert "jira         1          0        0       2          0        0  2026-03-03 01:30" in said
    assert {it["outcome"]: it["number"] for it in desk.say("status", "--json").document["webhooks"]} == {
        "accepted": 1,
        "forged": 2,
    }
