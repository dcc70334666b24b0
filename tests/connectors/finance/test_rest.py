"""Finance APIs as they really answer: clamps, links, loops, errors told as success, logins that run out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import jwt
import pytest
from pydantic import ValidationError

from connectors.errors import (
    AuthenticationFailed,
    BadInput,
    IncompleteRead,
    Refused,
    Unreachable,
)
from connectors.finance import RestFinanceConfig, RestFinanceSource
from connectors.http import RetryPolicy
from connectors.pages import Page
from connectors.records import BudgetLine
from tests.connectors.finance.api_server import Api, Asked, Reply, serve
from tests.connectors.finance.key_pairs import key_pair

ROWS = [{"id": n, "account": f"{n:04}", "amount": n} for n in range(1300)]
CLAMP = 500
SUM = sum(range(1300)) * 100
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
QUICK = RetryPolicy(sleep=lambda _: None, jitter=lambda: 0.0, now=lambda: NOW)


def config(api: Api, **changes: Any) -> RestFinanceConfig:
    plain = {
        "kind": "rest",
        "name": "erp",
        "base_url": api.url,
        "allow_private": True,
        "currency": "EUR",
        "columns": {"account": "account", "id": "id"},
        "amount": {"column": "amount", "fiscal_year": 2026},
        "records": ["items"],
    }
    return RestFinanceConfig.model_validate(plain | changes)


def read(api: Api, policy: RetryPolicy = QUICK, **changes: Any) -> list[Page]:
    return list(RestFinanceSource(config(api, **changes), policy).pages())


def lines(pages: list[Page]) -> list[BudgetLine]:
    return [record for page in pages for record in page.records if isinstance(record, BudgetLine)]


def total(pages: list[Page]) -> int:
    return sum(line.amount_minor for line in lines(pages))


def whole(pages: list[Page]) -> bool:
    return len(lines(pages)) == 1300 and total(pages) == SUM == pages[-1].totals[0].amount_minor


def by_offset(asked: Asked) -> Reply:
    start, limit = int(asked.params.get("offset", 0)), int(asked.params.get("limit", CLAMP))
    return Reply({"items": ROWS[start : start + min(limit, CLAMP)]})


OFFSET = {"type": "offset", "limit": 1000}


def test_a_server_that_gives_fewer_rows_than_asked_loses_none() -> None:
    with serve(by_offset) as api:
        assert whole(read(api, paging=OFFSET))
        assert [asked.params["offset"] for asked in api.asked] == ["0", "500", "1000", "1300"]


def test_pages_by_number_are_read_until_one_is_empty() -> None:
    def answer(asked: Asked) -> Reply:
        page = int(asked.params["page"])
        return Reply({"items": ROWS[(page - 1) * 500 : page * 500]})

    with serve(answer) as api:
        assert whole(read(api, paging={"type": "page"}))


def odata(wrap: Callable[[list[dict[str, Any]], str | None], dict[str, Any]]) -> Callable[[Asked], Reply]:
    def answer(asked: Asked) -> Reply:
        start = int(asked.params.get("$skiptoken", 0))
        rows, after = ROWS[start : start + CLAMP], start + CLAMP
        link = f"/v1/budgets?$skiptoken={after}" if after < len(ROWS) else None
        return Reply(wrap(rows, link))

    return answer


def test_odata_v4_next_links_are_followed_by_a_key_that_holds_a_dot() -> None:
    """As Business Central answers: dates, entry numbers, a page size of its own."""

    def wrap(rows: list[dict[str, Any]], link: str | None) -> dict[str, Any]:
        entries = [
            {
                "entryNo": row["id"],
                "budgetName": "FY26",
                "glAccountNo": row["account"],
                "budgetDate": "2026-04-01",
                "budgetAmount": row["amount"],
            }
            for row in rows
        ]
        return {"value": entries} | ({"@odata.nextLink": link} if link else {})

    with serve(odata(wrap)) as api:
        pages = read(
            api,
            request={"path": "v1/budgets", "headers": {"Prefer": "odata.maxpagesize=20000"}},
            paging={"type": "next_url", "path": ["@odata.nextLink"]},
            records=["value"],
            calendar={"starts": 4, "named_by": "start"},
            columns={"account": "glAccountNo", "id": "entryNo"},
            amount={"column": "budgetAmount", "dated": {"column": "budgetDate"}},
        )
        assert whole(pages)
        assert {line.period for line in lines(pages)} == {"FY2026-01"}
        assert {asked.headers["prefer"] for asked in api.asked} == {"odata.maxpagesize=20000"}


def test_odata_v2_amounts_are_texts_dates_are_numbers_and_results_are_nested() -> None:
    """As SAP answers."""

    def wrap(rows: list[dict[str, Any]], link: str | None) -> dict[str, Any]:
        items = [
            {
                "GLAccount": row["account"],
                "AmountInCompanyCodeCurrency": f"{row['amount']}.00",
                "CompanyCodeCurrency": "EUR",
                "FiscalYearPeriod": "2026001",
                "CreationDate": "/Date(1775001600000)/",
            }
            for row in rows
        ]
        return {"d": {"results": items} | ({"__next": link} if link else {})}

    with serve(odata(wrap)) as api:
        pages = read(
            api,
            paging={"type": "next_url", "path": ["d", "__next"]},
            records=["d", "results"],
            currency={"column": "CompanyCodeCurrency"},
            columns={"account": "GLAccount", "description": "CreationDate"},
            amount={
                "column": "AmountInCompanyCodeCurrency",
                "dated": {"column": "FiscalYearPeriod", "label": "{fyyyy}{period}"},
            },
        )
    assert whole(pages)
    assert {(line.period, line.description) for line in lines(pages)} == {("FY2026-01", "2026-04-01")}


def test_a_silent_clamp_with_a_flag_and_a_total_is_read_whole_by_post() -> None:
    """As NetSuite and Oracle answer: the query in the body, the offset in the address."""

    def answer(asked: Asked) -> Reply:
        start = int(asked.params["offset"])
        rows = ROWS[start : start + CLAMP]
        assert json.loads(asked.body) == {"q": "SELECT * FROM budgets ORDER BY id"}
        more = start + CLAMP < len(ROWS)
        return Reply({"items": rows, "hasMore": more, "count": len(rows), "totalResults": len(ROWS)})

    with serve(answer) as api:
        pages = read(
            api,
            request={
                "method": "POST",
                "path": "suiteql",
                "headers": {"Prefer": "transient"},
                "body": {"q": "SELECT * FROM budgets ORDER BY id"},
                "repeatable": True,
            },
            paging=OFFSET | {"more": ["hasMore"]},
            expect={"total": ["totalResults"]},
        )
        assert whole(pages)
        assert len(api.asked) == 3


def test_a_cursor_is_carried_until_there_is_none() -> None:
    def answer(asked: Asked) -> Reply:
        start = int(asked.params.get("after", "0"))
        return Reply(
            {"items": ROWS[start : start + 400], "next": start + 400 if start + 400 < 1300 else None}
        )

    with serve(answer) as api:
        assert whole(read(api, paging={"type": "cursor", "path": ["next"], "param": "after"}))


def test_a_next_link_that_is_always_the_same_ends_the_read_as_incomplete() -> None:
    with (
        serve(lambda _: Reply({"items": ROWS[:5], "next": "/again"})) as api,
        pytest.raises(IncompleteRead, match="it gave the same page twice"),
    ):
        read(api, paging={"type": "next_url", "path": ["next"]})


@pytest.mark.parametrize("how", ["next link", "redirect"])
def test_a_credential_never_leaves_its_origin(how: str) -> None:
    with serve(lambda _: Reply({"items": ROWS[:1]})) as stranger:

        def answer(asked: Asked) -> Reply:
            if how == "redirect":
                return Reply({}, 302, {"Location": f"{stranger.url}/login"})
            return Reply({"items": ROWS[:1], "next": f"{stranger.url}/page2"})

        with (
            serve(answer) as api,
            pytest.raises(Refused, match="The credential is not sent there") as refused,
        ):
            read(
                api,
                auth={"type": "bearer", "token": "s3cret"},
                paging={"type": "next_url", "path": ["next"]},
            )
        assert "s3cret" not in str(refused.value)
        assert stranger.asked == []


def test_a_redirect_on_the_same_origin_is_followed() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/old":
            return Reply({}, 307, {"Location": "/new?limit=5"})
        return Reply({"items": ROWS[:5]})

    with serve(answer) as api:
        assert len(lines(read(api, request={"path": "old"}))) == 5


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"error": {"message": "quota"}}, "the answer holds nothing at items; its keys are 'error'"),
        ({"items": {"id": 1}}, "the answer holds no list at items"),
        ([], "the answer holds nothing at items"),
    ],
)
def test_an_error_told_with_status_200_is_an_error(document: Any, message: str) -> None:
    with serve(lambda _: Reply(document)) as api, pytest.raises(IncompleteRead) as refused:
        read(api)
    assert message in str(refused.value)
    assert "It may be an error told with status 200" in str(refused.value)


def test_a_status_in_the_answer_is_checked_where_it_is_declared() -> None:
    with (
        serve(lambda _: Reply({"status": "failed", "items": ROWS})) as api,
        pytest.raises(IncompleteRead, match="the answer does not say 'ok' at status"),
    ):
        read(api, expect={"status": ["status"]})


def test_numbers_are_exact_and_those_that_are_none_are_refused() -> None:
    good = '{"id": 1, "account": "A", "amount": 90071992547409.93}'
    text = f'{{"items": [{good}, {{"id": 2, "account": "B", "amount": 1.005}}]}}'
    with serve(lambda _: Reply(text=text)) as api:
        pages = read(api)
    assert [line.amount_minor for line in lines(pages)] == [9_007_199_254_740_993]
    (bad,) = [row for page in pages for row in page.quarantined]
    assert (bad.file, bad.line, bad.column) == ("erp", 2, "amount")
    assert bad.reason == "'1.005' has more decimals than the 2 that EUR allows"
    with (
        serve(lambda _: Reply(text='{"items": [{"amount": NaN}]}')) as api,
        pytest.raises(IncompleteRead, match="no JSON: NaN is no number"),
    ):
        read(api)


def test_fewer_rows_than_the_source_says_it_holds_is_an_incomplete_read() -> None:
    with (
        serve(lambda _: Reply({"items": ROWS[:5], "total": 6})) as api,
        pytest.raises(IncompleteRead, match="it says it holds 6 rows and gave 5"),
    ):
        read(api, expect={"total": ["total"]})


def test_an_empty_answer_is_whole_only_where_that_is_declared() -> None:
    with serve(lambda _: Reply({"items": []})) as api:
        with pytest.raises(IncompleteRead, match=r"it gave 0 rows, fewer than `expect.min_rows`"):
            read(api)
        assert lines(read(api, expect={"min_rows": 0})) == []


def test_an_endless_source_ends_at_the_declared_number_of_pages() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply({"items": [{"id": asked.params["page"], "account": "A", "amount": 1}]})

    with (
        serve(answer) as api,
        pytest.raises(IncompleteRead, match=r"more than 7 pages. Raise `limits.max_pages`"),
    ):
        read(api, paging={"type": "page"}, limits={"max_pages": 7})


def test_a_pause_asked_for_by_date_is_kept_in_full() -> None:
    slept: list[float] = []

    def answer(asked: Asked) -> Reply:
        if not slept:
            return Reply(
                {},
                429,
                {"Retry-After": "Mon, 23 Nov 2026 02:01:30 GMT", "Date": "Mon, 23 Nov 2026 02:00:00 GMT"},
            )
        return Reply({"items": ROWS[:5]})

    policy = RetryPolicy(sleep=slept.append, jitter=lambda: 0.0, now=lambda: NOW)
    with serve(answer) as api:
        assert len(lines(read(api, policy))) == 5
    assert slept == [90.0]


def test_a_post_that_may_not_be_repeated_is_not() -> None:
    with serve(lambda _: Reply({}, 503)) as api:
        with pytest.raises(Unreachable):
            read(api, request={"method": "POST"})
        assert len(api.asked) == 1


def test_requests_keep_the_declared_pace() -> None:
    slept: list[float] = []
    policy = RetryPolicy(sleep=slept.append, jitter=lambda: 0.0, now=lambda: NOW)
    with serve(by_offset) as api:
        read(api, policy, paging=OFFSET, limits={"per_minute": 60})
    assert slept == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "basic", "user": "u@tenant", "password": "p"}, "authorization", "Basic dUB0ZW5hbnQ6cA=="),
        ({"type": "bearer", "token": "t"}, "authorization", "Bearer t"),
        ({"type": "api_key", "name": "APIKey", "value": "k"}, "apikey", "k"),
    ],
)
def test_a_credential_travels_as_declared(auth: dict[str, str], header: str, value: str) -> None:
    with serve(lambda _: Reply({"items": ROWS[:1]})) as api:
        read(api, auth=auth)
        assert api.asked[0].headers[header] == value


def test_a_key_in_the_query_is_sent_there_and_never_told() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(text=f"key {asked.params['key']} is unknown", status=401)

    with serve(answer) as api, pytest.raises(AuthenticationFailed) as refused:
        read(api, auth={"type": "api_key", "name": "key", "value": "s3cret", "where": "query"})
    assert "key *** is unknown" in str(refused.value)


class Login:
    """A token endpoint and an API that accepts the latest token only."""

    def __init__(self, *, lasts: int = 3600, dies_after: int = 99) -> None:
        self.lasts, self.dies_after = lasts, dies_after
        self.given = self.used = 0
        self.forms: list[tuple[str, str]] = []

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            self.forms.append((asked.headers.get("authorization", ""), asked.body))
            self.given, self.used = self.given + 1, 0
            return Reply({"access_token": f"token-{self.given}", "expires_in": self.lasts})
        self.used += 1
        if asked.headers["authorization"] != f"Bearer token-{self.given}" or self.used > self.dies_after:
            return Reply({"error": "invalid_token"}, 401)
        return by_offset(asked)


def credentials(api: Api, **changes: Any) -> dict[str, Any]:
    return {
        "type": "oauth2_cc",
        "token_url": f"{api.url}/token",
        "client_id": "me",
        "client_secret": "s3cret",
    } | changes


def test_the_client_secret_goes_in_the_header_or_in_the_form_as_declared() -> None:
    login = Login()
    with serve(login) as api:
        assert whole(read(api, auth=credentials(api), paging=OFFSET))
        assert whole(read(api, auth=credentials(api, secret_in="form", scope="fin.read"), paging=OFFSET))
    assert login.forms == [
        ("Basic bWU6czNjcmV0", "grant_type=client_credentials"),
        ("", "grant_type=client_credentials&scope=fin.read&client_id=me&client_secret=s3cret"),
    ]


def test_a_token_that_dies_between_pages_is_renewed_and_no_row_is_lost() -> None:
    login = Login(dies_after=2)
    with serve(login) as api:
        assert whole(read(api, auth=credentials(api), paging=OFFSET))
    assert login.given == 2


def test_a_token_is_renewed_a_minute_before_it_runs_out() -> None:
    login = Login(lasts=61)
    times = iter(NOW + timedelta(seconds=second) for second in range(1000))
    policy = RetryPolicy(sleep=lambda _: None, jitter=lambda: 0.0, now=lambda: next(times))
    with serve(login) as api:
        assert whole(read(api, policy, auth=credentials(api), paging=OFFSET))
    assert login.given > 2


def test_a_login_that_is_refused_again_is_told_without_the_secret() -> None:
    login = Login(dies_after=0)
    with serve(login) as api, pytest.raises(AuthenticationFailed) as refused:
        read(api, auth=credentials(api))
    assert "answered 401" in str(refused.value)
    assert "s3cret" not in str(refused.value)
    assert login.given == 2


def test_a_token_endpoint_without_a_token_is_told_with_the_remedy() -> None:
    with (
        serve(lambda _: Reply({"error": "invalid_client"})) as api,
        pytest.raises(AuthenticationFailed, match="gave no access token"),
    ):
        read(api, auth=credentials(api))


def test_nested_lists_are_exploded_and_carry_what_stood_around_them() -> None:
    """As Xero answers: lines of accounts, in them balances of months."""
    budget = {
        "Type": "OVERALL",
        "BudgetLines": [
            {
                "AccountCode": "0200",
                "BudgetBalances": [{"Period": "2026-01", "Amount": "10"}, {"Period": "2026-02", "Amount": 5}],
            },
            {"AccountCode": "0300", "BudgetBalances": []},
            {"AccountCode": "0400"},
        ],
    }
    with serve(lambda _: Reply({"Budgets": [budget]})) as api:
        pages = read(
            api,
            records=["Budgets"],
            explode=[["BudgetLines"], ["BudgetBalances"]],
            columns={"account": "parent.AccountCode", "description": "parent.parent.Type"},
            amount={"column": "Amount", "dated": {"column": "Period", "label": "{yyyy}-{mm}"}},
        )
    assert [(line.account, line.description, line.period, line.amount_minor) for line in lines(pages)] == [
        ("0200", "OVERALL", "FY2026-01", 1000),
        ("0200", "OVERALL", "FY2026-02", 500),
    ]
    (bad,) = [row for page in pages for row in page.quarantined]
    assert "the record has nothing at BudgetBalances" in bad.raw


def test_a_key_is_a_column_and_dots_lead_down_a_record() -> None:
    record = {"id": 1, "AccountRef": {"value": "42"}, "amount": "1", "Deep": {"x": 1}}
    with serve(lambda _: Reply({"items": [record]})) as api:
        (line,) = lines(read(api, columns={"account": "AccountRef.value"}))
        assert line.account == "42"
        pages = read(api, columns={"account": "Deep"})
    assert pages[0].quarantined[0].reason == "the value is no single text or number"


def test_a_key_that_no_record_has_is_told_with_the_nearest() -> None:
    with serve(by_offset) as api, pytest.raises(BadInput) as refused:
        read(api, amount={"column": "amuont", "fiscal_year": 2026})
    assert str(refused.value) == (
        "erp: no record has the key 'amuont'; the nearest is 'amount'. Correct the mapping or the header."
    )


def test_the_read_cannot_go_on_from_the_middle() -> None:
    with serve(by_offset) as api:
        source = RestFinanceSource(config(api, paging=OFFSET), QUICK)
        pages = list(source.pages())
        assert [page.cursor is None for page in pages] == [False, False, False, False, True]
        with pytest.raises(IncompleteRead, match="Read it anew"):
            list(source.pages(pages[0].cursor))


def test_a_server_that_is_not_there_is_told_with_the_setting() -> None:
    with serve(by_offset) as api:
        pass
    with pytest.raises(Unreachable, match="refused the connection: check the port in base_url of erp"):
        read(api)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_url": "http://erp.example/api"}, "is not encrypted; use https"),
        ({"base_url": "https://u:p@erp.example"}, "may not hold a user or password"),
        ({"base_url": "erp.example"}, "is no web address"),
        ({"auth": {"type": "magic"}}, "magic"),
        ({"paging": {"type": "next_url"}}, "Field required"),
        ({"optional": ["x"]}, "optional column 'x' is not used by the mapping"),
    ],
)
def test_an_api_that_cannot_work_as_declared_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        config(Api("https://erp.example", []), **changes)
    assert message in str(refusal.value)


def test_an_assertion_may_stand_for_a_user_and_is_then_the_grant_itself() -> None:
    key, public = key_pair("ES256")
    claims: list[dict[str, Any]] = []

    def answer(asked: Asked) -> Reply:
        if asked.path != "/token":
            return Reply({"items": ROWS[:1]})
        sent = dict(parse_qsl(asked.body))
        assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        claims.append(
            jwt.decode(
                sent["assertion"],
                public,
                algorithms=["ES256"],
                audience="planning",
                options={"verify_exp": False, "verify_iat": False},
            )
        )
        return Reply({"access_token": "t", "expires_in": "3600"})

    with serve(answer) as api:
        read(
            api,
            auth={
                "type": "jwt",
                "token_url": f"{api.url}/token",
                "key": key,
                "algorithm": "ES256",
                "issuer": "us",
                "subject": "planner",
                "audience": "planning",
                "grant": "jwt_bearer",
                "lives_seconds": 120,
            },
        )
    (said,) = claims
    assert (said["iss"], said["sub"], said["exp"] - said["iat"]) == ("us", "planner", 120)
    assert said["iat"] == int(NOW.timestamp())


def test_a_query_with_its_paging_inside_may_stand_in_the_body() -> None:
    def answer(asked: Asked) -> Reply:
        sent = json.loads(asked.body)
        start = int(re.fullmatch(r"\{ rows\(skip: (\d+)\) \{ id \} \}", sent["query"])[1])  # type: ignore[index]
        assert sent["variables"] == {"year": 2026}
        return Reply({"items": ROWS[start : start + CLAMP]})

    with serve(answer) as api:
        paging = {
            "type": "template",
            "where": "body",
            "text": "{ rows(skip: {start}) { id } }",
            "start": 0,
        }
        request = {"method": "POST", "repeatable": True, "body": {"variables": {"year": 2026}}}
        assert whole(read(api, request=request, paging=paging))


def test_a_value_put_into_a_path_cannot_leave_its_place() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/plans":
            return Reply({"items": [{"key": "a/../../admin?x=1#y"}]})
        assert asked.path == "/plans/a%2F..%2F..%2Fadmin%3Fx%3D1%23y/lines"
        return Reply({"items": ROWS[:3]})

    children = {"request": {"path": "plans/{key}/lines"}, "records": ["items"]}
    with serve(answer) as api:
        assert len(lines(read(api, request={"path": "plans"}, foreach=children))) == 3


def test_a_record_whose_own_request_gives_too_little_makes_the_read_incomplete() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/plans":
            return Reply({"items": [{"key": "a"}, {"key": "b"}]})
        return Reply({"items": ROWS[:3] if asked.path == "/plans/a" else []})

    children = {"request": {"path": "plans/{key}"}, "records": ["items"]}
    with serve(answer) as api:
        assert len(lines(read(api, request={"path": "plans"}, foreach=children))) == 3
        with pytest.raises(IncompleteRead, match=r"erp \(foreach\): it gave 0 rows, fewer than"):
            read(api, request={"path": "plans"}, foreach=children | {"expect": {"min_rows": 1}})


def test_the_same_row_twice_is_counted_once_and_one_that_contradicts_it_is_refused() -> None:
    with serve(lambda _: Reply({"items": [ROWS[1], ROWS[1], ROWS[2], ROWS[2] | {"amount": 7}]})) as api:
        pages = read(api)
    assert [line.amount_minor for line in lines(pages)] == [100, 200]
    assert sum(page.repeated for page in pages) == 1
    assert [(row.line, row.reason) for page in pages for row in page.quarantined] == [
        (4, "id '2' was already used by an earlier row")
    ]
    assert pages[-1].totals[0].amount_minor - pages[-1].refused[0].amount_minor == 300


def test_a_private_address_is_refused_unless_it_is_allowed() -> None:
    with serve(by_offset) as api:
        with pytest.raises(Refused, match="is not on the open internet"):
            read(api, paging=OFFSET, allow_private=False)
        assert api.asked == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"auth": {"type": "login", "url": "https://a.example"}}, "declare where the token stands"),
        (
            {"auth": {"type": "login", "url": "https://a.example", "token": ["t"], "user": "u"}},
            "declare `user` and `password` together",
        ),
        (
            {"auth": {"type": "login", "url": "https://a.example", "token": ["t"], "value": "x"}},
            "`value` must hold {token}",
        ),
        ({"paging": {"type": "template", "text": "select *"}}, "`text` must hold {start}"),
        ({"csv": {}, "paging": OFFSET}, "a table (`csv`) comes with one answer"),
        (
            {"job": {"path": "x", "id": ["i"], "poll": {"path": "y", "state": ["s"], "done": ["D"]}}},
            "is a table",
        ),
    ],
)
def test_a_login_or_an_export_that_cannot_work_as_declared_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        config(Api("https://erp.example", []), **changes)
    assert message in str(refusal.value)


def test_a_refresh_token_without_a_place_to_keep_the_next_is_not_used() -> None:
    login = Login()
    with serve(login) as api:
        auth = credentials(api) | {"type": "oauth2_refresh", "refresh_token": "r"}
        with pytest.raises(BadInput, match="there is no place to keep it"):
            read(api, auth=auth)
        assert api.asked == []
