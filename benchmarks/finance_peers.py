"""Bare loads of a budget file into the table `budget_line` of an empty store by other readers, to the cent.

Run by `benchmarks/finance.py`, one load in one process; needs nothing of Tieline but its table.
"""

import json
import resource
import sqlite3
import sys
import time
from decimal import Decimal

HEADER = ("line_id", "company", "cost_center", "account", "project_code", "period", "scenario", "currency",
          "amount", "note")  # fmt: skip
NAMES = ("source", "source_id", "key_folded", "version", "fiscal_year", "period", "currency", "amount_minor",
         "project", "project_folded", "cost_centre", "cost_centre_folded", "account", "account_folded",
         "description", "line", "valid_from_run")  # fmt: skip
INSERT = f"INSERT INTO budget_line ({', '.join(NAMES)}) VALUES ({', '.join('?' * len(NAMES))})"
CHUNK = 20_000
# More bytes at once, and fewer, are sent more slowly.
PIECE = 1 << 15


def by_pyarrow(path: str, connection: sqlite3.Connection) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as arrow_csv

    types = dict.fromkeys(HEADER, pa.string()) | {"amount": pa.decimal128(18, 2)}
    reader = arrow_csv.open_csv(
        path,
        read_options=arrow_csv.ReadOptions(block_size=4 << 20),
        convert_options=arrow_csv.ConvertOptions(column_types=types),
    )
    line = 2
    for batch in reader:
        cells = {name: batch.column(name) for name in HEADER}
        minor = pc.cast(
            pc.multiply(cells["amount"], pa.scalar(Decimal(100), pa.decimal128(3, 0))), pa.int64()
        )
        period = pc.binary_join_element_wise("FY", cells["period"], "")
        key = pc.binary_join_element_wise(cells["line_id"], cells["scenario"], period, cells["currency"], "|")
        year = pc.cast(pc.utf8_slice_codeunits(cells["period"], 0, 4), pa.int64())
        columns = [key, pc.utf8_lower(key), cells["scenario"], year, period, cells["currency"], minor]
        for name in ("project_code", "cost_center", "account"):
            columns += [cells[name], pc.utf8_lower(cells[name])]
        lists = [column.to_pylist() for column in (*columns, cells["note"])]
        rows = batch.num_rows
        lines = range(line, line + rows)
        line += rows
        connection.executemany(INSERT, zip(["finance"] * rows, *lists, lines, [1] * rows, strict=True))


def by_polars(path: str, connection: sqlite3.Connection) -> None:
    import polars as pl

    frame = pl.read_csv(path, infer_schema=False, row_index_name="line", row_index_offset=2)
    period = pl.concat_str(pl.lit("FY"), pl.col("period"))
    key = pl.concat_str("line_id", "scenario", period, "currency", separator="|")
    minor = pl.col("amount").str.replace(".", "", literal=True).cast(pl.Int64)
    names = ("project_code", "cost_center", "account")
    codes = [
        part for name in names for part in (pl.col(name), pl.col(name).str.to_lowercase().alias(f"{name}_"))
    ]
    frame = frame.select(
        pl.lit("finance").alias("source"),
        key.alias("key"),
        key.str.to_lowercase().alias("folded"),
        "scenario",
        pl.col("period").str.slice(0, 4).cast(pl.Int64).alias("year"),
        period.alias("fiscal"),
        "currency",
        minor.alias("minor"),
        *codes,
        "note",
        "line",
        pl.lit(1).alias("run"),
    )
    for part in frame.iter_slices(CHUNK):
        connection.executemany(INSERT, part.rows())


def by_duckdb(path: str, connection: sqlite3.Connection) -> None:
    import duckdb

    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in HEADER)
    key = "line_id || '|' || scenario || '|FY' || period || '|' || currency"
    cursor = duckdb.connect().execute(
        f"""SELECT 'finance', {key}, lower({key}), scenario, CAST(substr(period, 1, 4) AS INTEGER),
            'FY' || period, currency, CAST(replace(amount, '.', '') AS BIGINT), project_code,
            lower(project_code), cost_center, lower(cost_center), account, lower(account), note,
            row_number() OVER () + 1, 1
            FROM read_csv(?, all_varchar=true, header=true, delim=',', quote='"', auto_detect=false,
            columns={{{columns}}})""",
        [path],
    )
    while rows := cursor.fetchmany(CHUNK):
        connection.executemany(INSERT, rows)


def by_pandas(path: str, connection: sqlite3.Connection) -> None:
    import pandas as pd

    line = 2
    for frame in pd.read_csv(path, dtype=str, keep_default_na=False, chunksize=CHUNK):
        period = "FY" + frame["period"]
        key = frame["line_id"] + "|" + frame["scenario"] + "|" + period + "|" + frame["currency"]
        minor = frame["amount"].str.replace(".", "", regex=False).astype("int64")
        columns = [key, key.str.lower(), frame["scenario"], frame["period"].str[:4].astype("int64"), period,
                   frame["currency"], minor]  # fmt: skip
        for name in ("project_code", "cost_center", "account"):
            columns += [frame[name], frame[name].str.lower()]
        lists = [column.tolist() for column in (*columns, frame["note"])]
        rows = len(frame)
        lines = range(line, line + rows)
        line += rows
        connection.executemany(INSERT, zip(["finance"] * rows, *lists, lines, [1] * rows, strict=True))


LOADS = {"pyarrow": by_pyarrow, "polars": by_polars, "duckdb": by_duckdb, "pandas": by_pandas}


def load(peer: str, path: str, store: str, total: int) -> dict[str, float]:
    __import__(peer)  # loading the library is not counted
    connection = sqlite3.connect(store)
    connection.execute("PRAGMA page_size=16384")  # as the store has them
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    cpu, wall = time.process_time(), time.perf_counter()
    LOADS[peer](path, connection)
    connection.commit()
    cost = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    (found,) = connection.execute("SELECT sum(amount_minor) FROM budget_line").fetchone()
    assert found == total, f"{peer} read {found} where {total} was written"
    return cost


def bare_copy(url: str, total: int) -> dict[str, float]:
    """Empty the table that ours has just filled, and bring the same rows back by one COPY of ready text."""
    import psycopg

    columns = ", ".join((*NAMES, "artifact_id"))
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as connection:
        cursor = connection.cursor()
        with cursor.copy(f"COPY (SELECT {columns} FROM budget_line ORDER BY line) TO STDOUT") as out:
            ready = b"".join(out)
        cursor.execute("TRUNCATE budget_line CASCADE")
        connection.commit()
        cpu, wall = time.process_time(), time.perf_counter()
        with cursor.copy(f"COPY budget_line ({columns}) FROM STDIN") as into:
            for start in range(0, len(ready), PIECE):
                into.write(ready[start : start + PIECE])
        connection.commit()
        cost = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        found = cursor.execute("SELECT sum(amount_minor) FROM budget_line").fetchone()
    assert found is not None
    assert int(found[0]) == total
    return cost


def main() -> None:
    peer, path, store, total = sys.argv[1:]
    cost = bare_copy(store, int(total)) if peer == "copy" else load(peer, path, store, int(total))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"what": peer, "peak_mib": peak} | cost))


if __name__ == "__main__":
    main()
