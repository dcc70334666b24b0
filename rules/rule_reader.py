"""Turn one rule, as YAML nodes, into a `Rule`, noting every mistake at its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from rules.cases import CaseReader
from rules.catalogue import Catalogue, Entity
from rules.choices import Choices, to_mode
from rules.condition import All, Condition, named_paths
from rules.document import Document, Mapping, Node, Scalar, Sequence
from rules.each import Each, UnknownEntity, each_of
from rules.key_values import to_count, to_duration, to_label, to_severity, to_share
from rules.keys import (
    CASE_KEYS,
    ID,
    ID_LENGTH,
    LIMIT_KEYS,
    RULE_KEYS,
)
from rules.message import read_message
from rules.moments import Context
from rules.names import suggest
from rules.needs import absent_field, absent_leaves, missing
from rules.parameter_reader import ParameterReader
from rules.parameters import Filled, Parameter, Values
from rules.rollups import check_text
from rules.ruleset import Case, Limit, Mode, Rule, Severity
from rules.vocabulary import DEFAULT_ENTITY

MAX_FIELDS = 40
ID_ADVICE = "Use small letters, digits and single dashes."

UNTOUCHED = Choices()

T = TypeVar("T")
Conditions = tuple[Condition | None, Condition | None]


class RuleReader:
    """Reads the rules of one document; mistakes go to the document."""

    def __init__(
        self,
        document: Document,
        catalogue: Catalogue,
        context: Context,
        choices: Choices = UNTOUCHED,
        pack: str | None = None,
    ) -> None:
        self.document = document
        self.catalogue = catalogue
        self.context = context
        self.choices = choices
        self.pack = pack
        self.rule = ""
        self.each: Each | None = None

    def read(self, node: Node) -> Rule | None:
        """Return the rule, or None where it has a mistake."""
        before = len(self.document.problems)
        if not isinstance(node, Mapping):
            self.document.add("A rule is a mapping that begins with id:.", node)
            return None
        self.rule = self._name(node)
        self._check_keys(node)
        self.each = self._each(node)
        rule = self._build(node, self.each.entity) if self.each is not None else None
        return rule if len(self.document.problems) == before else None

    def _name(self, node: Mapping) -> str:
        entry = node.get("id")
        name = entry.value.value if entry and isinstance(entry.value, Scalar) else None
        if entry is None or name is None:
            self.document.add("The rule has no id.", node, "Add id: epic-without-objective.")
            return ""
        if len(name) > ID_LENGTH or not ID.fullmatch(name):
            self.document.add(f'"{name}" cannot be the id of a rule.', entry.value, ID_ADVICE)
        return name

    def _check_keys(self, node: Mapping) -> None:
        for entry in node.entries:
            if entry.name not in RULE_KEYS:
                self._refuse(f'A rule has no key "{entry.name}".', entry.key, suggest(entry.name, RULE_KEYS))

    def _each(self, node: Mapping) -> Each | None:
        scalar = self._scalar(node, "each")
        try:
            return each_of(DEFAULT_ENTITY if scalar is None else scalar.value or "", self.catalogue)
        except UnknownEntity as error:
            self._refuse(str(error), scalar or node, error.advice)
            return None

    def _build(self, node: Mapping, entity: Entity) -> Rule | None:
        parameters = self._parameters(node, entity)
        set_here = self._set(parameters)
        tested, tested_error = self._conditions(
            node, entity, {name: p.tested for name, p in parameters.items()}
        )
        condition, error_when = self._filled(node, entity, parameters, set_here, (tested, tested_error))
        scope = self.each.scope(self.context) if self.each else None
        message, named = self._message(node, entity)
        tests = self._tests(node, entity)
        severity = self._converted(node, "severity", to_severity, None) or Severity.WARNING
        label = self._converted(node, "label", to_label, None)
        grace = self._converted(node, "for", to_duration, timedelta())
        clear_after = self._converted(node, "clear_after", to_duration, timedelta())
        limit = self._limit(node)
        mode = self._converted(node, "mode", to_mode, Mode.LABEL)
        if condition is None or tested is None:
            return None
        needs = self._needs(node, (condition, error_when), set_here)
        second = {} if error_when is None else named_paths(error_when)
        evidence = {**named_paths(condition), **second, **named}
        if scope is not None:
            condition = All((scope, condition))
        if len(evidence) > MAX_FIELDS:
            self._refuse(f"The rule names more than {MAX_FIELDS} fields.", node, "Split it.")
        return Rule(
            id=self.rule,
            title=self._text(node, "title") or self.rule,
            entity=entity,
            when=(self._text(node, "when") or "").strip(),
            condition=condition,
            scope=scope,
            evidence=evidence,
            message=message,
            tests=tests,
            tested=tested,
            mode=self.choices.mode_of(self.rule, self.pack, mode),
            parameters=set_here,
            needs=needs,
            pack=self.pack,
            path=self.document.path,
            line=self.document.text.count("\n", 0, node.start) + 1,
            error_when=error_when,
            tested_error_when=tested_error,
            was=self._was(node),
            severity=severity,
            label=label,
            grace=grace,
            clear_after=clear_after,
            limit=limit,
            owner=self._text(node, "owner"),
            why=self._text(node, "why"),
            fix=self._text(node, "fix"),
        )

    def _parameters(self, node: Mapping, entity: Entity) -> dict[str, Parameter]:
        entry = node.get("parameters")
        return ParameterReader(self.document, self.rule).declared(entry.value, entity) if entry else {}

    def _set(self, declared: dict[str, Parameter]) -> dict[str, Parameter]:
        """Give the parameters with the values that hold here."""
        choice, document = self.choices.rules.get(self.rule), self.choices.document
        if choice is None or choice.parameters is None or document is None:
            return declared
        return ParameterReader(document, self.rule).overridden(choice.parameters, declared)

    def _needs(self, node: Mapping, conditions: Conditions, parameters: dict[str, Parameter]) -> str | None:
        """Say what is missing before the rule can judge; a rule of one's own must not wait for a field."""
        asked = absent_leaves(conditions)
        scalar = self._scalar(node, "when")
        if asked and self.pack is None and scalar is not None:
            place = self.document.place_in(scalar, asked[0].start, asked[0].end)
            message = f"{asked[0].path.name} holds nothing here: no Jira site declares it."
            self.document.add(message, place, f"Declare {absent_field(asked[0])}.", self.rule)
        return missing(asked, parameters)

    def _conditions(self, node: Mapping, entity: Entity, values: dict[str, Values]) -> Conditions:
        """Read `when` and `error_when` with these values in the place of parameters."""
        filled = Filled(values)
        when = self._condition(node, "when", entity, filled)
        error_when = self._condition(node, "error_when", entity, filled)
        if node.get("when") is None:
            self._refuse("The rule has no when.", node, "Add when: with a condition in JQL.")
        for name in values if when is not None else ():
            if name.casefold() not in filled.named:
                message = f"The condition does not name the parameter {name}."
                place = self._scalar(node, "when") or node
                self._refuse(message, place, "Use it, or take it out of parameters:.")
        return when, error_when

    def _condition(self, node: Mapping, key: str, entity: Entity, filled: Filled) -> Condition | None:
        scalar = self._scalar(node, key)
        if scalar is None:
            return None
        return check_text(self.document, scalar, entity, self.context, self.rule, filled=filled)

    def _filled(
        self,
        node: Mapping,
        entity: Entity,
        declared: dict[str, Parameter],
        set_here: dict[str, Parameter],
        tested: Conditions,
    ) -> Conditions:
        """Read the conditions with the values that hold here, where they are others than the tests use."""
        values = {name: p.value or p.tested for name, p in set_here.items()}
        if tested[0] is None or values == {name: p.tested for name, p in declared.items()}:
            return tested
        return self._conditions(node, entity, values)

    def _was(self, node: Mapping) -> tuple[str, ...]:
        entry = node.get("was")
        if entry is None:
            return ()
        nodes = entry.value.items if isinstance(entry.value, Sequence) else (entry.value,)
        names = []
        for inner in nodes:
            name = inner.value if isinstance(inner, Scalar) else None
            if name is None or not ID.fullmatch(name) or name == self.rule:
                self._refuse("was: names the ids that the rule had before.", inner, "Write was: old-id.")
            else:
                names.append(name)
        return tuple(names)

    def _message(self, node: Mapping, entity: Entity) -> tuple[str, dict[str, Any]]:
        scalar = self._scalar(node, "message")
        if scalar is None:
            title = node.get("title")
            given = title.value.value if title and isinstance(title.value, Scalar) else None
            return given or self.rule, {}
        return read_message(self.document, scalar, entity, self.rule)

    def _tests(self, node: Mapping, entity: Entity) -> tuple[Case, ...]:
        entry = node.get("tests")
        if entry is not None and not isinstance(entry.value, Sequence):
            self._refuse("tests: is a list of flag: and pass: items.", entry.value)
            return ()
        nodes = entry.value.items if entry is not None and isinstance(entry.value, Sequence) else ()
        cases = [case for item in nodes if (case := self._case(item, entity)) is not None]
        lacking = [word for word, flag in (("flag", True), ("pass", False)) if _has_no(cases, flag)]
        if lacking and len(cases) == len(nodes):
            advice = f"Add - {lacking[0]}: {{…}} under tests:."
            text = " and no ".join(lacking)
            self._refuse(f"The rule has no {text} test.", entry.key if entry else node, advice)
        return tuple(cases)

    def _case(self, node: Node, entity: Entity) -> Case | None:
        entries = node.entries if isinstance(node, Mapping) else ()
        items = [entry for entry in entries if entry.name != "severity"]
        if not isinstance(node, Mapping) or len(items) != 1 or items[0].name not in CASE_KEYS:
            self._refuse("A test is - flag: {…} or - pass: {…}.", node)
            return None
        entry = items[0]
        severity = self._converted(node, "severity", to_severity, None)
        if severity is not None and entry.name == "pass":
            self._refuse("What passes has no severity.", node, "Write severity: beside flag: alone.")
        item = CaseReader(self.document, self.rule, self.context).item(entry.value, entity)
        if self.each is not None and self.each.field is not None:
            item.setdefault(self.each.field, self.each.value)
        line = self.document.text.count("\n", 0, entry.key.start) + 1
        return Case(entry.name == "flag", item, line, severity)

    def _limit(self, node: Mapping) -> Limit:
        entry = node.get("limit")
        if entry is None:
            return Limit()
        if not isinstance(entry.value, Mapping):
            self._refuse("limit: is written as {new: 200, share: 10%}.", entry.value)
            return Limit()
        for inner in entry.value.entries:
            if inner.name not in LIMIT_KEYS:
                advice = suggest(inner.name, LIMIT_KEYS)
                self._refuse(f'limit has no key "{inner.name}".', inner.key, advice)
        new = self._converted(entry.value, "new", to_count, None)
        return Limit(new, self._converted(entry.value, "share", to_share, None))

    def _converted(self, node: Mapping, key: str, convert: Callable[[str], T], default: T) -> T:
        scalar = self._scalar(node, key)
        if scalar is None or scalar.value is None:
            return default
        try:
            return convert(scalar.value)
        except ValueError as error:
            self._refuse(str(error), scalar)
            return default

    def _text(self, node: Mapping, key: str) -> str | None:
        scalar = self._scalar(node, key, quiet=key == "when")  # of which its reader has told
        return scalar.value if scalar else None

    def _scalar(self, node: Mapping, key: str, *, quiet: bool = False) -> Scalar | None:
        entry = node.get(key)
        if entry is None or isinstance(entry.value, Scalar):
            return entry.value if entry else None  # type: ignore[return-value]
        if not quiet:
            self._refuse(f"{key}: takes one text.", entry.value)
        return None

    def _refuse(self, message: str, place: Node, advice: str | None = None) -> None:
        self.document.add(message, place, advice, self.rule or None)


def _has_no(cases: list[Case], flag: bool) -> bool:
    return all(case.flag is not flag for case in cases)
