"""Serve the pages on the address that the settings name."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from starlette.types import ASGIApp

from sync.config.listening import read_address
from sync.errors import ConfigurationError
from sync.frame.listener import Listener

# Who calls is who is connected: what a caller says of others is for `Gate` to believe or not.
OPTIONS: dict[str, Any] = {"proxy_headers": False, "server_header": False, "timeout_graceful_shutdown": 5}


@dataclass(slots=True)
class PageServer:
    """`with PageServer(app, "127.0.0.1:8080") as server: server.url …`; port 0 takes a free one."""

    app: ASGIApp
    address: str
    url: str = ""
    listener: Listener | None = None

    def start(self) -> Self:
        """Listen. Raises `ConfigurationError` where the address cannot be had."""
        listening = self._listen()
        host, port = listening.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self.listener = Listener("pages", self.app, listening, "/livez", OPTIONS)
        self.listener.start()
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

    def stop(self) -> None:
        """Stop listening; answers under way are finished."""
        if self.listener is not None:
            self.listener.stop()
            self.listener = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
