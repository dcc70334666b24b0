"""The page of waivers: what is accepted until when, what people ask for on tickets, and the answer to it."""

from __future__ import annotations

from datetime import date

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from rules.waiver_reader import LONGEST
from sync.errors import UserError
from sync.store import requests
from sync.store.database import read_only
from sync.store.waivers import granted_waivers
from sync.waivers.answering import Decision, decide
from sync.waivers.asking import Standing, answer
from sync.waivers.remarks import remarks
from sync.web.forms import Form
from sync.web.office import Office
from sync.web.rendering import show

# Beside the nights in this process: neither takes the other's lease.
REASON = 2000


def waivers(request: Request) -> Response:
    """Show the waivers that count at present, and the requests that have not ended."""
    return shown(request, 200, "")


def shown(request: Request, status: int, complaint: str) -> Response:
    """Show the page, with what is wrong about an answer that was not taken."""
    office: Office = request.app.state.office
    today, now = office.frame().today, office.clock()
    with read_only(office.engine) as connection:
        granted = granted_waivers(connection)
        asked = [requests.facts_of(row) for row in requests.requests(connection)]
    asked.sort(key=lambda it: it.standing is not Standing.REQUESTED)
    return show(
        request,
        "waivers",
        status,
        waivers=granted,
        remarks=remarks(granted, today),
        today=today,
        latest=today + LONGEST,
        requests=[(it, it.age(now), answer(it)) for it in asked],
        complaint=complaint,
    )


def answer_request(request: Request, form: Form) -> Response:
    """Approve or reject what is asked for on a ticket, in the name of whoever is logged in."""
    office: Office = request.app.state.office
    try:
        decision = decision_in(form, request.state.visitor.name, office.frame().today)
        decide(office.service, [form.get("key", "")], form.get("rule", ""), decision)
    except ValueError as error:
        return shown(request, 400, str(error))
    except UserError as error:
        return shown(request, 409, str(error))
    return RedirectResponse("/waivers", 303)


def decision_in(form: Form, name: str, today: date) -> Decision:
    """Read an answer; `ValueError` says what is wrong with it."""
    reason = form.get("reason", "").strip()
    if not reason or len(reason) > REASON:
        raise ValueError("Say why in a few words: people read it on the ticket.")
    if form.get("answer") == "reject":
        return Decision(Standing.REJECTED, name, reason)
    if form.get("answer") != "approve":
        raise ValueError("Approve it or reject it.")
    try:
        until = date.fromisoformat(form.get("until", ""))
    except ValueError:
        raise ValueError("Name the last day for which it is approved.") from None
    if not today <= until <= today + LONGEST:
        raise ValueError(f"The last day must lie between {today} and {today + LONGEST}.")
    return Decision(Standing.APPROVED, name, reason, until)
