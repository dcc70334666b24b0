"""Turn the rules that ship into the page that says what each of them is for."""

from __future__ import annotations

from collections.abc import Iterator

from rules.pack import PACKS
from rules.parameters import Parameter, Type
from rules.ruleset import Rule, RuleSet

INTRODUCTION = """\
# The rules that ship

This page is made of the rule files in [rules/packs](../rules/packs) by `tieline rules packs`. How packs and
rules are turned on and off, how far they go and how their parameters are set, is said in
[Writing rules](rules.md#packs-modes-and-parameters). Where nobody makes a choice, the five rules of
[default.yaml](../rules/packs/default.yaml) hold.
"""
PURPOSES = {
    "strategic": "Work and money are tied to objectives, and the objectives are alive.",
    "operational": "Money is spent as planned, on work that serves something.",
    "tactical": "Epics have a place, an owner, a date, and move.",
    "cultural": "Work says in the words of the business what it is for, and who there wants it.",
    "governance": "Approvals, risks, budgets and exceptions are in order.",
}


def page(rules: RuleSet) -> str:
    """Write the page, pack by pack."""
    every = sorted((*rules.rules, *rules.resting), key=lambda rule: rule.id)
    parts = [INTRODUCTION]
    for pack in PACKS:
        theirs = [rule for rule in every if rule.pack == pack]
        parts += [f"## {pack.title()}\n\n{PURPOSES[pack]}\n", *("\n".join(_rule(rule)) for rule in theirs)]
    return "\n".join(parts)


def _rule(rule: Rule) -> Iterator[str]:
    yield f"### {rule.title}\n"
    yield f"`{rule.id}` · judges each `{rule.entity.name}` · {rule.severity}" + (
        f" · label `{rule.label}`\n" if rule.label else " · no label\n"
    )
    yield f"{rule.why}\n"
    yield f"*To clear it:* {rule.fix}\n"
    yield f"```\n{rule.when}\n```\n"
    if rule.error_when is not None:
        yield "It is an error, not a warning, above a second limit.\n"
    if rule.parameters:
        yield "| parameter | type | value | meaning |\n|---|---|---|---|"
        yield from (_parameter(parameter) for parameter in rule.parameters.values())
        yield ""
    if rule.needs is not None:
        yield f"It rests until it has {rule.needs.rstrip(':')}.\n"


def _parameter(parameter: Parameter) -> str:
    value = ", ".join(parameter.default) or f"none; for example {', '.join(parameter.example)}"
    kind = "list" if parameter.type is Type.LIST else parameter.type.value
    return f"| `{parameter.name}` | {kind} | {value} | {parameter.doc} |"
