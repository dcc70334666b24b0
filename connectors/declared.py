"""Turn what `sources.yaml` says of any file source into strict frozen values: the part all kinds share."""

from __future__ import annotations

import codecs
import re
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connectors.arrivals import Arrival, Sign
from connectors.headers import Column, HeaderForm
from connectors.tables import Footer, Layout


def _known_encoding(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ValueError(f"{encoding!r} is no known encoding; try utf-8 or cp1252") from None


def _can_separate(delimiter: str) -> str:
    if delimiter in {'"', "\r", "\n", " "}:
        raise ValueError(f"{delimiter!r} cannot separate columns; use ',', ';', '|' or a tab")
    return delimiter


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    return pattern


Name = Annotated[str, Field(min_length=1)]
Header = Annotated[str, Field(min_length=1)]
Encoding = Annotated[str, AfterValidator(_known_encoding)]
Delimiter = Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_can_separate)]
Pattern = Annotated[str, Field(min_length=1), AfterValidator(_compiles)]


class Declared(BaseModel):
    """A frozen piece of configuration; unknown keys are mistakes, and a number stands for its text."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class DeclaredHeader(Declared):
    """Where the header stands: see `connectors.headers.HeaderForm`."""

    within: Annotated[int, Field(ge=1, le=1000)] = 1
    rows: Annotated[int, Field(ge=1, le=10)] = 1
    spread: bool = False
    fold: bool = False

    def form(self) -> HeaderForm:
        return HeaderForm(self.within, self.rows, self.spread, self.fold)


class DeclaredFooter(Declared):
    """The first row with a cell that matches `pattern` as a whole ends the table.

    `column` says in which column; without it any cell will do.
    """

    pattern: Pattern
    column: Header | None = None


class DeclaredArrival(Declared):
    """How a file shows that it is there in full, and which of several counts: see `connectors.arrivals`."""

    by: Sign = "name"
    seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    latest: Pattern | None = None

    @model_validator(mode="after")
    def _tells_files_apart(self) -> Self:
        if self.latest is not None and re.compile(self.latest).groups != 1:
            raise ValueError(
                "`latest` must hold one group: what files that replace each other have in common"
            )
        return self

    def arrival(self) -> Arrival:
        return Arrival(self.by, self.seconds, re.compile(self.latest) if self.latest else None)


class DeclaredTable(Declared):
    """How a table stands in its file.

    `encoding` is the fallback for files that are not valid UTF-8. Cells may be quoted by `quote_mark` (empty:
    they never are, and quotes in them are letters); `escape` stands before a quote that is none. `sheet`
    names the sheet of a workbook, and `pad` the width up to which codes that a workbook stores as numbers
    get leading zeros.
    """

    encoding: Encoding = "utf-8"
    delimiter: Delimiter = ","
    quote_mark: Literal['"', "'", ""] = '"'
    escape: Literal["", "\\"] = ""
    header: DeclaredHeader = DeclaredHeader()
    fill_down: tuple[Header, ...] = ()
    footer: DeclaredFooter | None = None
    sheet: Header | None = None
    pad: dict[Header, Annotated[int, Field(ge=1, le=40)]] = Field(default_factory=dict)

    def own_columns(self) -> Iterator[str]:
        """The columns that the form of the table itself names."""
        yield from self.fill_down
        yield from self.pad
        if self.footer is not None and self.footer.column is not None:
            yield self.footer.column

    def layout(self) -> Layout:
        footer = None if self.footer is None else Footer(re.compile(self.footer.pattern), self.footer.column)
        return Layout(
            self.encoding,
            self.delimiter,
            self.header.form(),
            self.fill_down,
            footer,
            self.sheet,
            self.pad,
            quote=self.quote_mark,
            escape=self.escape,
        )


class DeclaredFiles(DeclaredTable):
    """A file, or a folder of files of one form.

    Columns named in `optional` may be absent from a file; any other missing column refuses it.
    """

    path: Path
    arrival: DeclaredArrival = DeclaredArrival()
    optional: tuple[Header, ...] = ()

    @model_validator(mode="after")
    def _knows_its_optional_columns(self) -> Self:
        for name in self.optional:
            if name not in self.column_names():
                raise ValueError(f"optional column {name!r} is not used by the mapping")
        return self

    @abstractmethod
    def column_names(self) -> Iterator[str]:
        """Every column the mapping names, more than once perhaps."""

    def layout(self) -> Layout:
        return replace(super().layout(), arrival=self.arrival.arrival())

    def needed(self) -> tuple[Column, ...]:
        names = dict.fromkeys([*self.column_names(), *self.own_columns()])
        return tuple(Column(name, name not in self.optional) for name in names)
