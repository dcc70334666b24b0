"""Measure how fast labels are written: by us in bulk, by us one by one, and by the jira package's own way.

`make bench-write`, or `python benchmarks/write.py --help`. A stand-in Jira in another process has latency and
the limits that Jira Cloud documents. The package's loop is run on fewer issues, and compared by the change.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from jira import JIRA

from connectors.changes import LabelChange
from connectors.jira import JiraLabels, JiraSiteConfig, connect
from sync.sandbox import Deployment
from sync.sandbox.credentials import Credentials

HERE = Path(__file__).parent
Way = Callable[[str, str, Sequence[LabelChange]], None]
KNOWN = Credentials()


@dataclass(frozen=True)
class Told:
    """What one way cost for one change, and what the stand-in saw of it."""

    name: str
    changes: int
    seconds: float
    seen: dict[str, Any]

    @property
    def each(self) -> float:
        """Milliseconds a change."""
        return 1000 * self.seconds / self.changes


@contextmanager
def stand_in(issues: int, latency: float, deployment: str) -> Iterator[str]:
    command = [sys.executable, str(HERE / "write_stand_in.py"), "--issues", str(issues)]
    command += ["--latency", str(latency), "--deployment", deployment]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def ours(url: str, deployment: str, changes: Sequence[LabelChange], *, bulk: bool) -> None:
    login = {"email": KNOWN.email, "api_token": KNOWN.token} if deployment == "cloud" else {"pat": KNOWN.pat}
    config = JiraSiteConfig.model_validate({"url": url, "jql": "project = PAY", "bulk_edits": bulk, **login})
    with connect(config) as site:
        answered = [one for batch in JiraLabels(site, "align-").apply(changes) for one in batch]
    assert len(answered) == len(changes)
    assert all(one.outcome.done for one in answered)


def package(url: str, deployment: str, changes: Sequence[LabelChange]) -> None:
    """What its documentation shows: fetch the issue, then update it."""
    if deployment == "cloud":
        jira = JIRA(server=url, basic_auth=(KNOWN.email, KNOWN.token))
    else:
        jira = JIRA(server=url, token_auth=KNOWN.pat)
    for change in changes:
        issue = jira.issue(change.issue_id, fields="labels")
        operations = [{"add": name} for name in change.add] + [{"remove": name} for name in change.remove]
        issue.update(update={"labels": operations}, notify=False)
    jira.close()  # type: ignore[no-untyped-call]


def measure(name: str, url: str, changes: Sequence[LabelChange], way: Callable[[], None]) -> Told:
    requests.post(f"{url}/__bench__", timeout=60)
    began = time.monotonic()
    way()
    spent = time.monotonic() - began
    return Told(name, len(changes), spent, requests.get(f"{url}/__bench__", timeout=60).json())


def changes_of(count: int, label: str) -> list[LabelChange]:
    return [LabelChange(str(10001 + n), f"PAY-{n + 1}", add=(label,)) for n in range(count)]


def run(deployment: str, count: int, few: int, latency: float) -> list[Told]:
    with stand_in(count, latency, deployment) as url:
        one, other, third = (
            changes_of(n, label) for n, label in ((few, "p"), (few, "align-s"), (count, "align-b"))
        )
        told = [
            measure("jira package: issue(), update()", url, one, lambda: package(url, deployment, one)),
            measure(
                "ours, one request an issue", url, other, lambda: ours(url, deployment, other, bulk=False)
            ),
        ]
        if deployment == "cloud":
            bulk = measure("ours, bulk edits", url, third, lambda: ours(url, deployment, third, bulk=True))
            told.append(bulk)
    return told


def show(deployment: str, latency: float, told: Sequence[Told]) -> None:
    print(f"\n{deployment}, {latency * 1000:.0f} ms a request")
    titles = ["changes", "s", "ms each", "faster", "writes", "reads", "fullest s", "429"]
    print(" " * 34 + "".join(f"{title:>10}" for title in titles))
    for one in told:
        counts = one.seen["counts"]
        cells = [
            f"{one.changes}",
            f"{one.seconds:.1f}",
            f"{one.each:.2f}",
            f"{told[0].each / one.each:.1f}x",
            f"{sum(counts.get(method, 0) for method in ('PUT', 'POST', 'DELETE'))}",
            f"{counts.get('GET', 0)}",
            f"{one.seen['fullest'].get('PUT', 0)}",
            f"{one.seen['refused']}",
        ]
        print(f"{one.name:34}" + "".join(f"{cell:>10}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000, help="label changes as bulk edits")
    parser.add_argument("--singly", type=int, default=1_000, help="label changes one request at a time")
    parser.add_argument("--latency", type=float, default=0.02)
    options = parser.parse_args()
    for deployment in map(str, Deployment):
        told = run(deployment, options.changes, options.singly, options.latency)
        show(deployment, options.latency, told)


if __name__ == "__main__":
    main()
