"""Turn what the store knows of the service into Prometheus metrics, for `/metrics` and for a text file.

Everything comes from the store, not from this process: so the figures outlive restarts, are the same for
`serve` and for a run by cron, and count what other processes did.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine

from sync.hooks.tally import Outcome
from sync.service.running import due_on
from sync.service.schedules import Schedule
from sync.store import digests, health, history, webhooks
from sync.store import schedules as ledger
from sync.work.postgresql import standings_of
from sync.work.queue import State

# Of each site at most so many series are shown of its requests; the rarest are counted together.
REQUEST_SERIES = 40
OTHER = "other"


@dataclass(frozen=True, eq=False)
class StoreMetrics(Collector):
    """Reads the metrics from the store each time they are asked for."""

    engine: Engine
    schedules: Sequence[Schedule]
    clock: Callable[[], datetime]

    def collect(self) -> Iterator[Metric]:
        """Give every metric, of one moment."""
        now = self.clock()
        yield gauge("tieline_build_info", "What is running", ["version"], [([version("tieline")], 1.0)])
        with self.engine.connect() as connection:
            yield from of_runs(connection, now)
            yield from of_schedules(connection, self.schedules, now)
            yield from of_sources(connection)
            yield of_shards(connection)
            yield from of_verdicts(connection)
            yield of_requests(connection)
            yield of_webhooks(connection)
            yield of_digests(connection, now)


def gauge(
    name: str, text: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> Metric:
    """Make a gauge with a value for each set of labels."""
    metric = GaugeMetricFamily(name, text, labels=labels)
    for names, value in values:
        metric.add_metric(names, value)
    return metric


def alone(name: str, text: str, value: float | None) -> Iterator[Metric]:
    """Make a gauge without labels, where there is a value."""
    if value is not None:
        yield GaugeMetricFamily(name, text, value=value)


def of_runs(connection: Connection, now: datetime) -> Iterator[Metric]:
    """Give when a run last ended, and well, and how long each of its steps took."""
    last, good = health.last_finished(connection), health.last_finished(connection, well=True)
    yield from alone(
        "tieline_last_success_timestamp_seconds",
        "When a run last ended with exit code 0",
        None if good is None else good.finished_at.timestamp(),
    )
    if last is not None:
        ended, took = last.finished_at.timestamp(), (last.finished_at - last.started_at).total_seconds()
        yield from alone("tieline_last_run_timestamp_seconds", "When a run last ended, however", ended)
        yield from alone("tieline_last_run_duration_seconds", "How long the last run took", took)
        yield from alone("tieline_last_run_exit_code", "The exit code of the last run", last.exit_code)
    at_work = float(health.is_at_work(connection, now))
    yield from alone("tieline_run_in_progress", "1 while a run holds the lease", at_work)
    steps = [([row.step], row.milliseconds / 1000) for row in health.last_steps(connection)]
    yield gauge("tieline_step_duration_seconds", "How long a step took the last time", ["step"], steps)


def of_schedules(connection: Connection, schedules: Sequence[Schedule], now: datetime) -> Iterator[Metric]:
    """Give when each schedule is due next, and for how long it has been due."""
    late, following = [], []
    for schedule in schedules:
        since = ledger.known_since(connection, schedule.name)
        slot = None if since is None else due_on(connection, schedule, now, since)
        late.append(([schedule.name], 0.0 if slot is None else (now - slot.at).total_seconds()))
        following.append(([schedule.name], schedule.times.next_after(now).at.timestamp()))
    text = "For how long a schedule has been due without having been run"
    yield gauge("tieline_schedule_lag_seconds", text, ["schedule"], late)
    yield gauge("tieline_schedule_next_timestamp_seconds", "When it is due next", ["schedule"], following)


def of_sources(connection: Connection) -> Iterator[Metric]:
    """Give how each source was last read, and when it last was read whole."""
    reads = history.newest_reads(connection)
    complete = [([row.source, row.kind], float(row.status == "complete")) for row in reads]
    yield gauge("tieline_source_complete", "1 if its last read was complete", ["source", "kind"], complete)
    whole = [([source], at.timestamp()) for source, at in sorted(health.last_complete(connection).items())]
    text = "When it was last read whole"
    yield gauge("tieline_source_last_complete_timestamp_seconds", text, ["source"], whole)
    records = [([row.source], float(row.records)) for row in reads]
    yield gauge("tieline_source_records", "Records in its last read", ["source"], records)
    refused = [
        ([source], float(number)) for source, number in sorted(health.refused_rows(connection).items())
    ]
    yield gauge("tieline_quarantined_rows", "Refused rows that are not mended", ["source"], refused)


def of_shards(connection: Connection) -> Metric:
    """Count what machines share of the newest run that shared anything."""
    states = Counter(one.state.value for one in standings_of(connection))
    values = [([state.value], float(states[state.value])) for state in State]
    return gauge("tieline_shards", "Sources that machines share in a run", ["state"], values)


def of_verdicts(connection: Connection) -> Iterator[Metric]:
    """Give what was found, and what was written about it."""
    found: Counter[tuple[str, str]] = Counter()
    for row in health.findings_by_state(connection):
        found[row.rule, "waived" if row.waived else row.state] += row.number
    findings = [(list(labels), float(number)) for labels, number in sorted(found.items())]
    yield gauge("tieline_findings", "Findings that are not closed", ["rule", "state"], findings)
    work = [([state], float(items)) for state, items in sorted(health.work_by_state(connection).items())]
    yield gauge("tieline_work_items", "Work items of the last figures by state", ["state"], work)
    written = CounterMetricFamily("tieline_labels_written", "Labels added and removed", labels=["operation"])
    for operation, number in sorted(health.labels_written(connection).items()):
        written.add_metric([operation], number)
    yield written


def of_requests(connection: Connection) -> Metric:
    """Count the requests to each site, within the number of series that a site may have."""
    sites: dict[str, Counter[tuple[str, str]]] = {}
    for row in health.requests_made(connection):
        sites.setdefault(row.site, Counter())[row.endpoint, status_class(row.status)] += int(row.number)
    names = ["site", "endpoint", "status"]
    metric = CounterMetricFamily("tieline_requests", "Requests to Jira by class of answer", labels=names)
    for site, counts in sorted(sites.items()):
        for (endpoint, status), number in sorted(bounded(counts).items()):
            metric.add_metric([site, endpoint, status], number)
    return metric


def of_webhooks(connection: Connection) -> Metric:
    """Count the deliveries of webhooks by what was made of them; a site that had any shows each outcome."""
    text = "Deliveries of webhooks by what was made of them"
    metric = CounterMetricFamily("tieline_webhooks", text, labels=["site", "outcome"])
    numbers = {(row.site, row.outcome): row.number for row in webhooks.counts(connection)}
    for site in sorted({site for site, _ in numbers}):
        for outcome in Outcome:
            metric.add_metric([site, outcome.value], numbers.get((site, outcome.value), 0))
    return metric


def of_digests(connection: Connection, now: datetime) -> Metric:
    """Count the addresses at which the newest digest did not arrive, or nobody knows whether it did."""
    text = "Addresses that did not take their newest digest of the last eight days"
    number = digests.failing(connection, now.date() - digests.RECENT)
    return GaugeMetricFamily("tieline_digests_failing", text, value=number)


def status_class(status: int) -> str:
    """Give `2xx` and the like; 429 is told apart, and 0 is a request that had no answer."""
    return {0: "none", 429: "429"}.get(status, f"{status // 100}xx")


def bounded(counts: Counter[tuple[str, str]], most: int = REQUEST_SERIES) -> Counter[tuple[str, str]]:
    """Count the rarest together, by status alone, where there are too many."""
    if len(counts) <= most:
        return counts
    statuses = {status for _, status in counts}
    kept = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: most - len(statuses)])
    found = Counter(kept)
    for what, number in counts.items():
        if what not in kept:
            found[OTHER, what[1]] += number
    return found


def exposition(metrics: StoreMetrics) -> bytes:
    """Write the metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(metrics)
    return generate_latest(registry)


def write_textfile(metrics: StoreMetrics, path: Path) -> None:
    """Put the metrics into a file for node_exporter's textfile collector, which never sees half of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(exposition(metrics))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
