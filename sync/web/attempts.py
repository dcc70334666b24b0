"""Count the wrong tokens that an address has sent, so that nobody can try many."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

MOST = 5
WITHIN = timedelta(minutes=15)
# Addresses remembered; beyond that the one that failed longest ago is forgotten.
REMEMBERED = 4096


@dataclass(slots=True)
class Attempts:
    """The failures of the last quarter of an hour, by address."""

    clock: Callable[[], datetime]
    failures: OrderedDict[str, deque[datetime]] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)

    def wait(self, address: str) -> int:
        """Give the seconds after which this address may try again; 0 where it may now."""
        now = self.clock()
        with self.lock:
            failed = self.failures.get(origin_of(address), deque())
            while failed and failed[0] <= now - WITHIN:
                failed.popleft()
            return 0 if len(failed) < MOST else int((failed[0] + WITHIN - now).total_seconds()) + 1

    def note_failure(self, address: str) -> None:
        """Remember a wrong token."""
        with self.lock:
            name = origin_of(address)
            self.failures.setdefault(name, deque(maxlen=MOST)).append(self.clock())
            self.failures.move_to_end(name)
            while len(self.failures) > REMEMBERED:
                self.failures.popitem(last=False)


def origin_of(address: str) -> str:
    """Take the addresses of one IPv6 network for one: whoever has one of them has them all."""
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if caller.version == 4 else str(ipaddress.ip_network(f"{address}/64", strict=False))
