"""Find every raw issue in the real Jira answers kept beside the repository, whatever they are wrapped in."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "jira"

needs_real_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the folder of real Jira answers (../shared/data/jira) is not there"
)


def real_issues() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object with a key and an issue's fields, with the name of its file."""
    for path in sorted(DATA.rglob("*")):
        if path.is_file():
            for document in documents_in(path):
                for issue in issues_in(document):
                    yield str(path.relative_to(DATA)), issue


def documents_in(path: Path) -> Iterator[Any]:
    if path.name.endswith(".jsonl.gz"):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    elif path.suffix == ".json":
        yield json_or_none(path.read_text(encoding="utf-8-sig"))
    elif path.suffix == ".csv":
        csv.field_size_limit(sys.maxsize)
        with path.open(encoding="utf-8-sig", newline="") as rows:
            for row in csv.DictReader(rows):
                yield json_or_none(row.get("data") or "null")


def json_or_none(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def issues_in(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for child in node:
            yield from issues_in(child)
    elif isinstance(node, dict):
        fields = node.get("fields")
        if "key" in node and isinstance(fields, dict) and ("issuetype" in fields or "labels" in fields):
            yield node
        else:
            for child in node.values():
                yield from issues_in(child)
