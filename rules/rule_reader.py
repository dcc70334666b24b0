"""Turn one rule, as YAML nodes, into a `Rule`, noting every mistake at its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any, TypeVar

from rules.cases import CaseReader
from rules.catalogue import Catalogue, Entity
from rules.choices import Choices, to_mode
from rules.condition import Condition, named_paths
from rules.document import Document, Mapping, Node, Scalar, Sequence
from rules.keys import (
    CASE_KEYS,
    COUNT,
    DURATION,
    ID,
    ID_LENGTH,
    LABEL,
    LABEL_LENGTH,
    LIMIT_KEYS,
    RULE_KEYS,
    SHARE,
)
from rules.message import read_message
from rules.moments import Context
from rules.names import suggest
from rules.parameter_reader import ParameterReader
from rules.parameters import Filled, Parameter, Values
from rules.rollups import check_text
from rules.ruleset import Case, Limit, Mode, Rule, Severity
from rules.vocabulary import DEFAULT_ENTITY

MAX_FIELDS = 40
ID_ADVICE = "Use small letters, digits and single dashes."

UNTOUCHED = Choices()

T = TypeVar("T")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


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

    def read(self, node: Node) -> Rule | None:
        """Return the rule, or None where it has a mistake."""
        before = len(self.document.problems)
        if not isinstance(node, Mapping):
            self.document.add("A rule is a mapping that begins with id:.", node)
            return None
        self.rule = self._name(node)
        self._check_keys(node)
        entity = self._entity(node)
        rule = self._build(node, entity) if entity is not None else None
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

    def _entity(self, node: Mapping) -> Entity | None:
        scalar = self._scalar(node, "each")
        name = DEFAULT_ENTITY if scalar is None else scalar.value or ""
        entity = self.catalogue.entity(name)
        if entity is None:
            names = [known.name for known in self.catalogue.entities]
            advice = suggest(name, names) or f"There are {', '.join(names)}."
            self._refuse(f'There is no entity "{name}".', scalar or node, advice)
        return entity

    def _build(self, node: Mapping, entity: Entity) -> Rule | None:
        parameters = self._parameters(node, entity)
        tested = self._condition(node, entity, {name: p.tested for name, p in parameters.items()})
        set_here = self._set(parameters)
        condition = self._filled(node, entity, parameters, set_here, tested)
        message, named = self._message(node, entity)
        tests = self._tests(node, entity)
        severity = self._converted(node, "severity", _to_severity, Severity.WARNING)
        label = self._converted(node, "label", _to_label, None)
        grace = self._converted(node, "for", _to_duration, timedelta())
        clear_after = self._converted(node, "clear_after", _to_duration, timedelta())
        limit = self._limit(node)
        mode = self._converted(node, "mode", to_mode, Mode.LABEL)
        if condition is None or tested is None:
            return None
        evidence = {**named_paths(condition), **named}
        if len(evidence) > MAX_FIELDS:
            self._refuse(f"The rule names more than {MAX_FIELDS} fields.", node, "Split it.")
        return Rule(
            id=self.rule,
            title=self._text(node, "title") or self.rule,
            entity=entity,
            when=(self._text(node, "when") or "").strip(),
            condition=condition,
            evidence=evidence,
            message=message,
            tests=tests,
            tested=tested,
            mode=self.choices.mode_of(self.rule, self.pack, mode),
            parameters=set_here,
            needs=_needs(set_here),
            pack=self.pack,
            path=self.document.path,
            line=self.document.text.count("\n", 0, node.start) + 1,
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

    def _condition(self, node: Mapping, entity: Entity, values: dict[str, Values]) -> Condition | None:
        """Read the condition with these values in the place of parameters."""
        scalar = self._scalar(node, "when")
        if scalar is None:
            if node.get("when") is None:
                self._refuse("The rule has no when.", node, "Add when: with a condition in JQL.")
            return None
        filled = Filled(values)
        condition = check_text(self.document, scalar, entity, self.context, self.rule, filled=filled)
        for name in values if condition is not None else ():
            if name.casefold() not in filled.named:
                message = f"The condition does not name the parameter {name}."
                self._refuse(message, scalar, "Use it, or take it out of parameters:.")
        return condition

    def _filled(
        self,
        node: Mapping,
        entity: Entity,
        declared: dict[str, Parameter],
        set_here: dict[str, Parameter],
        tested: Condition | None,
    ) -> Condition | None:
        """Read the condition with the values that hold here, where they are others than the tests use."""
        values = {name: p.value or p.tested for name, p in set_here.items()}
        if tested is None or values == {name: p.tested for name, p in declared.items()}:
            return tested
        return self._condition(node, entity, values)

    def _message(self, node: Mapping, entity: Entity) -> tuple[str, dict[str, Any]]:
        scalar = self._scalar(node, "message")
        if scalar is None:
            return self._text(node, "title") or self.rule, {}
        return read_message(self.document, scalar, entity, self.rule)

    def _tests(self, node: Mapping, entity: Entity) -> tuple[Case, ...]:
        entry = node.get("tests")
        if entry is not None and not isinstance(entry.value, Sequence):
            self._refuse("tests: is a list of flag: and pass: items.", entry.value)
            return ()
        nodes = entry.value.items if entry is not None and isinstance(entry.value, Sequence) else ()
        cases = [case for item in nodes if (case := self._case(item, entity)) is not None]
        missing = [word for word, flag in (("flag", True), ("pass", False)) if _has_no(cases, flag)]
        if missing and len(cases) == len(nodes):
            advice = f"Add - {missing[0]}: {{…}} under tests:."
            text = " and no ".join(missing)
            self._refuse(f"The rule has no {text} test.", entry.key if entry else node, advice)
        return tuple(cases)

    def _case(self, node: Node, entity: Entity) -> Case | None:
        entry = node.entries[0] if isinstance(node, Mapping) and len(node.entries) == 1 else None
        if entry is None or entry.name not in CASE_KEYS:
            self._refuse("A test is - flag: {…} or - pass: {…}.", node)
            return None
        item = CaseReader(self.document, self.rule, self.context).item(entry.value, entity)
        line = self.document.text.count("\n", 0, entry.key.start) + 1
        return Case(entry.name == "flag", item, line)

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
        new = self._converted(entry.value, "new", _to_count, None)
        return Limit(new, self._converted(entry.value, "share", _to_share, None))

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
        scalar = self._scalar(node, key, quiet=True)
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


def _needs(parameters: dict[str, Parameter]) -> str | None:
    """Say what is missing before the rule can judge: a value that everybody has to set."""
    missing = [name for name, parameter in parameters.items() if not parameter.value]
    return f"a value for {' and '.join(missing)} under parameters:" if missing else None


def _has_no(cases: list[Case], flag: bool) -> bool:
    return all(case.flag is not flag for case in cases)


def _to_severity(text: str) -> Severity:
    try:
        return Severity(text)
    except ValueError as error:
        advice = suggest(text, list(Severity)) or "Write info, warning or error."
        raise ValueError(f'There is no severity "{text}". {advice}') from error


def _to_label(text: str) -> str | None:
    if not LABEL.fullmatch(text) or len(text) > LABEL_LENGTH:
        fixed = re.sub(r"\s+", "-", text.strip())
        raise ValueError(f"A Jira label is one word. Write {fixed}." if fixed else "The label is empty.")
    return text


def _to_duration(text: str) -> timedelta:
    match = DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a duration. Write 14d, 2w or 12h.')
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _to_count(text: str) -> int | None:
    if not COUNT.fullmatch(text):
        raise ValueError(f'"{text}" is not a whole number.')
    return int(text)


def _to_share(text: str) -> Fraction | None:
    match = SHARE.fullmatch(text)
    if match is None or Fraction(match[1]) > 100:
        raise ValueError(f'"{text}" is not a share. Write a percentage such as 10%.')
    return Fraction(match[1]) / 100
