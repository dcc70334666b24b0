"""Turn a condition into the conditions one slip away from it: each of them should fail a test of its rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from rules.catalogue import ORDERED, Field, Path
from rules.condition import (
    All,
    AnyOf,
    Condition,
    Constants,
    FieldReference,
    Leaf,
    Rollup,
    Test,
    named_paths,
    render,
)
from rules.jql import quote
from rules.moments import Context
from rules.neighbours import decimal, groups, neighbours, show

_EDGES = {
    Test.LESS: Test.AT_MOST,
    Test.AT_MOST: Test.LESS,
    Test.GREATER: Test.AT_LEAST,
    Test.AT_LEAST: Test.GREATER,
}
_TURNED = {
    Test.LESS: Test.GREATER,
    Test.AT_MOST: Test.AT_LEAST,
    Test.GREATER: Test.LESS,
    Test.AT_LEAST: Test.AT_MOST,
}
_OTHER_END = {"min": "max", "max": "min"}


@dataclass(frozen=True, slots=True, eq=False)
class Mutant:
    """A condition with one slip in it, and the part before and after; no `after`: the part was left out."""

    condition: Condition
    before: str
    after: str | None

    @property
    def text(self) -> str:
        if self.after is None:
            return f"no test needs `{self.before}`"
        return f"no test tells `{self.before}` from `{self.after}`"


def mutants(condition: Condition, context: Context) -> list[Mutant]:
    """List every condition with one comparison, boundary, value, field, connective or part changed."""
    mutator = _Mutator(context, list(named_paths(condition).values()))
    found = list(mutator.changed(condition))
    if isinstance(condition, Leaf):
        found.append(Mutant(All(()), condition.text, None))
    return found


@dataclass(slots=True)
class _Mutator:
    context: Context
    named: list[Path]

    def changed(self, condition: Condition) -> Iterator[Mutant]:
        if isinstance(condition, Leaf):
            yield from self._leaf(condition)
            return
        if len(condition.parts) > 1:
            other = (AnyOf if isinstance(condition, All) else All)(condition.parts)
            yield Mutant(other, render(condition), render(other))
        for at, part in enumerate(condition.parts):
            before, after = condition.parts[:at], condition.parts[at + 1 :]
            yield Mutant(replace(condition, parts=before + after), render(part), None)
            for mutant in self.changed(part):
                parts = (*before, mutant.condition, *after)
                yield replace(mutant, condition=replace(condition, parts=parts))

    def _leaf(self, leaf: Leaf) -> Iterator[Mutant]:
        text = leaf.text.removeprefix("NOT ") if leaf.text.startswith("NOT ") else f"NOT {leaf.text}"
        turned = replace(leaf, negated=not leaf.negated, text=text)
        slips: list[Iterable[Leaf]] = [
            [turned],
            _comparisons(leaf),
            _text_tests(leaf),
            self._values(leaf),
            _factors(leaf),
            self._fields(leaf),
        ]
        for changed in (slip for some in slips for slip in some):
            yield Mutant(changed, leaf.text, changed.text)
        yield from self._rollup(leaf)

    def _values(self, leaf: Leaf) -> Iterator[Leaf]:
        """Take a neighbour of a single value; leave each value out of a list."""
        if not isinstance(leaf.operand, Constants) or leaf.test is Test.MATCHES:
            return
        together = groups(leaf.path.field, leaf.operand.values)
        for gone in together if len(together) > 1 else ():
            kept = [group for group in together if group is not gone]
            words = ", ".join(show(group[0], leaf.path.field, self.context) for group in kept)
            values = tuple(value for group in kept for value in group)
            yield replace(leaf, operand=Constants(values), text=_rewritten(leaf, right=f"({words})"))
        for values, text in neighbours(leaf, leaf.operand.values, self.context) if len(together) == 1 else ():
            yield replace(leaf, operand=Constants(values), text=_rewritten(leaf, right=text))

    def _fields(self, leaf: Leaf) -> Iterator[Leaf]:
        """Ask another field of the rule instead; one it does not name is empty in its tests."""
        for path in self.named:
            alike = path.kind is leaf.path.kind and path.relation is leaf.path.relation
            if alike and path.name != leaf.path.name and path.field.many == leaf.path.field.many:
                head = quote(leaf.path.name)
                yield replace(leaf, path=path, text=leaf.text.replace(head, quote(path.name), 1))

    def _rollup(self, leaf: Leaf) -> Iterator[Mutant]:
        """Change what the roll-up on the left counts or sums."""
        rollup = leaf.path.field.rollup
        if rollup is None:
            return
        for changed in self._rollup_mutants(rollup):
            field: Field = replace(leaf.path.field, rollup=changed)
            path = replace(leaf.path, field=field)
            before, after = (f"{leaf.path.name}: {text.text}" for text in (rollup, changed))
            yield Mutant(replace(leaf, path=path), before, after)

    def _rollup_mutants(self, rollup: Rollup) -> Iterator[Rollup]:
        if rollup.function in _OTHER_END:
            yield replace(rollup, function=_OTHER_END[rollup.function])
        if rollup.where is not None:
            inner = _Mutator(self.context, list(named_paths(rollup.where).values()))
            yield replace(rollup, where=None)
            for mutant in inner.changed(rollup.where):
                yield replace(rollup, where=mutant.condition)


def _comparisons(leaf: Leaf) -> Iterator[Leaf]:
    """Move the edge of a comparison, turn it round, and take an inequality for one of its halves."""
    if leaf.test in _EDGES:
        for test in (_EDGES[leaf.test], _TURNED[leaf.test]):
            yield replace(leaf, test=test, text=_rewritten(leaf, test.value))
    # A count is never below nothing, and of several values none is equal: there a half is no slip.
    unequal = leaf.test is Test.EQUAL and leaf.negated and leaf.path.kind in ORDERED and not leaf.path.many
    several = isinstance(leaf.operand, Constants) and " NOT IN " in leaf.text
    if not unequal or several or _is_count(leaf):
        return
    for test in (Test.LESS, Test.GREATER):
        yield replace(leaf, test=test, negated=False, text=_rewritten(leaf, test.value))


def _is_count(leaf: Leaf) -> bool:
    return leaf.path.field.rollup is not None and leaf.path.field.rollup.field is None


def _text_tests(leaf: Leaf) -> Iterator[Leaf]:
    """Look for a text anywhere instead of at its place, and for the whole instead of a part."""
    if not isinstance(leaf.operand, Constants) or leaf.test not in _LOOSER or len(leaf.operand.values) > 1:
        return
    word = quote(str(leaf.operand.values[0]))
    test, operator = _LOOSER[leaf.test]
    if leaf.negated:
        operator = "!=" if operator == "=" else f"!{operator}"
    yield replace(leaf, test=test, text=_rewritten(leaf, operator, word))


_LOOSER = {
    Test.STARTS: (Test.CONTAINS, "~"),
    Test.ENDS: (Test.CONTAINS, "~"),
    Test.CONTAINS: (Test.EQUAL, "="),
}


def _factors(leaf: Leaf) -> Iterator[Leaf]:
    """Take one percent less or more of the field on the right, or all of it."""
    operand = leaf.operand
    if not isinstance(operand, FieldReference) or operand.factor == 1:
        return
    name = quote(operand.path.name)
    for factor in (operand.factor - Fraction(1, 100), operand.factor + Fraction(1, 100), Fraction(1)):
        right = name if factor == 1 else f"percentOf({decimal(factor * 100)}, {name})"
        yield replace(leaf, operand=replace(operand, factor=factor), text=_rewritten(leaf, right=right))


def _rewritten(leaf: Leaf, operator: str | None = None, right: str | None = None) -> str:
    """Write a leaf with another operator or right side: its text is field, operator, operand."""
    head = f"{quote(leaf.path.name)} "
    prefix = "NOT " if leaf.text.startswith(f"NOT {head}") else ""
    tail = leaf.text[len(prefix + head) :]
    match = re.match(r"NOT IN|\S+", tail)
    old = match[0] if match else ""
    return f"{prefix}{head}{operator or old} {tail[len(old) + 1 :] if right is None else right}"
