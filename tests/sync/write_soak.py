"""Days of people and nights of Tieline on the same issues, one after another: a small model knows each label.

Each schedule is a day of edits, a night (or a bad one, in which much goes wrong, and a healing one) and
maybe an undo. `make soak-write ARGS="--bad 1.0 --issues 30"`; a seed tells the same story again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from sync.sandbox import Deployment, Sandbox
from tests.sync.people.crowd import Crowd
from tests.sync.people.nights import bad_night, night, second_runner, undo


def soak(
    deployment: Deployment, schedules: int, seed: int, issues: int, bad: float, folder: Path
) -> tuple[list[str], Counter[str]]:
    """Live through so many schedules; end with the first after which a label is not as the model has it."""
    with Sandbox(deployment) as jira:
        crowd = Crowd(jira, folder, Random(seed), issues)
        try:
            for number in range(1, schedules + 1):
                wrong = live_through(crowd, bad)
                crowd.tally["schedules"] += 1
                if wrong:
                    return [
                        f"{deployment.value}, schedule {number} of seed {seed}: {text}" for text in wrong
                    ], (crowd.tally)
        except KeyboardInterrupt:
            crowd.tally["interrupted"] = 1
        finally:
            crowd.close()
    return [], crowd.tally


def live_through(crowd: Crowd, bad: float) -> list[str]:
    """Live through one schedule."""
    random = crowd.random
    crowd.act(random.randint(1, crowd.issues // 2))
    wrong = second_runner(crowd) if random.random() < 0.05 else []
    wrong += bad_night(crowd) if random.random() < bad else night(crowd)
    while not wrong and random.random() < 0.2:
        if random.random() < 0.5:
            crowd.act(random.randint(0, 5))
        wrong += undo(crowd)
    return wrong


def main() -> int:
    """Soak from the command line, and say what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--issues", type=int, default=100)
    parser.add_argument("--bad", type=float, default=0.6, help="the share of nights in which much goes wrong")
    parser.add_argument("--deployment", choices=[one.value for one in Deployment], default="cloud")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        wrong, tally = soak(
            Deployment(given.deployment), given.schedules, given.seed, given.issues, given.bad, Path(name)
        )
    sys.stdout.write(", ".join(f"{number} {name}" for name, number in sorted(tally.items())) + "\n")
    sys.stdout.write("".join(f"{text}\n" for text in wrong) or "0 labels other than the model has them\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
