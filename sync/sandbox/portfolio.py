"""Turn the IT Dashboard's CSV of investments into the sandbox: an epic each, a project per agency."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.errors import BadInput
from sync.sandbox.state import Site
from sync.sandbox.timestamps import to_timestamp

SAMPLE = Path(__file__).parent / "sample"
UII = "Unique Investment Identifier"
AGENCY_CODE, AGENCY = "Agency Code", "Agency Name"
TITLE = "Investment Title (IT Portfolio)"
OBJECTIVES = "Agency Strategic Objectives / Agency Priority Goals"
STARTS, ENDS, BUDGET_YEAR = "Investment Start Year", "Investment End Year", "Budget Year"
SUBMITTED, UPDATED = "Date Investment First Submitted", "Date of Last Investment Detail Update"
_COLUMNS = (UII, AGENCY_CODE, AGENCY, TITLE, OBJECTIVES, STARTS, ENDS, BUDGET_YEAR, SUBMITTED, UPDATED)
_SMALL_WORDS = {"of", "the", "and", "for"}

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Where things ended up: the ids of the two custom fields, and the epic's key for each UII."""

    uii_field: str
    objectives_field: str
    keys: Mapping[str, str]


def load_portfolio(site: Site, investments: Path, objectives: Path | None = None) -> Portfolio:
    """Create projects, fields and epics. `objectives` tells the ids each agency may cite, to split exactly.

    Raises `BadInput` naming file, line and column, before anything is created.
    """
    rows = list(_rows(investments, _COLUMNS))
    known = _known_ids(objectives) if objectives else None
    epics = [(row, _epic(site, row, place, known)) for place, row in rows]
    with site.lock:
        keys = _add_projects(site, [row for _, row in rows])
        uii_field = site.add_field("UII")
        objectives_field = site.add_field("Strategic objectives")
        made = {}
        for row, (fields, ids) in epics:
            custom = {uii_field: row[UII], objectives_field: ", ".join(ids) or None}
            made[row[UII]] = site.add_issue({"project": keys[row[AGENCY]]} | fields | custom)
    return Portfolio(uii_field, objectives_field, made)


def cited_ids(cell: str, known: frozenset[str] | None = None) -> list[str]:
    """The ids of `3227 - Title, with commas, 3228 - Title`, each once.

    The first is always one (`0 - Not Applicable` cites 0); later numbers only when `known`, or, where nothing
    is known, when they have at least two digits.
    """
    first = re.match(r"(\d+) - ", cell)
    later = re.findall(r", (\d{2,}) - ", cell)
    ids = [first[1]] if first else []
    return list(dict.fromkeys(ids + [i for i in later if known is None or i in known]))


def project_keys(agencies: list[str]) -> dict[str, str]:
    """A valid key for each name, none twice: its initials, else more letters of its last word."""
    keys: dict[str, str] = {}
    for agency in agencies:
        taken = set(keys.values())
        keys[agency] = next(key for key in _candidates(agency) if key not in taken)
    return keys


def _candidates(agency: str) -> Iterator[str]:
    words = re.findall(r"[A-Z]+", re.sub(r"(\w)\.", r"\1", agency).upper())
    words = [word for word in words if word.lower() not in _SMALL_WORDS] or ["AGENCY"]
    head, last = "".join(word[0] for word in words[:-1]), words[-1]
    for length in range(1, len(last) + 1):
        if len(head + last[:length]) > 1:
            yield head + last[:length]
    number = 2
    while True:
        yield f"{head}{last[0]}{number}"
        number += 1


def _add_projects(site: Site, rows: list[Row]) -> dict[str, str]:
    keys = project_keys(list(dict.fromkeys(row[AGENCY] for row in rows)))
    for agency, key in keys.items():
        site.add_project(key, agency)
    return keys


def _epic(
    site: Site, row: Row, place: str, known: Mapping[str, frozenset[str]] | None
) -> tuple[dict[str, object], list[str]]:
    starts, ends, budget = (_year(row, column, place) for column in (STARTS, ENDS, BUDGET_YEAR))
    created, updated = (_moment(row, column, place) for column in (SUBMITTED, UPDATED))
    agency_ids = None if known is None else known.get(row[AGENCY_CODE].strip(), frozenset())
    fields: dict[str, object] = {
        "issuetype": "Epic",
        "summary": row[TITLE],
        "status": _status(starts, ends, budget),
        "created": to_timestamp(created, site.site_zone),
        "updated": to_timestamp(updated, site.site_zone),
        "duedate": f"{ends}-09-30",  # the US fiscal year ends in September
    }
    return fields, cited_ids(row[OBJECTIVES], agency_ids)


def _status(starts: int, ends: int, budget_year: int) -> str:
    if ends < budget_year - 1:
        return "Done"
    return "To Do" if starts >= budget_year else "In Progress"


def _year(row: Row, column: str, place: str) -> int:
    if not re.fullmatch(r"\d{4}", row[column].strip()):
        raise BadInput(f"{place}: column {column!r} holds {row[column]!r}; write a year of four digits")
    return int(row[column])


def _moment(row: Row, column: str, place: str) -> datetime:
    try:
        return datetime.fromisoformat(row[column].strip()).replace(tzinfo=UTC)
    except ValueError:
        reason = f"column {column!r} holds {row[column]!r}; write it as 2016-02-02 21:08:35"
        raise BadInput(f"{place}: {reason}") from None


def _known_ids(path: Path) -> dict[str, frozenset[str]]:
    known: dict[str, set[str]] = {}
    for _, row in _rows(path, ("agency_code", "objective_id")):
        known.setdefault(row["agency_code"].strip(), set()).add(row["objective_id"].strip())
    return {code: frozenset(ids) for code, ids in known.items()}


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, Row]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise BadInput(f"{path}:1: the column {missing[0]!r} is missing; the first line must name it")
            for row in reader:
                yield f"{path}:{reader.line_num}", row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read as CSV in UTF-8 ({error})") from error
