"""Turn HTTP requests into calls of the sandbox's operations and their answers into HTTP responses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from sync.sandbox.answers import Answer, Call, Operation, Refusal
from sync.sandbox.control import CONTROLS, Control, ControlRoom, answer_control
from sync.sandbox.credentials import Credentials
from sync.sandbox.defaults import Deployment
from sync.sandbox.requestlog import Request, RequestLog
from sync.sandbox.routes_bulk import BulkEdits
from sync.sandbox.routes_comment import OPERATIONS as COMMENT_OPERATIONS
from sync.sandbox.routes_issue import OPERATIONS as ISSUE_OPERATIONS
from sync.sandbox.routes_meta import OPERATIONS as META_OPERATIONS
from sync.sandbox.routes_search import Searches
from sync.sandbox.state import Site

Action = Callable[[Call], Answer | None]
CONTROL_ROOT = "/__sandbox__"
_VERSIONS = {Deployment.CLOUD: ("2", "3"), Deployment.DATA_CENTER: ("2",)}
_LOGIN_FAILED = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}
_BAD_JSON = "There was an error parsing JSON. Check that your request body is valid."


@dataclass(slots=True)
class Hook:
    """To do before (or `after`) Jira does what matching requests ask; `left` more times, or always."""

    method: str
    path: re.Pattern[str]
    action: Action
    left: int | None
    after: bool = False


class Application:
    """The sandbox without a socket: a site, its operations, the hooks and the log."""

    def __init__(self, site: Site, credentials: Credentials, context_path: str, views_max: int) -> None:
        self.site = site
        self.credentials = credentials
        self.context_path = context_path
        self.base = ""
        self.log = RequestLog()
        self.hooks: list[Hook] = []
        self.failures: list[BaseException] = []
        self.operations = [
            *META_OPERATIONS,
            *Searches(views_max).operations(),
            *ISSUE_OPERATIONS,
            *COMMENT_OPERATIONS,
            *BulkEdits().operations(),
        ]

    def asgi(self) -> Starlette:
        handlers: Any = {HTTPException: _refuse_unknown}
        jira = Mount(self.context_path, routes=list(self._jira_routes())) if self.context_path else None
        routes = [*self._control_routes(), *([jira] if jira else self._jira_routes())]
        return Starlette(routes=routes, exception_handlers=handlers)

    def _jira_routes(self) -> Iterator[Route]:
        versions = {version: version for version in _VERSIONS[self.site.deployment]} | {"latest": "2"}
        for name, version in versions.items():
            for operation in self.operations:
                if operation.only in {None, self.site.deployment}:
                    path = f"/rest/api/{name}{operation.path}"
                    yield Route(path, self._endpoint(operation, version), methods=[operation.method])

    def _control_routes(self) -> Iterator[Route]:
        for method, path, control in CONTROLS:
            yield Route(CONTROL_ROOT + path, self._control_endpoint(control), methods=[method])

    def _control_endpoint(self, control: Control) -> Callable[[HttpRequest], Any]:
        async def endpoint(request: HttpRequest) -> Response:
            text = await request.body()
            try:
                body = json.loads(text) if text else {}
            except ValueError:
                return _response(Answer(400, {"error": "the body is not JSON"}))
            room = ControlRoom(self.site, self.log)
            args = dict(request.path_params)
            return _response(await run_in_threadpool(answer_control, room, control, args, body))

        return endpoint

    def _endpoint(self, operation: Operation, version: str) -> Callable[[HttpRequest], Any]:
        async def endpoint(request: HttpRequest) -> Response:
            body = await request.body()
            answer = await run_in_threadpool(self._answer, operation, version, request, body)
            path = request.url.path.removeprefix(self.context_path)
            made = Request(request.method, path, request.url.query, answer.status, operation.writes)
            self.log.add(made)
            return _response(answer)

        return endpoint

    def _answer(self, operation: Operation, version: str, request: HttpRequest, body: bytes) -> Answer:
        """Every outcome is an answer; what should never happen is one too, and is kept in `failures`."""
        try:
            call = self._call(version, request, body)
            refused = self._hooked(call, after=False)
            if refused is not None:
                return refused
            answer = self._handled(operation, call)
            return self._hooked(call, after=True) or answer
        except Refusal as refusal:
            return refusal.answer()
        except _LoginFailed:
            return self._login_failed()
        except Exception as error:  # noqa: BLE001  # raised again when the sandbox stops
            self.failures.append(error)
            return Answer(500, {"errorMessages": ["Internal server error"], "errors": {}})

    def _handled(self, operation: Operation, call: Call) -> Answer:
        with self.site.lock:
            answer = operation.handler(call)
        name = "X-AAccountId" if call.on_cloud else "X-AUSERNAME"
        who = self.site.account.get("accountId") or self.site.account["name"]
        return Answer(
            answer.status, answer.body, {**answer.headers, name: "anonymous" if call.anonymous else who}
        )

    def _call(self, version: str, request: HttpRequest, body: bytes) -> Call:
        authorization = request.headers.get("authorization")
        if authorization is not None and not self.credentials.accept(self.site.deployment, authorization):
            raise _LoginFailed
        return Call(
            site=self.site,
            method=request.method,
            path=request.url.path.removeprefix(self.context_path),
            base=self.base,
            version=version,
            args=dict(request.path_params),
            query=tuple(parse_qsl(request.url.query, keep_blank_values=True)),
            body=_json(request, body) if body else None,
            anonymous=authorization is None,
        )

    def _login_failed(self) -> Answer:
        if self.site.deployment is Deployment.CLOUD:
            text = "Client must be authenticated to access this resource."
            return Answer(401, {"message": text, "status-code": 401}, _LOGIN_FAILED)
        page = "<html><body>Basic Authentication Failure - Reason : AUTHENTICATED_FAILED</body></html>"
        return Answer(401, page, _LOGIN_FAILED | {"WWW-Authenticate": 'OAuth realm="sandbox"'})

    def _hooked(self, call: Call, *, after: bool) -> Answer | None:
        for hook in [hook for hook in self.hooks if hook.after is after]:
            if hook.method in {call.method, "*"} and hook.path.search(call.path) and hook.left != 0:
                hook.left = None if hook.left is None else hook.left - 1
                answer = hook.action(call)
                if answer is not None:
                    return answer
        return None


class _LoginFailed(Exception):
    """The credential is wrong: answered before anything else is looked at."""


def _json(request: HttpRequest, body: bytes) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        raise Refusal(415, "Unsupported Media Type")
    try:
        return json.loads(body)
    except ValueError:
        raise Refusal(400, _BAD_JSON) from None


def _response(answer: Answer) -> Response:
    headers = dict(answer.headers)
    if isinstance(answer.body, str):
        return Response(answer.body, answer.status, headers, media_type="text/html")
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    return JSONResponse(answer.body, answer.status, headers)


async def _refuse_unknown(request: HttpRequest, error: HTTPException) -> Response:
    text = "null for uri: " + str(request.url) if error.status_code == 404 else error.detail
    body = {"message": text, "status-code": error.status_code}
    return JSONResponse(body, error.status_code, error.headers)
