"""Turn the `rollups:` of rule files into fields of their entities."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rules.catalogue import ORDERED, Catalogue, Entity, Field, Kind, Path, Relation, find
from rules.check import ConditionErrors, check
from rules.condition import Condition, Rollup, named_paths
from rules.document import Document, Entry, Mapping, Scalar
from rules.jql import JqlError, parse
from rules.keys import FUNCTION_KEYS, ROLLUP_KEYS
from rules.moments import Context
from rules.names import suggest
from rules.parameters import Filled
from rules.tree import Clause, FieldName, Not

_SUMMABLE = frozenset({Kind.NUMBER, Kind.MONEY})


class RollupReader:
    """Reads one roll-up after the other; mistakes go to the document."""

    def __init__(
        self, document: Document, catalogue: Catalogue, context: Context, names: Collection[str] = ()
    ) -> None:
        self.document = document
        self.catalogue = catalogue
        self.context = context
        self.names = {name.casefold() for name in names}

    def read(self, entry: Entry) -> tuple[Entity, Field] | None:
        """Return the entity and the field a roll-up adds to it, or None where it has a mistake."""
        before = len(self.document.problems)
        if not isinstance(entry.value, Mapping):
            self._refuse(entry, "A roll-up is written as {each: objective, count: workItem}.", entry.key)
            return None
        for inner in entry.value.entries:
            if inner.name not in ROLLUP_KEYS:
                self._refuse(
                    entry,
                    f'A roll-up has no key "{inner.name}".',
                    inner.key,
                    suggest(inner.name, ROLLUP_KEYS),
                )
        entity = self._entity(entry, entry.value)
        function = [inner for inner in entry.value.entries if inner.name in FUNCTION_KEYS]
        if len(function) != 1:
            self._refuse(entry, f"A roll-up has one of {', '.join(FUNCTION_KEYS)}.", entry.key)
        if entity is None or len(function) != 1:
            return None
        if find(entity, entry.name) is not None:
            self._refuse(entry, f"{entity.name} already has a field {entry.name}.", entry.key, "Rename it.")
        rollup = self._rollup(entry, entity, function[0])
        if rollup is None or len(self.document.problems) > before:
            return None
        kind = Kind.NUMBER if rollup.field is None else rollup.field.kind
        return entity, Field(entry.name, kind, rollup.text, rollup=rollup, absent=_absent(rollup))

    def _entity(self, entry: Entry, body: Mapping) -> Entity | None:
        each = body.get("each")
        if each is None or not isinstance(each.value, Scalar):
            self._refuse(
                entry, "A roll-up names the entity it belongs to.", entry.key, "Add each: objective."
            )
            return None
        entity = self.catalogue.entity(each.value.value or "")
        if entity is None:
            names = [known.name for known in self.catalogue.entities]
            self._refuse(
                entry,
                f"There is no entity {each.value.value}.",
                each.value,
                suggest(each.value.value or "", names),
            )
        return entity

    def _rollup(self, entry: Entry, entity: Entity, function: Entry) -> Rollup | None:
        target = function.value.value if isinstance(function.value, Scalar) else None
        head, _, tail = (target or "").partition(".")
        relation = _relation(entity, head)
        if relation is None:
            names = [known.name for known in entity.relations]
            self._refuse(
                entry, f'{entity.name} has no relation "{head}".', function.value, suggest(head, names)
            )
            return None
        if tail.casefold() in self.names:
            self._refuse_rollup(entry, tail, function.value)
            return None
        path = self._field(entry, function, relation, tail)
        if (path is None) != (function.name == "count"):
            return None
        return Rollup(function.name, relation, path.field if path else None, self._where(entry, relation))

    def _field(self, entry: Entry, function: Entry, relation: Relation, name: str) -> Path | None:
        if function.name == "count":
            if name:
                self._refuse(
                    entry,
                    "count counts records, not a field of them.",
                    function.value,
                    f"Write {relation.name}.",
                )
            return None
        path = find(relation, name)
        kinds = _SUMMABLE if function.name == "sum" else ORDERED
        if path is None or path.many or path.kind not in kinds:
            fit = [
                f"{relation.name}.{field.name}"
                for field in relation.fields
                if field.kind in kinds and not field.many
            ]
            advice = f"Fields for it: {', '.join(fit)}." if fit else None
            self._refuse(
                entry,
                f"{function.name} needs a field of {relation.name} it can work on.",
                function.value,
                advice,
            )
            return None
        return path

    def _where(self, entry: Entry, relation: Relation) -> Condition | None:
        where = entry.value.get("where") if isinstance(entry.value, Mapping) else None
        if where is None:
            return None
        if not isinstance(where.value, Scalar):
            self._refuse(entry, "where: is a condition in JQL.", where.value)
            return None
        for field in fields_in(where.value.value or ""):
            if field.name.casefold() in self.names:
                place = self.document.place_in(where.value, field.start, field.end)
                self._refuse_rollup(entry, field.name, place)
                return None
        return check_text(self.document, where.value, relation, self.context, entry.name)

    def _refuse_rollup(self, entry: Entry, name: str, place: object) -> None:
        """A roll-up over roll-ups could run in a circle, so there are none."""
        message = f"{name} is a roll-up, and one cannot build on another: they could run in a circle."
        self._refuse(entry, message, place, "Ask for both in the condition of the rule.")

    def _refuse(self, entry: Entry, message: str, place: object, advice: str | None = None) -> None:
        self.document.add(message, place, advice, entry.name)  # type: ignore[arg-type]


def fields_in(text: str) -> Iterator[FieldName]:
    """Give the fields a condition names, as far as it can be parsed."""
    try:
        nodes = [parse(text).where]
    except JqlError:
        return
    while nodes:
        node = nodes.pop()
        if isinstance(node, Clause):
            yield node.field
        elif isinstance(node, Not):
            nodes.append(node.child)
        elif node is not None:
            nodes += node.children


def _absent(rollup: Rollup) -> str | None:
    """Say what has to be declared before the roll-up holds anything."""
    named = named_paths(rollup.where).values() if rollup.where else ()
    fields = [path.field for path in named] + ([rollup.field] if rollup.field else [])
    return next((field.absent for field in fields if field.absent), None)


def _relation(entity: Entity, name: str) -> Relation | None:
    wanted = name.casefold()
    names = {
        known.casefold(): relation
        for relation in entity.relations
        for known in (relation.name, *relation.aliases)
    }
    return names.get(wanted)


def check_text(
    document: Document,
    scalar: Scalar,
    scope: Entity | Relation,
    context: Context,
    rule: str | None,
    *,
    filled: Filled | None = None,
) -> Condition | None:
    """Parse and check a condition in a file; mistakes go to the document at their very place."""
    try:
        return _checked(scalar.value or "", scope, context, filled or Filled({}))
    except JqlError as error:
        mistakes: tuple[JqlError, ...] = (error,)
    except ConditionErrors as errors:
        mistakes = errors.errors
    for mistake in mistakes:
        place = document.place_in(scalar, mistake.start, mistake.end)
        document.add(mistake.message, place, mistake.suggestion, rule)
    return None


def _checked(text: str, scope: Entity | Relation, context: Context, filled: Filled) -> Condition:
    query = filled.query(parse(text))
    if query.where is None and not query.order_by:
        raise JqlError("A condition is missing here.", 0, 1, "Write one, such as status = Done.")
    return check(query, scope, context)
