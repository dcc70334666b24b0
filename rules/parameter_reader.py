"""Turn the `parameters:` of a rule, and the values somebody sets for them, into checked parameters."""

from __future__ import annotations

from collections.abc import Mapping as Mappings
from dataclasses import replace

from rules.catalogue import Entity, find
from rules.document import Document, Entry, Mapping, Node, Scalar, Sequence
from rules.keys import PARAMETER, PARAMETER_KEYS
from rules.names import suggest
from rules.parameters import MAX_LIST, Parameter, Type, Values, WrongParameter, to_value
from rules.words import KEYWORDS, RESERVED


class ParameterReader:
    """Reads parameters of one rule; mistakes go to the document they stand in."""

    def __init__(self, document: Document, rule: str) -> None:
        self.document = document
        self.rule = rule

    def declared(self, node: Node, entity: Entity) -> dict[str, Parameter]:
        """Read what a rule declares."""
        if not isinstance(node, Mapping):
            self._refuse("parameters: names values, as in idle: {type: period, default: 90d}.", node)
            return {}
        found = (self._parameter(entry, entity) for entry in node.entries)
        return {parameter.name: parameter for parameter in found if parameter is not None}

    def _parameter(self, entry: Entry, entity: Entity) -> Parameter | None:
        self._check_name(entry, entity)
        body = entry.value
        if not isinstance(body, Mapping):
            self._refuse("A parameter is written as {type: period, default: 90d}.", body)
            return None
        for inner in body.entries:
            if inner.name not in PARAMETER_KEYS:
                advice = suggest(inner.name, PARAMETER_KEYS)
                self._refuse(f'A parameter has no key "{inner.name}".', inner.key, advice)
        kind = self._type(entry, body)
        if kind is None:
            return None
        default, example = self._given(body, "default", kind), self._given(body, "example", kind)
        if not default and not example:
            advice = "Add default:, or example: if everybody has to set a value of their own."
            self._refuse(f"The parameter {entry.name} has no value.", entry.key, advice)
        doc = body.get("doc")
        text = doc.value.value if doc and isinstance(doc.value, Scalar) else None
        return Parameter(entry.name, kind, default, example, text, default)

    def _check_name(self, entry: Entry, entity: Entity) -> None:
        name = entry.name
        if not PARAMETER.fullmatch(name) or name.casefold() in RESERVED | {
            word.casefold() for word in KEYWORDS
        }:
            advice = "Use a word of letters and digits that JQL does not keep to itself."
            self._refuse(f'"{name}" cannot be the name of a parameter.', entry.key, advice)
        elif find(entity, name) is not None:
            self._refuse(f"{entity.name} has a field {name}.", entry.key, "Give the parameter another name.")

    def _type(self, entry: Entry, body: Mapping) -> Type | None:
        given = body.get("type")
        text = given.value.value if given and isinstance(given.value, Scalar) else None
        try:
            return Type(text or "")
        except ValueError:
            advice = suggest(text or "", list(Type)) or f"There are {', '.join(Type)}."
            self._refuse(
                f"A parameter says its type:, not {text}.", given.value if given else entry.key, advice
            )
            return None

    def _given(self, body: Mapping, key: str, kind: Type) -> Values:
        entry = body.get(key)
        return self.values(entry.value, kind) if entry else ()

    def values(self, node: Node, kind: Type) -> Values:
        """Read one value, or several where the parameter is a list; empty where there is a mistake."""
        if isinstance(node, Sequence) and kind is Type.LIST:
            if len(node.items) > MAX_LIST:
                self._refuse(f"A list may have {MAX_LIST} values.", node)
                return ()
            return tuple(value for item in node.items for value in self._value(item, kind))
        return self._value(node, kind)

    def _value(self, node: Node, kind: Type) -> Values:
        if not isinstance(node, Scalar) or node.value is None:
            self._refuse(f"A value of type {kind} is missing here.", node)
            return ()
        try:
            return (to_value(node.value, kind),)
        except WrongParameter as error:
            self._refuse(str(error), node)
            return ()

    def overridden(self, node: Node, declared: Mappings[str, Parameter]) -> dict[str, Parameter]:
        """Read the values that somebody sets for declared parameters, and give all of these."""
        result = dict(declared)
        if not isinstance(node, Mapping):
            self._refuse("parameters: gives values, as in {idle: 60d}.", node)
            return result
        for entry in node.entries:
            parameter = declared.get(entry.name)
            if parameter is None:
                advice = suggest(entry.name, declared) or (
                    f"It has {', '.join(declared)}." if declared else "It has none."
                )
                self._refuse(f"{self.rule} has no parameter {entry.name}.", entry.key, advice)
            else:
                value = self.values(entry.value, parameter.type)
                result[entry.name] = replace(parameter, value=value or parameter.value)
        return result

    def _refuse(self, message: str, place: Node, advice: str | None = None) -> None:
        self.document.add(message, place, advice, self.rule or None)
