"""Each person hears once about a night of what changed since the last time, and of nothing else."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from connectors import notices
from rules.ruleset import RuleSet
from sync.digests.delivering import PostOffice
from sync.errors import Exit
from sync.frame.log import LogForm, logging_to
from sync.store.digests import delivery
from tests.fakes.inbox import SECRET, Inbox
from tests.sync.house import House


def states(house: House) -> list[tuple[str, str, str | None]]:
    rows = house.rows(select(delivery).order_by(delivery.c.night, delivery.c.audience, delivery.c.address))
    return [(row.audience, row.state, row.reason) for row in rows]


def declare(house: House, digests: str) -> None:
    """Put audiences into a sources file beside the one site and the goals."""
    known = house.jira.credentials
    (house.folder / "sources.yaml").write_text(
        f"""\
jira:
  - {{name: jira, url: "{house.jira.url}", email: "{known.email}", api_token: "{known.token}",
      jql: "issuetype = Epic", objective_field: "{house.field_id}", markers: none}}
objectives:
  - {{name: goals, path: objectives.csv, columns: {{id: id, title: title}}}}
digests:
{digests}""",
        encoding="utf-8",
    )
    house.more["TIELINE_SOURCES"] = str(house.folder / "sources.yaml")
    house.more.pop("TIELINE_DIGEST_TO", None)


def awake(house: House, now: datetime) -> None:
    """Let the clock of a service that goes on come to an hour, and tick."""
    house.now = now
    service, sites = house.service()
    assert service.post is not None
    service.post.after_quiet_hours(lambda: service.rules(house.now))
    sites.close()


def test_a_night_tells_what_opened_and_closed_and_how_the_figures_moved(house: House, inbox: Inbox) -> None:
    house.night()
    inbox.take()
    flagged, cured = house.add_epic(summary="Lost"), "PAY-1"
    house.serve(cured)
    house.night()
    (mail,) = inbox.take()
    assert mail.title == "Tieline: 2 findings opened"
    assert "Run 2 of 2026-03-05, compared with run 1 of 2026-03-04:" in mail.body
    assert "3 (-1) of 5 work items (60.0 %) serve a live objective; 2 (+2) do not." in mail.body
    assert (
        f"- {flagged} Lost (epic-without-objective, warning) {house.jira.url}/browse/{flagged}" in mail.body
    )
    house.serve(cured, "O2")
    house.night()
    (mail,) = inbox.take()
    assert mail.title == "Tieline: 1 finding closed"
    assert "Closed: 1 finding\n- PAY-1 An epic (epic-without-objective, warning)" in mail.body
    assert "4 (+1) of 5 work items (80.0 %)" in mail.body


def test_a_night_in_which_nothing_changed_sends_nothing(house: House, inbox: Inbox) -> None:
    house.add_epic()
    house.night()
    assert [mail.title for mail in inbox.take()] == ["Tieline: 1 finding opened"]
    house.add_epic("O1")  # more work that is aligned is no news
    assert house.night().digests == []
    assert inbox.take() == []


def test_the_first_night_says_that_all_of_it_is_new(house: House, inbox: Inbox) -> None:
    house.add_epic()
    house.night()
    (mail,) = inbox.take()
    assert "Run 1 is the first with figures, so all that it found is new." in mail.body


def test_whoever_only_looks_sends_nothing(house: House, inbox: Inbox) -> None:
    house.add_epic()
    assert house.night(dry_run=True).digests == []
    assert inbox.take() == []


def test_what_a_dry_run_found_first_is_told_by_the_night(house: House, inbox: Inbox) -> None:
    house.night()
    house.add_epic()
    house.night(dry_run=True)
    house.night()
    assert [mail.title for mail in inbox.take()] == ["Tieline: 1 finding opened"]


def test_a_message_that_was_not_taken_changes_no_exit_code_and_comes_with_the_next_night(
    house: House, inbox: Inbox
) -> None:
    inbox.status = 503
    first = house.add_epic()
    stream = io.StringIO()
    with logging_to(stream, LogForm.JSON):
        result = house.night()
    assert (result.exit_code, result.status) == (Exit.OK, "done")
    assert states(house) == [("TIELINE_DIGEST_TO", "failed", "json: answered 503")]
    (warned,) = [json.loads(line) for line in stream.getvalue().splitlines() if "digest failed" in line]
    assert (warned["why"], warned["level"]) == ("json: answered 503", "warning")
    assert SECRET not in stream.getvalue()
    inbox.status = 200
    inbox.take()
    second = house.add_epic()
    house.night()
    (mail,) = inbox.take()
    assert f"- {first} " in mail.body
    assert f"- {second} " in mail.body
    assert [state for _, state, _ in states(house)] == ["failed", "sent"]


def test_an_inbox_that_is_not_there_fails_no_night(house: House) -> None:
    house.more["TIELINE_DIGEST_TO"] = f"json://127.0.0.1:9/{SECRET}"
    house.add_epic()
    assert house.night().exit_code == 0
    assert states(house) == [
        ("TIELINE_DIGEST_TO", "failed", "json: no answer, or not one that takes the message")
    ]


def test_an_address_that_nobody_knows_is_told_by_its_kind(house: House) -> None:
    house.more["TIELINE_DIGEST_TO"] = f"nosuch://{SECRET}"
    house.add_epic()
    assert house.night().exit_code == 0
    ((_, state, reason),) = states(house)
    assert (state, reason) == ("failed", f"nosuch: {notices.UNKNOWN}")


def test_a_redirect_is_not_followed(house: House, inbox: Inbox) -> None:
    inbox.status, inbox.headers = 302, {"Location": "/elsewhere"}
    house.add_epic()
    house.night()
    assert len(inbox.take()) == 1
    assert states(house) == [("TIELINE_DIGEST_TO", "failed", "json: answered 302")]


def test_several_nights_on_one_date_send_one_message_and_the_rest_comes_the_next_day(
    house: House, inbox: Inbox
) -> None:
    house.add_epic()
    house.night()
    assert len(inbox.take()) == 1
    late = house.add_epic()
    house.now -= timedelta(hours=23)
    house.night()
    assert inbox.take() == []
    house.night()
    (mail,) = inbox.take()
    assert f"- {late} " in mail.body


def test_one_person_in_two_audiences_gets_one_message_with_both_parts(house: House, inbox: Inbox) -> None:
    house.jira.site.add_project("WEB", "Web")
    declare(
        house,
        f"""\
  - {{name: all, to: "{inbox.address("anna")} {inbox.address("ben")}"}}
  - {{name: web, to: "{inbox.address("anna")}", projects: [WEB]}}
  - {{name: pay, to: "{inbox.address("carl")}", projects: [PAY]}}
""",
    )
    key = house.add_epic(project="WEB", summary="A web epic")
    house.night()
    mails = {mail.box: mail for mail in inbox.take()}
    assert sorted(mails) == ["anna", "ben"], "nothing changed in PAY"
    assert mails["anna"].title == "Tieline: news of all and web"
    assert "== all ==" in mails["anna"].body
    assert "== web ==" in mails["anna"].body
    assert mails["anna"].body.count(f"- {key} A web epic") == 2
    assert "Web: 0 of 1 work items (0.0 %) serve a live objective; 1 do not." in mails["anna"].body
    assert mails["ben"].title == "Tieline: 1 finding opened"
    assert len(states(house)) == 3


def test_quiet_hours_hold_the_message_and_one_comes_after_them(house: House, inbox: Inbox) -> None:
    declare(house, f"""  - {{name: team, to: "{inbox.address()}", quiet_hours: "20:00-07:00"}}\n""")
    first = house.add_epic()
    house.now = datetime(2026, 3, 2, 23, tzinfo=UTC)
    held = house.night()  # 23:00 of the 3rd
    assert [(it.state.value, it.letter.waits) for it in held.digests] == [("held", "quiet hours 20:00-07:00")]
    second = house.add_epic()
    house.now -= timedelta(hours=21)
    house.night()  # 02:00 of the 4th
    assert inbox.take() == []
    awake(house, datetime(2026, 3, 4, 6, 59, tzinfo=UTC))
    assert inbox.take() == []
    awake(house, datetime(2026, 3, 4, 7, 0, tzinfo=UTC))
    (mail,) = inbox.take()
    assert f"- {first} " in mail.body
    assert f"- {second} " in mail.body
    assert states(house) == [("team", "sent", None)]
    awake(house, datetime(2026, 3, 4, 7, 1, tzinfo=UTC))
    assert inbox.take() == []


def test_the_quiet_hours_of_one_audience_hold_all_of_a_persons_message(house: House, inbox: Inbox) -> None:
    declare(
        house,
        f"""\
  - {{name: calm, to: "{inbox.address("anna")}", quiet_hours: "20:00-07:00"}}
  - {{name: hasty, to: ["{inbox.address("anna")}", "{inbox.address("ben")}"]}}
""",
    )
    house.add_epic()
    house.night()
    assert [mail.box for mail in inbox.take()] == ["ben"]
    awake(house, house.now + timedelta(hours=6))
    assert [(mail.box, mail.title) for mail in inbox.take()] == [("anna", "Tieline: news of calm and hasty")]


def test_what_was_held_for_somebody_who_is_not_told_any_more_is_dropped(house: House, inbox: Inbox) -> None:
    declare(house, f"""  - {{name: team, to: "{inbox.address()}", quiet_hours: "20:00-07:00"}}\n""")
    house.add_epic()
    house.night()
    declare(house, f"""  - {{name: other, to: "{inbox.address()}"}}\n""")
    awake(house, house.now + timedelta(hours=6))
    assert inbox.take() == []
    assert states(house) == []


def test_whoever_is_told_on_mondays_hears_of_the_whole_week(house: House, inbox: Inbox) -> None:
    declare(house, f"""  - {{name: weekly, to: "{inbox.address()}", days: [monday]}}\n""")
    keys = []
    house.now = datetime(2026, 3, 1, 2, tzinfo=UTC)  # a Sunday
    house.night()
    inbox.take()
    for _ in range(7):
        keys.append(house.add_epic())
        house.night()
    (mail,) = inbox.take()
    assert mail.title == "Tieline: 7 findings opened"
    assert all(f"- {key} " in mail.body for key in keys)
    assert "Run 8 of 2026-03-09" in mail.body


def test_a_source_that_breaks_and_one_that_is_whole_again_are_news_once(house: House, inbox: Inbox) -> None:
    house.night()
    inbox.take()
    goals = (house.folder / "objectives.csv").read_text()
    (house.folder / "objectives.csv").write_text("nonsense\n")
    house.night()
    (mail,) = inbox.take()
    assert mail.title == "Tieline: 1 source incomplete"
    assert "Not every source could be read whole, so what is read from it stands as it stood" in mail.body
    house.night()
    assert inbox.take() == []
    (house.folder / "objectives.csv").write_text(goals)
    house.night()
    (mail,) = inbox.take()
    assert mail.title == "Tieline: 1 source whole again"


def test_only_one_of_two_that_send_at_once_does(house: House, inbox: Inbox) -> None:
    house.add_epic()
    house.more.pop("TIELINE_DIGEST_TO")
    result = house.night()
    house.more["TIELINE_DIGEST_TO"] = inbox.address()
    (first, sites), (second, others) = house.service(), house.service()
    assert first.post is not None
    assert second.post is not None
    rules = first.rules(house.now)

    def send_twice(*letter: str) -> str:
        assert second.post is not None
        assert second.post.after_night(result.run_id, rules, []) == []
        return notices.send(*letter)

    object.__setattr__(first.post, "send", send_twice)
    assert [it.state.value for it in first.post.after_night(result.run_id, rules, [])] == ["sent"]
    assert len(inbox.take()) == 1
    sites.close()
    others.close()


def test_a_digest_that_breaks_off_is_logged_and_fails_no_night(house: House, inbox: Inbox) -> None:
    house.add_epic()

    def broken(self: PostOffice, run_id: int, rules: RuleSet, *_: object) -> None:
        raise ZeroDivisionError("nobody expected it")

    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, logging_to(stream, LogForm.JSON):
        patch.setattr(PostOffice, "after_night", broken)
        assert house.night().exit_code == 0
    assert "ZeroDivisionError: nobody expected it" in stream.getvalue()


def test_no_address_and_no_password_of_one_reaches_the_store(house: House, inbox: Inbox) -> None:
    house.more["TIELINE_DIGEST_TO"] = inbox.address().replace("json://", "json://anna:s3cret-word@")
    house.add_epic()
    house.night()
    (row,) = house.rows(select(delivery))
    assert (row.kind, row.state, len(row.address)) == ("json", "sent", 24)
    assert "s3cret" not in repr(row) + repr(house.service()[0].post)
