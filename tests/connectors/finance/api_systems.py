"""Ten finance systems on loopback, each with its own login, shapes, page sizes and ways to say no.

What they answer follows the vendors' public documentation. Each holds `count` amounts that sum to `total`
whole units of its currency, and counts its requests for data, so that a test can make one of them fail.
"""

from __future__ import annotations

import base64
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qs

import jwt

from tests.connectors.finance.api_server import Asked, Reply

Trouble = Callable[[int], Reply | None]


@dataclass(slots=True)
class System(ABC):
    """One system. `trouble` is asked before each answer with data; a `stuck` one repeats its first one."""

    url: str = ""
    size: int = 1300
    trouble: Trouble = lambda _: None
    tokens: int = 0
    data_requests: int = 0
    stuck: bool = False
    first: Reply | None = None

    name: ClassVar[str] = ""
    told: ClassVar[Any] = {"error": "quota exceeded"}

    @property
    def count(self) -> int:
        return self.size

    @property
    def total(self) -> int:
        return sum(range(self.size))

    @abstractmethod
    def source(self) -> dict[str, Any]:
        """What a person declares, beside where the system is."""

    def login(self, asked: Asked) -> Reply | None:
        """The answer to a request to log in, or None if it is none."""
        return None

    @abstractmethod
    def allowed(self, asked: Asked) -> bool: ...

    @abstractmethod
    def data(self, asked: Asked) -> Reply: ...

    def __call__(self, asked: Asked) -> Reply:
        reply = self.login(asked)
        if reply is not None:
            return reply
        if not self.allowed(asked):
            return Reply({"error": "unauthorized"}, 401)
        self.data_requests += 1
        reply = self.trouble(self.data_requests) or self.data(asked)
        self.first = self.first or reply
        return self.first if self.stuck else reply

    def expire(self) -> None:
        """The token given last is good no more."""
        self.tokens += 1000

    def token(self, **more: Any) -> Reply:
        self.tokens += 1
        return Reply({"access_token": f"token-{self.tokens}", "expires_in": 3600, **more})

    def has_token(self, asked: Asked, scheme: str = "Bearer") -> bool:
        return asked.headers.get("authorization") == f"{scheme} token-{self.tokens}"


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def form(asked: Asked) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(asked.body).items()}


@dataclass(slots=True)
class NetSuite(System):
    """SuiteQL: at most 1,000 a page; numbers are texts, and a column that is null is left out."""

    name = "netsuite"
    told: ClassVar[Any] = {"type": "about:blank", "title": "Too many requests", "o:errorDetails": []}
    key: str = ""
    public: str = ""
    algorithm: str = "ES256"

    def source(self) -> dict[str, Any]:
        return {
            "with": {
                "account": "1234567",
                "client_id": "client",
                "certificate_id": "cert",
                "private_key": self.key.replace("\n", "\\n"),
                "algorithm": self.algorithm,
            },
            "auth": {"token_url": f"{self.url}/token"},
        }

    def login(self, asked: Asked) -> Reply | None:
        if asked.path != "/token":
            return None
        sent = form(asked)
        assertion = sent["client_assertion"]
        try:
            claims = jwt.decode(
                assertion,
                self.public,
                algorithms=["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"],
                audience=f"{self.url}/token",
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            return Reply({"error": "invalid_client"}, 400)
        right = (
            jwt.get_unverified_header(assertion)["kid"] == "cert"
            and claims["exp"] - claims["iat"] <= 3600
            and (claims["iss"], claims["scope"]) == ("client", ["rest_webservices"])
            and sent["grant_type"] == "client_credentials"
            and sent["client_assertion_type"].endswith("client-assertion-type:jwt-bearer")
        )
        return self.token() if right else Reply({"error": "invalid_client"}, 400)

    def allowed(self, asked: Asked) -> bool:
        return self.has_token(asked)

    def data(self, asked: Asked) -> Reply:
        assert (asked.method, asked.path) == ("POST", "/query/v1/suiteql")
        assert asked.headers["prefer"] == "transient"
        assert "ORDER BY b.id, m.period" in json.loads(asked.body)["q"]
        start, limit = int(asked.params["offset"]), min(int(asked.params["limit"]), 1000)
        rows = [self.row(n) for n in range(self.size)][start : start + limit]
        more = start + limit < self.size
        return Reply(
            {
                "links": [],
                "count": len(rows),
                "hasMore": more,
                "items": rows,
                "offset": start,
                "totalResults": self.size,
            }
        )

    def row(self, n: int) -> dict[str, Any]:
        null = {} if n % 3 == 0 else {"department": f"Dept {n % 7}"}
        return {
            "links": [],
            "line": f"7-{n}",
            "account": f"{n:05}",
            "currency": "USD",
            "period": "2026-04-01",
            "amount": str(n),
            **null,
        }


@dataclass(slots=True)
class Sap(System):
    """OData v2: opaque __next links, amounts as texts in three currencies, periods of three digits."""

    name = "sap-s4hana"
    told: ClassVar[Any] = {
        "error": {"code": "005056A509B11EE1", "message": {"lang": "en", "value": "Service not active"}}
    }

    def source(self) -> dict[str, Any]:
        values = {"host": "my1-api.example", "user": "COMM", "password": "s3cret-word", "category": "PLN"}
        return {"with": values | {"year": 2026}}

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == basic("COMM", "s3cret-word")

    def data(self, asked: Asked) -> Reply:
        assert asked.path == "/A_FinPlanningEntryItem"
        start = 0
        if "$skiptoken" in asked.params:
            start = int(asked.params["$skiptoken"].removeprefix("X"))
        else:
            assert asked.params["$filter"].startswith(
                "PlanningCategory eq 'PLN' and LedgerFiscalYear eq '2026'"
            )
        rows = [self.row(n) for n in range(self.size)][start : start + 500]
        answer: dict[str, Any] = {"results": rows}
        if start == 0:
            answer["__count"] = str(self.size)
        if start + 500 < self.size:
            answer["__next"] = f"{self.url}/A_FinPlanningEntryItem?$skiptoken=X{start + 500}"
        return Reply({"d": answer})

    def row(self, n: int) -> dict[str, Any]:
        return {
            "__metadata": {"type": "API_FINPLANNINGENTRYITEM_SRV.A_FinPlanningEntryItemType"},
            "ID": f"{n:032}",
            "GLAccount": f"{n:010}",
            "CostCenter": "0017101902",
            "WBSElementExternalID": "",
            "PlanningCategory": "PLN",
            "FiscalYearPeriod": f"2026{n % 12 + 1:03}",
            "AmountInCompanyCodeCurrency": f"{n}.00",
            "CompanyCodeCurrency": "EUR",
            "AmountInGlobalCurrency": f"{2 * n}.00",
            "GlobalCurrency": "USD",
        }


@dataclass(slots=True)
class BusinessCentral(System):
    """OData v4: the key of the next link holds a dot; entries name no currency."""

    name = "business-central"
    told: ClassVar[Any] = {"error": {"code": "Internal_CompanyNotFound", "message": "Cannot find company."}}

    def source(self) -> dict[str, Any]:
        return {
            "with": {
                "tenant": "contoso",
                "environment": "Production",
                "company": "0a1b",
                "currency": "EUR",
                "client_id": "app",
                "client_secret": "s3cret-word",
            },
            "auth": {"token_url": f"{self.url}/token"},
        }

    def login(self, asked: Asked) -> Reply | None:
        if asked.path != "/token":
            return None
        sent = form(asked)
        right = (sent["client_secret"], sent["scope"]) == (
            "s3cret-word",
            "https://api.businesscentral.dynamics.com/.default",
        )
        return self.token(token_type="Bearer") if right else Reply({"error": "invalid_client"}, 401)

    def allowed(self, asked: Asked) -> bool:
        return self.has_token(asked)

    def data(self, asked: Asked) -> Reply:
        path = "/api/microsoft/analytics/v1.0/companies(0a1b)/generalLedgerBudgetEntries"
        assert asked.path == path
        assert asked.headers["prefer"] == "odata.maxpagesize=20000"
        start = int(asked.params.get("$skiptoken", 0))
        rows = [
            {
                "@odata.etag": 'W/"1"',
                "budgetName": "FY26",
                "glAccountNo": f"{n:05}",
                "budgetDate": "2026-04-01",
                "budgetAmount": n,
                "dimensionSetID": 4,
                "entryNo": n + 1,
            }
            for n in range(self.size)
        ][start : start + 500]
        link = f"{self.url}{path}?$skiptoken={start + 500}"
        more = {"@odata.nextLink": link} if start + 500 < self.size else {}
        return Reply({"@odata.context": f"{self.url}/$metadata", "value": rows, **more})


@dataclass(slots=True)
class Xero(System):
    """A list without lines, then a budget at a time; a lone one may come without its list."""

    name = "xero"
    told: ClassVar[Any] = {
        "ErrorNumber": 10,
        "Type": "ValidationException",
        "Message": "A validation exception occurred",
    }
    size: int = 24

    @property
    def count(self) -> int:
        return 3 * self.size

    @property
    def total(self) -> int:
        return 3 * sum(range(self.size))

    def source(self) -> dict[str, Any]:
        return {
            "with": {
                "tenant": "t-1",
                "currency": "NZD",
                "client_id": "app",
                "client_secret": "s3cret-word",
                "from": "2026-01-01",
                "to": "2027-12-31",
            },
            "auth": {"token_url": f"{self.url}/token"},
        }

    def login(self, asked: Asked) -> Reply | None:
        if asked.path != "/token":
            return None
        right = asked.headers.get("authorization") == basic("app", "s3cret-word")
        return self.token() if right else Reply({"error": "invalid_client"}, 400)

    def allowed(self, asked: Asked) -> bool:
        return self.has_token(asked) and asked.headers.get("xero-tenant-id") == "t-1"

    def data(self, asked: Asked) -> Reply:
        heads = [
            {"BudgetID": f"b{n}", "Type": "OVERALL", "Description": f"Budget {n}", "Tracking": []}
            for n in range(3)
        ]
        if asked.path == "/Budgets":
            return Reply({"Id": "x", "Status": "OK", "Budgets": heads})
        assert asked.params == {"DateFrom": "2026-01-01", "DateTo": "2027-12-31"}
        number = int(asked.path.removeprefix("/Budgets/b"))
        balances = [
            {"Period": f"{2026 + n // 12}-{n % 12 + 1:02}", "Amount": str(n) if n % 2 else n, "Notes": ""}
            for n in range(self.size)
        ]
        lines = [{"AccountID": "a", "AccountCode": "0200", "BudgetBalances": balances}]
        whole = heads[number] | {"BudgetLines": lines}
        return Reply({"Id": "x", "Status": "OK", "Budgets": whole if number == 2 else [whole]})


@dataclass(slots=True)
class QuickBooks(System):
    """A query language with its paging inside, an answer without the key when nothing is left, and refresh
    tokens that are replaced at each login and good only once."""

    name = "quickbooks-online"
    told: ClassVar[Any] = {
        "Fault": {"Error": [{"Message": "ThrottleExceeded", "code": "003001"}], "type": "THROTTLE"}
    }
    size: int = 12
    refresh: str = "first"

    @property
    def count(self) -> int:
        return 150 * self.size

    @property
    def total(self) -> int:
        return 150 * sum(range(self.size))

    def source(self) -> dict[str, Any]:
        return {
            "with": {
                "realm": "99",
                "currency": "USD",
                "client_id": "app",
                "client_secret": "s3cret-word",
                "refresh_token": "first",
            },
            "auth": {"token_url": f"{self.url}/token"},
        }

    def login(self, asked: Asked) -> Reply | None:
        if asked.path != "/token":
            return None
        sent = form(asked)
        right = asked.headers.get("authorization") == basic("app", "s3cret-word")
        if not right or sent != {"grant_type": "refresh_token", "refresh_token": self.refresh}:
            return Reply({"error": "invalid_grant", "error_description": "Token invalid"}, 400)
        self.refresh = f"refresh-{self.tokens + 1}"
        return self.token(refresh_token=self.refresh, x_refresh_token_expires_in=8726400)

    def allowed(self, asked: Asked) -> bool:
        return self.has_token(asked)

    def data(self, asked: Asked) -> Reply:
        found = re.fullmatch(
            r"select \* from Budget orderby Id startposition (\d+) maxresults (\d+)", asked.params["query"]
        )
        assert found
        start = int(found[1])
        assert start >= 1
        budgets = [
            {
                "Id": str(n),
                "Name": f"FY26 {n}",
                "BudgetType": "ProfitAndLoss",
                "BudgetEntryType": "Monthly",
                "BudgetDetail": [
                    {
                        "BudgetDate": f"2026-{month + 1:02}-01",
                        "Amount": month,
                        "AccountRef": {"value": "12", "name": "Travel"},
                    }
                    for month in range(self.size)
                ],
            }
            for n in range(150)
        ][start - 1 : start - 1 + int(found[2])]
        listed = {"Budget": budgets, "startPosition": start, "maxResults": len(budgets)} if budgets else {}
        return Reply({"QueryResponse": listed, "time": "2026-11-23T02:00:00.000-08:00"})


@dataclass(slots=True)
class Workday(System):
    """One answer with all of it; the keys are what the report's author typed."""

    name = "workday"
    told: ClassVar[Any] = {"error": "Report is not enabled as a web service"}

    def source(self) -> dict[str, Any]:
        return {
            "with": {
                "host": "wd3.example",
                "tenant": "acme",
                "owner": "ISU",
                "report": "CR_Budget",
                "user": "ISU_TIELINE",
                "password": "s3cret-word",
            },
            "currency": {"column": "Currency"},
            "columns": {"cost_centre": "Cost_Center", "account": "Ledger_Account"},
            "amount": {
                "column": "Amount",
                "dated": {"column": "Period", "label": "{yyyy}-{mm}"},
            },
        }

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == basic("ISU_TIELINE@acme", "s3cret-word")

    def data(self, asked: Asked) -> Reply:
        assert asked.path == "/CR_Budget"
        assert asked.params == {"format": "json"}
        rows = [
            {
                "Cost_Center": "CC 4",
                "Ledger_Account": f"{n:04}",
                "Currency": "USD",
                "Period": "2026-04",
                "Amount": f"{n}",
            }
            for n in range(self.size)
        ]
        return Reply({"Report_Entry": rows})


@dataclass(slots=True)
class Oracle(System):
    """A limit lowered in silence, hasMore and totalResults that are wrong, and a finder for each period."""

    name = "oracle-fusion"
    told: ClassVar[Any] = {
        "title": "Bad Request",
        "status": "400",
        "o:errorDetails": [{"detail": "no such ledger"}],
    }

    @property
    def count(self) -> int:
        return 2 * self.size

    @property
    def total(self) -> int:
        return 2 * sum(range(self.size))

    def source(self) -> dict[str, Any]:
        return {
            "with": {
                "host": "acme.fa.example",
                "user": "gl",
                "password": "s3cret-word",
                "ledger": "US Primary",
                "currency": "USD",
                "accounts": "01-%-%",
            },
            "request": {"each": [{"period": "Jan-26"}, {"period": "Feb-26"}]},
        }

    def allowed(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == basic("gl", "s3cret-word")

    def data(self, asked: Asked) -> Reply:
        assert asked.path == "/ledgerBalances"
        found = re.fullmatch(
            r"AccountBalanceFinder;accountCombination=01-%-%,accountingPeriod=(\w+-26),currency=USD,"
            r"ledgerName=US Primary,mode=Detail",
            asked.params["finder"],
        )
        assert found
        start, limit = int(asked.params["offset"]), min(int(asked.params["limit"]), 480)
        rows = [
            {
                "LedgerName": "US Primary",
                "PeriodName": found[1],
                "Currency": "USD",
                "DetailAccountCombination": f"01-{n:05}-000",
                "Scenario": "Budget",
                "PeriodActivity": n,
            }
            for n in range(self.size)
        ][start : start + limit]
        return Reply(
            {
                "items": rows,
                "totalResults": 77,
                "count": len(rows),
                "hasMore": start == 0,
                "limit": 25,
                "offset": start,
                "links": [],
            }
        )


@dataclass(slots=True)
class Coupa(System):
    """A bare list of at most 50, with nested currency and period and hyphens in its keys."""

    name = "coupa"
    told: ClassVar[Any] = {"errors": {"Error": ["You have exceeded the rate limit"]}}
    size: int = 130

    def source(self) -> dict[str, Any]:
        return {
            "with": {"host": "acme.coupa.example", "client_id": "app", "client_secret": "s3cret-word"},
            "auth": {"token_url": f"{self.url}/oauth2/token"},
            "amount": {
                "column": "amount",
                "fiscal_year": {"column": "period.name", "values": {"FY26-Q1": 2026}},
            },
        }

    def login(self, asked: Asked) -> Reply | None:
        if asked.path != "/oauth2/token":
            return None
        sent = form(asked)
        right = sent["client_secret"] == "s3cret-word" and sent["scope"] == "core.budget.read"
        return self.token() if right else Reply({"error": "invalid_scope"}, 401)

    def allowed(self, asked: Asked) -> bool:
        return self.has_token(asked) and asked.headers["accept"] == "application/json"

    def data(self, asked: Asked) -> Reply:
        assert asked.path == "/api/budget_lines"
        start = int(asked.params["offset"])
        rows = [
            {
                "id": n + 1,
                "amount": f"{n}.00",
                "currency": {"id": 1, "code": "USD"},
                "period": {"id": 9, "name": "FY26-Q1"},
                "segment-1": "HQ",
                "segment-2": f"{n:04}",
                "description": None,
            }
            for n in range(self.size)
        ]
        return Reply(rows[start : start + 50])


@dataclass(slots=True)
class Apptio(System):
    """A key login whose token comes in a header, and a table as tab-separated text."""

    name = "apptio"
    told: ClassVar[Any] = {"error": "Table not found"}

    def source(self) -> dict[str, Any]:
        return {
            "with": {
                "host": "acme.apptio.example",
                "environment": "env-1",
                "key_access": "public",
                "key_secret": "s3cret-word",
                "domain": "acme.com",
                "project": "Cost Transparency",
                "table": "GL Data",
                "period": "Jan:FY2026",
            },
            "auth": {"url": f"{self.url}/service/apikeylogin"},
            "currency": "USD",
            "number": {"group": ","},
            "columns": {"cost_centre": "Cost Center", "account": "Account"},
            "amount": {"column": "Amount", "fiscal_year": 2026, "period": "1"},
        }

    def login(self, asked: Asked) -> Reply | None:
        if asked.path != "/service/apikeylogin":
            return None
        if json.loads(asked.body) != {"keyAccess": "public", "keySecret": "s3cret-word"}:
            return Reply({"error": "bad key"}, 400)
        self.tokens += 1
        return Reply({}, headers={"apptio-opentoken": f"token-{self.tokens}"})

    def allowed(self, asked: Asked) -> bool:
        headers = asked.headers
        return headers.get("apptio-opentoken") == f"token-{self.tokens}" and (
            headers["apptio-current-environment"],
            headers["app-type"],
            headers["app-version"],
        ) == ("env-1", "Flagship", "NA")

    def data(self, asked: Asked) -> Reply:
        tables = "/biit/api/v2/domains/acme.com/projects/Cost%20Transparency/tables"
        assert asked.path == f"{tables}/GL%20Data/dates/Jan:FY2026.tsv"
        rows = "".join(f"CC 4\t{n:04}\t{n:,}\n" for n in range(self.size))
        return Reply(text=f"Cost Center\tAccount\tAmount\n{rows}")


@dataclass(slots=True)
class Anaplan(System):
    """An export that is started, watched and fetched in chunks, which may end in the middle of a row."""

    name = "anaplan"
    told: ClassVar[Any] = {"status": {"code": 200, "message": "Success"}, "meta": {}}
    polls: int = 0
    chunk: int = 4096

    def source(self) -> dict[str, Any]:
        return {
            "with": {
                "workspace": "w",
                "model": "m",
                "export": "116000000001",
                "user": "me@acme.example",
                "password": "s3cret-word",
            },
            "auth": {"url": f"{self.url}/token/authenticate"},
            "currency": "USD",
            "columns": {"cost_centre": "Cost Centres"},
            "amount": {"column": "Plan", "dated": {"column": "Time", "label": "{mon} {yy}"}},
        }

    def login(self, asked: Asked) -> Reply | None:
        if asked.path != "/token/authenticate":
            return None
        if asked.headers.get("authorization") != basic("me@acme.example", "s3cret-word"):
            return Reply({"status": "FAILURE_BAD_CREDENTIAL"}, 401)
        self.tokens += 1
        return Reply({"status": "SUCCESS", "tokenInfo": {"tokenValue": f"token-{self.tokens}"}}, 201)

    def allowed(self, asked: Asked) -> bool:
        return self.has_token(asked, "AnaplanAuthToken")

    def data(self, asked: Asked) -> Reply:
        rows = "".join(f'"CC {n}","Apr 26",{n}.00\n' for n in range(self.size))
        text = f'"Cost Centres","Time","Plan"\n{rows}'
        parts = [text[place : place + self.chunk] for place in range(0, len(text), self.chunk)]
        if asked.method == "POST":
            assert asked.path == "/exports/116000000001/tasks"
            return Reply({"task": {"taskId": "T1", "taskState": "NOT_STARTED"}})
        if asked.path == "/exports/116000000001/tasks/T1":
            self.polls += 1
            done = {"taskState": "COMPLETE", "result": {"successful": True}}
            return Reply({"task": done if self.polls > 2 else {"taskState": "IN_PROGRESS"}})
        if asked.path == "/files/116000000001/chunks":
            chunks = [{"id": str(n), "name": f"Chunk {n}"} for n in range(len(parts))]
            return Reply({"meta": {"paging": {"totalSize": len(parts)}}, "chunks": chunks})
        return Reply(text=parts[int(asked.path.removeprefix("/files/116000000001/chunks/"))])


SYSTEMS: tuple[type[System], ...] = (
    NetSuite,
    Sap,
    BusinessCentral,
    Xero,
    QuickBooks,
    Workday,
    Oracle,
    Coupa,
    Apptio,
    Anaplan,
)
