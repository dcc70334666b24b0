"""Plain HTTP clients for the sandbox: `requests` with the right credential, and nothing of the product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests

from sync.sandbox import Deployment, Sandbox

SHARED = Path(__file__).parents[3].parent / "shared"
TIDEV = SHARED / "data/jira/tidev_alloy_mod_daemon.issues.jsonl.gz"
ARROW = SHARED / "data/jira/apache_arrow_dc.issues.jsonl.gz"


class Client:
    """Talks REST to one sandbox; `version` is 3 on Cloud and 2 on Data Center unless said otherwise."""

    def __init__(self, jira: Sandbox) -> None:
        self.jira = jira
        self.version = "3" if jira.deployment is Deployment.CLOUD else "2"
        self.http = requests.Session()
        known = jira.credentials
        if jira.deployment is Deployment.CLOUD:
            self.http.auth = (known.email, known.token)
        else:
            self.http.headers["Authorization"] = f"Bearer {known.pat}"

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        url = f"{self.jira.url}/rest/api/{self.version}/{path}"
        return self.http.request(method, url, json=body, params=query, timeout=30)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(self, path: str, body: Any, **query: Any) -> requests.Response:
        return self.ask("PUT", path, body, **query)

    def post(self, path: str, body: Any, **query: Any) -> requests.Response:
        return self.ask("POST", path, body, **query)

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(method, self.jira.control_url + path, json=body, timeout=30)

    def keys(self, jql: str) -> list[str]:
        """The keys a query finds, in order, whole: by token or by offset, as the deployment wants."""
        if self.jira.deployment is Deployment.CLOUD:
            return [issue["key"] for issue in self.by_token(jql, ["key"], 5000)]
        return [issue["key"] for issue in self.by_offset(jql, ["key"], 1000)]

    def by_token(self, jql: str, fields: list[str], size: int) -> list[Any]:
        found: list[Any] = []
        asked: dict[str, Any] = {"jql": jql, "fields": fields, "maxResults": size}
        while True:
            page = self.post("search/jql", asked).json()
            found += page["issues"]
            if page["isLast"]:
                assert "nextPageToken" not in page
                return found
            asked["nextPageToken"] = page["nextPageToken"]

    def by_offset(self, jql: str, fields: list[str], size: int) -> list[Any]:
        found: list[Any] = []
        while True:
            asked = {"jql": jql, "fields": fields, "maxResults": size, "startAt": len(found)}
            page = self.post("search", asked).json()
            found += page["issues"]
            if len(found) >= page["total"]:
                return found

    def close(self) -> None:
        self.http.close()
