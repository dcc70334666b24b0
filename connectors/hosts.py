"""Look at a host as a connection will find it: where its name leads, until when its certificate is good.

Through a proxy it is the proxy that looks names up and connects, so there is nothing to see from here.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from connectors.addresses import refuse_private
from connectors.errors import Unreachable

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Host:
    """A host to be asked: `setting` names where it is set, `ca_bundle` a file of whom to trust."""

    url: str
    setting: str
    ca_bundle: str | None = None
    allow_private: bool = True

    @property
    def name(self) -> str:
        """Its name, as in the address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Its port, said or usual."""
        parts = urlsplit(self.url)
        return parts.port or (443 if self.is_secure else 80)

    @property
    def is_secure(self) -> bool:
        """Whether it is asked by TLS."""
        return urlsplit(self.url).scheme == "https"

    @property
    def is_address(self) -> bool:
        """Whether there is no name to look up."""
        try:
            ipaddress.ip_address(self.name)
        except ValueError:
            return False
        return True

    @property
    def is_behind_proxy(self) -> bool:
        """Whether requests to it go through a proxy of the environment."""
        proxies = requests.utils.get_environ_proxies(self.url)
        return requests.utils.select_proxy(self.url, proxies) is not None


def look_up(host: Host) -> tuple[str, ...]:
    """Give the addresses that a name leads to; `Unreachable` where there are none."""
    try:
        found = socket.getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is no name of a host"
        raise Unreachable(
            f"The host name {host.name} could not be resolved ({why}): check {host.setting} and the network."
        ) from None
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in found))


def certificate_end(host: Host) -> datetime:
    """Give the moment until which the certificate of a host is good.

    `Unreachable` where there is no connection or the certificate is not accepted, `Refused` where the host is
    not on the open internet and must be. Nothing is asked of the host.
    """
    if not host.allow_private:
        refuse_private(host.name, host.port)
    try:
        context = trusting(host.ca_bundle)
    except OSError as error:
        raise Unreachable(
            f"The certificates to trust cannot be read from {bundle(host.ca_bundle)}: {error.strerror}."
        ) from None
    try:
        with (
            socket.create_connection((host.name, host.port), timeout=SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host.name) as secured,
        ):
            shown = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(
            f"The certificate of {host.name} was not accepted: {error.verify_message}. Have it renewed "
            f"or, if your organisation signs its own, name its CA file ({bundle_setting(host)})."
        ) from None
    except OSError as error:  # TLS errors are of this kind too
        why = getattr(error, "reason", None) or error.strerror or "no answer in time"
        raise Unreachable(f"No TLS with {host.name}: {why}. Check {host.setting}.") from None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)


def trusting(ca_bundle: str | None) -> ssl.SSLContext:
    """Make a context that trusts whom requests trusts."""
    path = Path(bundle(ca_bundle))
    if path.is_dir():
        return ssl.create_default_context(capath=str(path))
    return ssl.create_default_context(cafile=str(path))


def bundle(ca_bundle: str | None) -> str:
    """Give the file or folder of certificates to trust, as requests chooses it for its sessions."""
    with requests.Session() as session:
        chosen = session.merge_environment_settings("https://", {}, None, ca_bundle, None)["verify"]
    return chosen if isinstance(chosen, str) else requests.utils.DEFAULT_CA_BUNDLE_PATH


def bundle_setting(host: Host) -> str:
    """Name the setting in which a CA file is named."""
    return "JIRA_CA_BUNDLE" if host.setting == "JIRA_URL" else "ca_bundle, or REQUESTS_CA_BUNDLE"
