"""Turn one row into an objective or a link, or into a quarantined row that says what is wrong with it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import date

from rapidfuzz import fuzz, process

from connectors.objectives.config import LinkColumns, ObjectivesSourceConfig, fold
from connectors.pages import Quarantined
from connectors.records import LinkClaim, Objective, ObjectiveState, Strength
from connectors.tables import CellRefused, Row


def to_objective(
    row: Row, config: ObjectivesSourceConfig, meanings: Mapping[str, ObjectiveState], file: str
) -> Objective | Quarantined:
    """Ids are text exactly as given, without the whitespace around it. A blank title shows the id.

    A blank status means active. The parent is taken as it is: whether it exists is seen when links are made.
    """
    columns = config.columns
    try:
        key = _required(row, columns.id)
        starts = _date(row, columns.starts, config.date_format)
        ends = _date(row, columns.ends, config.date_format)
        _refuse_reversed(columns.ends, starts, ends)
        return Objective(
            id=key,
            title=_text(row, columns.title) or key,
            state=_state(row, columns.status, meanings),
            parent=_text(row, columns.parent),
            owner=_text(row, columns.owner),
            starts=starts,
            ends=ends,
            url=_url(row, columns.url),
            kind=_text(row, columns.kind),
            target_share=_share(row, columns.target_share),
        )
    except CellRefused as fault:
        return Quarantined(file, row.line, fault.column, str(fault), row.raw)


def to_link(
    row: Row, columns: LinkColumns, meanings: Mapping[str, Strength], file: str
) -> LinkClaim | Quarantined:
    try:
        return LinkClaim(
            issue=_required(row, columns.issue),
            objective=_required(row, columns.objective),
            evidence=f"{file}, line {row.line}",
            site=_text(row, columns.site),
            strength=_strength(row, columns.strength, meanings),
        )
    except CellRefused as fault:
        return Quarantined(file, row.line, fault.column, str(fault), row.raw)


def _strength(row: Row, column: str | None, meanings: Mapping[str, Strength]) -> Strength | None:
    text = _text(row, column)
    if text is None:
        return None
    strength = meanings.get(fold(text))
    if strength is None:
        known = ", ".join(meanings)
        raise CellRefused(
            str(column), f"{text!r} is none of {known}; declare what it means under `strengths`"
        )
    return strength


def _text(row: Row, column: str | None) -> str | None:
    return (row.cells[column].strip() or None) if column is not None else None


def _required(row: Row, column: str) -> str:
    text = _text(row, column)
    if text is None:
        raise CellRefused(column, "the cell is blank")
    return text


def _date(row: Row, column: str | None, form: str) -> date | None:
    text = _text(row, column)
    if text is None:
        return None
    try:
        found = time.strptime(text, form)
        return date(found.tm_year, found.tm_mon, found.tm_mday)
    except ValueError:
        raise CellRefused(str(column), f"{text!r} is no date written like {form}") from None


def _url(row: Row, column: str | None) -> str | None:
    """A web address only: it becomes a link in the report, where `javascript:` would run."""
    text = _text(row, column)
    if text is not None and not text.lower().startswith(("https://", "http://")):
        raise CellRefused(str(column), f"{text!r} is no web address that starts with https:// or http://")
    return text


def _share(row: Row, column: str | None) -> int | None:
    """Read `25%`, `25` or `2.5 %` as hundredths of a percent."""
    text = _text(row, column)
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,3})(?:\.(\d{1,2}))?\s*%?", text)
    share = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else None
    if share is None or share > 100_00:
        raise CellRefused(str(column), f"{text!r} is no share of the whole, such as 25% or 2.5%")
    return share


def _refuse_reversed(column: str | None, starts: date | None, ends: date | None) -> None:
    if starts and ends and ends < starts:
        raise CellRefused(str(column), f"it ends on {ends}, before it starts on {starts}")


def _state(row: Row, column: str | None, meanings: Mapping[str, ObjectiveState]) -> ObjectiveState:
    text = _text(row, column)
    if text is None:
        return ObjectiveState.ACTIVE
    state = meanings.get(fold(text))
    if state is not None:
        return state
    near = process.extractOne(fold(text), list(meanings), scorer=fuzz.ratio, score_cutoff=75)
    hint = f"the nearest is {near[0]!r}; " if near else ""
    raise CellRefused(str(column), f"{text!r} is no known status; {hint}declare what it means under `states`")
