"""Turn one label change into one request that adds and removes labels, and Jira's answer into an outcome."""

from __future__ import annotations

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from connectors.errors import NotFound, PermissionDenied, Refused
from connectors.http import pause
from connectors.jira.client import Conflict, JiraClient, NotJira
from connectors.jira.site import JiraSite
from connectors.records import LabelChange, Outcome

CONFLICT_TRIES = 3


class JiraLabels:
    """Writes labels with `add` and `remove` operations: the rest of the set is never sent, so never lost.

    Watchers are not mailed where the account may suppress that (it must administer the project). Jira refuses
    the whole request where it may not: then the change is sent once more without it, and the project is
    remembered. `own_prefix` is a second lock beside the plan's: labels outside it are refused here as well.
    """

    def __init__(self, site: JiraSite, own_prefix: str) -> None:
        self.client: JiraClient = site.client
        self.own_prefix = own_prefix
        self.loud_projects: set[str] = set()

    def apply(self, change: LabelChange) -> Outcome:
        foreign = [name for name in (*change.add, *change.remove) if not name.startswith(self.own_prefix)]
        if foreign:
            return Outcome(
                False, f"{foreign[0]!r} does not begin with {self.own_prefix!r}: not ours to touch"
            )
        if not change.add and not change.remove:
            return Outcome(True, "nothing to change")
        try:
            return self._write(change)
        except NotJira:
            raise
        except (Refused, PermissionDenied, NotFound) as error:
            return Outcome(False, str(error))

    def _write(self, change: LabelChange) -> Outcome:
        project = change.issue_key.rpartition("-")[0]
        if project not in self.loud_projects:
            try:
                self._put(change, notify=False)
            except PermissionDenied:
                # It may be the wish for silence that was refused, or the edit itself: the next answer tells.
                self._put(change, notify=True)
                self.loud_projects.add(project)
            else:
                return Outcome(True, detail={"notified": "no"})
        else:
            self._put(change, notify=True)
        reason = f"the account does not administer {project}, so Jira may have mailed the watchers"
        return Outcome(True, detail={"notified": "yes", "why": reason})

    def _put(self, change: LabelChange, *, notify: bool) -> None:
        operations = [{"add": name} for name in change.add] + [{"remove": name} for name in change.remove]
        policy = self.client.policy
        retrying = Retrying(
            retry=retry_if_exception_type(Conflict),
            stop=stop_after_attempt(CONFLICT_TRIES),
            wait=lambda state: pause(state.attempt_number, None, policy),
            sleep=policy.sleep,
            reraise=True,
        )
        retrying(
            self.client.request,
            "PUT",
            f"issue/{change.issue_id}",
            params=None if notify else {"notifyUsers": "false"},
            body={"update": {"labels": operations}},
            resend=True,
            subject="the labels",
        )
