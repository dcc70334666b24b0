"""The last step of a night: tell people what it brought. Whatever goes wrong here changes no night."""

from __future__ import annotations

from rules.ruleset import RuleSet
from sync.frame.faults import fault
from sync.frame.lease import Heartbeat, Lease
from sync.frame.log import log
from sync.frame.progress import Progress
from sync.frame.result import RunResult
from sync.frame.service import Service
from sync.store.history import coverage_of


def tell_people(
    service: Service, rules: RuleSet, result: RunResult, lease: Lease, progress: Progress
) -> None:
    """Send the digests of a night that judged; the labels are written, so nothing is undone by a failure."""
    post = service.post
    if post is None or not post.audiences or service.deadline.stop.is_set():
        return
    with service.engine.connect() as connection:
        if not coverage_of(connection, result.run_id):
            return
    with progress.step("digests") as step:
        try:
            beating = Heartbeat(step, lease)
            result.digests = post.after_night(result.run_id, rules, result.said, beating)
        except Exception as error:  # noqa: BLE001 - a night is not undone because people could not be told
            log.error("digests broke off", why=fault(error))
