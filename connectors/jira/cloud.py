"""Turn a JQL scope on Jira Cloud into batches of raw issues, following page tokens to the proven end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.errors import IncompleteRead, Refused
from connectors.http import clean
from connectors.jira.client import JiraClient, NotJira
from connectors.jira.jql import within
from connectors.jira.search import Batch, Raw, askable, issues_in, unmet

BULK_LIMIT = 100


class CloudSearch:
    """`POST search/jql`: pages may be short or empty, there is no total, and only the token tells the end."""

    def __init__(self, client: JiraClient) -> None:
        self.client = client

    def batches(
        self, jql: str, setting: str, fields: Sequence[str], seen: set[str], position: str | None
    ) -> Iterator[Batch]:
        query = {"jql": within(jql), "fields": list(fields), "maxResults": self.client.config.page_size}
        token = position
        tokens = {token}
        while True:
            try:
                answer = self._page(query, token, setting)
            except NotJira:
                raise
            except Refused:
                if token is None or token != position:
                    raise
                # The token of an earlier night has expired (they live seven days): read from the start.
                token = position = None
                tokens.clear()
                continue
            issues = issues_in(answer)
            token = next_token(answer)
            if token and token in tokens:
                raise IncompleteRead(
                    f"{self.client.place.host} sent the same page token twice while reading {setting}: "
                    "what was read is not the whole. The next run reads it again."
                )
            tokens.add(token)
            yield Batch(unmet(issues, seen), token)
            if token is None:
                return

    def _page(self, query: Mapping[str, Any], token: str | None, setting: str) -> Any:
        body = {**query, "nextPageToken": token} if token else query
        return self.client.request(
            "POST", "search/jql", body=body, resend=True, subject=f"the JQL in {setting}"
        )

    def count(self, jql: str, setting: str) -> int | None:
        answer = self.client.request(
            "POST",
            "search/approximate-count",
            body={"jql": f"({jql})"},
            resend=True,
            subject=f"the JQL in {setting}",
        )
        count = answer.get("count") if isinstance(answer, Mapping) else None
        return count if isinstance(count, int) else None

    def by_id(self, wanted: Sequence[str], fields: Sequence[str]) -> list[Raw]:
        found: list[Raw] = []
        names = askable(wanted)
        for start in range(0, len(names), BULK_LIMIT):
            found += self._fetch(names[start : start + BULK_LIMIT], fields)
        return found

    def _fetch(self, wanted: list[str], fields: Sequence[str]) -> list[Raw]:
        """Bulk fetch leaves out what is deleted or hidden; its errors are issues that exist, not yet read."""
        issues, failed = self._bulk_fetch(wanted, fields)
        if failed:
            again, failed = self._bulk_fetch(list(failed), fields)
            issues += again
        if failed:
            name, reason = next(iter(failed.items()))
            raise IncompleteRead(
                f"{self.client.place.host} could not give {len(failed)} parent issues, {name} among them: "
                f"{clean(reason) or 'it gave no reason'}"
            )
        return issues

    def _bulk_fetch(self, wanted: list[str], fields: Sequence[str]) -> tuple[list[Raw], dict[str, str]]:
        answer = self.client.request(
            "POST",
            "issue/bulkfetch",
            body={"issueIdsOrKeys": wanted, "fields": list(fields)},
            resend=True,
            subject="the list of parent issues",
        )
        errors = answer.get("issueErrors") if isinstance(answer, Mapping) else None
        failed = {
            str(error.get("id")): str(error.get("errorMessage") or "")
            for error in errors or ()
            if isinstance(error, Mapping)
        }
        return issues_in(answer), failed


def next_token(answer: Mapping[str, Any]) -> str | None:
    """The token of the next page, None at the end: `isLast`, or no token (left out, null or empty)."""
    token = answer.get("nextPageToken") or None
    if answer.get("isLast") is True:
        return None
    if token is None and answer.get("isLast") is False:
        raise IncompleteRead("Jira says that more issues follow but gives no token to read them with.")
    return str(token) if token is not None else None
