"""Turn one row of a table into budget lines, or into a quarantined row that says what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from connectors.finance.cells import Cells, read_amount, read_minor
from connectors.finance.codes import issue_keys, projects_above
from connectors.finance.config import FinanceMapping, Plan
from connectors.finance.frames import Frame, Frames
from connectors.finance.money import format_minor
from connectors.pages import Quarantined
from connectors.records import BudgetLine
from connectors.tables import CellRefused, Row


def to_lines(
    row: Row, config: FinanceMapping, file: str, plan: Plan | None = None, frames: Frames | None = None
) -> tuple[BudgetLine, ...] | Quarantined:
    """One budget line for each amount that is not blank; one bad cell refuses the whole row.

    The lines' ids are natural keys, which two rows may share: telling them apart is the source's task.
    `frames` are those of the table so far.
    """
    plan = config.plan() if plan is None else plan
    frames = frames or Frames(config, plan)
    try:
        head = _read_head(row.cells, config, frames)
    except CellRefused as fault:
        return Quarantined(file, row.line, fault.column, str(fault), row.raw, fault.code)
    notation = frames.notation
    faults: list[CellRefused] = []
    lines: list[BudgetLine] = []
    minors: dict[str, int] = {}
    for place, amount in enumerate(plan.amounts):
        try:
            minor = read_amount(row.cells, amount, head.currency, notation, config.scale)
            if minor is not None:
                lines.append(_to_line(row, frames.read(row.cells, place), head, minor))
                minors[amount.title] = minor
        except CellRefused as fault:
            faults.append(fault)
    if plan.sums and not faults:
        faults = _wrong_sums(row.cells, config, plan, head.currency, minors)
    return _refused(row, file, faults) if faults else tuple(lines)


def _refused(row: Row, file: str, faults: list[CellRefused]) -> Quarantined:
    reasons = dict.fromkeys(f"{fault.column}: {fault}" for fault in faults[1:])
    reasons.pop(f"{faults[0].column}: {faults[0]}", None)
    said = "; ".join([str(faults[0]), *reasons])
    return Quarantined(file, row.line, faults[0].column, said, row.raw, faults[0].code)


def _wrong_sums(
    cells: Cells, config: FinanceMapping, plan: Plan, currency: str, minors: Mapping[str, int]
) -> list[CellRefused]:
    """The columns that are declared to hold a sum of others and do not."""
    faults: list[CellRefused] = []
    for column, parts in plan.sums:
        try:
            stated = read_minor(
                cells, column, currency, notation=config.number.notation(), scale=config.scale
            )
        except CellRefused as fault:
            faults.append(fault)
            continue
        found = sum(minors.get(part, 0) for part in parts)
        if stated is not None and stated != found:
            faults.append(CellRefused(column, difference(stated, found, currency, "of its periods"), "sum"))
    return faults


def difference(stated: int, found: int, currency: str, what: str) -> str:
    """How a stated sum differs from the one that was found, in words."""
    said, summed, apart = (format_minor(minor, currency) for minor in (stated, found, stated - found))
    return f"it states {said} where the amounts {what} sum to {summed}: a difference of {apart} {currency}"


def natural_key(*parts: str | None) -> str:
    """The parts joined by bars; a bar or backslash inside a part is escaped, so no two keys are confused."""
    key = "|".join([part or "" for part in parts])
    if "\\" not in key and key.count("|") == len(parts) - 1:
        return key
    return "|".join((part or "").replace("\\", "\\\\").replace("|", "\\|") for part in parts)


class _Head(NamedTuple):
    """What all amounts of a row share."""

    currency: str
    project: str | None
    cost_centre: str | None
    account: str | None
    description: str | None
    own_id: str | None
    issues: tuple[str, ...]
    parents: tuple[str, ...]


def _read_head(cells: Cells, config: FinanceMapping, frames: Frames) -> _Head:
    columns = config.columns
    own_id = _code(cells, columns.id)
    if columns.id is not None and own_id is None:
        raise CellRefused(columns.id, "the id is blank", "blank")
    project = _code(cells, columns.project)
    return _Head(
        currency=frames.currency(cells),
        project=project,
        cost_centre=_code(cells, columns.cost_centre),
        account=_code(cells, columns.account),
        description=_code(cells, columns.description),
        own_id=own_id,
        issues=issue_keys(_code(cells, columns.issue)) if columns.issue else (),
        parents=projects_above(project, _code(cells, columns.parent), config.project_separator)
        if columns.parent or config.project_separator
        else (),
    )


def _to_line(row: Row, frame: Frame, head: _Head, minor: int) -> BudgetLine:
    whose = (head.project, head.cost_centre, head.account) if head.own_id is None else (head.own_id,)
    return BudgetLine(
        id=natural_key(*whose, frame.version, frame.period, head.currency),
        version=frame.version,
        fiscal_year=frame.moment.year or 0,
        period=frame.period,
        currency=head.currency,
        amount_minor=minor,
        project=head.project,
        cost_centre=head.cost_centre,
        account=head.account,
        description=head.description,
        line=row.line,
        issues=head.issues,
        parents=head.parents,
    )


def _code(cells: Cells, column: str | None) -> str | None:
    """Exactly as given, leading zeros kept; only the whitespace around it goes, tabs included."""
    return (cells[column].strip() or None) if column is not None else None
