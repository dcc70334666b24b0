"""Finance APIs in a sources file: read from it, told apart from files, and their mistakes placed."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import Engine, func, select

from connectors.finance import FinanceSource, RestFinanceConfig, RestFinanceSource
from connectors.finance.rest_login import ClientCredentials
from connectors.http import RetryPolicy
from sync.cli.doctor import look_at_file
from sync.errors import ConfigurationError
from sync.feeds import Feed, Kind
from sync.frame.progress import Quiet
from sync.pull import Pull, Pulled
from sync.sources import read_sources
from sync.store.money.artifacts import part
from sync.store.money.guards import Allowed
from sync.wiring import finance_source
from tests.clock import NOW
from tests.connectors.finance.api_server import Asked, Reply, serve
from tests.sync.ledgers import budget_line
from tests.sync.making import begin_run

TEXT = """finance:
  - name: files
    path: plan.csv
    currency: EUR
    amount: {column: amount, fiscal_year: 2026}
  - name: erp
    kind: rest
    base_url: https://erp.example/api
    auth: {type: bearer, token: "${ERP_TOKEN}"}
    currency: EUR
    amount: {column: amount, fiscal_year: 2026}
    records: [value]
    paging: {type: next_url, path: ["@odata.nextLink"]}
"""


def test_files_and_apis_stand_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(TEXT)
    config = read_sources(path, {"ERP_TOKEN": "s3cret"})
    files, api = map(finance_source, config.finance)
    assert isinstance(files, FinanceSource)
    assert isinstance(api, RestFinanceSource)
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("base_url:", "base_ulr:", "8:5: finance.1.base_ulr: unknown key; did you mean base_url?"),
        ("next_url,", "next_ulr,", "13:5: finance.1.paging: "),
        ("    path: plan.csv", "    paht: plan.csv", "3:5: finance.0.paht: unknown key; did you mean path?"),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, right: str, wrong: str, problem: str) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(TEXT.replace(right, wrong))
    with pytest.raises(ConfigurationError) as refused:
        read_sources(path, {"ERP_TOKEN": "s3cret"})
    assert any(told.startswith(f"{path}:{problem}") for told in refused.value.problems), (
        refused.value.problems
    )
    assert "s3cret" not in str(refused.value.problems)


def test_doctor_asks_an_api_for_its_first_page_only() -> None:
    def answer(asked: Asked) -> Reply:
        page = int(asked.params["page"])
        assert page == 1, "the whole of it is for the night"
        return Reply([{"id": number, "amount": "1.00"} for number in range(50)])

    with serve(answer) as api:
        config = RestFinanceConfig.model_validate(
            {
                "name": "erp",
                "kind": "rest",
                "base_url": api.url,
                "allow_private": True,
                "paging": {"type": "page"},
                "currency": "EUR",
                "columns": {"id": "id"},
                "amount": {"column": "amount", "fiscal_year": 2026},
            }
        )
        (found,) = look_at_file(Feed("erp", Kind.FINANCE, lambda: RestFinanceSource(config)))
    assert found.good, found.seen
    assert found.seen == "finance: 50 records on the first page, 0 refused"


PROFILE = """finance:
  - name: erp
    profile: coupa
    with:
      host: acme.coupahost.com
      client_id: me
      client_secret: ${COUPA_SECRET}
    amount: {column: amount, fiscal_year: 2026}
"""


def test_a_profile_takes_its_secret_from_a_file_named_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text(PROFILE)
    (tmp_path / "secret").write_text("s3cret\n")
    (config,) = read_sources(
        tmp_path / "sources.yaml", {"COUPA_SECRET_FILE": str(tmp_path / "secret")}
    ).finance
    assert isinstance(config, RestFinanceConfig)
    assert isinstance(config.auth, ClientCredentials)
    assert config.auth.client_secret.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(config)
    with pytest.raises(ConfigurationError, match=r"COUPA_SECRET_FILE: cannot read nowhere as UTF-8 text"):
        read_sources(tmp_path / "sources.yaml", {"COUPA_SECRET_FILE": "nowhere"})


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        (
            "profile: coupa",
            "profile: copua",
            "2:5: finance.0: profile 'copua' is unknown; did you mean coupa?",
        ),
        (
            "      host: acme.coupahost.com\n",
            "",
            "2:5: finance.0: profile coupa needs `host` under `with`: the",
        ),
        (
            "    amount: {column",
            "    amuont: {column",
            "8:5: finance.0.amuont: unknown key; did you mean amount?",
        ),
    ],
)
def test_a_mistake_beside_a_profile_is_told_at_its_place(
    tmp_path: Path, right: str, wrong: str, problem: str
) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(PROFILE.replace(right, wrong))
    with pytest.raises(ConfigurationError) as refused:
        read_sources(path, {"COUPA_SECRET": "s3cret"})
    assert any(problem in told for told in refused.value.problems), refused.value.problems
    assert "s3cret" not in str(refused.value.problems)


class Erp:
    """An API of two pages; `broken` makes the second one fail."""

    def __init__(self) -> None:
        self.amounts = [*range(1, 151)]
        self.broken = False
        self.answers: list[str] = []

    def __call__(self, asked: Asked) -> Reply:
        start = int(asked.params["offset"])
        if self.broken and start:
            return Reply({"error": "internal"}, 400)
        rows = [{"id": n, "amount": amount} for n, amount in enumerate(self.amounts)][start : start + 100]
        self.answers.append(json.dumps({"items": rows}))
        return Reply(text=self.answers[-1])


@dataclass
class Nights:
    """Readings of one API into one store, a day apart."""

    engine: Engine
    config: RestFinanceConfig
    now: datetime = NOW

    def read(self) -> Pulled:
        self.now += timedelta(days=1)
        run_id = begin_run(self.engine, self.now)
        policy = RetryPolicy(sleep=lambda _: None)
        feed = Feed("erp", Kind.FINANCE, lambda: RestFinanceSource(self.config, policy))
        return Pull(self.engine, feed, run_id, lambda: self.now, Allowed(0.2), Quiet()).read()

    def standing(self) -> int:
        with self.engine.connect() as connection:
            total = select(func.sum(budget_line.c.amount_minor)).where(budget_line.c.deleted_at.is_(None))
            return int(connection.execute(total).scalar_one())

    def kept(self) -> list[bytes]:
        """The archives of answers that the store keeps, oldest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(part).order_by(part.c.artifact_id, part.c.number)).all()
        found: dict[int, bytes] = {}
        for row in rows:
            found[row.artifact_id] = found.get(row.artifact_id, b"") + zlib.decompress(row.data)
        return list(found.values())


def test_the_answers_of_an_api_are_kept_as_they_came_and_the_same_ones_change_nothing(engine: Engine) -> None:
    erp = Erp()
    with serve(erp) as api:
        declared = {
            "name": "erp",
            "kind": "rest",
            "base_url": api.url,
            "allow_private": True,
            "paging": {"type": "offset", "limit": 100},
            "records": ["items"],
            "currency": "EUR",
            "columns": {"id": "id"},
            "amount": {"column": "amount", "fiscal_year": 2026},
        }
        nights = Nights(engine, RestFinanceConfig.model_validate(declared))
        assert nights.read().complete
        (archive,) = nights.kept()
        with ZipFile(BytesIO(archive)) as answers:
            assert [answers.read(name).decode() for name in sorted(answers.namelist())] == erp.answers
        total = sum(erp.amounts) * 100
        assert nights.standing() == total

        assert nights.read().complete
        assert nights.kept() == [archive]

        erp.amounts[3], erp.broken = 999, True
        pulled = nights.read()
        assert (pulled.complete, nights.standing()) == (False, total)
        assert nights.kept() == [archive]

        erp.broken = False
        assert nights.read().complete
        assert nights.standing() == sum(erp.amounts) * 100
        assert len(nights.kept()) == 2
