"""Take forms from people: only those that we gave to the very same visitor, from our own pages, and short."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sync.web.gate import Visitor

Form = dict[str, str]
LONGEST = 65536
URLENCODED = "application/x-www-form-urlencoded"


def taking(path: str, view: Callable[[Request, Form], Response]) -> Route:
    """Make the route of a form; the view sees it only if it was given to this visitor."""

    async def endpoint(request: Request) -> Response:
        form = await read_form(request)
        refuse_foreign(request, request.state.visitor, form)
        return await run_in_threadpool(view, request, form)

    return Route(path, endpoint, methods=["POST"])


async def read_form(request: Request) -> Form:
    """Read a form as browsers send it."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != URLENCODED:
        raise HTTPException(415, "A form is sent as application/x-www-form-urlencoded.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            raise HTTPException(413, "The form is too long.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise HTTPException(400, "The form cannot be read.") from None
    return {name: value.replace("\0", "") for name, value in pairs}


def refuse_foreign(request: Request, visitor: Visitor | None, form: Form) -> None:
    """Refuse what was not filled in on one of our pages by this visitor."""
    came_from = request.headers.get("sec-fetch-site", "same-origin")
    admitted = visitor is not None and request.app.state.office.seal.admits(
        visitor.bearer, form.get("ticket", "")
    )
    if came_from not in {"same-origin", "none"} or not admitted:
        raise HTTPException(
            403, "This form is not ours any more. Go back, load the page again and resend it."
        )
