"""Bad cells of every kind, each refused at its line and column in plain words; damaged files never lie."""

from __future__ import annotations

import csv
import hashlib
import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ConnectorError, IncompleteRead
from connectors.finance import FinanceSource, FinanceSourceConfig
from connectors.finance.money import PLAIN, AmountRefused, Notation, parse_minor
from connectors.pages import Page, Quarantined
from connectors.records import BudgetLine
from tests.connectors.finance.shared_data import DATA, needs_data
from tests.connectors.finance.test_real_files import FILES

HEADER = "Id,Project,Currency,Month,Version,Flag,Amount"
CONFIG = {
    "currency": {"column": "Currency"},
    "columns": {"id": "Id", "project": "Project"},
    "amounts": [
        {
            "column": "Amount",
            "dated": {"column": "Month", "label": "{yyyy}-{mm}"},
            "version": {"column": "Version"},
            "sign": {"column": "Flag", "positive": ["S"], "negative": ["H"]},
        }
    ],
}
NO_NUMBER = (
    *("1_000", "1__0", "NaN", "nan", "inf", "-inf", "Infinity", "1e3", "1E5", "1.0e2", "0x10", "0b1", "0o7"),
    *("(5.00)", "(5", "5)", "5.00-", "+5", "--5", "-", "-.", ".", ".5", "5.", "1.2.3", "1..2", "1d", "1f"),
    *('"1,234.56"', '"1.234,56"', '"12,34.5"', '"5,00"', '"1,000"', '",5"', "1 234", "5 000 000", "1'234"),
    *("1\u00a0234", "1\u202f234", "\u22125", "\u20135", "\u0661\u0662\u0663", "\uff15", "\u0967", "\u00bd"),
    *("\u200b5", "5\u00ad", "\u00b25", "$5", "\u00a35", "5 EUR", "EUR 5", "5\u20ac", "O.5", "l0", "1/2"),
    *("#REF!", "#N/A", "#DIV/0!", "#VALUE!", "TBD", "n/a", "null", "None", "=1+1", "=SUM(A1)", "'5", "x"),
    *("2026-01-01", "1:30", "9" * 41),
)
OTHERS = (
    ("{id},A,EUR,2026-01,budget,S,12.5%", "Amount", "'12.5%' is a percentage, not an amount of money"),
    ("{id},A,EUR,2026-01,budget,S,1.005", "Amount", "'1.005' has 3 decimals where EUR allows 2"),
    ("{id},A,EUR,2026-01,budget,S,1.000", "Amount", "'1.000' has 3 decimals where EUR allows 2"),
    ("{id},A,JPY,2026-01,budget,S,1.5", "Amount", "'1.5' has 1 decimals where JPY allows 0"),
    ("{id},A,KWD,2026-01,budget,S,1.2345", "Amount", "'1.2345' has 4 decimals where KWD allows 3"),
    ("{id},A,CLF,2026-01,budget,S,1.23456", "Amount", "'1.23456' has 5 decimals where CLF allows 4"),
    (
        "{id},A,JPY,2026-01,budget,S,9223372036854775808",
        "Amount",
        "'9223372036854775808' is too large to be stored",
    ),
    (
        "{id},A,EURO,2026-01,budget,S,1",
        "Currency",
        "'EURO' is no ISO 4217 currency code (such as USD or EUR)",
    ),
    ("{id},A,US$,2026-01,budget,S,1", "Currency", "'US$' is no ISO 4217 currency code (such as USD or EUR)"),
    ("{id},A,XXX,2026-01,budget,S,1", "Currency", "'XXX' is no ISO 4217 currency code (such as USD or EUR)"),
    ("{id},A,,2026-01,budget,S,1", "Currency", "the cell is blank"),
    ("{id},A,EUR,2026-13,budget,S,1", "Month", "'2026-13' is not written like '{{yyyy}}-{{mm}}'"),
    ("{id},A,EUR,26-01,budget,S,1", "Month", "'26-01' is not written like '{{yyyy}}-{{mm}}'"),
    ("{id},A,EUR,Jan 2026,budget,S,1", "Month", "'Jan 2026' is not written like '{{yyyy}}-{{mm}}'"),
    ("{id},A,EUR,,budget,S,1", "Month", "the cell is blank"),
    (
        "{id},A,EUR,2026-01,Plan,S,1",
        "Version",
        "'Plan' is no version (budget, forecast, actual); declare what it means under `values`",
    ),
    ("{id},A,EUR,2026-01,,S,1", "Version", "the cell is blank"),
    ("{id},A,EUR,2026-01,budget,X,1", "Flag", "'X' is no declared sign ('S', 'H')"),
    ("{id},A,EUR,2026-01,budget,,1", "Flag", "'' is no declared sign ('S', 'H')"),
    (",A,EUR,2026-01,budget,S,1", "Id", "the id is blank"),
    ("good-0,A,EUR,2026-01,budget,S,1", "Id", "id 'good-0' was already used by an earlier row"),
    ("{id},A,EUR,2026-01", None, "the row has 4 cells where the header has 7 columns"),
    ("{id},A,EUR,2026-01,budget,S,1,2", None, "the row has 8 cells where the header has 7 columns"),
    ('{id},"A"B,EUR,2026-01,budget,S,1', None, "a quote inside a quoted cell is not doubled"),
)


def written(text: str) -> str:
    return text.strip('"') if text.startswith('"') else text


def poison() -> list[tuple[str, str | None, str]]:
    rows: list[tuple[str, str | None, str]] = []
    for number, text in enumerate(NO_NUMBER):
        shown = written(text)
        shown = repr(shown if len(shown) <= 40 else shown[:40] + "\u2026")
        rows.append(
            (
                f"bad-{number},A,EUR,2026-01,budget,S,{text}",
                "Amount",
                f"{shown} is no number written like -1234.5",
            )
        )
    for number, (row, column, reason) in enumerate(OTHERS):
        rows.append(
            (row.replace("{id}", f"odd-{number}"), column, reason.replace("{{", "{").replace("}}", "}"))
        )
    return rows


def read(path: Path, **config: Any) -> list[Page]:
    declared = {"name": "poison", "path": path} | (config or CONFIG)
    return list(FinanceSource(FinanceSourceConfig.model_validate(declared)).pages())


def lines(pages: list[Page]) -> list[BudgetLine]:
    return [record for page in pages for record in page.records if isinstance(record, BudgetLine)]


def refused(pages: list[Page]) -> list[Quarantined]:
    return [row for page in pages for row in page.quarantined]


def test_ninety_poisoned_rows_are_each_refused_at_their_line_and_column_in_plain_words(
    tmp_path: Path,
) -> None:
    rows = poison()
    assert len(rows) >= 90
    text, expected, line = [HEADER], [], 1
    for number, (row, column, reason) in enumerate(rows):
        good = f'good-{number},"P\nQ",EUR,2026-02,budget,S,{number}.25'  # its newline shifts what follows
        expected.append((line + 3, column, reason, row))
        text += [good, row]
        line += 3
    file = tmp_path / "poison.csv"
    file.write_text("\n".join([*text, ""]), encoding="utf-8")
    pages = read(file)
    assert [(bad.line, bad.column, bad.reason, bad.raw) for bad in refused(pages)] == expected
    assert [line.amount_minor for line in lines(pages)] == [100 * n + 25 for n in range(len(rows))]


@pytest.mark.parametrize(
    ("text", "notation", "minor"),
    [
        ("1.005", PLAIN, None),
        ("1.005", Notation(decimal=",", group="."), 100_500),
        ("1_000", PLAIN, None),
        ("NaN", PLAIN, None),
        ("inf", PLAIN, None),
        ("(5.00)", PLAIN, None),
        ("(5.00)", Notation(negative="(1)"), -500),
        ("5.00-", PLAIN, None),
        ("5.00-", Notation(negative="1-"), -500),
        ("12.5%", PLAIN, None),
        ("(1,234.50)", Notation(group=",", negative="(1)"), -123_450),
        ("1.234,56", Notation(decimal=",", group="."), 123_456),
        ("1\u00a0234,56", Notation(decimal=",", group="\u00a0"), 123_456),
        ("12,34.5", Notation(group=","), None),
    ],
)
def test_what_other_readers_round_or_guess_is_read_as_declared_or_refused(
    text: str, notation: Notation, minor: int | None
) -> None:
    """Each of these is read wrongly, or refused for the whole file, by at least one table library."""
    if minor is None:
        with pytest.raises(AmountRefused):
            parse_minor(text, "EUR", notation)
    else:
        assert parse_minor(text, "EUR", notation) == minor


DAMAGED = (
    "uk_spend_over_25k/cabinetoffice_2019-08.csv",
    "uk_spend_over_25k/cabinetoffice_2022-07.csv",
    "es_aragon_2010/partidas_ingresos.csv",
    "ca_gc_it_projects_2019.csv",
)


def damages(name: str, count: int) -> list[bytes]:
    """The file cut short, or with one byte changed, at places that are the same each time."""
    chance = random.Random(name)
    content = (DATA / "finance" / name).read_bytes()
    found: list[bytes] = []
    for number in range(count):
        place = chance.randrange(1, len(content))
        if number % 2:
            found.append(content[:place])
        else:
            changed = bytes([content[place] ^ (1 << chance.randrange(8))])
            found.append(content[:place] + changed + content[place + 1 :])
    return found


def summed_apart(content: bytes, config: dict[str, Any]) -> Decimal:
    """The sum of every amount that a plain reader finds in rows of full width, in minor units."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode(str(config["encoding"]))
    rows = list(csv.reader(text.splitlines(keepends=True), delimiter=str(config.get("delimiter", ","))))
    place = rows[0].index(config["amount"]["column"])
    german = config.get("number", {}).get("decimal") == ","
    total = Decimal()
    for row in rows[1:]:
        cell = row[place].strip().lstrip("$") if len(row) > place else ""
        bare = cell.replace(".", "").replace(",", ".") if german else cell.replace(",", "")
        total += Decimal(bare) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", bare, re.ASCII) else Decimal()
    return total * 100


@needs_data
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_or_told_or_sums_to_exactly_what_it_now_says(
    name: str, tmp_path: Path
) -> None:
    """125 damages a file, 500 in all. A changed digit makes another amount: then the file's own control
    total, which a night compares with the one before, is that other sum and no third one."""
    config = FILES[name]
    outcomes = {"refused": 0, "told": 0, "summed": 0}
    for content in damages(name, 125):
        file = tmp_path / Path(name).name
        file.write_bytes(content)
        try:
            pages = read(file, **config)
        except ConnectorError:
            outcomes["refused"] += 1
            continue
        accepted = sum(line.amount_minor for line in lines(pages))
        stated = sum(total.amount_minor for total in pages[-1].totals)
        left_out = sum(total.amount_minor for total in pages[-1].refused)
        assert accepted == stated - left_out
        if refused(pages):
            assert all(row.line and row.reason for row in refused(pages))
            outcomes["told"] += 1
        else:
            assert accepted == stated == summed_apart(content, config)
            outcomes["summed"] += 1
    assert sum(outcomes.values()) == 125
    assert outcomes["told"] > 10


@needs_data
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_with_a_hash_beside_it_is_never_read(name: str, tmp_path: Path) -> None:
    file = tmp_path / Path(name).name
    whole = (DATA / "finance" / name).read_bytes()
    (tmp_path / f"{file.name}.sha256").write_text(f"{hashlib.sha256(whole).hexdigest()}  {file.name}\n")
    for content in damages(name, 125):
        file.write_bytes(content)
        with pytest.raises(IncompleteRead, match="its content is not what"):
            read(file, **FILES[name], arrival={"by": "sha256"})
    file.write_bytes(whole)
    assert lines(read(file, **FILES[name], arrival={"by": "sha256"}))
