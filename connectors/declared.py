"""Turn what `sources.yaml` says of any file source into strict frozen values: the part all kinds share."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connectors.tables import Column


def _known_encoding(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise ValueError(f"{encoding!r} is no known encoding; try utf-8 or cp1252") from None


def _can_separate(delimiter: str) -> str:
    if delimiter in {'"', "\r", "\n", " "}:
        raise ValueError(f"{delimiter!r} cannot separate columns; use ',', ';', '|' or a tab")
    return delimiter


Name = Annotated[str, Field(min_length=1)]
Header = Annotated[str, Field(min_length=1)]
Encoding = Annotated[str, AfterValidator(_known_encoding)]
Delimiter = Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_can_separate)]


class Declared(BaseModel):
    """A frozen piece of configuration; unknown keys are mistakes, and a number stands for its text."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class DeclaredFiles(Declared):
    """A file, or a folder of files of one form.

    `encoding` is the fallback for files that are not valid UTF-8. Columns named in `optional` may be absent
    from a file; any other missing column refuses it.
    """

    path: Path
    encoding: Encoding = "utf-8"
    delimiter: Delimiter = ","
    optional: tuple[Header, ...] = ()

    @model_validator(mode="after")
    def _knows_its_optional_columns(self) -> Self:
        for name in self.optional:
            if name not in self.column_names():
                raise ValueError(f"optional column {name!r} is not used by the mapping")
        return self

    def column_names(self) -> Iterator[str]:
        """Every column the mapping names, more than once perhaps."""
        raise NotImplementedError

    def needed(self) -> tuple[Column, ...]:
        return tuple(Column(name, name not in self.optional) for name in dict.fromkeys(self.column_names()))
