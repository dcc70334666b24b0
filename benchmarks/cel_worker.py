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
    """Read what `rules_peers.py` asks from stdin; fields map a name to its kind and whether it may be empty.

    `helped`: text is folded and moments are timestamps before judging begins; else records are as Jira has
    them, and the moments that may be empty are made into timestamps for each evaluation.
    """
    asked = json.load(sys.stdin)
    began = time.process_time()
    records = list(read(asked["path"], asked["fields"], helped=asked["helped"]))
    loaded = time.process_time()
    hits = judge(records, asked["fields"], asked["rules"], helped=asked["helped"])
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
    connection.execute(
        "CREATE TABLE IF NOT EXISTS theirs (rule, item, evidence, PRIMARY KEY (rule, item)) WITHOUT ROWID"
    )
    connection.execute("DELETE FROM theirs")
    rows = (
        (rule, record["id"], json.dumps({name: record[name] for name in evidence[rule]}, default=str))
        for rule, record in hits
    )
    connection.executemany("INSERT INTO theirs VALUES (?, ?, ?)", rows)
    connection.commit()


def read(path: str, fields: dict[str, tuple[str, bool]], *, helped: bool) -> Iterator[dict[str, Any]]:
    """Read the items as plain values, with their labels; `written` is the summary as it was written.

    Words that are held against others are folded either way, for so are those of the rules.
    """
    connection = sqlite3.connect(path)
    labels: dict[int, list[str]] = {}
    for number, label in connection.execute("SELECT item, name_folded FROM label"):
        labels.setdefault(number, []).append(label)
    columns = [
        f"{name}_folded" if kind == "text" and (helped or name != "summary") else name
        for name, (kind, _) in fields.items()
    ]
    for number, written, *values in connection.execute(f"SELECT id, summary, {', '.join(columns)} FROM item"):
        record: dict[str, Any] = {"id": number, "written": written, "labels": labels.get(number, [])}
        for (name, (kind, _)), value in zip(fields.items(), values, strict=True):
            if value is not None and kind == "money":
                record[name] = value / 100
            elif value is not None and kind == "number":
                record[name] = float(value)
            elif value is not None and kind == "moment":
                moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
                record[name] = stamp(moment) if helped else moment
            else:
                record[name] = value
        yield record


def stamp(moment: datetime | None) -> Any:
    """Make a timestamp of a moment: one that may be empty cannot be handed over otherwise."""
    if moment is None:
        return None
    made = Timestamp()
    made.FromDatetime(moment)
    return made


def judge(
    records: list[dict[str, Any]],
    fields: dict[str, tuple[str, bool]],
    rules: dict[str, str],
    *,
    helped: bool,
) -> list[tuple[str, Any]]:
    """Evaluate every rule on every record."""
    types = {"text": cel.Type.STRING, "moment": cel.Type.TIMESTAMP}
    types |= {"money": cel.Type.DOUBLE, "number": cel.Type.DOUBLE}
    kinds = {name: cel.Type.DYN if helped or empty else types[kind] for name, (kind, empty) in fields.items()}
    kinds |= {"labels": cel.Type.List(cel.Type.STRING)}
    kinds |= {"written": cel.Type.STRING} if helped else {}
    late = [] if helped else [name for name, (kind, empty) in fields.items() if kind == "moment" and empty]
    environment = cel.NewEnv(variables=kinds)
    compiled = {name: environment.compile(text) for name, text in rules.items()}
    hits = []
    for record in records:
        values = {name: record[name] for name in kinds} | {name: stamp(record[name]) for name in late}
        activation = environment.Activation(values)
        hits += [(name, record) for name, rule in compiled.items() if rule.eval(activation).value() is True]
    return hits


if __name__ == "__main__":
    main()
