"""Turn an unknown budget file into a proposed mapping in YAML, with its evidence and doubts.

A person accepts it or not. Nothing here runs by itself: a run reads what is declared and never guesses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from connectors.delimited import Record, read_records
from connectors.errors import BadInput
from connectors.finance.clues import (
    MAYBE_TOTAL,
    TOTALS_CELL,
    Field,
    amount_fields,
    guess_delimiter,
    guess_header,
    guess_notation,
    guess_role,
)
from connectors.finance.guesses import (
    guess_currency,
    guess_dating,
    guess_version,
    is_pair,
    own_dating,
    period_columns,
)
from connectors.finance.money import format_minor
from connectors.finance.proposal import Proposal
from connectors.finance.source import FinanceSource
from connectors.headers import Header, HeaderForm, find_header
from connectors.textfiles import examine, first_bytes, open_text
from connectors.workbooks import is_workbook, read_sheet, sheet_names

_LOOKED_AT = 20_000
_DELIMITERS = (",", ";", "\t", "|")


_SCALES = (
    (10**6, r"\(?[$£€]?\s?\bM\b\)|million|\bmio\b|\$M\b|[£€]m\b"),
    (1000, r"thousand|\bT€|\bTEUR\b|[£€$]k\b|\b000s\b"),
)


def propose(path: Path, year: int, sheet: str | None = None) -> Proposal:
    """Look at a file and propose how to read it. `year` stands in where the file names none."""
    proposal = Proposal()
    proposal.put("name", re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "finance")
    proposal.put("path", str(path))
    records = _read(path, sheet, proposal)
    rows = [record for record in records if not record.blank and record.fault is None]
    if len(rows) < 2:
        raise BadInput(f"{path}: it holds no table of at least a header and one row.")
    header, place = _header(rows, proposal)
    data = rows[place + 1 :]
    fields = _fields(header, data)
    money, sums = amount_fields(fields)
    before = " ".join(cell for record in rows[:place] for cell in record.cells)
    dating = guess_dating(fields, f"{path.stem} {before} {path.absolute().parent.name}", year)
    _propose_amounts(fields, money, sums, dating, proposal)
    _propose_money(fields, money, f"{path.stem} {before}", proposal)
    _propose_codes(fields, {one.title for one in (*money, *sums)}, proposal)
    _propose_edges(header, data, proposal)
    _try(proposal)
    return proposal


def _read(path: Path, sheet: str | None, proposal: Proposal) -> list[Record]:
    if is_workbook(path, first_bytes(path)):
        names = sheet_names(path)
        chosen = sheet or names[0]
        others = [name for name in names if name != chosen]
        proposal.put(
            "sheet", chosen, *([f"doubt: there are other sheets: {', '.join(others)}"] if others else [])
        )
        return list(islice(read_sheet(path, chosen), _LOOKED_AT))
    try:
        file = examine(path, "utf-8")
    except BadInput as refused:
        if "is not valid utf-8" not in str(refused):
            raise
        file = examine(path, "cp1252")
        proposal.put(
            "encoding", "cp1252", "not valid UTF-8; doubt: cp1252 is only the commonest other one. Look at"
        )
        proposal.note("encoding", "the letters with accents before you accept it")
    widths: dict[str, list[int]] = {}
    found: dict[str, list[Record]] = {}
    for delimiter in _DELIMITERS:
        with open_text(file) as stream:
            found[delimiter] = list(_readable(islice(read_records(path, stream, delimiter), _LOOKED_AT)))
        widths[delimiter] = [len(record.cells) for record in found[delimiter] if not record.blank]
    best = guess_delimiter(widths)
    if best != ",":
        often = max(map(widths[best].count, set(widths[best])))
        proposal.put(
            "delimiter", best, f"{often} of {len(widths[best])} rows have the same number of cells by it"
        )
    return found[best]


def _readable(records: Iterator[Record]) -> Iterator[Record]:
    try:
        yield from records
    except BadInput:
        return  # a delimiter that is the wrong one may break the quotes


def _header(rows: list[Record], proposal: Proposal) -> tuple[Header, int]:
    place = guess_header(rows)
    header, _ = find_header(rows[place : place + 1], [], [], HeaderForm())
    if header is None:
        raise BadInput(f"{proposal.mapping['path']}: it holds no row that can be a header.")
    if place:
        proposal.put(
            "header", {"within": place + 1}, f"the header stands on line {header.line}, below other rows"
        )
    return header, place


def _fields(header: Header, data: list[Record]) -> list[Field]:
    whole = [record.cells for record in data if len(record.cells) >= len(header.titles)]
    fields: list[Field] = []
    for place, title in enumerate(header.titles):
        if title and header.titles.count(title) == 1:
            fields.append(Field(title, tuple(cells[place] for cells in whole if cells[place].strip())))
    return fields


def _propose_amounts(
    fields: list[Field],
    money: list[Field],
    sums: list[Field],
    dating: tuple[dict[str, Any], list[str]],
    proposal: Proposal,
) -> None:
    when, notes = dating
    labelled = period_columns([one.title for one in fields])
    if labelled is not None and (labelled[0].has_year or "fiscal_year" in when):
        form, titles = labelled
        group: dict[str, Any] = {"labels": form.text, "count": len(titles)}
        if not form.has_year:
            group |= {"fiscal_year": when["fiscal_year"]}
        proposal.put(
            "periods", [group], f"columns {titles[0]} to {titles[-1]}", *([] if form.has_year else notes)
        )
        money[:] = [one for one in fields if one.title in titles]
        return
    if not money:
        raise BadInput(
            f"{proposal.mapping['path']}: no column looks like amounts of money: "
            "none has both numbers and a name such as Amount."
        )
    if is_pair(money):
        pair = {"debit": money[0].title, "credit": money[1].title}
        proposal.put(
            "amounts", [pair | when], "no row fills both columns; doubt: which one is the debit?", *notes
        )
        return
    proposal.put("amounts", [], *notes)
    for one in money:
        dated, more = own_dating(one, fields, when)
        version, doubts = guess_version(one.title, [other.title for other in fields])
        proposal.mapping["amounts"].append({"column": one.title} | dated | {"version": version})
        proposal.note("amounts", *more, *doubts)
    if sums:
        proposal.note("amounts", f"left out as sums of others: {', '.join(one.title for one in sums)}")


def _propose_money(fields: list[Field], money: list[Field], around: str, proposal: Proposal) -> None:
    notation, doubts = guess_notation([cell for one in money for cell in one.cells])
    plain = {"decimal": ".", "group": "", "negative": "-1", "symbol": ""}
    number = {"decimal": notation.decimal}
    number |= {key: value for key in plain if (value := getattr(notation, key)) != plain[key]}
    sample = next((cell.strip() for one in money for cell in one.cells), "")
    proposal.put("number", number, f"amounts look like {sample!r}", *doubts)
    titles = " ".join(one.title for one in money)
    for scale, words in _SCALES:
        if re.search(words, f"{titles} {around}"):
            proposal.put("scale", scale, "doubt: names or titles speak of millions or thousands")
            break
    proposal.put("currency", *guess_currency(fields, notation.symbol, f"{titles} {around}"))


def _propose_codes(fields: list[Field], taken: set[str], proposal: Proposal) -> None:
    columns: dict[str, str] = {}
    for role in ("project", "cost_centre", "account", "description"):
        title = guess_role(fields, role, taken)
        if title is not None:
            columns[role] = title
            taken.add(title)
    left = [one.title for one in fields if one.title not in taken]
    doubts = [f"not used: {', '.join(left[:12])}"] if left else []
    proposal.put("columns", columns, "doubt: chosen by their names only", *doubts)


def _propose_edges(header: Header, data: list[Record], proposal: Proposal) -> None:
    totals: dict[str, set[str]] = {}
    for record in data:
        for title, cell in zip(header.titles[:3], record.cells, strict=False):
            if title and TOTALS_CELL.fullmatch(cell.strip()):
                totals.setdefault(title, set()).add(cell.strip())
                break
    if totals:
        rows = [
            {"column": title, "pattern": "|".join(map(re.escape, sorted(texts))), "sums": "file"}
            for title, texts in totals.items()
            if len(texts) <= 20
        ]
        proposal.put(
            "totals", rows, "rows that seem to be sums; doubt: `sums: section` where they are subtotals"
        )
    first = [cell.strip() for record in data for cell in record.cells[:3]]
    maybe = sorted({cell for cell in first if MAYBE_TOTAL.fullmatch(cell)})
    if maybe:
        proposal.note("", f"doubt: are these rows sums or data? {', '.join(maybe[:5])}")
    last = data[-1]
    filled = [cell.strip() for cell in last.cells if cell.strip()]
    if len(data) > 1 and len(filled) == 1 and len(header.titles) > 2 and not TOTALS_CELL.fullmatch(filled[0]):
        proposal.put("footer", {"pattern": re.escape(filled[0])}, f"line {last.line} holds one cell only")


def _try(proposal: Proposal) -> None:
    """Read the file by the proposal, as evidence."""
    pages = list(FinanceSource(proposal.config()).pages())
    lines = sum(len(page.records) for page in pages)
    refused = [row for page in pages for row in page.quarantined]
    proposal.note("", f"tried: {lines} budget lines, {len(refused)} rows refused")
    for row in refused[:5]:
        proposal.note("", f"refused: line {row.line}, {row.column or 'row'}: {_one_line(row.reason)}")
    for total in pages[-1].totals[:12]:
        amount = f"{format_minor(total.amount_minor, total.currency)} {total.currency}"
        proposal.note("", f"sum: {total.version} {total.fiscal_year}: {amount}")


def _one_line(text: str) -> str:
    return " ".join(text.split())
