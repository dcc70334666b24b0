"""The way in and out: a token for a session, and the end of it."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from sync.web.forms import Form, read_form
from sync.web.gate import SESSION, cookie_of
from sync.web.office import Office
from sync.web.rendering import show
from sync.web.sessions import LASTS, who_has

# Binds the login form to the browser that it was given to.
FORM = "tieline_form"


def login_page(request: Request) -> Response:
    """Ask for a token."""
    return ask(request, after=request.query_params.get("next", "/"))


async def log_in(request: Request) -> Response:
    """Exchange a token for a session."""
    form = await read_form(request)
    return await run_in_threadpool(admit, request, form)


def admit(request: Request, form: Form) -> Response:
    """Let in who has a token, unless too many wrong ones came from there."""
    office: Office = request.app.state.office
    caller = request.client.host if request.client else ""
    after = form.get("next", "/")
    wait = office.attempts.wait(caller)
    if wait:
        said = f"Too many wrong tokens came from your address. Try again in {-(-wait // 60)} minutes."
        answer = ask(request, 429, said, after)
        answer.headers["Retry-After"] = str(wait)
        return answer
    if not office.seal.admits(cookie_of(request, FORM), form.get("ticket", "")):
        return ask(request, 403, "The form had grown old. Please try again.", after)
    name = who_has(form.get("token", "").strip(), office.logins)
    if name is None:
        office.attempts.note_failure(caller)
        return ask(request, 401, "That is no token of this service.", after)
    answer = RedirectResponse(inside(after), 303)
    session = office.seal.session(name, office.clock())
    set_cookie(answer, SESSION, session, office, int(LASTS.total_seconds()))
    answer.delete_cookie(FORM, path="/")
    return answer


def log_out(request: Request, form: Form) -> Response:  # noqa: ARG001 - a view of a form takes one
    """End the session in this browser."""
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(SESSION, path="/")
    return answer


def ask(request: Request, status: int = 200, complaint: str = "", after: str = "/") -> Response:
    """Show the login form."""
    office: Office = request.app.state.office
    request.state.visitor = None
    bearer = cookie_of(request, FORM) or office.seal.session("form", office.clock())
    answer = show(
        request,
        "login",
        status,
        ticket_of_form=office.seal.ticket(bearer),
        complaint=complaint,
        after=inside(after),
        configured=bool(office.logins),
        by_proxy=office.proxy is not None,
    )
    set_cookie(answer, FORM, bearer, office, 3600)
    return answer


async def refuse(request: Request) -> Response:
    """Answer who may not come in: people with the login form, machines with a word."""
    complaint = getattr(request.state, "complaint", "")
    if complaint:
        return PlainTextResponse(f"{complaint}\n", 403)
    if request.method not in {"GET", "HEAD"} or "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse("Log in first.\n", 401, {"WWW-Authenticate": "Bearer"})
    if request.headers.get("sec-fetch-site") == "cross-site" and not cookie_of(request, SESSION):
        return bounce()
    query = f"?{request.url.query}" if request.url.query else ""
    return ask(request, 401, after=request.url.path + query)


def bounce() -> Response:
    """Have the browser ask once more, by itself.

    It sends no session along when somebody follows a link from another site, such as a ticket, and does when
    our own page asks.
    """
    return HTMLResponse(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Tieline</title>'
        '<meta http-equiv="refresh" content="0"></head><body><p>One moment.</p></body></html>',
        401,
    )


def inside(after: str) -> str:
    """Give where to go after a login: a page of ours, whatever was asked for."""
    url = urlsplit(after)
    plain = after.startswith("/") and not after.startswith(("//", "/\\")) and "\\" not in after
    return after if plain and not url.scheme and not url.netloc and after.isprintable() else "/"


def set_cookie(answer: Response, name: str, value: str, office: Office, seconds: int) -> None:
    """Set a cookie that no script can read and no other site can send."""
    answer.set_cookie(
        name, value, max_age=seconds, path="/", secure=office.encrypted, httponly=True, samesite="strict"
    )
