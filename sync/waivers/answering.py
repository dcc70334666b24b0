"""Answer what people ask for on tickets: approved until a day, or rejected, with who decided and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from sync.errors import ConfigurationError
from sync.frame.opening import open_run
from sync.frame.progress import Quiet
from sync.frame.service import Options, Service
from sync.store import audit, requests
from sync.store.schema import AnyRow
from sync.waivers.asking import RequestFacts, Standing


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer: approved until a day, or rejected."""

    standing: Standing
    by: str
    reason: str
    until: date | None = None


def decide(
    service: Service,
    keys: Sequence[str],
    rule: str | None,
    decision: Decision,
) -> list[RequestFacts]:
    """Answer the live requests on these tickets, all in one run of its own, and give them as they stand then.

    Raises `ConfigurationError` for a ticket on which nobody asks for anything; nothing is answered then.
    """
    trigger = "approve" if decision.standing is Standing.APPROVED else "reject"
    with (
        open_run(service, Options(f"waivers {trigger}"), Quiet()) as (result, *_),
        service.engine.begin() as connection,
    ):
        rows = requests.requests(connection, keys=keys, rule=rule)
        asked = {row.key for row in rows}
        missing = [key for key in keys if key not in asked]
        if missing:
            of = "" if rule is None else f" of {rule}"
            raise ConfigurationError(
                *(
                    f"{key}: nobody asks for anything{of} there. `tieline waivers requests` lists them."
                    for key in missing
                )
            )
        for row in rows:
            settle(connection, row, decision, service, result.run_id)
        return [requests.facts_of(row) for row in requests.requests(connection, keys=keys, rule=rule)]


def settle(connection: Connection, row: AnyRow, decision: Decision, service: Service, run_id: int) -> None:
    """Keep one answer, and note it in the chain of what was done."""
    now = service.clock()
    given = {"decided_by": decision.by, "decided_at": now, "reason": decision.reason, "until": decision.until}
    if decision.standing is Standing.APPROVED:
        requests.approve(connection, row, given, run_id)
    else:
        requests.reject(connection, row, given)
    said = {
        "key": row.key,
        "rule": row.rule,
        "kind": row.kind,
        "state": decision.standing.value,
        "by": decision.by,
        "why": decision.reason,
        "until": None if decision.until is None else str(decision.until),
    }
    audit.append(connection, run_id, "request", [said], now)
