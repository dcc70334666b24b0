"""Turn allocation tables into pages of rules: money on a code falls to an item, or serves an objective."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connectors.cursors import Cursors, Place
from connectors.finance.allocation_rows import AllocationsConfig, to_rule
from connectors.pages import Page, Quarantined
from connectors.records import AllocationRule
from connectors.tables import Row, open_tables, placed

PAGE_ROWS = 500


class AllocationsSource:
    """An allocation table, or a folder of them, read as one source.

    A row that repeats an earlier one is counted in `Page.repeated`; one that gives another percent for the
    same code, target and validity is quarantined.
    """

    def __init__(self, config: AllocationsConfig) -> None:
        self._config = config

    @property
    def name(self) -> str:
        return self._config.name

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        config = self._config
        tables = open_tables(config.path, config.needed(), layout=config.layout())
        cursors = Cursors(self.name, [table.file for table in tables])
        done = cursors.read(cursor)
        known: dict[str, AllocationRule] = {}
        page, rows = Page(), 0
        for index, table in enumerate(tables):
            for record, row in enumerate(table.rows(), 1):
                place = Place(index, record)
                if isinstance(row, Row) and row.footer:
                    continue
                found = row if isinstance(row, Quarantined) else take(row, config, table.name, known)
                found = placed(found, row, config.sheet)
                if place <= done:
                    continue
                page, rows = with_one(page, found), rows + 1
                if rows == PAGE_ROWS:
                    yield replace(page, cursor=cursors.write(place))
                    page, rows = Page(), 0
        yield page


def with_one(page: Page, found: AllocationRule | Quarantined | None) -> Page:
    """The page with what one row came to; None is a row that only repeats another."""
    if found is None:
        return replace(page, repeated=page.repeated + 1)
    if isinstance(found, Quarantined):
        return replace(page, quarantined=(*page.quarantined, found))
    return replace(page, records=(*page.records, found))


def take(
    row: Row, config: AllocationsConfig, file: str, known: dict[str, AllocationRule]
) -> AllocationRule | Quarantined | None:
    """The rule of one row, unless it repeats an earlier one."""
    rule = to_rule(row, config, file)
    if isinstance(rule, Quarantined):
        return rule
    first = known.setdefault(rule.id, rule)
    if first is rule:
        return rule
    if first.millionths == rule.millionths:
        return None
    reason = f"another share of the same money was given before: {first.evidence}"
    return Quarantined(file, row.line, config.columns.percent, reason, row.raw)
