"""Turn the COPY blocks of a PostgreSQL dump into rows: table, and values by column as text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

HEAD = re.compile(rb'COPY (?:\S+\.)?"?(\w+)"? \((.*)\) FROM stdin;\n')
END = b"\\.\n"
NULL = rb"\N"
ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}

Row = Mapping[str, str | None]


def copied(lines: Iterable[bytes], wanted: Collection[str]) -> Iterator[tuple[str, Row]]:
    """Give every row with its table, and its values where the table is wanted: others go by in millions."""
    table, columns = "", []
    for line in lines:
        if not table:
            head = HEAD.fullmatch(line)
            if head:
                table = head[1].decode()
                columns = [name.strip().strip('"') for name in head[2].decode().split(",")]
        elif line == END:
            table = ""
        elif table in wanted:
            values = map(value_of, line.removesuffix(b"\n").split(b"\t"))
            yield table, dict(zip(columns, values, strict=True))
        else:
            yield table, {}


def value_of(text: bytes) -> str | None:
    """Read one value; a tab or a line break in it is written by two characters."""
    if text == NULL:
        return None
    return ESCAPE.sub(lambda found: ESCAPES.get(found[1], found[1]), text).decode()
