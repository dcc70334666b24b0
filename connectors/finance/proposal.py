"""Turn a proposed mapping into YAML with the evidence and the doubts beside each key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from connectors.finance.config import FinanceSourceConfig


@dataclass(slots=True)
class Proposal:
    """A mapping as plain values, and for each of its keys what speaks for it and what is in doubt."""

    mapping: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)

    def put(self, key: str, value: Any, *notes: str) -> None:
        self.mapping[key] = value
        self.note(key, *notes)

    def note(self, key: str, *notes: str) -> None:
        self.notes.setdefault(key, []).extend(notes)

    def config(self) -> FinanceSourceConfig:
        return FinanceSourceConfig.model_validate(self.mapping)

    def yaml(self) -> str:
        lines = ["finance:"]
        for number, (key, value) in enumerate(self.mapping.items()):
            lines += [f"    # {note}" for note in self.notes.get(key, [])]
            start = "  - " if number == 0 else "    "
            lines += [
                f"{start}{line}" if not place else f"    {line}"
                for place, line in enumerate(_yaml(key, value))
            ]
        return "\n".join([*lines, *(f"# {note}" for note in self.notes.get("", [])), ""])


def _yaml(key: str, value: Any) -> list[str]:
    """A key and its value; JSON is YAML, so every scalar and small mapping is written as JSON."""
    if isinstance(value, list):
        return [f"{key}:", *(f"  - {json.dumps(item, ensure_ascii=False)}" for item in value)]
    return [f"{key}: {json.dumps(value, ensure_ascii=False)}"]
