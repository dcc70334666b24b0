"""Say what a rule needs before it can judge: a field that no site declares, a value that everybody sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rules.condition import Condition, FieldReference, Leaf, leaves
from rules.parameters import Parameter


def absent_leaves(conditions: Iterable[Condition | None]) -> list[Leaf]:
    """Give the tests of fields that hold nothing here, or that compare with one."""
    every = [leaf for condition in conditions if condition is not None for leaf in leaves(condition)]
    return [leaf for leaf in every if absent_field(leaf) is not None]


def absent_field(leaf: Leaf) -> str | None:
    """Say what would have to be declared for this test."""
    other = leaf.operand.path.field.absent if isinstance(leaf.operand, FieldReference) else None
    return leaf.path.field.absent or other


def missing(asked: Iterable[Leaf], parameters: Mapping[str, Parameter]) -> str | None:
    """Put into words what is missing; None where nothing is."""
    declared = dict.fromkeys(str(absent_field(leaf)) for leaf in asked)
    unset = [name for name, parameter in parameters.items() if not parameter.value]
    return " and ".join([*declared, *(f"a value for {name} under parameters:" for name in unset)]) or None
