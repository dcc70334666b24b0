"""Run the tests a rule file holds, and say of a failed one which part of the condition was what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rules.condition import Condition
from rules.evaluate import LeafResult, Verdict, evaluate, holds, severity_of
from rules.moments import Context
from rules.mutants import mutants
from rules.ruleset import Case, Rule, RuleSet, Severity

MARKS = {True: "✓", False: "✗", None: "?"}


@dataclass(frozen=True, slots=True, eq=False)
class TestResult:
    """How one test of one rule went; `number` counts from 1."""

    __test__ = False  # not a test class, whatever pytest makes of the name

    rule: Rule
    number: int
    case: Case
    verdict: Verdict
    severity: Severity

    @property
    def passed(self) -> bool:
        return self.verdict.hit is self.case.flag and self.case.severity in (None, self.severity)

    @property
    def text(self) -> str:
        """One line where the test passed; where it failed, also each leaf with what was found."""
        place = f"{self.rule.path}:{self.case.line}  {self.rule.id}"
        wanted = "flag" if self.case.flag else "pass"
        if self.passed:
            return f"{place}  test {self.number}: {wanted}, as it should"
        if self.verdict.hit is self.case.flag:
            return f"{place}  test {self.number}: should be {self.case.severity}, but is {self.severity}"
        got = "flagged" if self.verdict.hit else "did not flag"
        lines = [f"{place}  test {self.number}: should {wanted} this item, but {got} it"]
        lines += [f"    {describe(leaf)}" for leaf in self.verdict.leaves]
        return "\n".join(lines)


def run(rules: RuleSet) -> Iterator[TestResult]:
    """Run all tests of all rules, those that rest included, with every parameter at its default."""
    for rule in (*rules.rules, *rules.resting):
        for number, case in enumerate(rule.tests, start=1):
            verdict = evaluate(rule.tested, case.item)
            seen = Verdict(_flags(rule, rule.tested, case), verdict.leaves)
            severity = severity_of(rule.severity, rule.tested_error_when, case.item)
            yield TestResult(rule, number, case, seen, severity)


def describe(leaf: LeafResult) -> str:
    """Show a leaf as `✗ status = Done   (status is To Do)`; a question mark says the field is empty."""
    found = ", ".join(str(value) for value in leaf.found) or "empty"
    return f"{MARKS[leaf.verdict]} {leaf.text}   ({leaf.field} is {found})"


def _flags(rule: Rule, condition: Condition, case: Case) -> bool:
    """Say whether a rule with this condition flags the item of a test."""
    return (rule.scope is None or holds(rule.scope, case.item)) and holds(condition, case.item)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a rule its tests pin down: of so many slips, those that no test notices."""

    rule: Rule
    mutants: int
    unnoticed: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """One line for each slip."""
        return [f"{self.rule.path}:{self.rule.line}  {self.rule.id}  {text}" for text in self.unnoticed]


def cover(rule: Rule, context: Context) -> Coverage:
    """Change every part of a rule's conditions in turn, and list the changes that no test notices."""
    changed = list(mutants(rule.tested, context))
    unnoticed = [
        mutant.text
        for mutant in changed
        if all(_flags(rule, mutant.condition, case) is case.flag for case in rule.tests)
    ]
    graded = [case for case in rule.tests if case.severity is not None]
    raising = [] if rule.tested_error_when is None else list(mutants(rule.tested_error_when, context))
    unnoticed += [
        f"error_when: {mutant.text}"
        for mutant in raising
        if all(severity_of(rule.severity, mutant.condition, case.item) is case.severity for case in graded)
    ]
    return Coverage(rule, len(changed) + len(raising), tuple(dict.fromkeys(unnoticed)))
