"""Turn JQL into the ids of the issues it finds, in order, refusing what Jira refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from rules.jql import And, Clause, Empty, JqlError, Node, Not, Operand, Query, Value, Values, parse
from sync.sandbox.defaults import CATEGORIES, Deployment
from sync.sandbox.query_fields import Kind, QueryField, find_field
from sync.sandbox.query_values import EMPTY, Operands
from sync.sandbox.state import Issue, Site

Test = Callable[[Issue], bool]

MAX_CLOUD_SORTS = 7
UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
_OPPOSITES = {"=": "!=", "IN": "NOT IN", "IS": "IS NOT", "~": "!~", "<": ">=", ">": "<="}
_OPPOSITES |= {value: key for key, value in _OPPOSITES.items()}
# Sorted as the administrator arranged them, not by name.
_RANKED = {"priority", "status", "issuetype", "statuscategory"}
_ORDERED = {Kind.NUMBER, Kind.INSTANT, Kind.DAY, Kind.ISSUE}


class JqlRefused(Exception):
    """The query is refused; `messages` are Jira's sentences."""

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


@dataclass(frozen=True, slots=True)
class Found:
    """Ids in order; `warnings` only where the query was not validated."""

    ids: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def parse_jql(jql: str) -> Query:
    try:
        return parse(jql)
    except JqlError as error:
        line = jql.count("\n", 0, error.start) + 1
        column = error.start - (jql.rfind("\n", 0, error.start) + 1) + 1
        place = f"(line {line}, character {column})"
        raise JqlRefused(f"Error in the JQL Query: {error.message} {place}") from error


def search(site: Site, jql: str, *, strict: bool = True) -> Found:
    """What the account finds. On Cloud the query must be bounded and sort by at most seven fields."""
    query = parse_jql(jql)
    if site.deployment is Deployment.CLOUD:
        if query.where is None:
            raise JqlRefused(UNBOUNDED)
        if len(query.order_by) > MAX_CLOUD_SORTS:
            raise JqlRefused(f"JQL can be ordered by at most {MAX_CLOUD_SORTS} fields.")
    reader = _Reader(site)
    test = reader.test(query.where) if query.where is not None else _everything
    sorts = [(reader.sort_key(sort.field.name), sort.descending) for sort in query.order_by]
    if reader.operands.problems and strict:
        raise JqlRefused(*reader.operands.problems)
    found = [issue for issue in site.index if site.may_find(issue) and test(issue)]
    found.sort(key=lambda issue: int(issue.id), reverse=True)
    for key, descending in reversed(sorts):
        found.sort(key=key, reverse=descending)
    return Found(tuple(issue.id for issue in found), tuple(reader.operands.problems))


def _everything(_: Issue) -> bool:
    return True


def _nothing(_: Issue) -> bool:
    return False


class _Reader:
    """Compiles one query; a clause that Jira would refuse is noted as a problem and finds nothing."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.operands = Operands(site)

    def test(self, node: Node, *, negated: bool = False) -> Test:
        if isinstance(node, Not):
            return self.test(node.child, negated=not negated)
        if isinstance(node, Clause):
            operator = _OPPOSITES.get(node.operator, node.operator) if negated else node.operator
            return self._clause(node, operator)
        parts = [self.test(child, negated=negated) for child in node.children]
        every = isinstance(node, And) is not negated  # NOT (a AND b) is (NOT a) OR (NOT b)
        return (lambda i: all(p(i) for p in parts)) if every else (lambda i: any(p(i) for p in parts))

    def sort_key(self, name: str) -> Callable[[Issue], Any]:
        field = self._field(name)
        if field is None:
            return lambda _: (0,)
        if field.kind is Kind.ISSUE:
            by_id = name.lower() == "id"
            return lambda i: int(i.id) if by_id else (i.project_key, i.number)
        if field.table in _RANKED:
            names = CATEGORIES if field.table == "statuscategory" else self._names(field.table)
            ranks = {name.casefold(): rank for rank, name in enumerate(names)}
            return lambda i: min((ranks[v] for v in field.read(i) if v in ranks), default=len(ranks))

        def key(issue: Issue) -> tuple[bool, Any]:
            values = field.read(issue)
            return (not values, values[0] if values else 0)

        return key

    def _names(self, table: str) -> list[str]:
        return [value["name"] for value in self.site.registry.values(table)]

    def _field(self, name: str) -> QueryField | None:
        field = find_field(self.site, name)
        if field is None:
            self.operands.problems.append(
                f"Field '{name}' does not exist or you do not have permission to view it."
            )
        return field

    def _refuse(self, message: str) -> Test:
        self.operands.problems.append(message)
        return _nothing

    def _clause(self, clause: Clause, operator: str) -> Test:
        field = self._field(clause.field.name)
        if field is None:
            return _nothing
        if clause.operand is None or operator.startswith(("WAS", "CHANGED")):
            return self._refuse(f"The sandbox keeps no history: it cannot search with {clause.operator}.")
        if operator in {"IS", "IS NOT"} or (isinstance(clause.operand, Empty) and operator in {"=", "!="}):
            return _emptiness(field, wanted=operator in {"IS", "="})
        if not _allowed(field, operator):
            return self._refuse(f"The operator '{operator}' is not supported by the '{field.name}' field.")
        return self._match(field, operator, clause.operand)

    def _match(self, field: QueryField, operator: str, operand: Operand) -> Test:
        if operator in {"~", "!~"}:
            return self._likeness(field, operand, negated=operator == "!~")
        if operator in {"=", "!=", "IN", "NOT IN"}:
            return self._membership(field, operand, negated=operator in {"!=", "NOT IN"})
        return self._comparison(field, operator, operand)

    def _membership(self, field: QueryField, operand: Operand, *, negated: bool) -> Test:
        wanted = [value for part in _flat(operand) for value in self.operands.values(field, part)]
        empty = EMPTY in wanted
        within = _window(field, [value for value in wanted if value is not EMPTY])

        def matches(issue: Issue) -> bool:
            values = field.read(issue)
            if not values:
                return empty and not negated
            return any(within(value) for value in values) is not negated

        return matches

    def _likeness(self, field: QueryField, operand: Operand, *, negated: bool) -> Test:
        if not isinstance(operand, Value):
            return self._refuse(f"The '{field.name}' field needs a text to search for.")
        pattern = _words_pattern(operand.text)

        def matches(issue: Issue) -> bool:
            values = field.read(issue)
            return bool(values) and any(pattern(str(value)) for value in values) is not negated

        return matches

    def _comparison(self, field: QueryField, operator: str, operand: Operand) -> Test:
        values = self.operands.values(field, operand)
        if len(values) != 1:
            return _nothing
        if field.kind is Kind.ISSUE:
            return self._later_in_project(operator, values[0])
        compare, bound = _COMPARE[operator], values[0]
        return lambda issue: any(compare(value, bound) for value in field.read(issue))

    def _later_in_project(self, operator: str, issue_id: str) -> Test:
        """`id > 10050` finds greater key numbers in the project of issue 10050 alone, as real Jira does.

        That issue must exist: source of IssueIdClauseQueryFactory, Jira 6.
        """
        bound, compare = self.site.get(issue_id), _COMPARE[operator]
        project, number = bound.project_key, bound.number
        return lambda issue: issue.project_key == project and compare(issue.number, number)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


def _allowed(field: QueryField, operator: str) -> bool:
    if operator in {"~", "!~"}:
        return field.kind in {Kind.TEXT, Kind.ANYTHING}
    if operator in _COMPARE:
        return field.kind in _ORDERED
    return field.kind is not Kind.TEXT


def _emptiness(field: QueryField, *, wanted: bool) -> Test:
    return lambda issue: (not field.read(issue)) is wanted


def _flat(operand: Operand) -> Iterator[Operand]:
    if isinstance(operand, Values):
        for item in operand.items:
            yield from _flat(item)
    else:
        yield operand


def _window(field: QueryField, wanted: list[Any]) -> Callable[[Any], bool]:
    """Equality; an instant is equal to all of its minute, the finest a query can name."""
    if field.kind is Kind.INSTANT:
        return lambda value: any(bound <= value < bound + timedelta(minutes=1) for bound in wanted)
    values = set(wanted)
    return lambda value: value in values


def _words_pattern(text: str) -> Callable[[str], bool]:
    """All words must occur, in any order; `word*` by its beginning, `"a b"` in quotes as a phrase."""
    phrases = [part or word for part, word in re.findall(r'"([^"]*)"|(\S+)', text)]
    patterns = [
        re.compile(r"\b" + re.escape(p.rstrip("*")) + ("" if p.endswith("*") else r"\b"), re.IGNORECASE)
        for p in phrases
    ]
    return lambda value: all(pattern.search(value) for pattern in patterns)
