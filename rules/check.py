"""Turn a parsed query into a typed condition with NOT at the leaves, or list every mistake with its place."""

from __future__ import annotations

from dataclasses import dataclass, field

from rules import jql
from rules.catalogue import Path, Scope, find
from rules.clause import to_condition, unknown_field
from rules.condition import All, AnyOf, Condition
from rules.jql import JqlError
from rules.moments import Context

MAX_LEAVES = 500


class ConditionErrors(ValueError):
    """All the mistakes in one condition, in the order they stand in the text."""

    def __init__(self, errors: tuple[JqlError, ...]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


def check(query: jql.Query | jql.Node, scope: Scope, context: Context) -> Condition:
    """Resolve names and types. Raises `ConditionErrors` with everything that is wrong.

    A whole `Query` is refused when it has an ORDER BY; hand in `query.where` to ignore one.
    """
    checker = _Checker(scope, context)
    condition: Condition | None = All(())
    node = query.where if isinstance(query, jql.Query) else query
    if isinstance(query, jql.Query) and query.order_by:
        start, end = query.order_by[0].start, query.order_by[-1].end
        checker.add("A condition has no order.", start, end, "Leave ORDER BY out.")
    if node is not None:
        condition = checker.visit(node, negated=False)
    if checker.errors or condition is None:
        raise ConditionErrors(tuple(sorted(checker.errors, key=lambda error: error.start)))
    return condition


@dataclass(slots=True)
class _Checker:
    scope: Scope
    context: Context
    errors: list[JqlError] = field(default_factory=list)
    count: int = 0

    def add(self, message: str, start: int, end: int, suggestion: str | None = None) -> None:
        self.errors.append(JqlError(message, start, end, suggestion))

    def visit(self, node: jql.Node, negated: bool) -> Condition | None:
        if isinstance(node, jql.Not):
            return self.visit(node.child, not negated)
        if isinstance(node, jql.Clause):
            return self._visit_clause(node, negated)
        parts = [self.visit(child, negated) for child in node.children]
        if None in parts:
            return None
        kind = All if isinstance(node, jql.And) != negated else AnyOf
        return kind(tuple(part for part in parts if part is not None))

    def _visit_clause(self, clause: jql.Clause, negated: bool) -> Condition | None:
        self.count += 1
        if self.count == MAX_LEAVES + 1:
            message = f"The condition has more than {MAX_LEAVES} tests."
            self.add(message, clause.start, clause.end, "Split the rule.")
        if self.count > MAX_LEAVES:
            return None
        path = self._resolve(clause.field.name, clause.field.start, clause.field.end)
        try:
            _refuse_history(clause)
            if path is None:
                return None
            return to_condition(
                clause,
                path,
                negated=negated,
                scope=self.scope,
                context=self.context,
                errors=self.errors,
            )
        except JqlError as error:
            self.errors.append(error)
            return None

    def _resolve(self, name: str, start: int, end: int) -> Path | None:
        path = find(self.scope, name)
        if path is None:
            self.errors.append(unknown_field(self.scope, name, start, end))
        return path


def _refuse_history(clause: jql.Clause) -> None:
    word = clause.operator.split()[0]
    if word in {"WAS", "CHANGED"}:
        message = f"{word} asks about the past, which is not stored."
        advice = "Use for: to ask that something has been true for a while, or touched < -30d."
        raise JqlError(message, clause.operator_start, clause.operator_end, advice)
