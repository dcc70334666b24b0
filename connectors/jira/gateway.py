"""Turn the address of a Jira Cloud site into that of its API at the gateway: some tokens work only there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import requests

from connectors import http
from connectors.errors import ConnectorError, NotFound
from connectors.http import Place, RetryPolicy
from connectors.jira.client import HEADERS, NotJira
from connectors.jira.config import JiraSiteConfig
from connectors.jira.decoding import decode
from connectors.oauth import Nobody

CLOUD_ID = re.compile(r"[0-9A-Za-z-]{8,64}")


def through_gateway(config: JiraSiteConfig, policy: RetryPolicy) -> JiraSiteConfig:
    """The configuration with the address of the API filled in, where the gateway is to be used."""
    if not config.gateway or config.api_url:
        return config
    cloud_id = http.call(lambda: read_cloud_id(config, policy), policy, resend=True)
    return config.model_copy(update={"api_url": f"{config.gateway_url}/ex/jira/{cloud_id}"})


def read_cloud_id(config: JiraSiteConfig, policy: RetryPolicy) -> str:
    """Ask the site itself, without any credential: a scoped token is refused there."""
    place = Place(config.url, "JIRA_URL")
    parts = urlsplit(config.url)
    try:
        response = requests.get(
            f"{parts.scheme}://{parts.netloc}/_edge/tenant_info",
            headers=HEADERS,
            auth=Nobody(),
            timeout=(config.connect_timeout, config.read_timeout),
            verify=config.ca_bundle or True,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise http.request_error(error, place) from None
    answer = decode(response.content) if response.ok else None
    cloud_id = answer.get("cloudId") if isinstance(answer, dict) else None
    if isinstance(cloud_id, str) and CLOUD_ID.fullmatch(cloud_id):
        return cloud_id
    raise no_cloud_id(response, place, policy)


def no_cloud_id(response: requests.Response, place: Place, policy: RetryPolicy) -> ConnectorError:
    error = http.status_error(response.status_code, response.headers, "", place, policy.now())
    if response.status_code < 400 or isinstance(error, NotFound):
        return NotJira(
            f"{place.host} does not tell its cloud id, so it cannot be reached through the gateway: check "
            "JIRA_URL, or leave gateway out where this is no Jira Cloud."
        )
    return error
