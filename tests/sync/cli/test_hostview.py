"""Doctor says where names of hosts lead and warns before certificates end, against real TLS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.errors import Refused, Unreachable
from connectors.hosts import Host, certificate_end, look_up
from sync.cli.hostview import hosts_of, look_at
from sync.cli.siteview import Finding
from sync.errors import Exit
from sync.settings import load_settings
from sync.sources import load_sources
from tests.fakes.scripted_http import Answer, Asked, ScriptedServer
from tests.fakes.tls import make_certificate, needs_openssl
from tests.sync.cli.desk import Desk


def silent(_: Asked) -> Answer:
    raise AssertionError("nothing is asked of a host whose certificate is looked at")


def looked_at(host: Host, now: datetime | None = None) -> dict[str, Finding]:
    return {it.check: it for it in look_at(host, now or datetime.now(UTC))}


@needs_openssl
@pytest.mark.parametrize(("days", "good"), [(90, True), (31, True), (29, False), (1, False)])
def test_a_certificate_that_ends_within_a_month_is_to_be_put_right(
    tmp_path: Path, days: int, good: bool
) -> None:
    certificate, tls = make_certificate(tmp_path, days)
    with ScriptedServer(silent, tls) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        found = looked_at(Host(url, "JIRA_URL", str(certificate)))
    assert list(found) == ["name localhost", "certificate localhost"]
    assert "127.0.0.1" in found["name localhost"].seen
    told = found["certificate localhost"]
    end = (datetime.now(UTC) + timedelta(days=days)).date()
    assert (told.good, told.code) == (good, Exit.PARTLY)
    assert told.seen.startswith(f"good until {end}, for ")
    assert told.remedy.endswith("have whoever runs localhost renew it.")


@needs_openssl
def test_a_certificate_that_is_over_or_of_another_host_or_of_nobody_is_told_with_the_reason(
    tmp_path: Path,
) -> None:
    certificate, tls = make_certificate(tmp_path, names="DNS:elsewhere.example")
    with ScriptedServer(silent, tls) as server:
        with pytest.raises(
            Unreachable, match=r"was not accepted: .*[Hh]ostname mismatch|IP address mismatch"
        ):
            certificate_end(Host(server.url, "JIRA_URL", str(certificate)))
        (found,) = looked_at(Host(server.url, "JIRA_URL")).values()
    assert not found.good
    assert "not accepted: self-signed certificate. Have it renewed" in found.seen
    assert "name its CA file (JIRA_CA_BUNDLE)" in found.seen
    assert found.code is Exit.INCOMPLETE


@needs_openssl
def test_who_is_trusted_is_asked_of_the_environment_unless_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    certificate, tls = make_certificate(tmp_path)
    other, _ = make_certificate(tmp_path / "other")
    with ScriptedServer(silent, tls) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert certificate_end(Host(server.url, "JIRA_URL")) > datetime.now(UTC)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
        assert certificate_end(Host(server.url, "JIRA_URL", str(certificate))) > datetime.now(UTC)
        with pytest.raises(Unreachable, match="not accepted"):
            certificate_end(Host(server.url, "JIRA_URL"))


def test_where_nobody_speaks_tls_it_is_said(tmp_path: Path) -> None:
    with ScriptedServer(silent) as server, pytest.raises(Unreachable, match=r"No TLS with 127\.0\.0\.1: "):
        certificate_end(Host(server.url.replace("http:", "https:"), "JIRA_URL"))
    with pytest.raises(
        Unreachable, match=r"No TLS with 127\.0\.0\.1: Connection refused\. Check base_url of erp"
    ):
        certificate_end(Host("https://127.0.0.1:9", "base_url of erp"))
    with pytest.raises(Unreachable, match=r"certificates to trust cannot be read from .*: No such file"):
        certificate_end(Host("https://127.0.0.1:9", "JIRA_URL", str(tmp_path / "absent.pem")))


def test_a_finance_api_that_must_be_public_is_not_connected_to_where_it_is_not() -> None:
    with pytest.raises(Refused, match="is not on the open internet"):
        certificate_end(Host("https://127.0.0.1:9", "base_url of erp", allow_private=False))


@pytest.mark.parametrize("name", ["nosuch.invalid", "a..b.invalid"])
def test_a_name_that_leads_nowhere_is_said_by_name(name: str) -> None:
    (found,) = looked_at(Host(f"https://{name}/jira", "url of cloud")).values()
    assert (found.check, found.good, found.code) == (f"name {name}", False, Exit.INCOMPLETE)
    assert found.seen.startswith(f"The host name {name} could not be resolved (")
    assert found.seen.endswith("check url of cloud and the network.")


def test_without_tls_and_without_a_name_there_is_nothing_to_look_at() -> None:
    assert looked_at(Host("http://127.0.0.1:9", "JIRA_URL")) == {}
    assert look_up(Host("http://localhost:9", "JIRA_URL"))


def test_through_a_proxy_nothing_is_looked_up_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    (found,) = looked_at(Host("https://nosuch.invalid", "JIRA_URL")).values()
    assert (found.good, found.seen) == (True, "asked through a proxy, which looks it up")


def test_every_host_that_a_night_asks_is_among_them(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text(
        """\
jira:
  - {name: cloud, url: "https://c.invalid", api_url: "https://api.invalid/ex/jira/1", jql: a = b,
      token_url: "https://auth.invalid/token", client_id: i, client_secret: s}
finance:
  - name: erp
    profile: xero
    with: {tenant: t, currency: EUR, client_id: i, client_secret: s, from: "2026-01-01", to: "2026-12-31"}
""",
        encoding="utf-8",
    )
    settings = load_settings({"TIELINE_SOURCES": str(tmp_path / "sources.yaml")})
    found = {host.name: host.setting for _, host in hosts_of(settings, load_sources(settings, {}))}
    assert found["c.invalid"] == "url of cloud"
    assert found["api.invalid"] == "api_url of cloud"
    assert found["auth.invalid"] == "token_url of cloud"
    assert {"base_url of erp", "token_url of erp"} <= set(found.values())


def test_a_site_whose_name_leads_nowhere_is_told_once_and_not_asked(desk: Desk) -> None:
    said = desk.say("doctor", JIRA_URL="http://nosuch.invalid")
    assert said.code == 5
    assert said.out.count("nosuch.invalid") == 2, "beside the name and in the sentence"
    assert "To put right: 1." in said.out


@needs_openssl
def test_doctor_shows_both(desk: Desk, tmp_path: Path) -> None:
    certificate, tls = make_certificate(tmp_path, 12)
    with ScriptedServer(lambda _: Answer({}, 404), tls) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        said = desk.say("doctor", "--json", JIRA_URL=url, JIRA_CA_BUNDLE=str(certificate))
    found = {it["check"]: it for it in said.document}
    assert found["name localhost"]["good"]
    assert found["certificate localhost"]["details"]["days"] == 11
    assert found["certificate localhost"]["remedy"].startswith("It ends in 11 days, and then nothing is read")
