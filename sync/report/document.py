"""Turn figures into the JSON document of the report: amounts as integers in minor units, times in UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from sync.figures.coverage import Project, Purpose, Series, Slice, Split
from sync.figures.findings import Change, LabelFacts
from sync.figures.intake import Exchange, Leftovers
from sync.figures.run import Figures
from sync.money.conversion import ROUNDING
from sync.report.wording import money
from sync.waivers.asking import answer

# As many as the page shows; unaligned.csv holds them all.
ITEMS_SHOWN = 50

Document = dict[str, Any]


def to_json(figures: Figures) -> str:
    """Write the document; it holds ASCII only, so that no text in it can act on a terminal."""
    return json.dumps(document(figures), default=plain, indent=2) + "\n"


def document(figures: Figures) -> Document:
    """Give everything the report says as plain values."""
    return {
        "run": asdict(figures.run),
        "headline": headline(figures),
        "work": split(figures.work),
        "money": [slice_of(part) for part in figures.slices],
        "converted": converted(figures.exchange),
        "projects": [project(it) for it in figures.projects],
        "objectives": [purpose(it) for it in figures.purposes],
        "unaligned": unaligned(figures),
        "matching": matching(figures.detail.leftovers),
        "findings": [asdict(count) for count in figures.detail.rules],
        "new_rules": [asdict(it) for it in figures.detail.new_rules],
        "waivers": {
            "granted": [asdict(waiver) for waiver in figures.detail.waivers],
            "remarks": list(figures.detail.waiver_remarks),
            "requests": [{**asdict(it), "answer": answer(it)} for it in figures.detail.requests],
        },
        "dangling": [asdict(it) for it in figures.detail.dangling],
        "change": change(figures.change),
        "labels": labels(figures.labels),
        "trend": [
            {"run": point.run_id, "started_at": point.started_at, **split(point.money, "_minor")}
            for point in figures.trend
        ],
        "sources": [asdict(read) for read in figures.intake.sources],
        "quarantine": {
            "rows": figures.intake.quarantined,
            "first": [asdict(row) for row in figures.intake.refused],
        },
        "control_totals": {
            "reconcile": figures.intake.reconciles,
            "totals": [
                {
                    "source": total.source,
                    **series_of(total.series),
                    "stated_minor": total.stated_minor,
                    "accepted_minor": total.accepted_minor,
                    "refused_minor": total.refused_minor,
                    "difference_minor": total.difference,
                }
                for total in figures.intake.totals
            ],
        },
    }


def headline(figures: Figures) -> Document:
    """Give the money the report is about, in minor units and as the page writes it."""
    part = figures.headline.money
    if part is None:
        return {"money": None, "note": figures.headline.note}
    written = {name: money(number, part.series.currency) for name, number in named(part.money).items()}
    return {"money": slice_of(part), "text": written, "note": figures.headline.note}


def named(whole: Split) -> dict[str, int]:
    """Give the parts and the total of a split by name."""
    return {**asdict(whole), "total": whole.total}


def split(whole: Split, suffix: str = "") -> Document:
    """Give a split and its aligned share in percent, rounded down to a tenth."""
    share = None if whole.share is None else whole.share / 10
    return {**{name + suffix: number for name, number in named(whole).items()}, "aligned_percent": share}


def series_of(series: Series) -> Document:
    """Give which money it is."""
    return asdict(series)


def slice_of(part: Slice) -> Document:
    """Give the money of one series."""
    return {**series_of(part.series), **split(part.money, "_minor"), "items": named(part.items)}


def converted(it: Exchange) -> Document:
    """Give the derived figures, and the money that has no rate."""
    return {
        "rounding": ROUNDING,
        "money": [
            {
                **series_of(part.series),
                "target": part.target,
                "rate_set": part.rate_set,
                "rate_type": part.rate_type,
                "rates_from": part.rates_from,
                "source_minor": part.source_minor,
                **split(part.money, "_minor"),
            }
            for part in it.converted
        ],
        "missing_rates": [
            {
                **series_of(gap.series),
                "period": gap.period,
                "target": gap.target,
                "rate_set": gap.rate_set,
                "rate_type": gap.rate_type,
                "source_minor": gap.source_minor,
            }
            for gap in it.missing
        ],
    }


def matching(it: Leftovers) -> Document:
    """Give what is left on both sides of matching: the first of each, and how many there are."""
    return {
        "money_without_work": {
            "groups": len(it.money),
            "largest": [asdict(one) for one in it.money[:ITEMS_SHOWN]],
        },
        "work_without_money": {
            "items": len(it.work),
            "first": [asdict(one) for one in it.work[:ITEMS_SHOWN]],
        },
        "rules_that_lead_nowhere": [asdict(one) for one in it.rules],
    }


def project(it: Project) -> Document:
    """Give the figures of one project."""
    return {
        "key": it.key,
        "name": it.name,
        "work": split(it.work),
        "money": [slice_of(part) for part in it.slices],
    }


def purpose(it: Purpose) -> Document:
    """Give the money that falls to one objective, or to none: then it has no id."""
    return {
        "id": it.id or None,
        "title": it.title,
        "owner": it.owner,
        "target_percent": None if it.target_share is None else it.target_share / 100,
        "money": [
            {**series_of(series), **split(whole, "_minor")} for series, whole in sorted(it.amounts.items())
        ],
    }


def unaligned(figures: Figures) -> Document:
    """Give the unaligned work items with the most money."""
    items = figures.detail.unaligned
    return {
        "note": figures.detail.note,
        "items": len(items),
        "amount_minor": sum(item.amount_minor for item in items),
        "largest": [asdict(item) for item in items[:ITEMS_SHOWN]],
    }


def change(it: Change | None) -> Document | None:
    """Give what changed since the run before."""
    if it is None:
        return None
    return {
        "since_run": it.run_id,
        "since": it.started_at,
        "money_before": None if it.money_before is None else split(it.money_before, "_minor"),
        "work_before": split(it.work_before),
        "projects": [
            {
                "key": moved.key,
                "name": moved.name,
                "money_before": split(moved.money_before, "_minor"),
                "money": split(moved.money, "_minor"),
                "work_before": split(moved.work_before),
                "work": split(moved.work),
            }
            for moved in it.moved
        ],
        "now_aligned": [asdict(item) for item in it.now_aligned],
        "now_flagged": [asdict(item) for item in it.now_flagged],
    }


def labels(it: LabelFacts) -> Mapping[str, Any]:
    """Give what was planned and written."""
    return {
        "planned": {"add": it.planned_add, "remove": it.planned_remove},
        "written": {"add": it.count("add"), "remove": it.count("remove")},
        "entries": [asdict(entry) for entry in it.entries],
        "withheld": [asdict(entry) for entry in it.withheld],
    }


def plain(value: object) -> str:
    """Write a moment or a day."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
