"""What a source hands over: records page by page, rows refused, and the proof that nothing is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from connectors.census import Census
from connectors.records import BudgetVersion, LineColumns, Record


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that was refused: where it stood, why, and its text, so that a person can mend it.

    `code` is the kind of mistake, in a word that stays the same. `record` counts the rows of its table from
    1, the header included; `sheet` names the sheet of a workbook.
    """

    file: str
    line: int | None
    column: str | None
    reason: str
    raw: str
    code: str = field(default="row", compare=False)
    record: int | None = field(default=None, compare=False)
    sheet: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """The sum of one version, fiscal year and currency as the source states it, in minor units."""

    version: BudgetVersion
    fiscal_year: int
    currency: str
    amount_minor: int


class Gone(StrEnum):
    """Why a source no longer lists a row that the store holds."""

    DELETED = "deleted"
    LEFT_SCOPE = "left the scope"
    ARCHIVED = "archived"
    PROJECT_GONE = "project gone"
    NOT_VISIBLE = "no longer visible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Absence:
    """A row the store holds and the source no longer lists: why, and by which evidence."""

    id: str
    gone: Gone
    evidence: str


@dataclass(frozen=True, slots=True)
class FormerKey:
    """A key that the issue with this id no longer has, and by which the source gives it all the same."""

    key: str
    id: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What a read that lists ids ends with: all of them, and where to go on the next time.

    `reading` says whether all was read or only changes; `bookmark` is handed to the next read.
    """

    census: Census
    reading: str
    bookmark: str | None = None


@dataclass(frozen=True, slots=True)
class RowCounts:
    """What became of the rows below the header: read = accepted + refused + excluded + blank.

    `excluded` rows state totals, stand below the table or repeat another; a `blank` one holds no amount.
    """

    read: int = 0
    accepted: int = 0
    refused: int = 0
    excluded: int = 0
    blank: int = 0

    @property
    def lost(self) -> int:
        """Count the rows of which nobody knows what became of them."""
        return self.read - self.accepted - self.refused - self.excluded - self.blank


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a pull: the records, the rows refused, and the cursor from which to go on (None: the end).

    `expected` is the number of records the source says there are in all, where it says so.
    `columns` are budget lines beside the records, where the source was asked for them in bulk.
    `totals` are the file's own sums, given with the last page of a finance source; `refused` is the part of
    them that stands on quarantined rows, so that totals = accepted + refused. `excluded` is what rows that
    state totals say beside them, and `counts` what became of all rows; they come with the last page too.
    `repeated` counts rows that only repeated an earlier record of this pull, and made no record of their own.
    `artifact` is the SHA-256 of the file that its records stand in; `sheet` the sheet that
    all of a source's budget lines stand in, where they come from workbooks.
    `unseen` are ids that the source listed and then did not give: nothing is known about them, so they must
    not be taken for deleted. `unusable` are ids of rows that made no record: they are quarantined whole.
    `absences` explain rows that the store holds and the source no longer lists; `proof` comes at the end.
    `former_keys` are keys the source was asked for and answered with an issue that has another one by now.
    """

    records: tuple[Record, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    cursor: str | None = None
    expected: int | None = None
    totals: tuple[ControlTotal, ...] = ()
    refused: tuple[ControlTotal, ...] = ()
    excluded: tuple[ControlTotal, ...] = ()
    counts: RowCounts = RowCounts()
    repeated: int = 0
    unseen: tuple[str, ...] = ()
    unusable: tuple[str, ...] = ()
    absences: tuple[Absence, ...] = ()
    former_keys: tuple[FormerKey, ...] = ()
    proof: Proof | None = None
    artifact: str | None = None
    sheet: str | None = None
    columns: tuple[LineColumns, ...] = ()
