"""Turn an admin's file (`packs:` and, by id, what to change of rules) into the choices it makes.

The rules that ship are never edited: this file turns packs and rules on and off, says how far they go,
and sets their parameters.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from rules.document import Document, Entry, Mapping, Node, Scalar
from rules.keys import CHOICE_KEYS
from rules.names import suggest
from rules.ruleset import Mode


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to change of one rule; `place` is where it is said."""

    place: Scalar
    mode: Mode | None = None
    parameters: Node | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """How far each pack goes, and what to change of single rules. Without a document nothing is chosen."""

    document: Document | None = None
    packs: dict[str, Mode] = field(default_factory=dict)
    rules: dict[str, Choice] = field(default_factory=dict)

    def mode_of(self, rule: str, pack: str | None, own: Mode) -> Mode:
        """Say how far a rule goes: as chosen for it, or as it says and no further than its pack."""
        choice = self.rules.get(rule)
        if choice is not None and choice.mode is not None:
            return choice.mode
        return own if pack is None else own.at_most(self.packs.get(pack, Mode.OFF))


def makes_choices(document: Document) -> bool:
    """Tell a file of choices from a file of rules."""
    root = document.root
    if not isinstance(root, Mapping):
        return False
    rules = root.get("rules")
    return root.get("packs") is not None or (rules is not None and isinstance(rules.value, Mapping))


def read_choices(document: Document, packs: Collection[str]) -> Choices:
    """Read a file of choices; mistakes go to the document."""
    choices = Choices(document)
    root = document.root
    if not isinstance(root, Mapping):
        return choices
    for key, read in (("packs", _read_pack), ("rules", _read_rule)):
        section = root.get(key)
        if section is None:
            continue
        if not isinstance(section.value, Mapping):
            document.add(*_FORMS[key][:1], section.value, _FORMS[key][1])
            continue
        for entry in section.value.entries:
            read(document, entry, choices, packs)
    return choices


_FORMS = {
    "packs": ("packs: says of each pack how far it goes.", "Write packs: {strategic: label}."),
    "rules": (
        "Beside packs:, rules: names rules by their id; a list of rules goes into a file of its own.",
        "Write rules: {epic-is-stalled: {mode: observe}}.",
    ),
}


def _read_pack(document: Document, entry: Entry, choices: Choices, packs: Collection[str]) -> None:
    if entry.name not in packs:
        advice = suggest(entry.name, packs) or f"There are {', '.join(packs)}."
        document.add(f'There is no pack "{entry.name}".', entry.key, advice)
        return
    mode = _mode(document, entry.value, None)
    if mode is not None:
        choices.packs[entry.name] = mode


def _read_rule(document: Document, entry: Entry, choices: Choices, _: Collection[str]) -> None:
    if not isinstance(entry.value, Mapping):
        advice = "Write {mode: observe}, or {parameters: {idle: 60d}}."
        document.add("What to change of a rule is a mapping.", entry.value, advice, entry.name)
        return
    mode: Mode | None = None
    parameters: Node | None = None
    for inner in entry.value.entries:
        if inner.name == "mode":
            mode = _mode(document, inner.value, entry.name)
        elif inner.name == "parameters":
            parameters = inner.value
        else:
            advice = (
                suggest(inner.name, CHOICE_KEYS) or "Copy the rule under an id of your own to change more."
            )
            message = f'Of a rule, mode: and parameters: can be set here, not "{inner.name}".'
            document.add(message, inner.key, advice, entry.name)
    choices.rules[entry.name] = Choice(entry.key, mode, parameters)


def _mode(document: Document, node: Node, rule: str | None) -> Mode | None:
    text = node.value if isinstance(node, Scalar) else None
    try:
        return to_mode(text or "")
    except ValueError as error:
        document.add(str(error), node, None, rule)
        return None


def to_mode(text: str) -> Mode:
    """Read a mode. Raises ValueError with the likely one."""
    try:
        return Mode(text)
    except ValueError as error:
        advice = suggest(text, list(Mode)) or "Write off, observe, warn or label."
        raise ValueError(f'There is no mode "{text}". {advice}') from error


def check_known(choices: Choices, known: Collection[str]) -> None:
    """Refuse choices about rules that are not there, so that a misspelt id does not change nothing."""
    for name, choice in choices.rules.items():
        if name not in known and choices.document is not None:
            advice = suggest(name, known)
            choices.document.add(f'There is no rule "{name}".', choice.place, advice, name)
