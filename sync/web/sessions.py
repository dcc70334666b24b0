"""Sign what a browser keeps for us: who it is and until when, and which forms we have given to it."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sync.config.listening import Login

LASTS = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs and checks with a key that lives as long as the process: a restart ends every session."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def session(self, name: str, now: datetime) -> str:
        """Make the text of a session."""
        said = json.dumps([name, int((now + LASTS).timestamp()), secrets.token_hex(8)])
        text = urlsafe_b64encode(said.encode()).decode().rstrip("=")
        return f"{text}.{self._sign('session', text)}"

    def name_in(self, session: str, now: datetime) -> str | None:
        """Give whose session it is; none where we did not make it, or its time is over."""
        text, _, signature = session.rpartition(".")
        if not hmac.compare_digest(self._sign("session", text).encode(), signature.encode()):
            return None
        name, until, _ = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return str(name) if now.timestamp() < until else None

    def ticket(self, bearer: str) -> str:
        """Make what a form carries: it is good with this cookie, or this name, and no other."""
        return self._sign("form", bearer)

    def admits(self, bearer: str, ticket: str) -> bool:
        """Say whether a form was given to this bearer."""
        return bool(bearer) and hmac.compare_digest(self.ticket(bearer).encode(), ticket.encode())

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self.key, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()


def who_has(token: str, logins: Sequence[Login]) -> str | None:
    """Give whose token it is. Every entry is compared, each in constant time: the time tells nothing."""
    found = None
    for login in logins:
        if hmac.compare_digest(digest(token), digest(login.token)):
            found = login.name
    return found


def digest(text: str) -> bytes:
    """Make texts of different lengths alike."""
    return hashlib.sha256(text.encode()).digest()
