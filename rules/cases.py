"""Turn the item of a rule's test, as written in YAML, into an item the evaluator reads."""

from __future__ import annotations

from typing import Any

from rules.catalogue import Entity, Field, Kind, Relation, Scope, find, paths
from rules.check import ConditionErrors, check
from rules.condition import Constant, Constants, Leaf
from rules.document import Document, Entry, Mapping, Node, Scalar, Sequence
from rules.jql import JqlError, parse, quote
from rules.literals import WrongLiteral, to_constants
from rules.moments import Context
from rules.names import suggest

CALLED = frozenset({Kind.DATE, Kind.DATETIME, Kind.NUMBER})


class CaseReader:
    """Reads items for one rule; mistakes go to the document.

    A relation is written as the id of a record, a mapping of its fields, a list of either, or through dotted
    names: `objective: OBJ-1`, `objective: {live: "false"}`, `objective.live: "false"`.
    """

    def __init__(self, document: Document, rule: str, context: Context) -> None:
        self.document = document
        self.rule = rule
        self.context = context

    def item(self, node: Node, scope: Scope) -> dict[str, Any]:
        """Read the fields of an item, or of a related record."""
        item: dict[str, Any] = {}
        if not isinstance(node, Mapping):
            self._refuse("A test names fields and values, as in {status: Done}.", node)
            return item
        for entry in node.entries:
            self._read_entry(entry, entry.name, scope, item)
        return item

    def _read_entry(self, entry: Entry, name: str, scope: Scope, item: dict[str, Any]) -> None:
        path = find(scope, name)
        if path is None and isinstance(entry.value, Mapping):
            for inner in entry.value.entries:
                self._read_entry(inner, f"{name}.{inner.name}", scope, item)
        elif path is None:
            advice = suggest(name, [known for known, _ in paths(scope)])
            self._refuse(f'{scope.name} has no field "{name}".', entry.key, advice)
        elif path.relation is None:
            item[path.name] = self._value(path.field, entry.value)
        elif path.name == path.relation.name:
            item.setdefault(path.name, []).extend(self._records(path.relation, entry.value))
        else:
            records = item.setdefault(path.relation.name, [{}])
            records[-1][path.field.name] = self._value(path.field, entry.value)

    def _records(self, relation: Relation, node: Node) -> list[dict[str, Any]]:
        if isinstance(node, Sequence):
            return [record for part in node.items for record in self._records(relation, part)]
        if isinstance(node, Mapping):
            return [self.item(node, relation)]
        path = find(relation, relation.value)
        if node.value is None or path is None:
            return []
        return [{relation.value: self._value(path.field, node)}]

    def _value(self, field: Field, node: Node) -> Any:
        if field.many:
            parts = node.items if isinstance(node, Sequence) else (node,)
            return [value for part in parts if (value := self._scalar(field, part)) is not None]
        return self._scalar(field, node)

    def _scalar(self, field: Field, node: Node) -> Constant | None:
        if not isinstance(node, Scalar):
            self._refuse(f"{field.name} holds one value.", node)
            return None
        if node.value is None:
            return None
        called = self._call(node, field)
        if called is not None:
            return called
        try:
            constants = to_constants(node.value, field, self.context)
        except WrongLiteral as error:
            self._refuse(f"{error}.", node, error.suggestion)
            return None
        return node.value if field.kind in {Kind.TEXT, Kind.OPTION} else constants[0]

    def _call(self, node: Scalar, field: Field) -> Constant | None:
        """Compute `currentFiscalYear(-1)` or `startOfMonth()`, where the value is written so."""
        text = node.value or ""
        if field.kind not in CALLED or not text.endswith(")"):
            return None
        try:
            condition = check(parse(f"{quote(field.name)} = {text}"), Entity("test", (field,)), self.context)
        except (JqlError, ConditionErrors):
            return None
        operand = condition.operand if isinstance(condition, Leaf) else None
        return operand.values[0] if isinstance(operand, Constants) else None

    def _refuse(self, message: str, node: Node, advice: str | None = None) -> None:
        self.document.add(message, node, advice, self.rule)
