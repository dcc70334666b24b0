"""An audience is told of what it covers, in plain text, and of nothing where nothing is new."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from rules.ruleset import Severity
from sync.digests.audiences import Audience, Covers, Day
from sync.digests.message import LINES, Message, join, write
from sync.digests.news import News, Standing, Turned, WaiverRemark
from sync.figures.coverage import Series, Split
from sync.figures.intake import SourceRead
from sync.waivers.asking import Kind, RequestFacts
from sync.waivers.asking import Standing as Answered
from tests.clock import NOW
from tests.hostile import TEXTS

ZONE = ZoneInfo("Europe/Berlin")
PACKS = {"epic-without-objective": "strategic", "epic-is-overdue": "tactical"}
ALL = Covers()
SAME = Standing(None, None, Split(3, 1), Split(3, 1))
QUIET = News(7, NOW, 5, datetime(2026, 3, 1, 23, 30, tzinfo=UTC), SAME)


def turned(key: str = "PAY-1", rule: str = "epic-without-objective", **more: object) -> Turned:
    said = {
        "subject": key,
        "title": "An epic",
        "url": f"https://jira.example.com/browse/{key}",
        "project": key.partition("-")[0],
        "rule": rule,
        "severity": "warning",
        "owner": "Anna",
        "labels": True,
    }
    return Turned(**(said | more))  # type: ignore[arg-type]


def request(key: str, standing: Answered = Answered.REQUESTED) -> RequestFacts:
    return RequestFacts(key, "", "epic-is-overdue", Kind.EXEMPT, standing, NOW, "Ben")


def told(news: News, covers: Covers = ALL, link: str = "") -> str:
    message = write(news, covers, PACKS, ZONE, link)
    return "" if message is None else f"{message.title}\n{message.body}"


def test_nothing_new_is_no_message() -> None:
    assert told(QUIET) == ""
    assert told(replace(QUIET, said=("held back",), incomplete=(source(),))) == "", "known for days"


def source(status: str = "failed", message: str | None = "no such file") -> SourceRead:
    return SourceRead("goals", "objectives", 7, status, NOW, NOW, 0, 0, 0, message)


def test_a_message_says_what_when_and_how_the_figures_moved() -> None:
    series = Series("EUR", 2026, "budget")
    moved = Standing(Split(75_00, 25_00), Split(50_00, 50_00), Split(4, 1, 1, 1), Split(3, 2))
    news = replace(
        QUIET,
        whole=moved,
        series=series,
        opened=(turned("PAY-2"), turned("PAY-3", severity="error", labels=False)),
        closed=(turned("WEB-1"),),
        requests=(request("PAY-9"),),
        waivers=(WaiverRemark("epic-is-overdue", "w.yaml:3: the waiver ends tomorrow."),),
        incomplete=(source(),),
        failing=("goals",),
        whole_again=("money",),
        said=("Rule x is held back.",),
    )
    assert (
        told(news, link="https://tieline.example.com/report")
        == """\
Tieline: 2 findings opened, 1 finding closed, 1 request to answer, 1 waiver to look at, 1 source incomplete, \
1 source w…
Run 7 of 2026-03-03, compared with run 5 of 2026-03-02:

75.0 % of the budget for fiscal year 2026 serves a live objective (+25.0 points): 75.00 EUR (+25.00) \
of 100.00 EUR is aligned; 25.00 EUR (-25.00) is not.
4 (+1) of 7 work items (57.1 %) serve a live objective; 1 (-1) do not, 1 (+1) are waived, \
of 1 (+1) it is not known.

Opened: 2 findings
- PAY-3 An epic (epic-without-objective, error, not labelled) https://jira.example.com/browse/PAY-3
- PAY-2 An epic (epic-without-objective, warning) https://jira.example.com/browse/PAY-2

Closed: 1 finding
- WEB-1 An epic (epic-without-objective, warning) https://jira.example.com/browse/WEB-1

Asked for on tickets
- PAY-9: An exemption from epic-is-overdue was heard on 2026-03-03 and waits for Ben; until then the \
finding counts.

Waivers
- w.yaml:3: the waiver ends tomorrow.

Not every source could be read whole, so what is read from it stands as it stood
- goals (objectives): failed. no such file

Read whole again
- money

The run says
- Rule x is held back.

The whole report: https://tieline.example.com/report
"""
    )


@pytest.mark.parametrize(
    ("covers", "keys"),
    [
        (Covers(), {"PAY-1", "PAY-2", "WEB-1", "O1"}),
        (Covers(projects=frozenset({"PAY"})), {"PAY-1", "PAY-2"}),
        (Covers(rules=frozenset({"epic-is-overdue"})), {"PAY-2"}),
        (Covers(packs=frozenset({"strategic"})), {"PAY-1", "WEB-1"}),
        (Covers(owners=frozenset({"anna"})), {"PAY-1", "PAY-2", "O1"}),
        (Covers(severity=Severity.ERROR), {"WEB-1"}),
        (Covers(projects=frozenset({"PAY"}), severity=Severity.ERROR), set()),
    ],
)
def test_an_audience_is_told_of_what_it_covers(covers: Covers, keys: set[str]) -> None:
    news = replace(
        QUIET,
        opened=(
            turned("PAY-1"),
            turned("PAY-2", "epic-is-overdue"),
            turned("WEB-1", severity="error", owner="Ben"),
            turned("O1", "a-rule-of-ours", project=""),
        ),
    )
    said = told(news, covers)
    assert {key for key in ("PAY-1", "PAY-2", "WEB-1", "O1") if f"- {key} " in said} == keys


def test_figures_are_news_to_whoever_covers_all_rules_and_only_where_something_fell_out_of_line() -> None:
    grown = replace(QUIET, whole=Standing(None, None, Split(4, 1), Split(3, 1)))
    assert told(grown) == "", "one more epic that is aligned"
    worse = replace(QUIET, whole=Standing(None, None, Split(3, 2), Split(3, 1)))
    assert told(worse).startswith("Tieline: the figures moved\n")
    assert told(worse, Covers(rules=frozenset({"epic-is-overdue"}))) == ""
    restated = replace(
        QUIET,
        series=Series("EUR", 2026, "budget"),
        whole=replace(SAME, money=Split(5), money_before=Split(4)),
    )
    assert told(restated).startswith("Tieline: the figures moved\n")


def test_a_project_hears_of_its_own_figures_and_requests() -> None:
    worse = Standing(None, None, Split(0, 2), Split(0, 1), "Payments")
    fine = replace(SAME, name="Web")
    news = replace(
        QUIET,
        projects={("a", "PAY"): worse, ("b", "PAY"): replace(fine, name="Payments 2"), ("a", "WEB"): fine},
        requests=(request("PAY-9"), request("WEB-9", Answered.APPROVED)),
        said=("of the run",),
    )
    said = told(news, Covers(projects=frozenset({"PAY"})))
    assert "\nPayments: 0 of 2 work items (0.0 %) serve a live objective; 2 (+1) do not.\n" in said
    assert "Payments 2: 3 of 4" in said
    assert "PAY-9" in said
    assert not any(word in said for word in ("Web", "WEB", "of the run"))
    assert told(news, Covers(projects=frozenset({"WEB"}))).startswith("Tieline: 1 request heard\n")


def test_what_is_not_known_is_said_so() -> None:
    unknown = Standing(Split(unknown=100), None, Split(unknown=4), None)
    news = replace(
        QUIET,
        since=None,
        since_at=None,
        whole=unknown,
        series=Series("USD", 2026, "budget"),
        opened=(turned(),),
    )
    said = told(news)
    assert "It is not known how much of the budget for fiscal year 2026 (1.00 USD) serves" in said
    assert "Of 4 work items it is not known which serve a live objective." in said
    assert "Run 7 is the first with figures, so all that it found is new." in said
    assert said.endswith("`tieline runs --show 7` has more.\n")


def test_of_many_the_first_are_named_and_the_others_counted() -> None:
    said = told(replace(QUIET, opened=tuple(turned(f"PAY-{number}") for number in range(4000))))
    assert said.startswith("Tieline: 4,000 findings opened\n")
    assert said.count("- PAY-") == LINES
    assert "- and 3,980 more" in said


def test_hostile_text_stays_one_line_of_text() -> None:
    clean = told(replace(QUIET, opened=(turned(),), incomplete=(source(),)))
    for text in TEXTS:
        news = replace(
            QUIET,
            opened=(turned(title=text, url=text),),
            incomplete=(source(message=text),),
        )
        said = told(news)
        assert len(said.splitlines()) == len(clean.splitlines())
        assert len(said) < 1500
        assert not {char for char in said if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}} - {"\n"}
        assert "javascript:" not in said.partition("(epic-without-objective")[2].partition("\n")[0]


def test_messages_for_one_person_are_joined_under_their_names() -> None:
    one, two = Message("Tieline: a", "A\n"), Message("Tieline: b", "B\n")
    assert join([("x", one)]) == one
    assert join([("x", one), ("y", two)]) == Message(
        "Tieline: news of x and y", "== x ==\n\nA\n\n== y ==\n\nB\n"
    )


def test_an_audience_listens_on_its_days_and_knows_the_one_before() -> None:
    weekly = Audience("w", (), days=frozenset({Day.MONDAY}))
    monday, tuesday = date(2026, 3, 2), date(2026, 3, 3)
    assert [weekly.listens(monday), weekly.listens(tuesday)] == [True, False]
    assert weekly.day_before(monday) == date(2026, 2, 23)
    assert Audience("d", ()).day_before(monday) == date(2026, 3, 1)
