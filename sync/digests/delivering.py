"""Send each person one message about a night; its intent is kept before, its answer after.

A message whose answer is lost (the process was killed) counts as sent: at most once. One that was not taken
is sent again the next night, together with that night's news.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from connectors import notices
from rules.ruleset import RuleSet
from sync.digests.audiences import Audience, packs_of
from sync.digests.message import Message, join, write
from sync.digests.news import News
from sync.frame.log import log
from sync.frame.milestones import Milestone, reach
from sync.frame.progress import Quiet, Step
from sync.settings import Settings
from sync.store import digests as ledger
from sync.store.digests import Envelope, State
from sync.store.figures import find_run
from sync.store.news import last_night_until, newest_night, read_news

# Salted and slow: an address may hold a password that could be guessed from a quick hash.
SALT = b"tieline digest address"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to one address, and for whom it is; `waits` says why it is not sent now."""

    address: str = field(repr=False)
    to: Envelope
    message: Message
    waits: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a letter."""

    letter: Letter
    state: State
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PostOffice:
    """Writes and sends the digests of a store; `fiscal_year` gives the one that the report speaks of."""

    engine: Engine
    settings: Settings
    audiences: tuple[Audience, ...]
    clock: Callable[[], datetime]
    fiscal_year: Callable[[], int | None]
    send: Callable[[str, str, str], str] = notices.send

    def after_night(
        self, run_id: int, rules: RuleSet, said: Sequence[str], step: Step | None = None
    ) -> list[Delivered]:
        """Tell everybody whose night this is what it brought; `said` is what the run will say of itself."""
        if not self.audiences:
            return []
        return self._deliver(self.letters(rules, run_id, said=tuple(said)), run_id, step or Quiet())

    def after_quiet_hours(self, rules: Callable[[], RuleSet]) -> list[Delivered]:
        """Send what was held, as soon as the quiet hours of those it is for are over."""
        with self.engine.connect() as connection:
            held = ledger.held_nights(connection)
            run_id = newest_night(connection) if held else None
        if run_id is None or not self._awake(held):
            return []
        letters = self.letters(rules(), run_id, held=held)
        wanted = {(name, letter.to.address) for letter in letters for name in letter.to.audiences}
        with self.engine.begin() as connection:
            for audience, address in held.keys() - wanted:
                ledger.release(connection, audience, address)
        return self._deliver([letter for letter in letters if not letter.waits], run_id, Quiet())

    def now_due(self, rules: RuleSet) -> list[Delivered]:
        """Send what is due and was not sent, also what failed before."""
        with self.engine.connect() as connection:
            run_id = newest_night(connection)
        return (
            [] if run_id is None else self._deliver(self.letters(rules, run_id), run_id, Quiet(), again=True)
        )

    def letters(
        self,
        rules: RuleSet,
        run_id: int,
        *,
        said: tuple[str, ...] | None = None,
        held: Mapping[tuple[str, str], date] | None = None,
        all_days: bool = False,
    ) -> list[Letter]:
        """Write the letters about a night, one to each address for which there is news.

        Of those `held`, if that is given; else of the audiences whose day it is, or of all.
        """
        packs, stand = packs_of(rules), _NewsStand(self, run_id, said)
        link = f"{self.settings.public_url}/report" if self.settings.public_url else ""
        with self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            night = find_run(connection, run_id).started_at.astimezone(self.settings.zone).date()
            found = []
            for address in dict.fromkeys(it for audience in self.audiences for it in audience.addresses):
                mark = mark_of(address)
                audiences = [it for it in self.audiences if address in it.addresses]
                if held is not None:
                    audiences = [it for it in audiences if (it.name, mark) in held]
                elif not all_days:
                    audiences = [it for it in audiences if it.listens(night)]
                nights = [held[it.name, mark] for it in audiences] if held is not None else [night]
                since, parts = {}, []
                for audience in audiences:
                    base = self._base(connection, audience, mark, night)
                    news = stand.news(connection, base)
                    message = (
                        None
                        if news is None
                        else write(news, audience.covers, packs, self.settings.zone, link)
                    )
                    if message is not None:
                        since[audience.name] = base
                        parts.append((audience.name, message))
                if parts:
                    to = Envelope(since, mark, notices.kind_of(address), max(nights))
                    waits = self._waits([it for it in audiences if it.name in to.audiences])
                    found.append(Letter(address, to, join(parts), waits))
        return found

    def _base(self, connection: Connection, audience: Audience, mark: str, night: date) -> int:
        """Give the run that news is compared with: of whoever was never told, that of the last time."""
        told = ledger.told_up_to(connection, audience.name, mark)
        if told is not None:
            return told
        after = audience.day_before(night) + timedelta(days=1)
        return last_night_until(connection, datetime.combine(after, time(), self.settings.zone)) or 0

    def _waits(self, audiences: Sequence[Audience]) -> str:
        local = self.clock().astimezone(self.settings.zone)
        quiet = next((it.quiet for it in audiences if it.quiet is not None and it.quiet.hold(local)), None)
        return f"quiet hours {quiet}" if quiet is not None else ""

    def _awake(self, held: Mapping[tuple[str, str], date]) -> bool:
        names = {name for name, _ in held}
        known = [it for it in self.audiences if it.name in names]
        return not known or any(not self._waits([it]) for it in known)

    def _deliver(
        self, letters: Sequence[Letter], run_id: int, step: Step, *, again: bool = False
    ) -> list[Delivered]:
        found = []
        for letter in letters:
            done = self._hold(letter, run_id) if letter.waits else self._send(letter, run_id, again=again)
            found += [done] if done is not None else []
            step.advance(1, len(letters))
        return found

    def _hold(self, letter: Letter, run_id: int) -> Delivered | None:
        with self.engine.begin() as connection:
            if ledger.is_over(connection, letter.to.address, letter.to.night, again=False):
                return None
            ledger.hold(connection, letter.to, run_id, self.clock())
        log.info("digest held", audiences=", ".join(letter.to.audiences), why=letter.waits)
        return Delivered(letter, State.HELD)

    def _send(self, letter: Letter, run_id: int, *, again: bool) -> Delivered | None:
        to = letter.to
        try:
            with self.engine.begin() as connection:
                if not ledger.claim(connection, to, run_id, self.clock(), again=again):
                    return None
        except IntegrityError:  # another process was quicker
            return None
        reach(Milestone.DIGEST_INTENDED)
        problem = self.send(letter.address, letter.message.title, letter.message.body)
        reach(Milestone.DIGEST_ANSWERED)
        with self.engine.begin() as connection:
            ledger.answer(connection, to, problem, self.clock())
        names = ", ".join(to.audiences)
        if problem:
            log.warning("digest failed", audiences=names, why=problem)
        else:
            log.info("digest sent", audiences=names, kind=to.kind)
        return Delivered(letter, State.FAILED if problem else State.SENT, problem)


@dataclass(slots=True)
class _NewsStand:
    """Reads the news since each earlier run once."""

    office: PostOffice
    run_id: int
    said: tuple[str, ...] | None
    kept: dict[int, News] = field(default_factory=dict)

    def news(self, connection: Connection, base: int) -> News | None:
        if base >= self.run_id:
            return None
        if base not in self.kept:
            settings = self.office.settings
            news = read_news(
                connection,
                base or None,
                self.run_id,
                zone=settings.zone,
                currency=settings.currency,
                fiscal_year=self.office.fiscal_year(),
            )
            self.kept[base] = news if self.said is None else replace(news, said=self.said)
        return self.kept[base]


@cache
def mark_of(address: str) -> str:
    """Give what the ledger knows an address by."""
    return hashlib.scrypt(address.encode(), salt=SALT, n=2**14, r=8, p=1, dklen=12).hex()
