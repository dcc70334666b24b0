"""Turn the few SQL functions that SQLite and PostgreSQL spell differently into what each understands."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import Boolean, Numeric, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from rules.pattern import found


class SqliteConnection(Protocol):
    """The part of a DB-API connection of `sqlite3` that `register` needs."""

    def create_function(self, name: str, narg: int, func: Any, *, deterministic: bool = ...) -> None: ...


def register(connection: SqliteConnection) -> None:
    """Give a new SQLite connection the function behind `matches("…")`: call it from the `connect` event."""

    def matches(pattern: str, text: str | None) -> bool | None:
        return None if text is None else found(pattern, text)

    connection.create_function("rules_matches", 2, matches, deterministic=True)


class Matches(FunctionElement[bool]):
    """`Matches(pattern, text)`: the portable pattern occurs in the text."""

    type = Boolean()
    inherit_cache = True


class JsonObject(FunctionElement[str]):
    """`JsonObject(name, value, …)`: a JSON object as text."""

    type = Text()
    inherit_cache = True


class JsonArray(FunctionElement[str]):
    """Aggregate: the values of a group as a JSON array, empty for an empty group."""

    type = Text()
    inherit_cache = True


class JsonFragment(FunctionElement[str]):
    """A subquery that yields JSON, to be nested as such and not as a string."""

    type = Text()
    inherit_cache = True


class Instant(FunctionElement[str]):
    """A moment in UTC as `2026-03-31T12:00:00Z`."""

    type = Text()
    inherit_cache = True


class Parts(FunctionElement[Any]):
    """`Parts(value, scale)`: a number that counts parts of one as the number it is; for showing only."""

    type = Numeric()
    inherit_cache = True


def _arguments(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(Matches, "sqlite")
def _sqlite_matches(element: Matches, compiler: SQLCompiler, **options: Any) -> str:
    return f"rules_matches({_arguments(element, compiler, **options)})"


@compiles(Matches, "postgresql")
def _postgresql_matches(element: Matches, compiler: SQLCompiler, **options: Any) -> str:
    pattern, text = (compiler.process(part, **options) for part in element.clauses)
    return f"({text} ~ {pattern})"


@compiles(JsonObject, "sqlite")
def _sqlite_object(element: JsonObject, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_object({_arguments(element, compiler, **options)})"


@compiles(JsonObject, "postgresql")
def _postgresql_object(element: JsonObject, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(json_build_object({_arguments(element, compiler, **options)}) AS TEXT)"


@compiles(JsonArray, "sqlite")
def _sqlite_array(element: JsonArray, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_group_array({_arguments(element, compiler, **options)})"


@compiles(JsonArray, "postgresql")
def _postgresql_array(element: JsonArray, compiler: SQLCompiler, **options: Any) -> str:
    return f"COALESCE(json_agg({_arguments(element, compiler, **options)}), CAST('[]' AS JSON))"


@compiles(JsonFragment, "sqlite")
def _sqlite_fragment(element: JsonFragment, compiler: SQLCompiler, **options: Any) -> str:
    return f"json({_arguments(element, compiler, **options)})"


@compiles(JsonFragment, "postgresql")
def _postgresql_fragment(element: JsonFragment, compiler: SQLCompiler, **options: Any) -> str:
    return _arguments(element, compiler, **options)


@compiles(Parts, "sqlite")
def _sqlite_parts(element: Parts, compiler: SQLCompiler, **options: Any) -> str:
    value, scale = (compiler.process(part, **options) for part in element.clauses)
    return f"({value} * 1.0 / {scale})"


@compiles(Parts, "postgresql")
def _postgresql_parts(element: Parts, compiler: SQLCompiler, **options: Any) -> str:
    value, scale = (compiler.process(part, **options) for part in element.clauses)
    return f"trim_scale(CAST({value} AS NUMERIC) / {scale})"


@compiles(Instant, "sqlite")
def _sqlite_instant(element: Instant, compiler: SQLCompiler, **options: Any) -> str:
    # A moment is kept as 2026-03-31 12:00:00.000000: strftime would take it apart and put it together again.
    return f"(replace(substr({_arguments(element, compiler, **options)}, 1, 19), ' ', 'T') || 'Z')"


@compiles(Instant, "postgresql")
def _postgresql_instant(element: Instant, compiler: SQLCompiler, **options: Any) -> str:
    # A timestamp without a zone is UTC by our convention, one with a zone is shown in UTC.
    value = _arguments(element, compiler, **options)
    zoned = getattr(next(iter(element.clauses)).type, "timezone", False)
    moment = f"{value} AT TIME ZONE 'UTC'" if zoned else value
    return f'to_char({moment}, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\')'
