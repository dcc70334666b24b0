"""Say of a rule what is probably not meant, and which questions to a store would tell.

A mistake keeps a rule from being used; advice does not. What depends on the data is counted by `sync.advice`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rules.catalogue import WORDS, fold
from rules.condition import AnyOf, Condition, Constants, Leaf, Test, leaves
from rules.names import nearest
from rules.problem import Problem
from rules.ruleset import Mode, Rule


@dataclass(frozen=True, slots=True)
class Advice:
    """What somebody should look at again in a rule."""

    rule: Rule
    text: str

    def render(self) -> str:
        return f"{self.rule.path}:{self.rule.line}  {self.rule.id}  {self.text}"

    def annotate(self) -> str:
        """Write it as a workflow command: GitHub shows it beside the rule in a pull request."""
        return Problem(self.rule.path, self.rule.line, 1, self.text, rule=self.rule.id).annotate("warning")


@dataclass(frozen=True, slots=True, eq=False)
class BlindSpot:
    """A test that empty fields do not pass, and the condition as it would be if they did."""

    leaf: Leaf
    wider: Condition


def about_updated(rule: Rule) -> Iterator[Advice]:
    """Labelling a ticket updates it: a rule that asks for `updated` would undo itself the next night."""
    if rule.mode is Mode.LABEL and rule.label is not None and "updated" in rule.evidence:
        text = "updated moves when the ticket is labelled, and the rule would flip. Ask for touched instead."
        yield Advice(rule, text)


def about_reach(rule: Rule, hits: int, rows: int) -> Iterator[Advice]:
    """A rule that is true for most rows says little, or says the opposite of what was meant."""
    if rows >= 20 and hits * 2 > rows:
        every = "all" if hits == rows else f"{hits:,} of {rows:,}"
        yield Advice(rule, f"It is true for {every} rows of {rule.entity.name}. Is it the wrong way round?")


def blind_spots(rule: Rule) -> Iterator[BlindSpot]:
    """Find negative tests of single fields whose emptiness the rule does not ask for elsewhere."""
    asked = {leaf.path.name for leaf in leaves(rule.condition) if leaf.test is Test.EMPTY}
    for leaf in leaves(rule.condition):
        name = leaf.path.name
        if leaf.negated and leaf.test is not Test.EMPTY and not leaf.path.many and name not in asked:
            empty = replace(leaf, test=Test.EMPTY, negated=False, operand=None, text=f"{name} IS EMPTY")
            yield BlindSpot(leaf, _replaced(rule.condition, leaf, AnyOf((leaf, empty))))


def _replaced(condition: Condition, old: Leaf, new: Condition) -> Condition:
    if isinstance(condition, Leaf):
        return new if condition is old else condition
    return type(condition)(tuple(_replaced(part, old, new) for part in condition.parts))


def about_empties(rule: Rule, spot: BlindSpot, skipped: int) -> Iterator[Advice]:
    """Jira's `!=` leaves out what is empty, which people forget."""
    if skipped:
        name = spot.leaf.path.name
        text = f"{spot.leaf.text} skips {skipped:,} rows whose {name} is empty. "
        yield Advice(rule, f"{text}Add OR {name} IS EMPTY to include them.")


def named_values(rule: Rule) -> Iterator[Leaf]:
    """Find the tests for values of fields that may hold any word."""
    for leaf in leaves(rule.condition):
        if leaf.test is Test.EQUAL and leaf.path.kind in WORDS and not leaf.path.field.closed:
            yield leaf


def about_values(rule: Rule, leaf: Leaf, seen: list[str]) -> Iterator[Advice]:
    """A value that nothing has is probably misspelt. Where nothing has any value, nobody can tell."""
    known = {fold(value) for value in seen}
    synonyms = [{fold(word) for word in group} for group in leaf.path.field.synonyms]
    values = leaf.operand.values if isinstance(leaf.operand, Constants) else ()
    for value in values if known else ():
        spelled = next((group for group in synonyms if value in group), {value})
        if not spelled & known:
            near = nearest(str(value), seen)
            hint = f" Did you mean {near}?" if near else ""
            yield Advice(rule, f'{leaf.path.name} is "{value}" on no row of the store.{hint}')
