"""Judge the rows of a flat table by CEL conditions with Google's C++ evaluator, and print what it took.

Run by rules_peers.py in an environment that has cel-expr-python; nothing of ours is imported.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cel_expr_python import cel  # type: ignore[import-not-found,unused-ignore]
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped,unused-ignore]


def main() -> None:
    """Read `{path, fields, rules, evidence}` from stdin; fields map a name to text, number, date or list."""
    asked = json.load(sys.stdin)
    began = time.process_time()
    records = list(read(asked["path"], asked["fields"]))
    loaded = time.process_time()
    hits = judge(records, asked["fields"], asked["rules"])
    done = time.process_time()
    store(asked["path"], asked["evidence"], hits)
    stored = time.process_time()
    named = sorted(f"{rule} {record['id']}" for rule, record in hits)
    digest = hashlib.sha256("\n".join(named).encode()).hexdigest()
    times = {"load": loaded - began, "cpu": done - loaded, "store": stored - done}
    print(json.dumps({**times, "hits": len(hits), "digest": digest}))


def store(path: str, evidence: dict[str, list[str]], hits: list[tuple[str, Any]]) -> None:
    """Write the hits with the values of the fields that each rule names."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE IF NOT EXISTS theirs (rule, item, evidence, PRIMARY KEY (rule, item))")
    connection.execute("DELETE FROM theirs")
    rows = (
        (rule, record["id"], json.dumps({name: record[name] for name in evidence[rule]}, default=str))
        for rule, record in hits
    )
    connection.executemany("INSERT INTO theirs VALUES (?, ?, ?)", rows)
    connection.commit()


def read(path: str, fields: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Read the items as plain values, with their labels."""
    connection = sqlite3.connect(path)
    labels: dict[int, list[str]] = {}
    for number, label in connection.execute("SELECT item, name_folded FROM label"):
        labels.setdefault(number, []).append(label)
    plain = {name: kind for name, kind in fields.items() if kind != "list"}
    columns = ", ".join(f"{name}_folded" if kind == "text" else name for name, kind in plain.items())
    for number, *values in connection.execute(f"SELECT id, {columns} FROM item"):
        record: dict[str, Any] = {"id": number, "labels": labels.get(number, [])}
        for (name, kind), value in zip(plain.items(), values, strict=True):
            record[name] = moment(value) if kind == "date" else value
        yield record


def moment(value: str | None) -> Any:
    """Make a timestamp of a day."""
    if value is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(datetime.fromisoformat(value).replace(tzinfo=UTC))
    return stamp


def judge(
    records: list[dict[str, Any]], fields: dict[str, str], rules: dict[str, str]
) -> list[tuple[str, Any]]:
    """Evaluate every rule on every record."""
    kinds = {
        name: cel.Type.List(cel.Type.STRING) if kind == "list" else cel.Type.DYN
        for name, kind in fields.items()
    }
    environment = cel.NewEnv(variables=kinds)
    compiled = {name: environment.compile(text) for name, text in rules.items()}
    hits = []
    for record in records:
        activation = environment.Activation({name: record[name] for name in fields})
        hits += [(name, record) for name, rule in compiled.items() if rule.eval(activation).value() is True]
    return hits


if __name__ == "__main__":
    main()
