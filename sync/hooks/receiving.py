"""The route on which Jira delivers its webhooks: what is signed is kept as a hint, nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sync.hooks.deliveries import hints_in, is_signed
from sync.hooks.hints import Hints
from sync.hooks.tally import UNKNOWN, Outcome

# Jira sends whole issues; one with every field and a long description stays well below.
LARGEST = 1024 * 1024
SIGNATURE = "x-hub-signature"
# What each answer is counted as.
OUTCOMES = {
    "taken": Outcome.ACCEPTED,
    "known already": Outcome.DUPLICATE,
    "of no use": Outcome.IGNORED,
    "forged": Outcome.FORGED,
    "oversized": Outcome.OVERSIZED,
    "no room": Outcome.REFUSED,
}
# What a site without a secret is held against, so that it takes as long to refuse.
NOBODY = "-" * 32


@dataclass(frozen=True, slots=True)
class Reception:
    """Takes deliveries for the sites that have a secret; `count` hears of each, by site and outcome."""

    secrets: Mapping[str, str]
    prefix: str
    hints: Hints
    count: Callable[[str, Outcome], None]

    def route(self) -> Route:
        """Give the route; it stands outside the login and checks by itself who sends."""
        return Route("/hooks/{site}", self.receive, methods=["POST"])

    async def receive(self, request: Request) -> Response:
        """Take a delivery, or say by a status why not; what it is not taken for is counted."""
        body, site = await read_body(request), request.path_params["site"]
        if body is None:
            return self._answer(site, "oversized", 413)
        signed = is_signed(body, request.headers.get(SIGNATURE, ""), self.secrets.get(site, NOBODY))
        if not signed or site not in self.secrets:
            return self._answer(site, "forged", 401)
        ids = hints_in(body, self.prefix)
        if not ids:
            return self._answer(site, "of no use", 202)
        known = self.hints.know(site, ids)
        if not self.hints.put(site, ids):
            return self._answer(site, "no room", 503)
        return self._answer(site, "known already" if known else "taken", 202)

    def _answer(self, site: str, what: str, status: int) -> Response:
        self.hints.note(what)
        self.count(site if site in self.secrets else UNKNOWN, OUTCOMES[what])
        return PlainTextResponse(f"{what}\n", status)


async def read_body(request: Request) -> bytes | None:
    """Read the body as it was sent; None where it is larger than any delivery of Jira's."""
    if int(length_of(request)) > LARGEST:
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            return None
    return bytes(body)


def length_of(request: Request) -> str:
    """Give the length that a request claims to have."""
    claimed = request.headers.get("content-length", "0")
    return claimed if claimed.isascii() and claimed.isdecimal() else "0"
