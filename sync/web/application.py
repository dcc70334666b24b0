"""Put the pages together: which path shows what, behind the gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, request_response

from sync.report import version
from sync.web import entry, findings, items, money, overview, refused, reports, runs, waivers
from sync.web.forms import taking
from sync.web.gate import HEADERS, Gate
from sync.web.office import Office
from sync.web.rendering import Press, show


def build(office: Office, more: Sequence[BaseRoute] = ()) -> Starlette:
    """Make the application; `more` are routes that others have to offer, behind the same gate."""
    handlers: Any = {HTTPException: say_so, Exception: fail}
    gate = Middleware(Gate, office=office, refuse=request_response(entry.refuse))
    app = Starlette(routes=[*more, *routes()], middleware=[gate], exception_handlers=handlers)
    app.state.office, app.state.press = office, Press(office.settings.zone, version())
    return app


def routes() -> list[BaseRoute]:
    """Give every page and form."""
    return [
        Route("/livez", alive),
        Route("/login", entry.login_page),
        Route("/login", entry.log_in, methods=["POST"]),
        taking("/logout", entry.log_out),
        Route("/", overview.overview),
        Route("/report", reports.report),
        Route("/report/{name}", reports.file),
        Route("/findings", findings.findings),
        Route("/items", items.find_item),
        Route("/items/{site}/{issue}", items.item),
        Route("/explain/{site}/{issue}", items.item),
        Route("/money", money.money),
        Route("/runs", runs.runs),
        Route("/runs/{number:int}", runs.run),
        Route("/quarantine", refused.quarantine),
        Route("/waivers", waivers.waivers),
        taking("/waivers", waivers.answer_request),
    ]


def alive(request: Request) -> Response:  # noqa: ARG001 - says only that somebody answers
    """Say that the process answers."""
    return PlainTextResponse("ok\n")


def say_so(request: Request, error: HTTPException) -> Response:
    """Say in a page what is wrong with a request."""
    answer = show(request, "error", error.status_code, code=error.status_code, said=error.detail)
    answer.headers.update(error.headers or {})
    return answer


def fail(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the log has it
    """Say that a page could not be made, and nothing else: what went wrong is for the log."""
    return PlainTextResponse("This page could not be made. The log of the service says why.\n", 500, HEADERS)
