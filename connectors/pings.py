"""Tell a dead man's switch that a run began and how it ended; that it cannot be told is never an error.

The address is the one of a check of Healthchecks, or of a service that copies it: `/start` and the exit
status are added to its path. Whoever knows it can silence the alarm, so it is a secret.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import requests

TIMEOUT = (5.0, 10.0)
TRIES = 2
BODY_LIMIT = 10_000


class Pings:
    """Pings one check; each answers what went wrong, or nothing."""

    def __init__(self, url: str) -> None:
        self._url = url

    def started(self, name: str) -> str:
        """Say that a run began; `name` is the same when it ends, so that its duration is measured."""
        return self._send("start", name, "")

    def ended(self, name: str, exit_code: int, body: str) -> str:
        """Say that a run ended: 0 is a success, everything else a failure."""
        return self._send(str(exit_code), name, body)

    def _send(self, word: str, name: str, body: str) -> str:
        problem = ""
        for _ in range(TRIES):
            try:
                response = requests.post(
                    address(self._url, word, name),
                    data=body.encode()[:BODY_LIMIT],
                    headers={"User-Agent": "tieline", "Content-Type": "text/plain; charset=utf-8"},
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            except requests.RequestException as error:
                problem = f"no answer ({type(error).__name__})"
                continue
            if response.ok:
                return ""
            problem = f"answered {response.status_code}"
            if response.status_code < 500:
                break
        return f"{urlsplit(self._url).hostname}: {problem}"


def address(url: str, word: str, name: str) -> str:
    """Add a word to the path of a check's address, and the name of the run to its query."""
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, urlencode({"rid": name})]))
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{word}", query=query, fragment=""))
