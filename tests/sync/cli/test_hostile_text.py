"""Texts of tickets, goals and money that mean harm come out of every command and file as plain text."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from sqlalchemy import select

from sync.store import tables
from sync.store.rows import storable
from sync.store.schema import table_of
from tests.hostile import LONG, TEXTS
from tests.sync.cli.desk import NO_OBJECTIVE, Desk, Said
from tests.sync.report.markup import read

FORMULA_STARTS = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
# Line breaks; what joins letters of many scripts, and emoji; the hyphen that shows at the end of a line only.
PLAIN = frozenset("\n\u200c\u200d\u00ad")
ACTS = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@pytest.fixture
def hostile_desk(desk: Desk) -> Desk:
    """A portfolio in which every name is hostile: summaries, labels, goals, projects, cost codes."""
    goals, money = io.StringIO(), io.StringIO()
    csv.writer(goals).writerow(["id", "title", "owner"])
    csv.writer(money).writerow(["project", "cost_centre", "fiscal_year", "currency", "amount", "description"])
    for number, text in enumerate([*TEXTS, LONG[:998_000]], 10):
        labels = ["".join(text.split())[:255] or "x"]
        desk.add(f"PAY-{number}", text, cost=text[:200], labels=labels)
        written = text[:1000].replace("\0", "")  # a file that holds one is refused as a whole
        csv.writer(goals).writerow([f"O{number}", written, written[:100]])
        csv.writer(money).writerow([written[:100], written[:100], 2026, "USD", "10.00", written])
    desk.write("objectives.csv", goals.getvalue())
    desk.write("money.csv", money.getvalue())
    return desk


def acting(text: str) -> set[str]:
    """The characters in an output that act on a terminal or a reader, but for line breaks and joiners."""
    return {char for char in text if char not in PLAIN and unicodedata.category(char) in ACTS}


def test_there_are_enough_of_them() -> None:
    assert len(set(TEXTS)) >= 200
    assert len(LONG[:998_000].encode()) >= 998_000


def test_every_hostile_text_is_text_wherever_it_comes_out(hostile_desk: Desk) -> None:
    desk = hostile_desk
    known = len(TEXTS) + 1
    said = [desk.say("run", "--allow-changes", "2000", "--allow-rejects")]
    assert said[0].code in {0, 3}, said[0].out[:3000]
    assert NO_OBJECTIVE in desk.labels("PAY-10")
    desk.jira.site.label("PAY-11", remove=[NO_OBJECTIVE])
    said += [
        desk.say(*command.split())
        for command in (
            "plan", "plan --format markdown", "plan --out plan.json", "explain PAY-12", "explain PAY-60",
            "runs", "check", "drift", "unmatched", "dangling", "quarantine list", "budget", "audit --run 1",
            "status",
        )
    ]  # fmt: skip
    for one in said:
        assert acting(one.out + one.err) == set()
        assert "Traceback" not in one.out + one.err
    check_store(desk)
    check_page(desk)
    check_sheets(desk, known)
    check_documents(desk)


def check_store(desk: Desk) -> None:
    """In the store they stand as they came, but for what no database takes."""
    item = table_of(tables.WorkItem)
    store = desk.store()
    with store.connect() as connection:
        held = {row.key: row.summary for row in connection.execute(select(item.c.key, item.c.summary))}
    store.dispose()
    wrong = [n for n, text in enumerate(TEXTS, 10) if held[f"PAY-{n}"] not in {storable(text), text.strip()}]
    assert wrong == []


def check_page(desk: Desk) -> None:
    """The page holds no element and no attribute that acts."""
    written = (desk.folder / "tieline-report/index.html").read_text(encoding="utf-8")
    markup = read(written)
    assert acting(written) <= {"\t"}
    tags = {element.tag for element in markup.elements}
    assert not tags & {
        "script",
        "img",
        "iframe",
        "object",
        "form",
        "base",
        "template",
        "video",
        "input",
        "math",
    }
    names = {name for element in markup.elements for name in element.attributes}
    assert not [name for name in names if name.startswith("on")]
    links = [element.attributes["href"] for element in markup.all("a")]
    files = {path.name for path in (desk.folder / "tieline-report").iterdir()}
    assert not [link for link in links if not link.startswith(("#", desk.jira.url)) and link not in files]
    assert "<script>alert(1)</script>" in markup.text


def check_sheets(desk: Desk, known: int) -> None:
    """No cell of any sheet begins a formula, also behind blanks and on a later line."""
    rows, _ = 0, csv.field_size_limit(2_000_000)
    for path in (desk.folder / "tieline-report").glob("*.csv"):
        for row in csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")):
            rows += 1
            for cell in row:
                assert acting(cell) == set(), (path.name, cell)
                lines = [line.strip().lstrip("\u00a0") for line in cell.split("\n")]
                bad = [line for line in lines if line.startswith(FORMULA_STARTS) and not is_number(line)]
                assert bad == [], (path.name, cell)
    assert rows > known


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def check_documents(desk: Desk) -> None:
    """JSON gives every text back whole, and in ASCII or in one line of text nothing acts."""
    report = (desk.folder / "tieline-report/report.json").read_text(encoding="utf-8")
    assert json.loads(report)["unaligned"]
    plan = (desk.folder / "plan.json").read_text(encoding="utf-8")
    assert json.loads(plan)
    assert acting(report + plan) == set()
    explained: Said = desk.say("explain", "PAY-12", "--json")
    assert acting(explained.out) == set() or TEXTS[2] in json.dumps(explained.document, ensure_ascii=False)
