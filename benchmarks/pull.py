"""Measure how fast every epic of a Jira is read: by us, by a plain loop, by the jira package, by other tools.

`make bench-pull`, or `python benchmarks/pull.py --help`. Each way runs in a process of its own against one
stand-in Jira; the table holds the run with the median wall time. Read ratios, not seconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pull_peers
import requests

HERE = Path(__file__).parent
NAMES = {
    **pull_peers.NAMES,
    "plain": "plain requests loop, 100 a page, same fields",
    "package": "jira package, same fields",
    "bare": "bare ids and bulk fetch, 4 in flight, nothing stored",
    "connector": "our connector, normalised",
    "pull": "our pull: normalised, stored, linked, committed",
    "again": "our pull, a night later, nothing changed",
}
ON_CLOUD = ["plain", "package", "bare", "connector", "pull", "again"]
ON_DATA_CENTER = ["plain", "package", "connector", "pull", "again"]
Result = dict[str, Any]


@contextmanager
def stand_in(issues: int, deployment: str, *more: str) -> Iterator[list[str]]:
    """A Jira in another process; gives its addresses."""
    command = [sys.executable, str(HERE / "stand_in.py"), "--issues", str(issues), "--deployment", deployment]
    command += more
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield process.stdout.readline().split()
        finally:
            process.stdin.close()


@dataclass(frozen=True)
class Bench:
    """What is measured and where: the stand-in's addresses, the ways, and a Python for each peer."""

    addresses: list[str]
    deployment: str
    ways: list[str]
    peers: dict[str, Path]

    def run(self, way: str, folder: Path, latency: float) -> Result:
        """Read everything once and say what it cost."""
        url = self.addresses[0]
        requests.post(f"{url}/__bench__", json={"latency": latency}, timeout=60)
        if way in self.peers:
            address = self.addresses[-1] if way == "tap-jira" else url
            (folder / way).mkdir()
            result = pull_peers.RUN[way](self.peers[way], address, folder / way)
        else:
            result = run_ours(way, url, self.deployment, folder)
        told = requests.get(f"{url}/__bench__", timeout=60).json()
        counts = [count for name, count in told["requests"].items() if "search" in name or "fetch" in name]
        return result | {"requests": sum(counts), "megabytes": told["bytes"] / 1e6}


def run_ours(way: str, url: str, deployment: str, folder: Path) -> Result:
    command = [sys.executable, str(HERE / "pull_clients.py"), way, url, deployment, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stderr}")
    result: Result = json.loads(done.stdout)
    return result


def measure(bench: Bench, repeat: int, latency: float) -> dict[str, Result]:
    """The median run of each way; the ways take turns, so that a busy machine is busy for all of them."""
    results: dict[str, list[Result]] = {way: [] for way in bench.ways}
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as folder:
            for way in bench.ways:
                results[way].append(bench.run(way, Path(folder), latency))
    return {
        way: min(runs, key=lambda one: abs(one["wall"] - statistics.median(r["wall"] for r in runs)))
        for way, runs in results.items()
    }


def show(results: dict[str, Result], latency: float, deployment: str) -> None:
    base = results.get("plain") or next(iter(results.values()))
    print(f"\n### {deployment}, {latency * 1000:.0f} ms for each request\n")
    print("| what | issues | wall s | to plain | requests | MB | CPU s | peak RSS MiB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for way, one in results.items():
        print(
            f"| {NAMES[way]} | {one['issues']} | {one['wall']:.2f} | {one['wall'] / base['wall']:.2f} "
            f"| {one['requests']} | {one['megabytes']:.1f} | {one['cpu']:.2f} | {one['peak']:.0f} |",
            flush=True,
        )


@dataclass(frozen=True)
class Bar:
    """What our whole pull is held to: that many times as fast as another way, for one of the latencies."""

    deployment: str
    latency: float
    other: str
    times: float

    def judged(self, results: dict[str, Result]) -> str:
        reached = results[self.other]["wall"] / results["pull"]["wall"]
        word = "met" if reached >= self.times else "MISSED"
        return f"| {reached:.2f} times as fast as {NAMES[self.other]} | {self.times:.2f} | {word} |"


BARS = (
    Bar("cloud", 20, "tap-jira", 6),
    Bar("cloud", 20, "dlt", 10),
    Bar("cloud", 20, "bare", 1 / 1.5),
    Bar("cloud", 200, "plain", 6),
    Bar("dc", 20, "plain", 1),
    Bar("dc", 200, "plain", 1),
)


def judge(results: dict[str, Result], latency: float, deployment: str) -> None:
    """Say which bars are met; the fewest requests are pages of ids and of issues, as large as Jira gives."""
    if "pull" not in results:
        return
    print("\n| our pull, of the same round | at least | |\n|---|---:|---|")
    for bar in BARS:
        if (bar.deployment, bar.latency / 1000) == (deployment, latency) and bar.other in results:
            print(bar.judged(results))
    issues, sent = results["pull"]["issues"], results["pull"]["requests"]
    least = -(-issues // 5000) + -(-issues // 100) if deployment == "cloud" else -(-issues // 1000)
    word = "met" if sent <= 1.05 * least else "MISSED"
    print(
        f"| {sent} requests, {sent / least:.2f} times the fewest possible | at most 1.05 | {word} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--issues", type=int, default=20_000)
    parser.add_argument(
        "--custom-fields", default="50", help="more fields on each issue, not asked for by us"
    )
    parser.add_argument("--latency", type=float, nargs="+", default=[20.0, 200.0], metavar="MS")
    parser.add_argument("--deployment", choices=["cloud", "dc"], default="cloud")
    parser.add_argument("--ways", nargs="+", choices=[*ON_CLOUD], default=None)
    parser.add_argument("--peers", action="store_true", help="other tools too, installed for the time being")
    parser.add_argument("--tools", type=Path, help="a folder to keep the other tools in for the next time")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="*", metavar="ISSUES", help="peak memory at these sizes")
    options = parser.parse_args()
    if options.memory is not None:
        measure_memory(options.memory or [50_000, 200_000], options.custom_fields or "50")
        return
    ways = options.ways or (ON_CLOUD if options.deployment == "cloud" else ON_DATA_CENTER)
    with tempfile.TemporaryDirectory() as folder:
        measure_all(options, ways, Path(folder))


def measure_memory(sizes: list[int], custom_fields: str) -> None:
    """Show that what is held in memory does not grow with the number of issues."""
    print("| issues | CPU s | peak RSS MiB |\n|---:|---:|---:|", flush=True)
    peaks = []
    for size in sizes:
        more = ["--custom-fields", custom_fields, "--endless", str(size)]
        with stand_in(20, "cloud", *more) as addresses, tempfile.TemporaryDirectory() as folder:
            one = run_ours("pull", addresses[0], "cloud", Path(folder))
        assert one["issues"] == size, one
        peaks.append(one["peak"])
        print(f"| {size} | {one['cpu']:.1f} | {one['peak']:.0f} |", flush=True)
    within = peaks[-1] < 200 and peaks[-1] <= 1.1 * peaks[0]
    print(f"\nUnder 200 MiB, and the last within 10 % of the first: {'met' if within else 'MISSED'}")


def measure_all(options: argparse.Namespace, ways: list[str], folder: Path) -> None:
    peers, more = {}, ["--custom-fields", options.custom_fields or "0"]
    if options.peers and options.deployment == "cloud":
        peers, pem = pull_peers.install(options.tools or folder), pull_peers.make_certificate(folder)
        more += ["--certificate", str(pem)]
        for python in peers.values():
            pull_peers.trust(python, pem)
    with stand_in(options.issues, options.deployment, *more) as addresses:
        bench = Bench(addresses, options.deployment, [*ways, *peers], peers)
        measure(bench, 1, 0.0)  # fills the cache of the stand-in
        for latency in options.latency:
            results = measure(bench, options.repeat, latency / 1000)
            show(results, latency / 1000, options.deployment)
            judge(results, latency / 1000, options.deployment)


if __name__ == "__main__":
    main()
