"""Start and stop the sandbox Jira on a loopback port, inside this process."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from sync.frame.listener import Listener
from sync.sandbox.application import Action, Application, Hook
from sync.sandbox.credentials import Credentials
from sync.sandbox.defaults import Deployment
from sync.sandbox.requestlog import Request
from sync.sandbox.state import Site


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """A stand-in Jira over real HTTP: `with Sandbox(Deployment.CLOUD) as jira: jira.url …`.

    `port` 0 takes a free one. `context_path` (such as `/jira`) stands in front of every Jira path, as it
    often does on Data Center. `views_max` is Data Center's page clamp, `jira.search.views.default.max`.
    Timestamps are written in `site_zone`; dates in JQL are read in `account_zone`.
    """

    def __init__(
        self,
        deployment: Deployment = Deployment.CLOUD,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        context_path: str = "",
        views_max: int = 1000,
        site_zone: str = "Etc/UTC",
        account_zone: str = "Etc/UTC",
        credentials: Credentials | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.deployment = deployment
        self.credentials = credentials or Credentials()
        self.site = Site(deployment, now, site_zone, account_zone)
        self._context_path = context_path.rstrip("/")
        self._address = (host, port)
        self._application = Application(self.site, self.credentials, self._context_path, views_max)
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """The base address to configure, context path included, without a final slash."""
        if not self._application.base:
            raise RuntimeError("the sandbox has no address before it is started")
        return self._application.base

    @property
    def control_url(self) -> str:
        return self.url.removesuffix(self._context_path) + "/__sandbox__"

    def start(self) -> Self:
        """Listen. Raises `OSError` where the port is taken."""
        listening = socket.create_server(self._address)
        host, port = listening.getsockname()[:2]
        self._application.base = f"http://{host}:{port}{self._context_path}"
        quiet = {"log_level": "critical"}  # an answer that is cut off on purpose is no news
        listener = Listener("sandbox", self._application.asgi(), listening, "/__sandbox__/", quiet)
        listener.start()
        self._listener = listener
        return self

    def stop(self) -> None:
        """Stop listening. Raises what went wrong inside the sandbox meanwhile, if anything did."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None
        failures, self._application.failures = self._application.failures, []
        if failures:
            raise failures[0]

    def wait(self) -> None:
        """Serve until interrupted (Ctrl-C), then stop: for the command line."""
        try:
            while self._listener is not None and self._listener.thread.is_alive():
                self._listener.thread.join(timeout=0.5)
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def before(self, method: str, path: str, action: Action, times: int | None = None) -> None:
        """Run `action(call)` before each matching request is answered, `times` times (None: always).

        `method` `*` means any; `path` is a regular expression searched in the path without context path. The
        action may edit the site; if it returns an `Answer`, that is sent and Jira never sees the request.
        """
        self._application.hooks.append(Hook(method, re.compile(path), action, times))

    def after(self, method: str, path: str, action: Action, times: int | None = None) -> None:
        """Run `action(call)` once Jira has done what a matching request asks: an answer may still be lost.

        If it returns an `Answer` (such as `CUT_OFF`), that is sent instead of Jira's own.
        """
        self._application.hooks.append(Hook(method, re.compile(path), action, times, after=True))

    def clear_hooks(self) -> None:
        """Forget every action that was to run before or after requests are answered."""
        self._application.hooks.clear()

    def requests(self) -> list[Request]:
        return self._application.log.requests()

    def write_requests(self) -> int:
        """How many requests could change something, refused ones included."""
        return self._application.log.write_requests()

    def clear_requests(self) -> None:
        self._application.log.clear()
