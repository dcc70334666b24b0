"""Figures made by hand: what the pure parts of the report are tested with."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sync.figures.coverage import Headline, Project, Purpose, Series, Slice, Split, TrendPoint, add_up
from sync.figures.findings import (
    Change,
    Dangling,
    FindingFacts,
    ItemName,
    LabelEntry,
    LabelFacts,
    Moved,
    NewRule,
    RuleCount,
    UnalignedItem,
    Withheld,
)
from sync.figures.intake import Intake, Refused, SourceRead, Total
from sync.figures.run import Detail, Figures, RunFacts
from sync.waivers.asking import Kind, RequestFacts, Standing
from tests.clock import NOW

SERIES = Series("USD", 2026, "budget")
RUN = RunFacts(2, "cli", False, "done", NOW, NOW + timedelta(minutes=1), "abc123", None)


def project(key: str, aligned: int, unaligned: int, name: str | None = None) -> Project:
    """A project of two work items, one aligned and one not."""
    items = Split(aligned=1, unaligned=1)
    return Project(
        key, name or key.title(), items, (Slice(SERIES, Split(aligned=aligned, unaligned=unaligned), items),)
    )


def item(key: str, amount_minor: int, summary: str = "Some work", url: str | None = None) -> UnalignedItem:
    return UnalignedItem(
        key=key,
        summary=summary,
        project_key=key.rpartition("-")[0],
        project_name="Payments",
        status="In Progress",
        url=f"https://jira.example/browse/{key}" if url is None else url,
        amount_minor=amount_minor,
        findings=("epic-without-objective",),
    )


def finding(subject: str, title: str) -> FindingFacts:
    return FindingFacts(
        rule="epic-without-objective",
        severity="warning",
        entity="workItem",
        subject_id=1,
        subject=subject,
        title=title,
        url="https://jira.example",
        state="open",
        since=NOW,
        opened_at=NOW,
        label="no-objective",
        evidence='{"objective": []}',
    )


def portfolio(*projects: Project, **more: object) -> Figures:
    """The figures of a run over these projects, and nothing else unless it is said."""
    whole = add_up(it.money(SERIES) for it in projects)
    work = add_up(it.work for it in projects)
    slices = (Slice(SERIES, whole, work),)
    made = Figures(RUN, Headline(slices[0]), work, slices, projects)
    return replace(made, **more)  # type: ignore[arg-type]


def full(text: str = "Some work", url: str | None = None) -> Figures:
    """Figures in which every list has something in it, and every text from outside is `text`."""
    before = Split(aligned=900_000_00, unaligned=334_567_89)
    pay, web = project("PAY", 1_000_000_00, 234_567_89, text), project("WEB", 0, 1_00)
    name = ItemName("PAY-1", text, "https://jira.example/browse/PAY-1", "epic-without-objective")
    source = SourceRead(text, "finance", 2, "failed", NOW, NOW, 2, 1, 1, text)
    entry = LabelEntry("PAY-2", url or "https://jira.example", "add", text, "rule", "parked", text)
    return portfolio(
        pay,
        web,
        purposes=(
            Purpose("O1", text, text, 2550, {SERIES: Split(aligned=1_000_000_00)}),
            Purpose("", "", "", None, {SERIES: Split(unaligned=234_568_89)}),
        ),
        detail=Detail(
            "",
            (item("PAY-2", 234_567_89, text, url), item("WEB-1", 1_00, text, url)),
            (finding("PAY-2", text),),
            (RuleCount("epic-without-objective", "warning", 2, 1, 0, 1, 3, 1),),
            requests=(
                RequestFacts(
                    "PAY-3",
                    "",
                    text,
                    Kind.DISPUTE,
                    Standing.REJECTED,
                    NOW,
                    text,
                    decided_by=text,
                    reason=text,
                ),
            ),
            new_rules=(NewRule(text, NOW, 1, 1),),
            dangling=(Dangling("jira", "custom field", "objective not known", 1234, f"PAY-2 → {text}"),),
        ),
        change=Change(
            1,
            NOW - timedelta(days=1),
            before,
            Split(aligned=1, unaligned=3),
            (Moved("PAY", text, before, pay.money(SERIES), Split(unaligned=2), pay.work),),
            (name,),
            (name,),
        ),
        labels=LabelFacts(1, 0, (entry,), (Withheld("PAY-4", "", "keep", text, text, text),)),
        trend=(TrendPoint(1, NOW - timedelta(days=1), before), TrendPoint(2, NOW, pay.money(SERIES))),
        intake=Intake(
            (source,),
            (Refused(text, text, 3, text, text, text),),
            (Total(text, SERIES, 1_234_568_89, 1_234_568_88, 0),),
        ),
    )
