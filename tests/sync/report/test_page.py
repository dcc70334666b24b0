from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from sync.figures.coverage import Headline, Purpose, Split, add_up
from sync.figures.findings import LabelFacts, NewRule, Withheld
from sync.figures.intake import Intake, SourceRead
from sync.figures.run import Detail, Figures, RunFacts
from sync.report.page import PROJECTS_SHOWN, page, purpose_rows, with_rest
from sync.waivers.asking import Kind, RequestFacts, Standing, answer
from tests.clock import NOW
from tests.sync.report.making import RUN, SERIES, full, item, portfolio, project
from tests.sync.report.markup import Markup, read, squeezed

ZONE = ZoneInfo("Europe/Berlin")
HOSTILE = (
    "<script>alert('x')</script><img src=//evil.example/x onerror=alert(1)>\x1b[31m\u202egnp.exe\x00&amp;"
)


def shown(figures: Figures) -> Markup:
    return read(page(figures, ZONE, "1.2.3"))


def text_of(figures: Figures) -> str:
    return squeezed(shown(figures).text)


def test_the_headline_says_share_and_exact_amounts() -> None:
    text = text_of(portfolio(project("PAY", 38_287_360_588_00, 5_088_627_000_00)))
    assert "88.2 % of the budget for fiscal year 2026 serves a live objective" in text
    assert "38,287,360,588.00 USD of 43,375,987,588.00 USD is aligned; 5,088,627,000.00 USD is not." in text
    assert "1 of 2 work items (50.0 %) serve a live objective; 1 do not." in text


def test_all_four_standings_and_their_total_are_shown() -> None:
    text = text_of(portfolio(project("PAY", 1_00, 2_00)))
    assert "Aligned 1.00 Not aligned 2.00 Waived 0.00 Unknown 0.00 Total in USD 3.00" in text


def test_the_title_carries_the_headline() -> None:
    title = shown(portfolio(project("PAY", 1, 1))).all("title")[0].text.strip()
    assert title == "50.0 % aligned · Tieline report of 2026-03-03"


def test_times_are_those_of_the_service_zone() -> None:
    assert (
        "Run 2, asked for by cli, started 2026-03-03 02:30 CET, ended 2026-03-03 02:31 CET (done)."
        in text_of(portfolio(project("PAY", 1, 1)))
    )


def test_a_run_that_is_under_way_has_no_end() -> None:
    figures = portfolio(project("PAY", 1, 1), run=replace(RUN, finished_at=None, status="running"))
    assert "started 2026-03-03 02:30 CET. Rules abc123." in text_of(figures)


def test_what_is_not_known_is_not_shown_as_nought_percent() -> None:
    unknown = Split(unknown=500)
    whole = portfolio(project("PAY", 1, 1))
    part = replace(whole.slices[0], money=unknown)
    read_badly = SourceRead("jira", "work items", 2, "failed", NOW, NOW, 0, 0, 0, "it did not answer")
    text = text_of(
        replace(
            whole,
            headline=Headline(part),
            work=Split(unknown=2),
            slices=(part,),
            intake=Intake((read_badly,)),
        )
    )
    assert "Not known how much of the budget for fiscal year 2026 serves a live objective" in text
    assert " 0.0 %" not in text
    assert "Of 2 work items it is not known which serve a live objective." in text
    assert "jira (work items): failed. it did not answer" in text


def test_a_report_without_money_is_about_work() -> None:
    figures = Figures(RUN, Headline(None, "The store holds no money, so only work is counted."), Split(3, 1))
    text = text_of(figures)
    assert "75.0 % of the work serves a live objective" in text
    assert "The store holds no money, so only work is counted." in text


def test_a_headline_that_is_not_the_one_asked_for_says_so() -> None:
    whole = portfolio(project("PAY", 1, 1))
    figures = replace(whole, headline=replace(whole.headline, note="The store holds no budget in EUR."))
    assert "The store holds no budget in EUR." in text_of(figures)


def test_each_project_of_a_small_portfolio_has_its_row() -> None:
    text = text_of(portfolio(project("PAY", 3_00, 1_00), project("WEB", 1_00, 0)))
    assert "Pay PAY 3.00 1.00 4.00 75.0 % 2 1" in text
    assert "Web WEB 1.00 0.00 1.00 100.0 % 2 1" in text
    assert "All projects 4.00 1.00 5.00 80.0 % 4 2" in text


def test_the_projects_beyond_the_largest_are_summed_exactly() -> None:
    projects = [project(f"P{number}", 1000 - number, number) for number in range(40)]
    rows = with_rest(projects)
    assert len(rows) == PROJECTS_SHOWN + 1
    assert rows[-1].name == "15 other projects"
    assert rows[-1].money(SERIES) == Split(
        aligned=sum(1000 - number for number in range(25, 40)), unaligned=sum(range(25, 40))
    )
    assert rows[-1].work == Split(aligned=15, unaligned=15)


def test_one_project_too_many_is_shown_rather_than_summed() -> None:
    projects = [project(f"P{number}", 1, 1) for number in range(PROJECTS_SHOWN + 1)]
    assert with_rest(projects) == projects


def test_the_largest_unaligned_items_link_to_jira() -> None:
    figures = portfolio(
        project("PAY", 1, 1), detail=Detail(unaligned=(item("PAY-7", 12_345_67, "Ledger rewrite"),))
    )
    links = {element.attributes.get("href"): element.text for element in shown(figures).all("a")}
    assert links["https://jira.example/browse/PAY-7"] == "PAY-7"
    assert "PAY-7 Ledger rewrite Payments 12,345.67 epic-without-objective" in text_of(figures)


def test_only_the_fifty_largest_items_are_listed_and_the_others_counted() -> None:
    items = tuple(item(f"PAY-{number}", 1000 - number) for number in range(1200))
    markup = shown(portfolio(project("PAY", 1, 1), detail=Detail(unaligned=items)))
    links = [a.text for a in markup.all("a") if "browse" in a.attributes["href"]]
    assert links == [f"PAY-{number}" for number in range(50)]
    assert "The 50 with the most money of 1,200 work items" in squeezed(markup.text)


def test_a_note_on_the_tickets_is_shown_with_them() -> None:
    figures = portfolio(project("PAY", 1, 1), detail=Detail("This is not the newest run."))
    assert "This is not the newest run." in text_of(figures)
    assert "every work item serves a live objective" not in text_of(figures)


def test_what_changed_is_shown_as_before_now_and_difference() -> None:
    text = text_of(full())
    assert "Compared with run 1 of 2026-03-02 02:30 CET." in text
    assert "Aligned, USD 900,000.00 1,000,000.00 +100,000.00" in text
    assert "Aligned share of money 72.9 % 80.9 % +8.0 points" in text
    assert "Not aligned, work items 3 2 -1" in text


def test_the_first_run_says_that_there_is_nothing_to_compare() -> None:
    assert "nothing to compare with yet" in text_of(portfolio(project("PAY", 1, 1)))


def test_a_refused_label_is_shown_with_its_reason() -> None:
    text = text_of(full("archived"))
    assert "0 added, 0 removed, 1 refused by Jira" in text
    assert "PAY-2 add archived rule refused: archived" in text


def test_labels_left_as_they_are_are_counted_by_why_and_named() -> None:
    kept = Withheld("PAY-7", "https://jira.example", "keep", "align-urgent", "", "put on by people")
    late = Withheld("PAY-8", "https://jira.example", "add", "align-x", "a-rule", "left for a later night")
    text = text_of(replace(full(), labels=LabelFacts(withheld=(kept, late))))
    assert "Left as it is: 1 put on by people; 1 left for a later night." in text
    assert "PAY-7 align-urgent - put on by people PAY-8 add align-x a-rule left for a later night" in text


def test_what_people_ask_for_on_tickets_is_shown_with_its_age_and_answer() -> None:
    asked = RequestFacts(
        "PAY-7", "", "a-rule", Kind.EXEMPT, Standing.REQUESTED, NOW - timedelta(days=3), "jane"
    )
    text = text_of(replace(full(), detail=replace(full().detail, waivers=(), requests=(asked,))))
    assert "Asked for on tickets: what nobody has accepted still counts" in text
    assert f"PAY-7 a-rule exemption 3 {squeezed(answer(asked))}" in text


def test_a_rule_is_new_for_its_first_nights_of_labelling() -> None:
    new = (NewRule("a-rule", NOW, 12, 3), NewRule("b-rule", None, 1, 0))
    text = text_of(replace(full(), detail=replace(full().detail, new_rules=new)))
    assert f"a-rule, since {NOW:%Y-%m-%d}: 12 tickets labelled so far, 3 more held back by its for" in text
    assert "b-rule, from the next run that writes: 1 ticket planned" in text


def test_sources_that_do_not_reconcile_are_called_so() -> None:
    text = text_of(full("costs.csv"))
    assert "The amounts do not reconcile with what the finance sources state" in text
    assert "costs.csv USD 2026 budget 1,234,568.89 1,234,568.88 0.00 0.01" in text
    assert "costs.csv 3 costs.csv costs.csv" in text


def test_frozen_findings_are_explained() -> None:
    text = text_of(full())
    assert "epic-without-objective warning 2 1 0 1 3 1" in text
    assert "Frozen findings stand as they stood" in text


def test_hostile_text_is_shown_and_does_nothing() -> None:
    markup = shown(full(HOSTILE, url="javascript:alert(1)"))
    allowed = {"html", "head", "meta", "title", "link", "style", "body"}
    assert not {element.tag for element in markup.elements} & {"script", "img", "iframe", "object", "form"}
    assert allowed <= {element.tag for element in markup.elements}
    assert not [name for element in markup.elements for name in element.attributes if name.startswith("on")]
    hrefs = [element.attributes["href"] for element in markup.all("a")]
    assert not [href for href in hrefs if not href.startswith(("#", "https://jira.example")) and ":" in href]
    assert "<script>alert('x')</script>" in markup.text
    assert "⟨U+001B⟩[31m⟨U+202E⟩gnp.exe⟨U+0000⟩&amp;" in markup.text


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x9b", "\u202e", "\u2066", "\ufeff", "\ufffe"])
def test_no_character_that_acts_is_left_in_the_page(character: str) -> None:
    assert character not in page(full(f"a{character}b"), ZONE, "1")


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    written = page(full(), ZONE, "1")
    fetched = re.findall(r"""(?:src|srcset|data|action|poster|xlink:href)=["']?([^"' >]+)""", written)
    assert fetched == []
    assert re.findall(r"url\(|@import|@font-face", written) == []
    assert [a.attributes["href"] for a in read(written).all("link")] == ["data:,"]
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", written))
    ours = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert {address for address in addresses if "jira.example" not in address} == ours


def test_the_page_forbids_itself_scripts_and_requests() -> None:
    policies = [
        element.attributes["content"]
        for element in shown(full()).all("meta")
        if element.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policies == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    ]


def test_a_screen_reader_finds_titles_captions_and_descriptions() -> None:
    markup = shown(full())
    assert markup.all("html")[0].attributes["lang"] == "en"
    assert len(markup.all("h1")) == 1
    ids = [element.attributes["id"] for element in markup.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    labelled = [
        element.attributes["aria-labelledby"]
        for element in markup.elements
        if "aria-labelledby" in element.attributes
    ]
    assert labelled
    assert set(labelled) <= set(ids)
    assert len(markup.all("caption")) == len(markup.all("table")) > 5
    assert all(squeezed(caption.text) for caption in markup.all("caption"))
    assert all("scope" in th.attributes for th in markup.all("th"))
    charts = [svg for svg in markup.all("svg") if "svg" not in svg.inside]
    assert len(charts) == 2
    assert all(svg.attributes["role"] == "img" and svg.attributes["aria-label"] for svg in charts)
    anchors = [a.attributes["href"][1:] for a in markup.all("a") if a.attributes["href"].startswith("#")]
    assert set(anchors) <= set(ids)


def test_an_older_rule_hash_or_none_makes_no_difference_to_the_page() -> None:
    run: RunFacts = replace(RUN, rules_hash=None)
    assert "Rules" not in text_of(portfolio(project("PAY", 1, 1), run=run)).partition("started")[2]


def test_references_that_lead_nowhere_are_counted_with_an_example() -> None:
    text = text_of(full("GONE"))
    assert "References that lead nowhere" in text
    assert "jira custom field objective not known 1,234 PAY-2 → GONE" in text
    assert "lead nowhere" not in text_of(portfolio(project("PAY", 1, 1)))


def test_the_money_of_each_objective_stands_with_its_share_its_target_and_what_serves_none() -> None:
    text = text_of(full())
    assert "Some work O1 1,000,000.00 0.00 1,000,000.00 100.0 % 25.5 %" in text
    assert "No objective 0.00 234,568.89 234,568.89 - All money 1,000,000.00 234,568.89 1,234,568.89" in text


def test_the_objectives_with_the_least_money_are_one_line() -> None:
    many = [Purpose(f"O{n:02}", f"Goal {n}", "", None, {SERIES: Split(aligned=100 - n)}) for n in range(40)]
    rows = purpose_rows(many, SERIES)
    assert [row.title for row in rows[-2:]] == ["Goal 24", "15 other objectives"]
    assert add_up(row.money for row in rows) == add_up(it.money(SERIES) for it in many)
    assert purpose_rows(many, None) == []
