"""Turn the sandbox into a Jira Cloud or Data Center to write against: latency, and Cloud's documented limits.

Run in a process of its own: `python benchmarks/write_stand_in.py --issues 10000`. It prints its address and
serves until its input ends. On Cloud it refuses with 429 what goes beyond 50 PUT or 100 POST a second on one
endpoint, or beyond 20 writes to one issue in two seconds. `GET /__bench__` tells what was asked, the fullest
second and the refusals; `POST` starts the counts anew. Labels are really written.
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
from datetime import UTC, datetime

from stand_in import read_body
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync.frame.listener import Listener
from sync.sandbox import Deployment
from sync.sandbox.application import Application
from sync.sandbox.credentials import Credentials
from sync.sandbox.state import Site

A_SECOND = {"PUT": 50, "POST": 100, "GET": 100, "DELETE": 50}
ONE_ISSUE, ONE_ISSUE_SECONDS = 20, 2.0
NUMBER = re.compile(r"/\d+")


class Limited:
    """The sandbox with latency and limits; a window holds the moments at which requests were let through."""

    def __init__(self, jira: ASGIApp, latency: float, limits: dict[str, int]) -> None:
        self.jira = jira
        self.latency = latency
        self.limits = limits
        self.start_over()

    def start_over(self) -> None:
        self.counts: Counter[str] = Counter()
        self.refused = 0
        self.fullest: Counter[str] = Counter()
        self.windows: defaultdict[str, deque[float]] = defaultdict(deque)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/__bench__":
            await self._tell(scope, send)
            return
        method, endpoint = scope["method"], NUMBER.sub("/N", scope["path"])
        self.counts[method] += 1
        held = self._admit(f"{method} {endpoint}", self.limits.get(method), 1.0) and (
            method == "GET" or self._admit(f"{method} {scope['path']}", ONE_ISSUE, ONE_ISSUE_SECONDS)
        )
        await asyncio.sleep(self.latency)
        if held:
            await self.jira(scope, receive, send)
            return
        self.refused += 1
        await read_body(receive)
        reason = [(b"retry-after", b"1"), (b"ratelimit-reason", b"jira-burst-based")]
        await send({"type": "http.response.start", "status": 429, "headers": reason})
        await send({"type": "http.response.body", "body": b""})

    def _admit(self, name: str, most: int | None, seconds: float) -> bool:
        window, now = self.windows[name], time.monotonic()
        while window and window[0] <= now - seconds:
            window.popleft()
        if most is not None and len(window) >= most:
            return False
        window.append(now)
        method = name.partition(" ")[0]
        if seconds == 1.0:
            self.fullest[method] = max(self.fullest[method], len(window))
        return True

    async def _tell(self, scope: Scope, send: Send) -> None:
        told = {"counts": self.counts, "fullest": self.fullest, "refused": self.refused}
        body = json.dumps(told).encode()
        if scope["method"] == "POST":
            self.start_over()
        start: Message = {"type": "http.response.start", "status": 200, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": body})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=10_000)
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--deployment", choices=[one.value for one in Deployment], default="cloud")
    options = parser.parse_args()
    deployment = Deployment(options.deployment)
    site = Site(deployment, lambda: datetime.now(UTC))
    site.add_project("PAY", "Payments")
    site.permissions.project_admin.add("PAY")
    for number in range(options.issues):
        site.add_issue(
            {"project": "PAY", "issuetype": "Epic", "summary": f"Epic {number}", "labels": ["own"]}
        )
    application = Application(site, Credentials(), "", views_max=1000)
    listening = socket.create_server(("127.0.0.1", 0))
    application.base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    limits = A_SECOND if deployment is Deployment.CLOUD else {}
    jira = Limited(application.asgi(), options.latency, limits)
    listener = Listener("stand-in", jira, listening, "/__sandbox__/")
    listener.start()
    print(application.base, flush=True)
    sys.stdin.read()
    listener.stop()


if __name__ == "__main__":
    main()
