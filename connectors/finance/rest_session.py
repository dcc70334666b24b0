"""Turn one HTTP exchange with a finance API into an answer with exact numbers, at the pace declared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

import requests

from connectors.addresses import PublicOnly
from connectors.http import Place, RetryPolicy, call, clean, request_error, status_error

MISSING = object()


class NotJson(ValueError):
    """The text is no JSON document. `str()` says why."""


def parse_json(content: bytes) -> Any:
    """The document with every number exact: int or Decimal, never float; NaN and Infinity are no numbers."""

    def refuse(word: str) -> NoReturn:
        raise NotJson(f"{word} is no number")

    try:
        return json.loads(content, parse_float=Decimal, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def find(document: Any, keys: Sequence[str]) -> Any:
    """What stands at the end of the way down a document, or `MISSING`."""
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            return MISSING
        document = document[key]
    return document


class Ours(requests.auth.AuthBase):
    """Sends our headers; being there also keeps requests from looking into a .netrc file."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


class RestSession:
    """The connections of one source, its patience, and the secrets no message may hold."""

    def __init__(self, policy: RetryPolicy, timeout: float, *, allow_private: bool) -> None:
        self.policy = policy
        self._timeout = timeout
        self._session = requests.Session()
        if not allow_private:
            for scheme in ("http://", "https://"):
                self._session.mount(scheme, PublicOnly())
        self._secrets: set[str] = set()

    def close(self) -> None:
        self._session.close()

    def now(self) -> datetime:
        return self.policy.now()

    def hide(self, *secrets: str) -> None:
        """Have these left out of every message."""
        self._secrets.update(secrets)

    def clean(self, text: str) -> str:
        return clean(text, self._secrets)

    def exchange(
        self, place: Place, method: str, url: str, headers: Mapping[str, str], **sent: Any
    ) -> requests.Response:
        """One request, once; redirects are answers. An error is told with the host, never with a secret."""
        try:
            response = self._session.request(
                method, url, auth=Ours(headers), timeout=self._timeout, allow_redirects=False, **sent
            )
        except requests.RequestException as error:
            raise request_error(error, place) from None
        if response.status_code >= 400:
            said = self.clean(response.text)
            raise status_error(response.status_code, response.headers, said, place, self.now())
        return response

    def post(
        self,
        place: Place,
        *,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        """Send a login; again after a failure that is no refusal. It is not sent on by a redirect."""
        accept = {"Accept": "application/json", **headers}
        return call(
            lambda: self.exchange(place, "POST", place.url, accept, data=form, json=body),
            self.policy,
            resend=True,
        )


class Pace:
    """Requests at least so many seconds apart: then no window of any length holds more than its share."""

    def __init__(self, apart: timedelta, policy: RetryPolicy) -> None:
        self._apart = apart
        self._policy = policy
        self._slept = timedelta()
        self._next: datetime | None = None

    def keep(self) -> None:
        """Wait until the next request may go. A sleep is taken at its word, also where no clock moved."""
        now = self._policy.now() + self._slept
        due = now if self._next is None else self._next
        if due > now:
            self._policy.sleep((due - now).total_seconds())
            self._slept += max(due - (self._policy.now() + self._slept), timedelta())
        self._next = max(now, due) + self._apart
