"""Serve an application over HTTP from a thread of its own, for the pages and for the sandbox."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import uvicorn
from starlette.types import ASGIApp

START_SECONDS = 30
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only compared


@dataclass(slots=True)
class Listener:
    """An application on a socket that listens already.

    `name` is the thread's, `probe` a path to whose answer anybody may call; `options` go to uvicorn.
    """

    name: str
    app: ASGIApp
    socket: socket.socket
    probe: str
    options: dict[str, Any] = field(default_factory=dict)
    server: uvicorn.Server = field(init=False)
    thread: Thread = field(init=False)

    def start(self) -> None:
        """Serve. Raises `RuntimeError` where nobody answers.

        Head and body of an answer are two writes: unless told otherwise, the kernel keeps the second back for
        40 ms until the first is acknowledged. asyncio sees to that only for sockets that name their protocol.
        """
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain = {"log_config": None, "access_log": False, "lifespan": "off", "ws": "none"}
        self.server = uvicorn.Server(uvicorn.Config(self.app, **(plain | self.options)))
        self.thread = Thread(target=self.server.run, args=([self.socket],), name=self.name, daemon=True)
        self.thread.start()
        self._await_answer()

    def _await_answer(self) -> None:
        """The socket queues callers already; a first answer proves that somebody serves them."""
        host, port = self.socket.getsockname()[:2]
        with socket.create_connection((ANYWHERE.get(host, host), port), timeout=START_SECONDS) as caller:
            caller.sendall(f"GET {self.probe} HTTP/1.0\r\n\r\n".encode())
            if not caller.recv(1):
                raise RuntimeError(f"the {self.name} did not start")

    def stop(self) -> None:
        """Stop listening; answers under way are finished."""
        self.server.should_exit = True
        self.thread.join()
