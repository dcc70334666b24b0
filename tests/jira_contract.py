"""Hold every request that the product sends to a Jira against the contract that Jira publishes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest
from openapi_core.exceptions import OpenAPIError

from sync.sandbox import Deployment
from tests.jira_calls import asked_of

SHARED = Path(__file__).parents[1].parent / "shared"
FILES = {"3": "cloud-openapi.json", "2": "datacenter-openapi.json"}
SERVER = "https://jira.invalid"
MARK = "/rest/api/"


def is_ours(request: requests.PreparedRequest) -> bool:
    """Whether the product sent it to a Jira, as its name in the headers says."""
    return request.headers.get("User-Agent") == "tieline" and MARK in str(request.url)


def version_of(request: requests.PreparedRequest) -> str:
    """The version of the API: 3 on Cloud, 2 on Data Center; which of them it is, everybody is asked in 2."""
    return urlsplit(str(request.url)).path.partition(MARK)[2].partition("/")[0]


@cache
def contract(version: str) -> OpenAPI | None:
    """What Jira publishes, strict as it stands; None where the files are not there."""
    path = SHARED / "jira" / FILES.get(version, "")
    if not path.is_file():
        return None
    published = json.loads(path.read_text())
    for operation in chain.from_iterable(path.values() for path in published["paths"].values()):
        if isinstance(operation, dict):
            operation.pop("security", None)  # logins are tested where they are made
    return OpenAPI.from_dict(published | {"servers": [{"url": SERVER}], "security": []})


def shape(value: Any) -> Any:
    """What a value looks like, without what it says: of all requests that look alike one is checked."""
    if isinstance(value, Mapping):
        return tuple(sorted((str(name), shape(inner)) for name, inner in value.items()))
    if isinstance(value, list):
        return tuple(sorted({repr(shape(inner)) for inner in value}))
    return type(value).__name__


def shape_of(request: requests.PreparedRequest) -> tuple[Any, ...]:
    parts = urlsplit(str(request.url))
    words = [word if word.isalpha() else "{}" for word in parts.path.partition(MARK)[2].split("/")]
    body = json.loads(request.body) if request.body else None
    query = sorted(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return request.method, "/".join([version_of(request), *words]), *query, shape(body)


def unlisted(request: requests.PreparedRequest) -> str | None:
    """Where a request is none of those read from the source, which is what other tests go by."""
    path = urlsplit(str(request.url)).path.partition(MARK)[2].partition("/")[2]
    every = (asked for deployment in Deployment for asked in asked_of(deployment))
    if any(asked.is_meant(str(request.method), path) for asked in every):
        return None
    return f"{request.method} {path} is sent, and tests/jira_calls.py does not find it in connectors/jira"


def breach_of(request: requests.PreparedRequest) -> str | None:
    """What a request does that the contract, or the list of all our requests, does not know; or nothing."""
    published = contract(version_of(request))
    if published is None:
        return unlisted(request)
    asked = request.copy()
    asked.url = SERVER + str(request.url)[str(request.url).index(MARK) :]
    try:
        published.validate_request(RequestsOpenAPIRequest(asked))
    except OpenAPIError as error:
        return f"{request.method} {asked.url} {request.body!r}: {error.__cause__ or error}"
    return unlisted(request)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Look at all that is sent meanwhile; gives the breaches, which grow as they happen."""
    met: set[tuple[Any, ...]] = set()
    breaches: list[str] = []
    send = requests.Session.send

    def look_and_send(
        session: requests.Session, request: requests.PreparedRequest, **more: Any
    ) -> requests.Response:
        if is_ours(request) and (looks := shape_of(request)) not in met:
            met.add(looks)
            breach = breach_of(request)
            if breach is not None:
                breaches.append(breach)
        return send(session, request, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "send", look_and_send)
        yield breaches
