"""Turn label changes into requests that add and remove labels, and Jira's answers into outcomes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt

from connectors.changes import Answered, LabelChange, Outcome
from connectors.errors import ConnectorError, NotFound, PermissionDenied, Refused, Unreachable
from connectors.http import pause
from connectors.jira.bulk_edits import BulkEdits, split
from connectors.jira.client import Conflict, JiraClient, NotJira
from connectors.jira.crew import as_done, in_order
from connectors.jira.reading import search_for
from connectors.jira.site import JiraSite

CONFLICT_TRIES = 3
# An issue that never answers is left open and the others go on; when several in a row do not, it is the site.
LOST_IN_A_ROW = 3


def issue_with_labels(client: JiraClient, issue_id: str) -> Mapping[str, Any] | None:
    """One issue by its id, or nothing where it is gone or hidden."""
    try:
        answer: Any = client.get(f"issue/{issue_id}", fields="labels")
    except NotFound:
        return None
    return answer if isinstance(answer, Mapping) else None


def always() -> None:
    """Permit everything."""


class JiraLabels:
    """Writes labels with `add` and `remove` operations: the rest of the set is never sent, so never lost.

    Many equal changes go as bulk edits where the site has them (Cloud) and the account may; the others go one
    request an issue, several at a time. Watchers are not mailed where the account may suppress that (it must
    administer the project): Jira refuses the whole request where it may not; then the change is sent once
    more without it, and the project is remembered. `own_prefix` is a second lock beside the plan's: labels
    outside it are refused here as well, but for the `older` ones, which we wrote when the prefix was another:
    they may only be taken off. `permit` is called before each write, and raises to forbid it.
    """

    def __init__(
        self,
        site: JiraSite,
        own_prefix: str,
        permit: Callable[[], None] = always,
        older: Collection[str] = (),
    ) -> None:
        self.site = site
        self.client: JiraClient = site.client
        self.client.permit = permit
        self.own_prefix = own_prefix
        self.older = frozenset(older)
        self.loud_projects: set[str] = set()
        self._lost = 0

    def apply(self, changes: Sequence[LabelChange]) -> Iterator[Sequence[Answered]]:
        single = [change for change in changes if self._is_ours(change)]
        foreign = [self._refuse_foreign(change) for change in changes if not self._is_ours(change)]
        if foreign:
            yield foreign
        bulk = BulkEdits(self.client)
        if self.site.is_cloud and self.client.config.bulk_edits:
            tasks, single = split(single)
            yield from bulk.carry_out(tasks)
        for answered in self._one_by_one([*bulk.left, *single], sent=bulk.left):
            yield [doubted(one) if one.change in bulk.unsure else one for one in answered]

    def labels_of(self, issue_ids: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """As they are now. On Data Center several issues at once come from its index, which lags behind what
        was just written; there each is asked for by itself.
        """
        if self.site.is_cloud:
            found = search_for(self.site).by_id(issue_ids, ["labels"]).issues
        else:
            each = in_order(self.client, issue_ids, issue_with_labels)
            found = [issue for issue in each if issue is not None]
        return {str(issue["id"]): tuple((issue.get("fields") or {}).get("labels") or ()) for issue in found}

    def _is_ours(self, change: LabelChange) -> bool:
        return next(self._foreign(change), None) is None

    def _foreign(self, change: LabelChange) -> Iterator[str]:
        named = (*change.add, *(name for name in change.remove if name not in self.older))
        return (name for name in named if not name.startswith(self.own_prefix))

    def _refuse_foreign(self, change: LabelChange) -> Answered:
        reason = f"{next(self._foreign(change))!r} does not begin with {self.own_prefix!r}: not ours to touch"
        return Answered(change, Outcome(False, reason))

    def _one_by_one(
        self, changes: Sequence[LabelChange], sent: Sequence[LabelChange]
    ) -> Iterator[Sequence[Answered]]:
        """Write issue by issue; `sent` are changes that a bulk edit may have made without telling."""
        if not changes:
            return
        started = dict.fromkeys(sent)

        def work(twin: JiraClient, change: LabelChange) -> Answered:
            started[change] = None
            return Answered(change, self._outcome(twin, change))

        try:
            for answered in as_done(self.client, changes, work, most=len(changes)):
                del started[answered.change]
                yield [answered]
        except ConnectorError as error:
            yield [Answered(change, Outcome(False, str(error), lost=True)) for change in started]
            raise

    def _outcome(self, client: JiraClient, change: LabelChange) -> Outcome:
        try:
            outcome = self._write(client, change)
        except NotJira:
            raise
        except (Refused, PermissionDenied, NotFound) as error:
            outcome = Outcome(False, str(error), lost=error.unsure)
        except Unreachable as error:
            self._lost += 1
            if self._lost >= LOST_IN_A_ROW:
                raise
            return Outcome(False, str(error), lost=True)
        self._lost = 0
        return outcome

    def _write(self, client: JiraClient, change: LabelChange) -> Outcome:
        project = change.issue_key.rpartition("-")[0]
        if project not in self.loud_projects:
            try:
                put(client, change, notify=False)
            except PermissionDenied as refused:
                if refused.unsure:
                    raise
                # It may be the wish for silence that was refused, or the edit itself: the next answer tells.
                put(client, change, notify=True)
                self.loud_projects.add(project)
            else:
                return Outcome(True, detail={"notified": "no"})
        else:
            put(client, change, notify=True)
        reason = f"the account does not administer {project}, so Jira may have mailed the watchers"
        return Outcome(True, detail={"notified": "yes", "why": reason})


def put(client: JiraClient, change: LabelChange, *, notify: bool) -> None:
    """Send one change as one request; an edit that somebody else's crossed is tried again."""
    operations = [{"add": name} for name in change.add] + [{"remove": name} for name in change.remove]
    policy = client.policy
    retrying = Retrying(
        retry=retry_if_exception(crossed),
        stop=stop_after_attempt(CONFLICT_TRIES),
        wait=lambda state: pause(state.attempt_number, None, policy),
        sleep=policy.sleep,
        reraise=True,
    )
    retrying(
        client.request,
        "PUT",
        f"issue/{change.issue_id}",
        params=None if notify else {"notifyUsers": "false"},
        body={"update": {"labels": operations}},
        resend=True,
        subject="the labels",
    )


def doubted(answered: Answered) -> Answered:
    """What is refused may be done all the same, where a bulk edit may have done it before."""
    outcome = answered.outcome
    return answered if outcome.done else replace(answered, outcome=replace(outcome, lost=True))


def crossed(error: BaseException) -> bool:
    """Whether the edit of somebody else got in between, and nothing was changed for certain."""
    return isinstance(error, Conflict) and not error.unsure
