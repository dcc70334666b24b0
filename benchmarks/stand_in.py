"""Turn the sandbox into a Jira to measure against: generated epics, latency, and answers as quick as a cache.

Run in a process of its own: `python benchmarks/stand_in.py --issues 20000`. It prints its address and serves
until its input ends. A real Jira has machines of its own; so that ours does not compete with the client for
two cores, an answer is made once and then given again to everybody who asks the same. `POST /__bench__` with
`{"latency": 0.02}` sets the seconds each request takes and starts the counts anew; `GET` tells them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync.sandbox import Deployment
from sync.sandbox.application import Application
from sync.sandbox.credentials import Credentials
from sync.sandbox.state import Site

OBJECTIVES = 240
SCOPE = "(issuetype = Epic) ORDER BY"  # what a whole read asks for
TEXT = """platform renewal customer claims ledger migration identity mobile reporting archive payment network
    service consolidation portal data quality security licence workflow audit regional supply training"""
WORDS = tuple(TEXT.split())
Json = dict[str, Any]


def words(dice: random.Random, count: int) -> str:
    return " ".join(dice.choices(WORDS, k=count))


def avatars(kind: str, number: int) -> Json:
    sizes = ("48x48", "24x24", "16x16", "32x32")
    return {size: f"https://images.example.com/{kind}/{number}/{size}?size={size}&v=2" for size in sizes}


def person(number: int) -> Json:
    return {
        "accountId": f"5b10ac8d82e05b22cc7d{number:04d}",
        "name": f"person{number}",
        "emailAddress": f"person{number}@example.com",
        "avatarUrls": avatars("person", number),
        "displayName": f"Person {number}",
        "active": True,
        "timeZone": "Europe/Berlin",
        "accountType": "atlassian",
    }


def furnish(site: Site, count: int, custom_fields: int, seed: int = 1) -> None:
    """Fill a site with epics of about five kilobytes, as the connector asks for them, and some objectives."""
    dice = random.Random(seed)
    for number in range(20):
        raw = {"avatarUrls": avatars("project", number), "projectTypeKey": "software", "simplified": False}
        site.add_project(f"PR{number:02d}", f"Programme {number} {words(dice, 3)}", raw)
    objective_field = site.add_field("Objective ids")
    more = [site.add_field(f"Field {number}") for number in range(custom_fields)]
    start = datetime(2019, 1, 7, 8, 0, tzinfo=UTC)
    keys: list[str] = []
    for number in range(count):
        created = start + timedelta(minutes=37 * number, seconds=dice.randrange(60))
        links = [link(number * 4 + side, dice.choice(keys)) for side in range(4) if keys]
        fields = {
            "project": f"PR{number % 20:02d}",
            "issuetype": "Epic",
            "summary": words(dice, 9).capitalize(),
            "description": words(dice, 400),
            "status": dice.choice(["To Do", "In Progress", "Done"]),
            "priority": "Medium",
            "labels": [dice.choice(WORDS) for _ in range(3)],
            "assignee": person(dice.randrange(400)),
            "created": created.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "updated": (created + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "duedate": (created + timedelta(days=200)).strftime("%Y-%m-%d"),
            "issuelinks": links,
            "comment": {"comments": [], "startAt": 0, "maxResults": 0, "total": 0},
            objective_field: f"OBJ-{dice.randrange(OBJECTIVES)}, OBJ-{dice.randrange(OBJECTIVES)}",
        }
        keys.append(site.add_issue(fields | {name: words(dice, 4) for name in more}))
        history = {"startAt": 0, "maxResults": 0, "total": 0, "histories": []}
        site.get(keys[-1]).more = {"changelog": history, "transitions": []}


def link(number: int, target: str) -> Json:
    kind = {"id": "10000", "name": "Relates", "inward": "relates to", "outward": "relates to"}
    return {"id": str(50_000 + number), "type": kind, "outwardIssue": {"key": target}}


class StandIn:
    """The sandbox with latency, a cache of answers and counts of requests."""

    def __init__(self, jira: ASGIApp) -> None:
        self.jira = jira
        self.latency = 0.0
        self.counts: Counter[str] = Counter()
        self.received = 0
        self._cache: dict[tuple[str, str, bytes, bytes], list[Message]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        if scope["path"] == "/__bench__":
            await self._control(scope, body, send)
            return
        self.counts[f"{scope['method']} {scope['path']}"] += 1
        key = (scope["method"], scope["path"], scope["query_string"], body)
        began = asyncio.get_running_loop().time()
        if key not in self._cache:
            self._cache[key] = await answered(self.jira, scope, body)
        spent = asyncio.get_running_loop().time() - began
        await asyncio.sleep(max(0.0, self.latency - spent))
        for message in self._cache[key]:
            self.received += len(message.get("body", b""))
            await send(message)

    async def _control(self, scope: Scope, body: bytes, send: Send) -> None:
        if scope["method"] == "POST":
            self.latency = float(json.loads(body)["latency"])
            self.counts.clear()
            self.received = 0
        await give(send, json.dumps({"requests": dict(self.counts), "bytes": self.received}))


class Endless:
    """A Cloud site with any number of issues, all like its first but for id and key: none of them is kept."""

    def __init__(self, jira: ASGIApp, count: int) -> None:
        self.jira = jira
        self.numbers = range(1_000_000, 1_000_000 + count)
        self._likeness: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        asked: Json = json.loads(body) if body else {}
        if scope["path"].endswith("/search/jql") and asked["jql"].startswith(SCOPE):
            start = int(asked.get("nextPageToken") or 0)
            page = self.numbers[start : start + asked["maxResults"]]
            after = start + len(page)
            more: Json = {"nextPageToken": str(after)} if after < len(self.numbers) else {"isLast": True}
            bare = asked["fields"] == ["id"]
            issues = [f'{{"id":"{n}"}}' for n in page] if bare else await self._issues(scope, page, asked)
            await give(send, f'{{"issues":[{",".join(issues)}],{json.dumps(more)[1:]}')
        elif scope["path"].endswith("/issue/bulkfetch"):
            issues = await self._issues(scope, map(int, asked["issueIdsOrKeys"]), asked)
            await give(send, f'{{"issues":[{",".join(issues)}]}}')
        else:
            await self.jira(scope, replaying(body), send)

    async def _issues(self, scope: Scope, numbers: Iterable[int], asked: Json) -> list[str]:
        fields = json.dumps(asked["fields"])
        if fields not in self._likeness:
            wanted = json.dumps({"issueIdsOrKeys": ["PR01-1"], "fields": asked["fields"]}).encode()
            path = "/rest/api/3/issue/bulkfetch"
            told = await answered(self.jira, {**scope, "path": path, "raw_path": path.encode()}, wanted)
            answer: Json = json.loads(b"".join(message.get("body", b"") for message in told))
            issue: Json = answer["issues"][0]
            self._likeness[fields] = json.dumps({**issue, "id": "@id", "key": "@key"})
        text = self._likeness[fields]
        return [text.replace("@id", str(n)).replace("@key", f"PR01-{n}") for n in numbers]


async def give(send: Send, text: str) -> None:
    told = text.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(told)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": told})


def replaying(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def answered(jira: ASGIApp, scope: Scope, body: bytes) -> list[Message]:
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await jira(scope, replaying(body), keep)
    return messages


async def read_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=20_000)
    parser.add_argument("--custom-fields", type=int, default=0)
    parser.add_argument("--endless", type=int, help="so many issues, all alike, none of them kept (Cloud)")
    parser.add_argument("--deployment", choices=[one.value for one in Deployment], default="cloud")
    parser.add_argument("--certificate", help="a file with certificate and key: listens for https as well")
    options = parser.parse_args()
    site = Site(Deployment(options.deployment), lambda: datetime.now(UTC))
    furnish(site, options.issues, options.custom_fields)
    application = Application(site, Credentials(), "", views_max=1000)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2 if options.certificate else 1)]
    for listener in listeners:  # the latency is to be ours alone, not also the kernel's pause after the head
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain, *secure = [listener.getsockname()[1] for listener in listeners]
    application.base = f"http://127.0.0.1:{plain}"
    jira: ASGIApp = StandIn(application.asgi())
    if options.endless:
        jira = Endless(application.asgi(), options.endless)
    servers = [server_for(jira, certificate) for certificate in [None, options.certificate][: len(listeners)]]
    threads = [
        threading.Thread(target=server.run, args=([listener],))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    for thread in threads:
        thread.start()
    print(application.base, *(f"https://localhost:{port}" for port in secure), flush=True)
    sys.stdin.read()
    for server, thread in zip(servers, threads, strict=True):
        server.should_exit = True
        thread.join()


def server_for(jira: ASGIApp, certificate: str | None) -> uvicorn.Server:
    quiet: Json = {"log_config": None, "access_log": False, "lifespan": "off", "ws": "none"}
    return uvicorn.Server(uvicorn.Config(jira, ssl_certfile=certificate, **quiet))


if __name__ == "__main__":
    main()
