"""Serve an application on a port of this machine, from a thread of its own."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from threading import Thread
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from sync.config.listening import read_address
from sync.errors import ConfigurationError

START_SECONDS = 30


@dataclass(slots=True)
class PageServer:
    """`with PageServer(app, "127.0.0.1:8080") as server: server.url …`; port 0 takes a free one."""

    app: ASGIApp
    address: str
    url: str = ""
    server: uvicorn.Server | None = None
    thread: Thread | None = field(default=None)

    def start(self) -> Self:
        """Listen. Raises `ConfigurationError` where the address cannot be had."""
        listener = self._listen()
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        # Who calls is who is connected: what a caller says of others is for `Gate` to believe or not.
        config = uvicorn.Config(
            self.app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
        self.server = uvicorn.Server(config)
        self.thread = Thread(target=self.server.run, args=([listener],), name="pages", daemon=True)
        self.thread.start()
        self._await_start(listener)
        return self

    def _listen(self) -> socket.socket:
        host, port = read_address(self.address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            return socket.create_server((host, port), family=family)
        except OSError as error:
            raise ConfigurationError(
                f"TIELINE_LISTEN: cannot listen on {self.address}: {error.strerror or error}. "
                "Name an address of this machine and a port that nothing else uses."
            ) from None

    def _await_start(self, listener: socket.socket) -> None:
        """The socket queues callers already; a first answer proves that somebody serves them."""
        host, port = listener.getsockname()[:2]
        reach = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only compared
        with socket.create_connection((reach, port), timeout=START_SECONDS) as caller:
            caller.sendall(b"GET /livez HTTP/1.0\r\n\r\n")
            if not caller.recv(1):
                raise RuntimeError("the pages did not start")

    def stop(self) -> None:
        """Stop listening; answers under way are finished."""
        if self.server is not None and self.thread is not None:
            self.server.should_exit = True
            self.thread.join()
            self.server = self.thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
