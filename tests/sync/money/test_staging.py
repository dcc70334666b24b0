"""Budget lines come to the same stage by the column as one by one."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Engine, select

from connectors.records import BudgetLine, BudgetVersion, LineColumns
from sync.store.money.staging import stage, stage_columns, stage_lines, staging

LINE = BudgetLine("7|budget|FY2026|USD", BudgetVersion.BUDGET, 2026, "FY2026", "USD", -1250, line=2)
LINES = (
    LINE,
    replace(LINE, id="Straße|É", project="Straße", cost_centre="CC\t1", account="a\\b", description="n"),
    replace(LINE, id="x" * 900, version=BudgetVersion.ACTUAL, project="P\x00", description="a\x00b"),
    replace(LINE, id="K\ud800", description="half \udfff", amount_minor=2**62),
)


def columns(lines: tuple[BudgetLine, ...]) -> LineColumns:
    names = ("fiscal_year", "period", "currency", "amount_minor", "project", "cost_centre", "account",
             "description", "line")  # fmt: skip
    rest = [[getattr(line, name) for line in lines] for name in names]
    return LineColumns([line.id for line in lines], [line.version.value for line in lines], *rest)


def test_lines_by_the_column_are_staged_like_lines_one_by_one(engine: Engine) -> None:
    with engine.connect() as connection:
        with staging(connection), connection.begin():
            stage_lines(connection, LINES, 5)
            one_by_one = connection.execute(select(stage)).all()
        with staging(connection), connection.begin():
            stage_columns(connection, columns(LINES), 5)
            by_the_column = connection.execute(select(stage)).all()
    assert by_the_column == one_by_one
    assert len(one_by_one) == len(LINES)
    assert tuple(columns(LINES).lines()) == LINES
