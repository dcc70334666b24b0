"""Read every epic of a Jira in one of several ways and print what it cost: one way for each process.

`python benchmarks/pull_clients.py WAY URL DEPLOYMENT FOLDER` prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from jira import JIRA
from sqlalchemy import func, select

from connectors.jira import JiraIssues, JiraSite, JiraSiteConfig, connect
from connectors.objectives import ObjectivesSource
from connectors.objectives.config import canonical
from sync.feeds import Feed, Kind
from sync.frame.progress import Quiet
from sync.pull import Pull
from sync.sandbox.credentials import Credentials
from sync.store import links, runs, tables
from sync.store.database import open_store
from sync.store.money.guards import Allowed
from sync.store.schema import table_of

JQL = "issuetype = Epic"
PROOF = Credentials()
OBJECTIVES = 240  # as many as the stand-in names


def config(url: str, deployment: str, **more: Any) -> JiraSiteConfig:
    cloud = {"email": PROOF.email, "api_token": PROOF.token}
    given = {"url": url, "jql": JQL, "objective_field": "Objective ids", "rate_limits": FAST}
    return JiraSiteConfig.model_validate(
        given | (cloud if deployment == "cloud" else {"pat": PROOF.pat}) | more
    )


# The stand-in has no limits, and the others know none.
FAST = {"POST": 10_000, "GET": 10_000}


def session_for(site: JiraSite) -> requests.Session:
    session = requests.Session()
    if site.is_cloud:
        session.auth = (PROOF.email, PROOF.token)
    else:
        session.headers["Authorization"] = f"Bearer {PROOF.pat}"
    return session


def plain_loop(url: str, deployment: str, _: Path) -> int:
    """One session, 100 issues a page, the same fields; every issue is kept in a list."""
    with connect(config(url, deployment)) as site:
        fields = list(site.fields.to_request)
        session = session_for(site)
    body: dict[str, Any] = {"jql": f"{JQL} ORDER BY created ASC", "fields": fields, "maxResults": 100}
    issues: list[Any] = []
    while True:
        path = "/rest/api/3/search/jql" if deployment == "cloud" else "/rest/api/2/search"
        answer = session.post(url + path, json=body).json()
        issues += answer["issues"]
        if deployment == "cloud":
            if not answer.get("nextPageToken"):
                return len(issues)
            body["nextPageToken"] = answer["nextPageToken"]
        else:
            body["startAt"] = len(issues)
            if len(issues) >= answer["total"]:
                return len(issues)


def jira_package(url: str, deployment: str, _: Path) -> int:
    """The `jira` package reads all it finds, with the same fields."""
    with connect(config(url, deployment)) as site:
        fields = list(site.fields.to_request)
    if deployment == "cloud":
        client = JIRA(server=url, basic_auth=(PROOF.email, PROOF.token))
        return len(client.enhanced_search_issues(JQL, maxResults=0, fields=fields))
    client = JIRA(server=url, token_auth=PROOF.pat)
    return len(client.search_issues(JQL, maxResults=0, fields=fields))


def bare_fetch(url: str, deployment: str, _: Path, parallel: int = 4) -> int:
    """A sweep of ids, then bulk fetches in plain threads; no retries, nothing looked at, all kept."""
    with connect(config(url, deployment)) as site:
        fields = list(site.fields.to_request)
        sessions = [session_for(site) for _ in range(parallel)]
    ids: list[str] = []
    body: dict[str, Any] = {"jql": JQL, "fields": ["id"], "maxResults": 5000}
    while True:
        answer = sessions[0].post(url + "/rest/api/3/search/jql", json=body).json()
        ids += [issue["id"] for issue in answer["issues"]]
        if not answer.get("nextPageToken"):
            break
        body["nextPageToken"] = answer["nextPageToken"]
    idle = list(sessions)

    def fetch(start: int) -> list[Any]:
        session = idle.pop()
        asked = {"issueIdsOrKeys": ids[start : start + 100], "fields": fields}
        issues: list[Any] = session.post(url + "/rest/api/3/issue/bulkfetch", json=asked).json()["issues"]
        idle.append(session)
        return issues

    with ThreadPoolExecutor(parallel) as pool:
        return sum(map(len, list(pool.map(fetch, range(0, len(ids), 100)))))


def our_connector(url: str, deployment: str, _: Path) -> int:
    """Our connector alone: every issue normalised, page after page, nothing stored."""
    with connect(config(url, deployment)) as site:
        return sum(len(page.records) for page in JiraIssues(site, "align-").pages())


def our_pull(url: str, deployment: str, folder: Path) -> int:
    """Our whole pull: every issue normalised, stored, committed with its cursor, and linked."""
    engine = open_store(f"sqlite:///{folder / 'pull.db'}")
    now = datetime.now(UTC)
    with connect(config(url, deployment)) as site:
        feed = Feed("jira", Kind.WORK, lambda: JiraIssues(site, "align-"), site="jira", resumable=True)
        with engine.begin() as connection:
            run_id = runs.begin(connection, "benchmark", now, dry_run=False)
        for one in (goals_in(folder), feed):
            pulled = Pull(engine, one, run_id, lambda: datetime.now(UTC), Allowed(1.0), Quiet()).read()
            if not pulled.complete:
                raise SystemExit(pulled.message)
    with engine.begin() as connection:
        links.relink_objectives(connection)
        return connection.scalar(select(func.count()).select_from(table_of(tables.WorkItem))) or 0


def goals_in(folder: Path) -> Feed:
    """The objectives that the issues name, so that there is something to link them to."""
    path = folder / "objectives.csv"
    path.write_text("id,title\n" + "".join(f"OBJ-{n},Objective {n}\n" for n in range(OBJECTIVES)))
    return Feed("objectives", Kind.OBJECTIVES, lambda: ObjectivesSource(canonical(path)))


WAYS: dict[str, Callable[[str, str, Path], int]] = {
    "plain": plain_loop,
    "package": jira_package,
    "bare": bare_fetch,
    "connector": our_connector,
    "pull": our_pull,
    "again": our_pull,
}


def status_lines() -> Iterator[tuple[str, str]]:
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        yield name, value.strip()


def main() -> None:
    way, url, deployment, folder = sys.argv[1:]
    began, cpu = time.perf_counter(), time.process_time()
    issues = WAYS[way](url, deployment, Path(folder))
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = int(dict(status_lines())["VmHWM"].split()[0]) / 1024
    print(json.dumps({"issues": issues, "wall": wall, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
