"""Keep a plan as a JSON file that people can review, and read it back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from sync.errors import ConfigurationError
from sync.plan import Change, Plan


@dataclass(frozen=True, slots=True)
class PlanDocument:
    """The form of the file."""

    version: Literal[1]
    changes: tuple[Change, ...]


DOCUMENT = TypeAdapter(PlanDocument)


def to_document(plan: Plan) -> dict[str, Any]:
    """Give the plan as plain values."""
    document: dict[str, Any] = DOCUMENT.dump_python(PlanDocument(1, plan.changes), mode="json")
    return document


def write(path: Path, plan: Plan) -> None:
    """Write the plan."""
    try:
        path.write_text(json.dumps(to_document(plan), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"--out {path}: cannot write: {error.strerror}. Name another file."
        ) from None


def read(path: Path) -> Plan:
    """Read a plan; raise `ConfigurationError` for what is none."""
    try:
        return Plan(DOCUMENT.validate_json(path.read_bytes()).changes)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot read the plan: {error.strerror}.") from None
    except ValidationError:
        raise ConfigurationError(
            f"{path}: not a plan of this version. Make one with `tieline plan --out {path}`."
        ) from None
