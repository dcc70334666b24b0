"""Turn news into the message for one audience, or into none where nothing of it is for them; all of it pure.

The message is plain text. What comes from tickets and files is put on one line each, with every character
that would act instead of show spelt out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from rules.ruleset import Severity
from sync.digests.audiences import Covers
from sync.digests.news import News, Standing, Turned, project_of
from sync.figures.coverage import Series, percent
from sync.report.wording import change_of, day, money, points, shortened, visible
from sync.waivers.asking import RequestFacts, answer
from sync.waivers.asking import Standing as Answered

# As many as somebody reads; the report has them all.
LINES = 20
TITLE = 120
TEXT = 400


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: a line, and below it plain text."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Told:
    """What of the news an audience is told."""

    opened: tuple[Turned, ...]
    closed: tuple[Turned, ...]
    requests: tuple[RequestFacts, ...]
    waivers: tuple[str, ...]
    standings: tuple[Standing, ...]
    moved: bool

    def what(self, news: News) -> list[str]:
        """Say in a few words each what there is to tell; nothing where there is no news."""
        said = []
        if self.opened:
            said.append(f"{number(len(self.opened), 'finding')} opened")
        if self.closed:
            said.append(f"{number(len(self.closed), 'finding')} closed")
        waiting = sum(it.standing is Answered.REQUESTED for it in self.requests)
        if waiting:
            said.append(f"{number(waiting, 'request')} to answer")
        elif self.requests:
            said.append(f"{number(len(self.requests), 'request')} heard")
        if self.waivers:
            said.append(f"{number(len(self.waivers), 'waiver')} to look at")
        if news.failing:
            said.append(f"{number(len(news.failing), 'source')} incomplete")
        if news.whole_again:
            said.append(f"{number(len(news.whole_again), 'source')} whole again")
        if self.moved and not said:
            said.append("the figures moved")
        return said


def write(news: News, covers: Covers, packs: Mapping[str, str], zone: ZoneInfo, link: str) -> Message | None:
    """Write the message for an audience; `packs` gives the pack of each rule, `link` leads to the report."""
    told = select(news, covers, packs)
    what = told.what(news)
    if not what:
        return None
    parts = [since(news, zone), *figures(told.standings, news.series), *findings(told)]
    parts += section("Asked for on tickets", [f"{it.key}: {answer(it)}" for it in told.requests])
    parts += section("Waivers", told.waivers)
    parts += sources(news)
    if covers.all_rules and not covers.projects:
        parts += section("The run says", news.said)
    parts.append(f"The whole report: {link}" if link else f"`tieline runs --show {news.run_id}` has more.")
    return Message(shortened(f"Tieline: {', '.join(what)}", TITLE), "\n\n".join(parts) + "\n")


def join(parts: Sequence[tuple[str, Message]]) -> Message:
    """Make one message of those for several audiences that one person belongs to, each under its name."""
    if len(parts) == 1:
        return parts[0][1]
    names = " and ".join(name for name, _ in parts)
    body = "\n".join(f"== {name} ==\n\n{message.body}" for name, message in parts)
    return Message(shortened(f"Tieline: news of {names}", TITLE), body)


def select(news: News, covers: Covers, packs: Mapping[str, str]) -> Told:
    """Choose what of the news an audience is told."""

    def chosen(turned: Iterable[Turned]) -> tuple[Turned, ...]:
        found = [
            it
            for it in turned
            if covers.rule(it.rule, it.severity, it.owner, packs) and covers.project(it.project)
        ]
        return tuple(sorted(found, key=lambda it: (-weight(it), it.rule)))

    def of_rule(rule: str) -> bool:
        return (not covers.rules or rule in covers.rules) and (
            not covers.packs or packs.get(rule) in covers.packs
        )

    asked = [it for it in news.requests if of_rule(it.rule) and covers.project(project_of(it.key))]
    ending = [it.text for it in news.waivers if of_rule(it.rule) and covers.project(it.project)]
    if covers.projects:
        standings = [it for (_, key), it in sorted(news.projects.items()) if covers.project(key)]
    else:
        standings = [news.whole]
    moved = covers.all_rules and any(it.moved for it in standings)
    return Told(
        chosen(news.opened), chosen(news.closed), tuple(asked), tuple(ending), tuple(standings), moved
    )


def weight(it: Turned) -> int:
    """Give the place of a finding's severity, the gravest highest."""
    return list(Severity).index(Severity(it.severity))


def since(news: News, zone: ZoneInfo) -> str:
    """Say what the news is compared with."""
    if news.since is None or news.since_at is None:
        return f"Run {news.run_id} is the first with figures, so all that it found is new."
    earlier = f"run {news.since} of {day(news.since_at, zone)}"
    return f"Run {news.run_id} of {day(news.at, zone)}, compared with {earlier}:"


def figures(standings: Iterable[Standing], series: Series | None) -> Iterator[str]:
    """Say how money and work stand, in the words of the report, and how far that moved."""
    for it in standings:
        name = f"{line(it.name, 80)}: " if it.name else ""
        lines = [of_work(it)]
        if it.money is not None and series is not None:
            lines.insert(0, of_money(it, series))
        yield "\n".join(f"{name}{text}" for text in lines)


def of_money(it: Standing, series: Series) -> str:
    """Say how much of the headline money serves a live objective."""
    now, before, code = it.money, it.money_before, series.currency
    assert now is not None  # noqa: S101
    what = f"the {series.version} for fiscal year {series.fiscal_year}"
    if now.share is None:
        return f"It is not known how much of {what} ({money(now.total, code)}) serves a live objective."
    moved = points(None if before is None else before.share, now.share)
    far = f" ({moved} points)" if moved and moved != "±0.0" else ""
    aligned = "" if before is None else moved_by(now.aligned - before.aligned, code)
    unaligned = "" if before is None else moved_by(now.unaligned - before.unaligned, code)
    return (
        f"{percent(now.share)} of {what} serves a live objective{far}: {money(now.aligned, code)}{aligned} "
        f"of {money(now.total, code)} is aligned; {money(now.unaligned, code)}{unaligned} is not."
    )


def moved_by(minor: int, code: str) -> str:
    """Give a difference of money in brackets, where there is one."""
    return f" ({change_of(minor, code)})" if minor else ""


def of_work(it: Standing) -> str:
    """Say how much work serves a live objective."""
    now, before = it.work, it.work_before
    if not now.known:
        return f"Of {now.total:,} work items it is not known which serve a live objective."

    def moved(state: str) -> str:
        difference = 0 if before is None else getattr(now, state) - getattr(before, state)
        return f" ({difference:+,})" if difference else ""

    said = (
        f"{now.aligned:,}{moved('aligned')} of {now.total:,} work items ({percent(now.share)}) serve a live "
        f"objective; {now.unaligned:,}{moved('unaligned')} do not"
    )
    if now.waived:
        said += f", {now.waived:,}{moved('waived')} are waived"
    if now.unknown:
        said += f", of {now.unknown:,}{moved('unknown')} it is not known"
    return f"{said}."


def findings(told: Told) -> Iterator[str]:
    """List the findings that opened and those that closed, the gravest first."""
    for title, turned in (("Opened", told.opened), ("Closed", told.closed)):
        yield from section(f"{title}: {number(len(turned), 'finding')}", [named(it) for it in turned])


def named(it: Turned) -> str:
    """Name what a finding is about, its rule and where to look."""
    silent = "" if it.labels else ", not labelled"
    where = f" {it.url}" if it.url.startswith(("https://", "http://")) else ""
    title = f" {shortened(it.title, 100)}" if it.title else ""
    return f"{it.subject}{title} ({it.rule}, {it.severity}{silent}){where}"


def sources(news: News) -> Iterator[str]:
    """Say which sources could not be read whole, and which can again."""
    yield from section(
        "Not every source could be read whole, so what is read from it stands as it stood",
        [
            f"{it.source} ({it.kind}): {it.status}" + (f". {it.message}" if it.message else "")
            for it in news.incomplete
        ],
    )
    yield from section("Read whole again", news.whole_again)


def section(title: str, lines: Sequence[str]) -> Iterator[str]:
    """Give a paragraph of lines under a title, the first of many; none where there is no line."""
    if lines:
        shown = [f"- {line(text, TEXT)}" for text in lines[:LINES]]
        more = [f"- and {len(lines) - LINES:,} more"] if len(lines) > LINES else []
        yield "\n".join([title, *shown, *more])


def line(text: str, most: int) -> str:
    """Put a text from outside on one line that is not too long."""
    return shortened(visible(text), most)


def number(count: int, noun: str) -> str:
    """Give `1 finding`, `2 findings`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
