"""Be many Jira Clouds at once, each on a port of its own, with latency and a limit of requests a second.

Run in a process of its own: `python benchmarks/scale_stand_in.py --sites 8 --issues 100`. It prints its
addresses and serves until its input ends. Issues are made when they are asked for, from their numbers; all
that is kept of them is which labels were put on. One in a hundred names no objective. Each site counts what
it is asked under endpoint and method, and refuses with 429 what goes beyond the limit in any second.
`GET /__bench__` tells of all sites; `POST` makes them new again.
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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import uvicorn
from stand_in import StandIn, answered, furnish, give, read_body, replaying, server_for
from starlette.types import ASGIApp, Receive, Scope, Send

from sync.sandbox import Deployment
from sync.sandbox.application import Application
from sync.sandbox.credentials import Credentials
from sync.sandbox.state import Site

FIRST_ID = 1_000_000
WITHOUT_OBJECTIVE = 100
OBJECTIVE_FIELD = "Objective ids"
TO_DO = {"id": "1", "name": "To Do", "statusCategory": {"id": 2, "key": "new", "name": "To Do"}}
PLAIN = {"issuelinks": [], "status": TO_DO}
PLACES = re.compile('(@id|@key|@project|@objective|"@labels")')
PROJECT = re.compile(r"\bPR(\d\d)\b")
LISTED = re.compile(r"\bid in \(([\d, ]+)\)")
CHANGED = "updated >="
WITH_BODY = {"POST", "PUT"}
NUMBER = re.compile(r"/\d+")
Json = dict[str, Any]


@dataclass
class Counts:
    """What one site was asked, how close it came to its limits, and the labels that were put on its issues.

    A change is `idle` that adds a label which is there, or takes off one which is not.
    """

    limits: Limits
    requests: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    fullest: Counter[str] = field(default_factory=Counter)
    fetched: Counter[int] = field(default_factory=Counter)
    labels: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    written: int = 0
    idle: int = 0
    windows: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def admits(self, method: str, endpoint: str) -> bool:
        """Count a request, and say whether the last second still has room for it."""
        asked = f"{method} {endpoint}"
        window, now = self.windows[asked], time.monotonic()
        self.requests[asked] += 1
        while window and window[0] <= now - 1.0:
            window.popleft()
        if len(window) >= self.limits.of(method):
            self.refused += 1
            return False
        window.append(now)
        self.fullest[method] = max(self.fullest[method], len(window))
        return True

    def edit(self, number: int, operations: Iterable[Json]) -> None:
        """Put labels on an issue and take them off."""
        labels = self.labels[number]
        for operation in operations:
            ((name, label),) = operation.items()
            self.written += 1
            if (name == "add") is (label in labels):
                self.idle += 1
            elif name == "add":
                labels.append(label)
            else:
                labels.remove(label)

    def told(self) -> Json:
        return {
            "requests": sum(self.requests.values()),
            "refused": self.refused,
            "fullest": max((most for method, most in self.fullest.items() if method != "PUT"), default=0),
            "fullest writing": self.fullest["PUT"],
            "again": sum(self.fetched.values()) - len(self.fetched),
            "written": self.written,
            "idle": self.idle,
        }


@dataclass(frozen=True)
class Limits:
    """How many requests a second an endpoint takes."""

    reading: int
    writing: int

    def of(self, method: str) -> int:
        return self.writing if method == "PUT" else self.reading


class Issues:
    """Any number of issues, each made from the likeness of one, by project."""

    def __init__(self, jira: ASGIApp, each: int) -> None:
        self.jira = jira
        self.each = each
        self._likeness: dict[str, list[str]] = {}

    def of(self, jql: str, edited: Iterable[int]) -> Sequence[int]:
        """The ids of the projects that a condition names; none but those edited here ever changed."""
        projects = sorted({int(number) for number in PROJECT.findall(jql)})
        ranges = [range(FIRST_ID + one * self.each, FIRST_ID + (one + 1) * self.each) for one in projects]
        listed = LISTED.search(jql)
        if listed is None and CHANGED not in jql:
            return [*chain.from_iterable(ranges)]
        among = sorted(edited) if listed is None else [int(number) for number in listed[1].split(",")]
        return [number for number in among if any(number in one for one in ranges)]

    async def made(
        self, scope: Scope, ids: Iterable[int], fields: list[str], labels: Mapping[int, Sequence[str]]
    ) -> list[str]:
        pieces = await self._like(scope, fields)
        return [self._one(pieces, number, labels.get(number, ())) for number in ids]

    def _one(self, pieces: list[str], number: int, labels: Sequence[str]) -> str:
        project, place = divmod(number - FIRST_ID, self.each)
        objective = "" if place % WITHOUT_OBJECTIVE == 0 else f"OBJ-{number % 240}"
        key = f"PR{project:02d}"
        own = {"@id": str(number), "@key": f"{key}-{place + 1}", "@project": key, "@objective": objective}
        own['"@labels"'] = json.dumps([*labels, f"team-{number % 7}"])
        return "".join(own.get(piece, piece) for piece in pieces)

    async def _like(self, scope: Scope, fields: list[str]) -> list[str]:
        wanted = json.dumps({"issueIdsOrKeys": ["PR01-1"], "fields": fields})
        if wanted not in self._likeness:
            path = "/rest/api/3/issue/bulkfetch"
            asked = {**scope, "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
            told = await answered(self.jira, asked, wanted.encode())
            issue: Json = json.loads(b"".join(message.get("body", b"") for message in told))["issues"][0]
            issue |= {"id": "@id", "key": "@key"}
            for name, value in issue.get("fields", {}).items():
                if name in PLAIN:
                    issue["fields"][name] = PLAIN[name]
                elif name == "summary":
                    issue["fields"][name] = f"@key {value}"
                elif name == "labels":
                    issue["fields"][name] = "@labels"
                elif name == "project":
                    value["key"], value["name"] = "@project", "Programme @project"
                elif name.startswith("customfield") and str(value).startswith("OBJ"):
                    issue["fields"][name] = "@objective"
            self._likeness[wanted] = PLACES.split(json.dumps(issue))
        return self._likeness[wanted]


class ManySites:
    """Tells sites apart by the port they are asked at."""

    def __init__(self, jira: ASGIApp, issues: Issues, latency: float, limits: Limits) -> None:
        self.jira = jira
        self.issues = issues
        self.latency = latency
        self.limits = limits
        self.sites: dict[int, Counts] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/__bench__":
            await self._control(scope, send)
            return
        port = scope["server"][1]
        counts = self.sites.setdefault(port, Counts(self.limits))
        admitted = counts.admits(scope["method"], NUMBER.sub("/N", scope["path"]))
        body = await read_body(receive)
        if not body and scope["method"] in WITH_BODY:
            return  # whoever asked was killed in the middle of asking
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
            await self._search(scope, asked, send, counts)
        elif path.endswith("/issue/bulkfetch"):
            ids = [int(number) for number in asked["issueIdsOrKeys"]]
            if asked["fields"] != ["labels"]:
                counts.fetched.update(ids)
            made = await self.issues.made(scope, ids, asked["fields"], counts.labels)
            await give(send, f'{{"issues":[{",".join(made)}]}}')
        elif scope["method"] == "PUT":
            counts.edit(int(path.rpartition("/")[2]), asked["update"]["labels"])
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await self.jira(scope, replaying(body), send)

    async def _search(self, scope: Scope, asked: Json, send: Send, counts: Counts) -> None:
        start = int(asked.get("nextPageToken") or 0)
        ids = self.issues.of(asked["jql"], counts.labels)
        page, after = ids[start : start + asked["maxResults"]], start + asked["maxResults"]
        more: Json = {"nextPageToken": str(after)} if after < len(ids) else {"isLast": True}
        if asked["fields"] == ["id"]:
            issues = [f'{{"id":"{number}"}}' for number in page]
        else:
            issues = await self.issues.made(scope, page, asked["fields"], counts.labels)
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
    parser.add_argument("--write-limit", type=int, default=100)
    options = parser.parse_args()
    site = Site(Deployment.CLOUD, lambda: datetime.now(UTC))
    furnish(site, 20, 0)
    application = Application(site, Credentials(), "", views_max=1000)
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(options.sites)]
    for listening in sockets:  # the latency is to be ours alone, not also the kernel's pause after the head
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    application.base = next(addresses(sockets))
    jira: ASGIApp = StandIn(application.asgi())
    limits = Limits(options.limit, options.write_limit)
    many = ManySites(jira, Issues(jira, options.issues), options.latency, limits)
    asyncio.run(serve(server_for(many, None), sockets))


async def serve(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
    serving = asyncio.create_task(server.serve(sockets))
    print(*addresses(sockets), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    main()
