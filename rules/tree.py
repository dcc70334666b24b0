"""The tree of a JQL query: frozen values that know where they stood in the text (offsets, end exclusive)."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as default_field


class JqlError(ValueError):
    """One mistake in a query: what is wrong, where (character offsets, end exclusive), and the likely fix."""

    def __init__(self, message: str, start: int, end: int, suggestion: str | None = None) -> None:
        super().__init__(message if suggestion is None else f"{message} {suggestion}")
        self.message = message
        self.start = start
        self.end = end
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Value:
    """A literal: a word, a number or quoted text, unescaped."""

    text: str
    quoted: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Function:
    """`name(argument, …)`; arguments are literals."""

    name: str
    arguments: tuple[Value, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Empty:
    """`EMPTY` or `NULL`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Values:
    """`(a, b, …)`; lists may hold lists, as in Jira."""

    items: tuple[Operand, ...]
    start: int
    end: int
    depth: int = default_field(default=1, compare=False)


Operand = Value | Function | Empty | Values


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field as named: `status`, `objective.ends`, `cf[10010]`, `issue.property[a.b].c`."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Predicate:
    """What follows WAS and CHANGED: `AFTER -1w`, `BY jane`, `FROM a`; `word` is upper case."""

    word: str
    operand: Operand
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clause:
    """`field operator operand`; `operator` is upper case with single spaces, as in `WAS NOT IN`."""

    field: FieldName
    operator: str
    operand: Operand | None
    predicates: tuple[Predicate, ...]
    start: int
    end: int
    operator_start: int = default_field(default=0, compare=False)
    operator_end: int = default_field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    child: Node
    start: int
    end: int
    depth: int = default_field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    children: tuple[Node, ...]
    start: int
    end: int
    depth: int = default_field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    children: tuple[Node, ...]
    start: int
    end: int
    depth: int = default_field(default=1, compare=False)


Node = And | Or | Not | Clause


@dataclass(frozen=True, slots=True)
class Sort:
    """One key of ORDER BY."""

    field: FieldName
    descending: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query; `where` is None when it selects everything."""

    text: str
    where: Node | None
    order_by: tuple[Sort, ...]
