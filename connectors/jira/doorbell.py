"""Ask an address, without any login, whether a Jira answers there, and which: so a set-up begins."""

from __future__ import annotations

from collections.abc import Mapping

import requests

from connectors import http
from connectors.errors import ConnectorError
from connectors.http import Place, RetryPolicy
from connectors.jira.client import HEADERS, NotJira
from connectors.jira.decoding import decode
from connectors.jira.site import CLOUD, DATA_CENTER
from connectors.oauth import Nobody

TIMEOUT = (10.0, 30.0)


def deployment_at(url: str, policy: RetryPolicy, ca_bundle: str | None = None) -> str | None:
    """Give `cloud` or `datacenter`; None where a Jira wants a login before it says.

    Raises `Unreachable` or `NotJira`, naming JIRA_URL.
    """
    place = Place(url, "JIRA_URL")
    return http.call(lambda: ask(url, place, policy, ca_bundle), policy, resend=True)


def ask(url: str, place: Place, policy: RetryPolicy, ca_bundle: str | None) -> str | None:
    """Ask once."""
    try:
        response = requests.get(
            f"{url}/rest/api/2/serverInfo",
            headers=HEADERS,
            auth=Nobody(),
            timeout=TIMEOUT,
            verify=ca_bundle or True,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise http.request_error(error, place) from None
    if response.status_code in {401, 403}:
        return None
    if response.status_code == 429 or response.status_code >= 500:
        raise failed(response, place, policy)
    answer = decode(response.content) if response.ok else None
    if not isinstance(answer, Mapping) or not answer.keys() & {"deploymentType", "versionNumbers"}:
        raise NotJira(
            f"{place.host} answers ({response.status_code}), but not as Jira does. Give the address that "
            "people open in the browser, with its context path if it has one (https://jira.example.com/jira)."
        )
    return CLOUD if answer.get("deploymentType") == "Cloud" else DATA_CENTER


def failed(response: requests.Response, place: Place, policy: RetryPolicy) -> ConnectorError:
    """Make the error of an answer that is worth another try."""
    return http.status_error(response.status_code, response.headers, "", place, policy.now())
