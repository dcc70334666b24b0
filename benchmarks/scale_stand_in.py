"""Be many Jira Clouds at once, each on a port of its own, with latency and a limit of requests a second.

Run in a process of its own: `python benchmarks/scale_stand_in.py --sites 8 --issues 100`. It prints its
addresses and serves until its input ends. Issues are made when they are asked for, and kept by nobody; one in
fifty names no objective. Each site counts what it is asked under endpoint and method, and refuses with 429
what goes beyond the limit in any second. `GET /__bench__` tells of all sites; `POST` starts the counts anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import socket
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvicorn
from stand_in import StandIn, answered, furnish, give, read_body, replaying, server_for
from starlette.types import ASGIApp, Receive, Scope, Send

from sync.sandbox import Deployment
from sync.sandbox.application import Application
from sync.sandbox.credentials import Credentials
from sync.sandbox.state import Site

FIRST_ID = 1_000_000
WITHOUT_OBJECTIVE = 50
OBJECTIVE_FIELD = "Objective ids"
TO_DO = {"id": "1", "name": "To Do", "statusCategory": {"id": 2, "key": "new", "name": "To Do"}}
PLAIN = {"issuelinks": [], "status": TO_DO}
PLACES = re.compile("(@id|@key|@project|@objective)")
PROJECT = re.compile(r"\bPR(\d\d)\b")
NUMBER = re.compile(r"/\d+")
Json = dict[str, Any]


@dataclass
class Counts:
    """What one site was asked, and how close it came to its limit."""

    limit: int
    requests: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    fullest: int = 0
    fetched: Counter[int] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    windows: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def admits(self, endpoint: str) -> bool:
        """Count a request, and say whether the last second still has room for it."""
        window, now = self.windows[endpoint], time.monotonic()
        self.requests[endpoint] += 1
        while window and window[0] <= now - 1.0:
            window.popleft()
        if len(window) >= self.limit:
            self.refused += 1
            return False
        window.append(now)
        self.fullest = max(self.fullest, len(window))
        return True

    def told(self) -> Json:
        return {
            "requests": sum(self.requests.values()),
            "refused": self.refused,
            "fullest": self.fullest,
            "again": sum(self.fetched.values()) - len(self.fetched),
            "written": sum(self.written.values()),
            "written again": sum(self.written.values()) - len(self.written),
        }


class Issues:
    """Any number of issues, each made from the likeness of one, by project."""

    def __init__(self, jira: ASGIApp, each: int) -> None:
        self.jira = jira
        self.each = each
        self._likeness: dict[str, list[str]] = {}

    def of(self, jql: str) -> Iterable[int]:
        """The ids of the projects that a condition names."""
        for project in sorted({int(number) for number in PROJECT.findall(jql)}):
            yield from range(FIRST_ID + project * self.each, FIRST_ID + (project + 1) * self.each)

    async def made(self, scope: Scope, ids: Iterable[int], fields: list[str]) -> list[str]:
        pieces = await self._like(scope, fields)
        return [self._one(pieces, number) for number in ids]

    def _one(self, pieces: list[str], number: int) -> str:
        project, place = divmod(number - FIRST_ID, self.each)
        objective = "" if place % WITHOUT_OBJECTIVE == 0 else f"OBJ-{number % 240}"
        key = f"PR{project:02d}"
        own = {"@id": str(number), "@key": f"{key}-{place + 1}", "@project": key, "@objective": objective}
        return "".join(own.get(piece, piece) for piece in pieces)

    async def _like(self, scope: Scope, fields: list[str]) -> list[str]:
        wanted = json.dumps({"issueIdsOrKeys": ["PR01-1"], "fields": fields})
        if wanted not in self._likeness:
            path = "/rest/api/3/issue/bulkfetch"
            asked = {**scope, "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
            told = await answered(self.jira, asked, wanted.encode())
            issue: Json = json.loads(b"".join(message.get("body", b"") for message in told))["issues"][0]
            issue |= {"id": "@id", "key": "@key"}
            for name, value in issue["fields"].items():
                if name in PLAIN:
                    issue["fields"][name] = PLAIN[name]
                elif name == "project":
                    value["key"], value["name"] = "@project", "Programme @project"
                elif name.startswith("customfield") and str(value).startswith("OBJ"):
                    issue["fields"][name] = "@objective"
            self._likeness[wanted] = PLACES.split(json.dumps(issue))
        return self._likeness[wanted]


class ManySites:
    """Tells sites apart by the port they are asked at."""

    def __init__(self, jira: ASGIApp, issues: Issues, latency: float, limit: int) -> None:
        self.jira = jira
        self.issues = issues
        self.latency = latency
        self.limit = limit
        self.sites: dict[int, Counts] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/__bench__":
            await self._control(scope, send)
            return
        port = scope["server"][1]
        counts = self.sites.setdefault(port, Counts(self.limit))
        admitted = counts.admits(f"{scope['method']} {NUMBER.sub('/N', scope['path'])}")
        body = await read_body(receive)
        await asyncio.sleep(self.latency)
        if admitted:
            await self._answer(scope, body, send, counts)
        else:
            headers = [(b"retry-after", b"1"), (b"ratelimit-reason", b"jira-burst-based")]
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    async def _answer(self, scope: Scope, body: bytes, send: Send, counts: Counts) -> None:
        path, asked = scope["path"], json.loads(body) if body else {}
        if path.endswith("/search/jql") and PROJECT.search(asked["jql"]):
            await self._search(scope, asked, send)
        elif path.endswith("/issue/bulkfetch"):
            ids = [int(number) for number in asked["issueIdsOrKeys"]]
            if asked["fields"] != ["labels"]:
                counts.fetched.update(ids)
            await give(
                send, f'{{"issues":[{",".join(await self.issues.made(scope, ids, asked["fields"]))}]}}'
            )
        elif scope["method"] == "PUT":
            counts.written[f"{path} {body.decode()}"] += 1
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self.jira(scope, replaying(body), send)

    async def _search(self, scope: Scope, asked: Json, send: Send) -> None:
        start = int(asked.get("nextPageToken") or 0)
        ids = list(self.issues.of(asked["jql"]))
        page, after = ids[start : start + asked["maxResults"]], start + asked["maxResults"]
        more: Json = {"nextPageToken": str(after)} if after < len(ids) else {"isLast": True}
        if asked["fields"] == ["id"]:
            issues = [f'{{"id":"{number}"}}' for number in page]
        else:
            issues = await self.issues.made(scope, page, asked["fields"])
        await give(send, f'{{"issues":[{",".join(issues)}],{json.dumps(more)[1:]}')

    async def _control(self, scope: Scope, send: Send) -> None:
        if scope["method"] == "POST":
            self.sites.clear()
        await give(send, json.dumps([counts.told() for counts in self.sites.values()]))


def addresses(ports: Iterable[socket.socket]) -> Iterator[str]:
    for listening in ports:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=8)
    parser.add_argument("--issues", type=int, default=100, help="in each project")
    parser.add_argument("--latency", type=float, default=0.3)
    parser.add_argument("--limit", type=int, default=20)
    options = parser.parse_args()
    site = Site(Deployment.CLOUD, lambda: datetime.now(UTC))
    furnish(site, 20, 0)
    application = Application(site, Credentials(), "", views_max=1000)
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(options.sites)]
    for listening in sockets:  # the latency is to be ours alone, not also the kernel's pause after the head
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    application.base = next(addresses(sockets))
    jira: ASGIApp = StandIn(application.asgi())
    many = ManySites(jira, Issues(jira, options.issues), options.latency, options.limit)
    asyncio.run(serve(server_for(many, None), sockets))


async def serve(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
    serving = asyncio.create_task(server.serve(sockets))
    print(*addresses(sockets), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    main()
