"""What every page works with: the store, the rules, the settings, and who may come in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from threading import Lock

from sqlalchemy import Engine

from rules.ruleset import RuleSet
from sync.config.listening import Login, Proxy, read_logins, read_proxy
from sync.explain.whynot import Ways, ways_of
from sync.frame.service import Service
from sync.rulebook import frame_of
from sync.settings import Settings
from sync.sources import SourcesConfig
from sync.store.catalogue import Frame
from sync.web.attempts import Attempts
from sync.web.sessions import Seal


@dataclass
class Office:
    """Everything the pages need, built once by the command that serves them.

    `rules` gives the rules as of a moment. They are read again for a new day and every minute, not for each
    page: a page then costs what its queries do. `service` is for what people decide on the pages; the nights
    have one of their own.
    """

    settings: Settings
    sources: SourcesConfig
    engine: Engine
    rules: Callable[[datetime], RuleSet]
    service: Service
    clock: Callable[[], datetime]
    seal: Seal = field(default_factory=Seal)
    known: tuple[object, RuleSet] | None = None
    lock: Lock = field(default_factory=Lock)

    @cached_property
    def logins(self) -> tuple[Login, ...]:
        """Who may log in with a token."""
        given = self.settings.logins
        return () if given is None else read_logins(given.get_secret_value())

    @cached_property
    def proxy(self) -> Proxy | None:
        """Which proxy is believed when it says who somebody is."""
        return read_proxy(self.settings.proxy_header, self.settings.proxy_addresses)

    @cached_property
    def attempts(self) -> Attempts:
        """The wrong tokens of late."""
        return Attempts(self.clock)

    @cached_property
    def ways(self) -> Mapping[str, Ways]:
        """What may tie the work of each site to objectives."""
        return ways_of(self.sources)

    @property
    def encrypted(self) -> bool:
        """Say whether people reach the pages by https: then cookies go no other way."""
        url = self.settings.public_url or ""
        return url.startswith("https://") and "{" not in url  # an address with gaps is another's page

    def frame(self) -> Frame:
        """Say what today, this fiscal year, our currency and our labels are now."""
        return frame_of(self.settings, self.clock())

    def rules_now(self) -> RuleSet:
        """Give the rules as they stand, at most a minute old."""
        now = self.clock()
        mark = (now.astimezone(self.settings.zone).date(), int(now.timestamp()) // 60)
        with self.lock:
            if self.known is None or self.known[0] != mark:
                self.known = (mark, self.rules(now))
            return self.known[1]
