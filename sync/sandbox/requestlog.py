"""What the product asked of the sandbox, request by request."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Request:
    """`path` has no context path in front; `write` marks a request that could change something."""

    method: str
    path: str
    query: str
    status: int
    write: bool


class RequestLog:
    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: list[Request] = []

    def add(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)

    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def write_requests(self) -> int:
        """How many requests could change something, refused ones included: searching by POST is none."""
        return sum(request.write for request in self.requests())

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
