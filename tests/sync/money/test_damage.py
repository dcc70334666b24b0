"""A real file that comes damaged: what counts changes only where the night refuses it or says by how much."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import Engine, func, select

from tests.connectors.finance.shared_data import DATA, needs_data
from tests.connectors.finance.test_poison import damages
from tests.connectors.finance.test_real_files import FILES
from tests.sync.ledgers import Books, budget_line

NAME = "es_aragon_2010/partidas_ingresos.csv"


def total(books: Books) -> int:
    (row,) = books.rows(
        select(func.coalesce(func.sum(budget_line.c.amount_minor), 0)).where(
            budget_line.c.deleted_at.is_(None)
        )
    )
    return int(row[0])


@needs_data
def test_a_damaged_file_changes_what_counts_only_by_what_the_night_says(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "finance" / "plan.csv"
    file.parent.mkdir()
    books = Books(engine, file.parent, FILES[NAME])
    outcomes = {"refused": 0, "same": 0, "told": 0}
    for content in damages(NAME, 24):
        shutil.copyfile(DATA / "finance" / NAME, file)
        assert books.read(shrink=1.0).complete
        before = total(books)
        assert before == 572_048_548_176
        file.write_bytes(content)
        pulled = books.read()
        after = total(books)
        if not pulled.complete:
            assert after == before
            outcomes["refused"] += 1
        elif after == before:
            outcomes["same"] += 1
        else:
            said = books.changes()[-1]
            assert (said[0], said[-1]) == (before, after)
            assert said[0] + said[1] + said[2] - said[3] == said[-1]
            outcomes["told"] += 1
    assert outcomes["refused"] > 5
    assert outcomes["told"] > 0
