"""What is looked at where Tieline was installed for real: the Jira it labels, and whether a promise holds."""

from __future__ import annotations

import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sync.sandbox import Deployment, Sandbox
from sync.sandbox.portfolio import SAMPLE, Portfolio, load_portfolio

STATE = "/var/lib/tieline"
STOP_SECONDS = 10
LABEL = "align-no-objective"
FIELD = "Strategic objectives"


@dataclass
class Findings:
    """What was looked at; a line for each."""

    wrong: list[str] = field(default_factory=list)

    def begin(self, part: Callable[[], None]) -> None:
        """Say what comes next: the first line of what it says about itself."""
        sys.stdout.write(f"{(part.__doc__ or '').splitlines()[0]}\n")

    def look(self, what: str, told: object, *, holds: bool) -> None:
        sys.stdout.write(f"  {'✓' if holds else '✗'} {what}\n")
        sys.stdout.flush()
        if not holds:
            self.wrong.append(f"{what}: {told}")

    def same(self, what: str, have: object, want: object) -> None:
        self.look(what, f"{have!r} in place of {want!r}", holds=have == want)


@contextmanager
def sample_jira() -> Iterator[tuple[Sandbox, Portfolio]]:
    """A Jira with the portfolio of the demo."""
    with Sandbox(Deployment.CLOUD) as jira:
        yield jira, load_portfolio(jira.site, SAMPLE / "investments.csv", SAMPLE / "objectives.csv")


def lay_objectives(folder: Path) -> None:
    """Write the objectives of the demo with the columns that Tieline knows by name."""
    lines = (SAMPLE / "objectives.csv").read_text(encoding="utf-8").splitlines()
    named = lines[0].replace("objective_id,objective_title", "id,title")
    others = [f",,{line}" for line in (SAMPLE / "not_applicable.csv").read_text().splitlines()[1:]]
    (folder / "objectives.csv").write_text("\n".join([named, *lines[1:], *others, ""]), encoding="utf-8")


def labelled(jira: Sandbox) -> set[str]:
    return {issue.key for issue in jira.site.issues.values() if LABEL in issue.fields["labels"]}


def without_objective(jira: Sandbox, portfolio: Portfolio) -> set[str]:
    keys = portfolio.keys.values()
    return {key for key in keys if not jira.site.get(key).fields.get(portfolio.objectives_field)}


def refused(told: dict[str, str], acts: list[str]) -> list[str]:
    return [act for act in acts if told.get(act, "done") != "done"]


def answer(url: str, seconds: float = 30) -> str:
    """Ask until somebody answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                text: str = response.read().decode()
                return text
        except OSError as error:
            if time.monotonic() > end:
                return str(error)
        time.sleep(0.2)
