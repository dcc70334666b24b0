"""The profiles that ship, each read from a loopback system with its own shapes, clamps and errors."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.errors import AuthenticationFailed, BadInput, IncompleteRead, Refused
from connectors.finance import RestFinanceConfig, RestFinanceSource
from connectors.finance.profiles import profile_names, read_profile
from connectors.http import RetryPolicy
from connectors.pages import Page, Quarantined
from connectors.records import BudgetLine
from tests.connectors.finance.api_server import Asked, Reply, serve
from tests.connectors.finance.api_systems import (
    SYSTEMS,
    Anaplan,
    Apptio,
    BusinessCentral,
    Coupa,
    NetSuite,
    Oracle,
    QuickBooks,
    Sap,
    System,
    Workday,
    Xero,
)
from tests.connectors.finance.key_pairs import key_pair

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
EACH = pytest.mark.parametrize("kind", SYSTEMS, ids=lambda kind: kind.name)
PAGED = (NetSuite, Sap, BusinessCentral, QuickBooks, Oracle, Coupa)
WITH_TOKENS = (NetSuite, BusinessCentral, Xero, QuickBooks, Coupa, Apptio, Anaplan)


class Kept:
    """A token store in memory."""

    def __init__(self) -> None:
        self.tokens: dict[tuple[str, str], str] = {}

    def read(self, source: str, first: str) -> str:
        return self.tokens.get((source, first), first)

    def keep(self, source: str, first: str, token: str) -> None:
        self.tokens[source, first] = token


@contextmanager
def running(kind: type[System]) -> Iterator[System]:
    system = kind()
    if isinstance(system, NetSuite):
        system.key, system.public = key_pair(system.algorithm)
    with serve(system) as api:
        system.url = api.url
        yield system


def read(
    system: System, slept: list[float] | None = None, store: Kept | None = None, **changes: Any
) -> list[Page]:
    declared = {"name": "erp", "profile": system.name, "base_url": system.url, "allow_private": True}
    config = RestFinanceConfig.model_validate(declared | system.source() | changes)
    waits: list[float] = [] if slept is None else slept
    policy = RetryPolicy(sleep=waits.append, jitter=lambda: 0.0, now=lambda: NOW)
    return list(RestFinanceSource(config, policy, store or Kept()).pages())


def lines(pages: list[Page]) -> list[BudgetLine]:
    return [record for page in pages for record in page.records if isinstance(record, BudgetLine)]


def refused(pages: list[Page]) -> list[Quarantined]:
    return [row for page in pages for row in page.quarantined]


def whole(system: System, pages: list[Page]) -> bool:
    found = lines(pages)
    return (
        refused(pages) == []
        and len(found) == system.count
        and sum(line.amount_minor for line in found) == system.total * 100
        and sum(total.amount_minor for total in pages[-1].totals) == system.total * 100
    )


def test_every_profile_that_ships_is_run_here() -> None:
    assert profile_names() == sorted(kind.name for kind in SYSTEMS)


@EACH
def test_a_system_is_read_whole_to_the_cent(kind: type[System]) -> None:
    with running(kind) as system:
        assert whole(system, read(system))


@EACH
@pytest.mark.parametrize("request_number", [1, 2])
def test_a_pause_asked_for_with_a_date_is_kept_and_loses_nothing(
    kind: type[System], request_number: int
) -> None:
    slept: list[float] = []
    asked: list[int] = []

    def trouble(number: int) -> Reply | None:
        if number != request_number or asked:
            return None
        asked.append(number)
        return Reply({}, 429, {"Retry-After": "Mon, 23 Nov 2026 02:01:30 GMT"})

    with running(kind) as system:
        system.trouble = trouble
        assert whole(system, read(system, slept))
    assert not asked or 90.0 in slept


@pytest.mark.parametrize("kind", WITH_TOKENS, ids=lambda kind: kind.name)
def test_a_token_that_dies_in_the_middle_is_renewed_once_and_nothing_is_lost(kind: type[System]) -> None:
    with running(kind) as system:
        died: list[int] = []

        def trouble(number: int) -> Reply | None:
            if number != 2 or died:
                return None
            died.append(number)
            system.expire()
            return Reply({"error": "invalid_token"}, 401)

        system.trouble = trouble
        assert whole(system, read(system))
        assert not died or 1000 < system.tokens < 1010


@EACH
def test_an_error_told_with_status_200_is_an_error_and_not_an_empty_source(kind: type[System]) -> None:
    with running(kind) as system:
        system.trouble = lambda _: Reply(system.told)
        with pytest.raises((IncompleteRead, BadInput)):
            read(system)


@EACH
def test_a_login_page_told_with_status_200_is_an_error(kind: type[System]) -> None:
    with running(kind) as system:
        system.trouble = lambda _: Reply(text="<!DOCTYPE html><title>Sign in</title>")
        with pytest.raises((IncompleteRead, BadInput)):
            read(system)


@pytest.mark.parametrize("kind", PAGED, ids=lambda kind: kind.name)
def test_the_same_page_for_ever_ends_as_an_incomplete_read(kind: type[System]) -> None:
    with running(kind) as system:
        system.stuck = True
        with pytest.raises(IncompleteRead, match="the same page twice"):
            read(system)


@EACH
def test_a_credential_that_is_refused_is_told_without_any_secret(kind: type[System]) -> None:
    with running(kind) as system:
        if isinstance(system, NetSuite):
            system.public = key_pair("ES384")[1]
        changes = {"with": system.source()["with"] | dict.fromkeys(_secrets(system), "wr0ng-word")}
        with pytest.raises((AuthenticationFailed, BadInput)) as told:
            read(system, **changes)
        assert "wr0ng-word" not in str(told.value)


def _secrets(system: System) -> list[str]:
    secret = {"password", "client_secret", "key_secret", "refresh_token"}
    return [key for key in read_profile(system.name)["asks"] if key in secret]


@contextmanager
def stranger() -> Iterator[tuple[str, list[bytes]]]:
    """An address of another origin, and every byte that reaches it, down at the socket."""
    heard: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                heard.append(b"connected")
                heard.append(connection.recv(65536))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/next", heard
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@EACH
def test_a_redirect_to_another_origin_reaches_it_with_not_one_byte(kind: type[System]) -> None:
    with running(kind) as system, stranger() as (address, heard):
        system.trouble = lambda _: Reply({}, 307, {"Location": address})
        with pytest.raises(Refused, match="The credential is not sent there"):
            read(system)
    assert heard == []


@pytest.mark.parametrize("kind", WITH_TOKENS, ids=lambda kind: kind.name)
def test_a_login_that_redirects_takes_its_secret_nowhere(kind: type[System]) -> None:
    with (
        running(kind) as system,
        stranger() as (address, heard),
        serve(lambda _: Reply({}, 307, {"Location": address})) as api,
    ):
        system.url = api.url
        with pytest.raises(Refused, match="redirects instead of giving a token"):
            read(system)
    assert heard == []


@pytest.mark.parametrize("kind", [Sap, BusinessCentral], ids=lambda kind: kind.name)
def test_a_next_link_to_another_origin_reaches_it_with_not_one_byte(kind: type[System]) -> None:
    with running(kind) as system, stranger() as (address, heard):
        rows = (
            {"d": {"results": [Sap().row(1)], "__next": address, "__count": "2"}}
            if kind is Sap
            else {
                "value": [
                    {
                        "entryNo": 1,
                        "budgetName": "B",
                        "glAccountNo": "1",
                        "budgetDate": "2026-01-01",
                        "budgetAmount": 1,
                        "dimensionSetID": 1,
                    }
                ],
                "@odata.nextLink": address,
            }
        )
        system.trouble = lambda _: Reply(rows)
        with pytest.raises(Refused, match=r"the next page leads to 127\.0\.0\.1"):
            read(system)
    assert heard == []


@pytest.mark.parametrize("algorithm", ["ES256", "PS256"])
def test_netsuite_takes_assertions_signed_by_elliptic_curves_or_pss(algorithm: str) -> None:
    with running(NetSuite) as system:
        assert isinstance(system, NetSuite)
        system.algorithm = algorithm
        system.key, system.public = key_pair(algorithm)
        assert whole(system, read(system))


def test_a_key_that_does_not_fit_its_algorithm_is_told_with_the_remedy() -> None:
    with running(NetSuite) as system:
        assert isinstance(system, NetSuite)
        system.algorithm = "PS256"
        with pytest.raises(BadInput) as told:
            read(system)
        assert str(told.value) == (
            "erp: `auth.key` is no private key that can sign by PS256. "
            "Give it in PEM, without a passphrase, of the kind the certificate was made with."
        )


def test_a_refresh_token_is_replaced_at_each_login_and_the_latest_goes_on_the_next_night() -> None:
    store = Kept()
    with running(QuickBooks) as system:
        for night in range(1, 4):
            assert whole(system, read(system, store=store))
            assert store.tokens == {("erp", "first"): f"refresh-{night}"}


def test_a_refresh_token_that_is_no_longer_good_asks_for_a_new_consent() -> None:
    with running(QuickBooks) as system:
        assert isinstance(system, QuickBooks)
        system.refresh = "another"
        with pytest.raises(AuthenticationFailed, match="Have a person consent again, and declare the new"):
            read(system)


def test_rows_that_came_twice_while_pages_moved_make_the_read_incomplete_where_the_total_is_known() -> None:
    with running(NetSuite) as system:
        assert isinstance(system, NetSuite)
        first = system

        def moved(number: int) -> Reply | None:
            rows = [first.row(n) for n in range(990, 1290)]
            return Reply({"items": rows, "hasMore": False, "totalResults": 1300}) if number == 2 else None

        system.trouble = moved
        with pytest.raises(IncompleteRead, match="10 rows came twice, so as many others are missing"):
            read(system)


def test_an_export_that_failed_is_told_and_one_that_never_ends_as_well() -> None:
    with running(Anaplan) as system:
        failed = {"task": {"taskState": "COMPLETE", "result": {"successful": False}}}
        system.trouble = lambda number: Reply(failed) if number == 2 else None
        with pytest.raises(IncompleteRead, match="the job is done and failed"):
            read(system)
    with running(Anaplan) as system:
        system.trouble = lambda number: Reply({"task": {"taskState": "IN_PROGRESS"}}) if number > 1 else None
        slept: list[float] = []
        with pytest.raises(IncompleteRead, match="the job was not done after 60 minutes"):
            read(system, slept)
        assert sum(slept) >= 3600


def test_a_chunk_cut_short_is_never_a_shorter_budget() -> None:
    with running(Anaplan) as system:
        system.trouble = lambda number: (
            Reply(text="CC", headers={"Content-Length": "4096"}) if number == 7 else None
        )
        with pytest.raises(IncompleteRead, match=r"erp: the download broke off\. Read it anew\."):
            read(system)


def test_what_a_profile_asks_for_and_does_not_get_is_told_with_its_meaning() -> None:
    declared = {"name": "erp", "profile": "coupa", "with": {"hots": "x", "client_id": "a"}}
    with pytest.raises(ValidationError) as told:
        RestFinanceConfig.model_validate(declared)
    (problem,) = told.value.errors()
    assert problem["msg"] == (
        "Value error, profile coupa asks for no 'hots' under `with`; did you mean host?; "
        "profile coupa needs `host` under `with`: the host of the instance, such as acme.coupahost.com; "
        "profile coupa needs `client_secret` under `with`: its secret"
    )
    with pytest.raises(ValidationError, match=r"profile 'netsuit' is unknown; did you mean netsuite\?"):
        RestFinanceConfig.model_validate({"name": "erp", "profile": "netsuit"})


def test_own_keys_go_before_those_of_the_profile() -> None:
    system = Sap(url="https://x.example")
    declared = {"name": "erp", "profile": system.name} | system.source()
    config = RestFinanceConfig.model_validate(
        declared
        | {
            "currency": "USD",
            "columns": {"project": None},
            "amounts": [{"column": "AmountInGlobalCurrency", "fiscal_year": 2026}],
            "auth": {"type": "api_key", "name": "APIKey", "value": "k"},
        }
    )
    assert (config.currency, config.columns.project, config.columns.account) == ("USD", None, "GLAccount")
    assert config.amount is None
    assert config.auth.type == "api_key"


def test_the_pace_of_a_profile_is_kept() -> None:
    slept: list[float] = []
    with running(Xero) as system:
        read(system, slept)
    assert sum(slept) == pytest.approx(3 * 60 / 55)


def test_a_limit_on_requests_stops_the_read_before_the_day_is_used_up() -> None:
    with running(Coupa) as system, pytest.raises(IncompleteRead, match="takes more than 2 requests"):
        read(system, limits={"max_requests": 2})


def test_a_report_of_workday_as_csv_goes_the_way_of_files() -> None:
    with running(Workday) as system:
        text = "Cost_Center;Ledger_Account;Currency;Period;Amount\nCC;1;EUR;2026-04;1.234,50\n"
        system.trouble = lambda _: Reply(text=text)
        pages = read(
            system,
            request={"params": {"format": "csv"}},
            csv={"delimiter": ";"},
            number={"decimal": ",", "group": "."},
        )
        (line,) = lines(pages)
        assert (line.amount_minor, line.currency, line.line) == (123450, "EUR", 2)


def test_what_is_put_into_a_path_of_a_profile_stays_in_its_place() -> None:
    system = Apptio()

    def answer(asked: Asked) -> Reply:
        return system.login(asked) or Reply(text="Cost Center\tAccount\tAmount\nA\tB\t1\n")

    with serve(answer) as api:
        system.url = api.url
        read(system, **{"with": system.source()["with"] | {"table": "GL/Data #1?x=y"}})
        tables = "/biit/api/v2/domains/acme.com/projects/Cost%20Transparency/tables"
        assert api.asked[-1].path == f"{tables}/GL%2FData%20%231%3Fx%3Dy/dates/Jan:FY2026.tsv"


def test_a_table_with_too_few_rows_is_incomplete() -> None:
    with running(Apptio) as system:
        system.size = 0
        with pytest.raises(IncompleteRead, match="it gave 0 rows, fewer than"):
            read(system)


def test_a_table_without_its_columns_is_told_without_the_place_it_was_put() -> None:
    with running(Apptio) as system:
        system.trouble = lambda _: Reply(text="Cost Center\tAccount\tValue\nA\tB\t1\n")
        with pytest.raises(BadInput) as told:
            read(system)
        assert str(told.value).startswith("erp.csv: line 1: the header has no column 'Amount'")
