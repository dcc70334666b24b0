"""Turn files of objectives, and files that tie issues to them, into pages of records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from connectors.arrivals import arrived
from connectors.cursors import Cursors, Place
from connectors.declared import DeclaredFiles
from connectors.errors import BadInput
from connectors.objectives.config import LinksConfig, ObjectivesSourceConfig
from connectors.objectives.documents import read_entries
from connectors.objectives.mapping import to_link, to_objective
from connectors.pages import Page, Quarantined
from connectors.records import LinkClaim, Objective
from connectors.tables import Row, open_tables, placed
from connectors.textfiles import File, examine, find_files

PAGE_ROWS = 500
_YAML = (".yaml", ".yml")


class ObjectivesSource:
    """CSV and YAML files of objectives, a folder's in order of their names, read as one source.

    An id may stand once. A row that repeats an earlier one in every mapped column is counted in
    `Page.repeated` and makes no second record; one that says something else of the same id is quarantined.
    """

    def __init__(self, config: ObjectivesSourceConfig) -> None:
        self._config = config

    @property
    def name(self) -> str:
        return self._config.name

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        config = self._config
        meanings = config.meanings()
        known: dict[str, tuple[Objective, str]] = {}

        def take(row: Row, file: str) -> Objective | Quarantined | None:
            objective = to_objective(row, config, meanings, file)
            if isinstance(objective, Quarantined):
                return objective
            first, where = known.setdefault(objective.id, (objective, f"line {row.line} of {file}"))
            if first is objective:
                return objective
            if first == objective:
                return None
            reason = f"id {objective.id!r} stands on {where} already, with other content"
            return Quarantined(file, row.line, config.columns.id, reason, row.raw)

        yield from _pages(self.name, config, take, cursor)


class LinksSource:
    """A CSV mapping file, or a folder of them: one row ties one issue to one objective.

    A row that repeats an earlier one is counted in `Page.repeated` and makes no second record.
    """

    def __init__(self, config: LinksConfig) -> None:
        self._config = config

    @property
    def name(self) -> str:
        return self._config.name

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        config = self._config
        meanings = config.meanings()
        known: set[tuple[str | None, str, str]] = set()

        def take(row: Row, file: str) -> LinkClaim | Quarantined | None:
            link = to_link(row, config.columns, meanings, file)
            if isinstance(link, Quarantined):
                return link
            said = (link.site, link.issue, link.objective)
            if said in known:
                return None
            known.add(said)
            return link

        yield from _pages(self.name, config, take, cursor)


Take = Callable[[Row, str], Objective | LinkClaim | Quarantined | None]


def _pages(source: str, config: DeclaredFiles, take: Take, cursor: str | None) -> Iterator[Page]:
    """Read all from the start, for repetitions depend on it, and give what lies after the cursor."""
    files = _open(config)
    cursors = Cursors(source, [file for file, _ in files])
    done = cursors.read(cursor)
    page, rows = Page(), 0
    for index, (file, found) in enumerate(files):
        for record, row in enumerate(found, 1):
            place = Place(index, record)
            if isinstance(row, Row) and row.footer:
                continue
            outcome = row if isinstance(row, Quarantined) else take(row, file.name)
            outcome = placed(outcome, row, config.sheet)
            if place <= done:
                continue
            page, rows = _with(page, outcome), rows + 1
            if rows == PAGE_ROWS:
                yield replace(page, cursor=cursors.write(place))
                page, rows = Page(), 0
    yield page


def _with(page: Page, outcome: Objective | LinkClaim | Quarantined | None) -> Page:
    if outcome is None:
        return replace(page, repeated=page.repeated + 1)
    if isinstance(outcome, Quarantined):
        return replace(page, quarantined=(*page.quarantined, outcome))
    return replace(page, records=(*page.records, outcome))


def _open(config: DeclaredFiles) -> Sequence[tuple[File, Iterable[Row | Quarantined]]]:
    """Every file with its rows; `BadInput` with the mistakes of all files before any row is read."""
    opened: list[tuple[File, Iterable[Row | Quarantined]]] = []
    problems: list[str] = []
    for path in arrived(find_files(config.path, ".csv", *_YAML), config.layout().arrival):
        try:
            if path.suffix.lower() in _YAML:
                file = examine(path, config.encoding)
                opened.append((file, read_entries(file, config.needed())))
                continue
            tables = open_tables(path, config.needed(), layout=config.layout())
            opened.extend((table.file, table.rows()) for table in tables)
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(*problems)
    return opened
