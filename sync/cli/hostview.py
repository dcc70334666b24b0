"""Look at the hosts that a night will ask: do their names lead anywhere, how long do certificates last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from connectors.errors import ConnectorError
from connectors.finance import RestFinanceConfig
from connectors.hosts import Host, certificate_end, look_up
from sync.cli.siteview import Finding
from sync.errors import Exit
from sync.pull import meaning
from sync.settings import Settings
from sync.sources import SourcesConfig

# Time enough for whoever has to ask somebody else for a new one.
SOON_DAYS = 30
# It stops no night yet.
SOON = Exit.PARTLY


def look_at_hosts(
    settings: Settings, sources: SourcesConfig, now: datetime
) -> tuple[list[Finding], frozenset[str]]:
    """Look at each host of a Jira site or a finance API once; give as well the sources out of reach."""
    hosts: dict[tuple[str, int], list[tuple[str, Host]]] = {}
    for source, host in hosts_of(settings, sources):
        hosts.setdefault((host.name, host.port), []).append((source, host))
    found, dead = [], set()
    for same in hosts.values():
        seen = list(look_at(same[0][1], now))
        found += seen
        if any(not it.good and it.code is not SOON for it in seen):
            dead |= {source for source, _ in same}
    return found, frozenset(dead)


def hosts_of(settings: Settings, sources: SourcesConfig) -> Iterator[tuple[str, Host]]:
    """Give the hosts that will be asked, each with its source and the setting that names it."""
    for site in sources.jira:
        urls = {"url": site.url, "api_url": site.api_url, "token_url": site.token_url}
        if site.gateway:
            urls["gateway_url"] = site.gateway_url
        for name, url in urls.items():
            if url:
                setting = f"JIRA_{name.upper()}" if settings.sources is None else f"{name} of {site.name}"
                yield site.name, Host(url, setting, site.ca_bundle)
    for source in sources.finance:
        if isinstance(source, RestFinanceConfig):
            token_url = getattr(source.auth, "token_url", None)
            for name, url in (("base_url", source.base_url), ("token_url", token_url)):
                if url:
                    host = Host(url, f"{name} of {source.name}", allow_private=source.allow_private)
                    yield source.name, host


def look_at(host: Host, now: datetime) -> Iterator[Finding]:
    """Say where a name leads, and until when the certificate is good."""
    if host.is_behind_proxy:
        yield Finding(f"host {host.name}", True, "asked through a proxy, which looks it up")
        return
    if not host.is_address:
        try:
            found = look_up(host)
        except ConnectorError as error:
            yield Finding(f"name {host.name}", False, str(error), meaning(error))
            return
        yield Finding(f"name {host.name}", True, f"leads to {', '.join(found[:3])}", details=found)
    if host.is_secure:
        yield look_at_certificate(host, now)


def look_at_certificate(host: Host, now: datetime) -> Finding:
    """Say until when a certificate is good."""
    check = f"certificate {host.name}"
    try:
        end = certificate_end(host)
    except ConnectorError as error:
        return Finding(check, False, str(error), meaning(error))
    days = (end - now).days
    left = "1 day" if days == 1 else f"{days} days"
    return Finding(
        check,
        days >= SOON_DAYS,
        f"good until {end:%Y-%m-%d}, for {left}",
        SOON,
        details={"until": end.isoformat(), "days": days},
        remedy=f"It ends in {left}, and then nothing is read there: have whoever runs {host.name} renew it.",
    )
