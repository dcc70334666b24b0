"""Let in who has logged in, and nobody else, whatever the path; and say on each answer what a browser may do.

Closed is the default: a path is open only if it stands in `OPEN`, or is a hook, which checks by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync.config.listening import NAME
from sync.web.office import Office
from sync.web.sessions import who_has

OPEN = frozenset({"/livez", "/login"})
HOOKS = "/hooks/"
SESSION = "tieline_session"

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": NOTHING,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who may come in. `bearer` is what the forms given out are bound to: a cookie, or a name."""

    name: str
    bearer: str = ""


class Stranger(Exception):
    """A request that claims a login it cannot have; the text is for whoever set the proxy up."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Stands before every page; `refuse` answers who may not come in."""

    app: ASGIApp
    office: Office
    refuse: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        state = scope.setdefault("state", {})
        try:
            state["visitor"] = visitor = self.visitor(request)
        except Stranger as stranger:
            state["visitor"], state["complaint"] = None, str(stranger)
            await self.refuse(scope, receive, self._marked(send))
            return
        path = scope["path"]
        open_to_all = path in OPEN or path.startswith(HOOKS)
        app = self.app if visitor or open_to_all else self.refuse
        await app(scope, receive, self._marked(send))

    def visitor(self, request: Request) -> Visitor | None:
        """Find out who somebody is, by the proxy's word, a session, or a token in the header."""
        return self._by_proxy(request) or self._by_session(request) or self._by_token(request)

    def _by_proxy(self, request: Request) -> Visitor | None:
        proxy = self.office.proxy
        if proxy is None:
            return None
        said = request.headers.getlist(proxy.header)
        if not said:
            return None
        caller = request.client.host if request.client else ""
        if not proxy.calls_from(caller):
            raise Stranger(f"{proxy.header} is believed from the proxy alone (TIELINE_PROXY_ADDRESSES).")
        if len(said) > 1 or not NAME.fullmatch(said[0]):
            raise Stranger(f"{proxy.header} must hold one name: letters, digits and any of . @ + _ -")
        return Visitor(said[0], f"proxy:{said[0]}")

    def _by_session(self, request: Request) -> Visitor | None:
        session = cookie_of(request, SESSION)
        name = self.office.seal.name_in(session, self.office.clock()) if session else None
        return None if name is None else Visitor(name, session)

    def _by_token(self, request: Request) -> Visitor | None:
        """A machine reads with its token; without a bearer no form takes anything from it."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        caller = request.client.host if request.client else ""
        if scheme.casefold() != "bearer" or self.office.attempts.wait(caller):
            return None
        name = who_has(token.strip(), self.office.logins)
        if name is None:
            self.office.attempts.note_failure(caller)
            return None
        return Visitor(name)

    def _marked(self, send: Send) -> Send:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self.office.encrypted:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        return marked


def cookie_of(request: Request, name: str) -> str:
    """Read a cookie; text that is no cookie is none."""
    try:
        jar = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""
