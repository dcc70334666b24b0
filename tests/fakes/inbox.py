"""A server that takes what Apprise sends to `json://` and `form://` addresses, and keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

SECRET = "canary-inbox"


@dataclass(frozen=True)
class Mail:
    """A message that came, and for which box."""

    box: str
    title: str
    body: str


class Inbox(ThreadingHTTPServer):
    """Answers `status`; each box is a path behind a secret that nobody may tell."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.headers: dict[str, str] = {}
        self.mail: list[Mail] = []

    def address(self, box: str = "all", scheme: str = "json", query: str = "") -> str:
        return f"{scheme}://127.0.0.1:{self.server_address[1]}/{SECRET}/{box}{query}"

    def take(self) -> list[Mail]:
        """Give what has come since the last time."""
        mail, self.mail = self.mail, []
        return mail


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Inbox)
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if "json" in self.headers.get("Content-Type", ""):
            said = json.loads(text)
        else:
            said = {name: values[0] for name, values in parse_qs(text).items()}
        box = self.path.partition("?")[0].rpartition("/")[2]
        self.server.mail.append(Mail(box, said["title"], said["message"]))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def open_inbox() -> Iterator[Inbox]:
    with Inbox() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
