"""Turn a waiver file into waivers of the rules of a set, noting every mistake at its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from rules import document as yaml
from rules.condition import Condition
from rules.document import Document, Entry, Mapping, Node, Scalar
from rules.keys import WAIVER_KEYS, WAIVERS
from rules.moments import Context
from rules.names import suggest
from rules.rollups import check_text
from rules.ruleset import Rule, Waiver, named

LONGEST = timedelta(days=365)
REQUIRED = ("rule", "match", "reason", "owner", "until")


class WaiverReader:
    """Reads the waivers of one document; mistakes go to the document.

    Without rules, because those have mistakes of their own, only what needs none is checked.
    """

    def __init__(self, document: Document, rules: Sequence[Rule] | None, context: Context) -> None:
        self.document = document
        self.rules = rules
        self.context = context
        self.today = context.now.astimezone(context.timezone).date()

    def read_all(self) -> Iterator[Waiver]:
        """Read every waiver of the file."""
        root = self.document.root
        section = root.get(WAIVERS) if isinstance(root, Mapping) else None
        if section is None or (isinstance(section.value, Scalar) and section.value.value is None):
            return
        if not isinstance(section.value, yaml.Sequence):
            self.document.add("waivers: is a list; each waiver begins with - rule:.", section.value)
            return
        for node in section.value.items:
            waiver = self.read(node)
            if waiver is not None:
                yield waiver

    def read(self, node: Node) -> Waiver | None:
        """Return the waiver, or None where it has a mistake."""
        before = len(self.document.problems)
        if not isinstance(node, Mapping):
            self.document.add("A waiver is a mapping that begins with rule:.", node)
            return None
        for entry in node.entries:
            if entry.name not in WAIVER_KEYS:
                advice = suggest(entry.name, WAIVER_KEYS)
                self.document.add(f'A waiver has no key "{entry.name}".', entry.key, advice)
        texts = {name: self._text(node, name) for name in WAIVER_KEYS}
        until = self._until(node.get("until"))
        rule = self._rule(node.get("rule"))
        condition = self._condition(node.get("match"), rule)
        if rule is None or condition is None or until is None or len(self.document.problems) > before:
            return None
        return Waiver(
            rule=rule,
            match=(texts["match"] or "").strip(),
            condition=condition,
            reason=texts["reason"] or "",
            owner=texts["owner"] or "",
            approver=texts["approver"],
            until=until,
            path=self.document.path,
            line=self.document.text.count("\n", 0, node.start) + 1,
        )

    def _text(self, node: Mapping, name: str) -> str | None:
        entry = node.get(name)
        if entry is not None and not isinstance(entry.value, Scalar):
            self.document.add(f"{name}: takes one text.", entry.value)
            return None
        text = (entry.value.value or "").strip() if entry and isinstance(entry.value, Scalar) else ""
        if not text and name in REQUIRED:
            where = entry.key if entry else node
            self.document.add(f"The waiver has no {name}.", where, f"Add {name}: {WAIVER_KEYS[name]}")
        return text or None

    def _until(self, entry: Entry | None) -> date | None:
        if entry is None or not isinstance(entry.value, Scalar) or not entry.value.value:
            return None
        text = entry.value.value
        try:
            until = date.fromisoformat(text) if len(text) == len("2026-09-30") else None
        except ValueError:
            until = None
        if until is None:
            self.document.add(f'"{text}" is not a day.', entry.value, "Write until: 2026-09-30.")
        elif until > self.today + LONGEST:
            latest = self.today + LONGEST
            self.document.add(
                f"A waiver lasts {LONGEST.days} days at most.", entry.value, f"Write {latest} or earlier."
            )
        return until

    def _rule(self, entry: Entry | None) -> Rule | None:
        if (
            self.rules is None
            or entry is None
            or not isinstance(entry.value, Scalar)
            or not entry.value.value
        ):
            return None
        name = entry.value.value
        rule = named(self.rules, name)
        if rule is None:
            advice = suggest(name, [rule.id for rule in self.rules])
            self.document.add(f"There is no rule {name}.", entry.value, advice or "Remove the waiver.")
        return rule

    def _condition(self, entry: Entry | None, rule: Rule | None) -> Condition | None:
        if rule is None or entry is None or not isinstance(entry.value, Scalar) or not entry.value.value:
            return None
        return check_text(self.document, entry.value, rule.entity, self.context, rule.id)


def read_waivers(
    documents: Sequence[Document], rules: Sequence[Rule] | None, context: Context
) -> tuple[Waiver, ...]:
    """Read the waivers of all files; one that stands twice is a mistake."""
    found: dict[tuple[str, str], Waiver] = {}
    for document in documents:
        for waiver in WaiverReader(document, rules, context).read_all():
            first = found.setdefault(waiver.key, waiver)
            if first is not waiver:
                place = f"{first.path}:{first.line}"
                start = _start_of_line(document, waiver.line)
                document.add(
                    f"This waiver stands at {place} already.", (start, start + 1), "Keep one of them."
                )
    return tuple(found.values())


def _start_of_line(document: Document, line: int) -> int:
    """Give the offset of the first letter of a line."""
    lines = document.text.split("\n")
    before = sum(len(text) + 1 for text in lines[: line - 1])
    return before + len(lines[line - 1]) - len(lines[line - 1].lstrip())
