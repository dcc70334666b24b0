"""How fast a label goes after a webhook, and whether anything is lost or doubled in a thousand of them.

    python -m tests.sync.hooks.hook_soak                                  # 1,000 deliveries about 100 epics
    python -m tests.sync.hooks.hook_soak --deliveries 200 --epics 20 --seed 3 --deployment dc

Every epic gets its objective at some moment; what Jira tells of it then comes shuffled, several times, among
forged, oversized and useless deliveries. In the end each label must have been taken off exactly once, what is
forged or too large must have been refused and counted, and the next night must have nothing to write.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from threading import Event, Thread

from sync.hooks.receiving import LARGEST
from sync.sandbox import Deployment, Sandbox
from sync.store.database import open_store
from tests.sync.hooks.gatehouse import Gatehouse, guarded
from tests.sync.house import House

KINDS = ("true", "forged", "oversized", "useless")
# One delivery in so many is none that Jira sent, or none of use.
ODD_ONES = {"forged": 10, "oversized": 50, "useless": 20}
ANSWERS = {"true": 202, "forged": 401, "oversized": 413, "useless": 202}


def drawn(draw: random.Random, keys: list[str], number: int) -> list[tuple[str, str]]:
    """Draw deliveries as (kind, key): each epic is told of at least once, the others as it comes."""
    odd = [(kind, draw.choice(keys)) for kind, one_in in ODD_ONES.items() for _ in range(number // one_in)]
    told = [("true", key) for key in keys]
    more = [("true", draw.choice(keys)) for _ in range(number - len(odd) - len(told))]
    every = odd + told + more
    draw.shuffle(every)
    return every


def send(gate: Gatehouse, kind: str, key: str) -> int:
    """Send one delivery and give the status of its answer."""
    if kind == "forged":
        said = {"webhookEvent": "jira:issue_updated", "issue": {"id": gate.id(key)}}
        return gate.deliver(said, secret="somebody else's secret").status_code
    if kind == "oversized":
        return gate.deliver(b"x" * (LARGEST + 1)).status_code
    if kind == "useless":
        return gate.deliver({"webhookEvent": "comment_created", "issue": {"id": gate.id(key)}}).status_code
    return gate.tell(key).status_code


def watch(gate: Gatehouse, told: dict[str, float], gone: dict[str, float], stop: Event) -> None:
    """Note for each epic that was told of when its label had gone."""
    while not stop.is_set():
        for key in [key for key in list(told) if key not in gone and gate.labels(key) == []]:
            gone[key] = time.monotonic()
        time.sleep(0.005)


def deliver(house: House, every: list[tuple[str, str]], pace: float) -> tuple[Counter[str], list[float]]:
    """Deliver everything; give how often each kind was answered rightly, and the seconds to each effect."""
    told: dict[str, float] = {}
    gone: dict[str, float] = {}
    stop, rightly = Event(), Counter[str]()
    with guarded(house) as gate:
        watcher = Thread(target=watch, args=(gate, told, gone, stop))
        watcher.start()
        try:
            for kind, key in every:
                if kind == "true" and key not in told:
                    house.serve(key, "O1")
                    told[key] = time.monotonic()
                rightly[kind] += send(gate, kind, key) == ANSWERS[kind]
                time.sleep(pace)
            gate.until(lambda: len(gone) == len(told) and not gate.hints.waiting)
        finally:
            stop.set()
            watcher.join()
        assert gate.hints.told["forged"] == rightly["forged"], gate.hints.told
        assert gate.hints.told["oversized"] == rightly["oversized"], gate.hints.told
        removed = Counter(row.work_item_id for row in gate.writes())
        assert set(removed.values()) == {1}, "a label was taken off twice"
        assert len(removed) == len(told), "an effect was lost"
    return rightly, [gone[key] - told[key] for key in told]


def soak(deployment: Deployment, deliveries: int, epics: int, seed: int, pace: float) -> None:
    """Run it once, on a store and a stand-in Jira of its own."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(deployment) as jira:
        engine = open_store(f"sqlite:///{Path(folder) / 'tieline.db'}")
        # As a person would who mends a hundred epics in a minute, and knows it.
        limits = {
            "TIELINE_MAX_SHARE": "100%",
            "TIELINE_MAX_REMOVALS": "100%",
            "TIELINE_MAX_PROJECT_SHARE": "100%",
        }
        house = House(jira, Path(folder), engine, limits).furnish()
        keys = [f"PAY-{number}" for number in range(1, epics + 1)]
        for key in (*keys, "PAY-9999"):  # one is never mended: a rule that finds nothing is held back
            house.add_epic(key=key)
        house.night()
        every = drawn(random.Random(seed), keys, deliveries)
        rightly, seconds = deliver(house, every, pace)
        assert rightly == Counter(kind for kind, _ in every), (rightly, Counter(kind for kind, _ in every))
        house.night()
        assert house.writes() == 0, "the next night had something to write"
        engine.dispose()
    counts = ", ".join(f"{rightly[kind]} {kind}" for kind in KINDS)
    print(f"{deployment.value}, seed {seed}: {len(every)} deliveries ({counts}), each effect once")
    late = sorted(seconds)[int(len(seconds) * 0.95)]
    middle = statistics.median(seconds)
    print(f"label gone after: median {middle:.2f} s, 95 % {late:.2f} s, the last {max(seconds):.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=1000)
    parser.add_argument("--epics", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=0.02, help="seconds between two deliveries")
    parser.add_argument("--deployment", type=Deployment, choices=list(Deployment), default=Deployment.CLOUD)
    options = parser.parse_args()
    soak(options.deployment, options.deliveries, options.epics, options.seed, options.pace)


if __name__ == "__main__":
    main()
