"""The ways into a Jira besides a plain token: the gateway, OAuth clients, proxies and private authorities."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import AuthenticationFailed, ConnectorError, Refused, Unreachable
from connectors.jira import JiraIssues, JiraSiteConfig
from tests.connectors.jira.conftest import MYSELF, SERVER_INFO, TOKEN, config_for, connect, issue
from tests.connectors.jira.deployments import Cloud, keys
from tests.fakes.scripted_http import Answer, Asked, ScriptedServer
from tests.fakes.tls import make_certificate, needs_openssl

CLOUD_ID = "11223344-a1b2-3b33-c444-def123456789"
KNOWN: dict[str, Any] = {"serverInfo": SERVER_INFO["cloud"], "myself": MYSELF["cloud"], "field": []}


def jira_answer(asked: Asked) -> Answer:
    return Answer(KNOWN[asked.path.rpartition("/")[2]])


# --- through the gateway ---


class Atlassian:
    """A site that knows its cloud id, and the gateway before it: here both at one address."""

    def __init__(self, tenant: Answer | None = None) -> None:
        self.tenant = tenant or Answer({"cloudId": CLOUD_ID})

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/_edge/tenant_info":
            return self.tenant
        if asked.path.startswith(f"/ex/jira/{CLOUD_ID}/rest/api/"):
            return jira_answer(asked)
        return Answer({"message": "Unauthorized; scope does not match"}, status=401)


def test_a_token_with_scopes_goes_through_the_gateway_and_people_to_the_site() -> None:
    with ScriptedServer(Atlassian()) as server:
        config = config_for(server.url, gateway=True, gateway_url=server.url)
        with connect(config) as site:
            assert site.config.url == server.url
            assert site.config.api_base == f"{server.url}/ex/jira/{CLOUD_ID}"
    tenant, *others = server.asked
    assert "authorization" not in tenant.headers
    assert all(asked.path.startswith(f"/ex/jira/{CLOUD_ID}/") for asked in others)
    assert JiraSiteConfig.model_fields["gateway_url"].default == "https://api.atlassian.com"


@pytest.mark.parametrize(
    "tenant",
    [
        Answer(status=404, text="<html>"),
        Answer(text="<html>Log in</html>"),
        Answer({"cloudId": "../../evil"}),
        Answer({"cloudId": None}),
        Answer([]),
        Answer(status=302, headers={"Location": "https://login.example.com"}),
    ],
)
def test_a_site_that_tells_no_cloud_id_is_told_as_such(tenant: Answer) -> None:
    with (
        ScriptedServer(Atlassian(tenant)) as server,
        pytest.raises(Refused, match="does not tell its cloud id"),
    ):
        connect(config_for(server.url, gateway=True, gateway_url=server.url))
    assert {asked.path for asked in server.asked} == {"/_edge/tenant_info"}


def test_a_site_that_is_down_is_unreachable_also_for_its_cloud_id() -> None:
    with ScriptedServer(lambda _: Answer(drop=True)) as server, pytest.raises(Unreachable, match="JIRA_URL"):
        connect(config_for(server.url, gateway=True))


def refused_with(message: str) -> str:
    answer = Answer({"code": 401, "message": message}, status=401)
    script = lambda asked: jira_answer(asked) if "server" in asked.path else answer  # noqa: E731
    with ScriptedServer(script) as server, pytest.raises(AuthenticationFailed) as told:
        connect(config_for(server.url))
    return str(told.value)


def test_a_token_with_scopes_at_the_site_itself_is_sent_to_the_gateway() -> None:
    assert "through the gateway: set `gateway: true`" in refused_with("Client must be authenticated")


def test_a_token_without_the_scopes_is_told_which_it_needs() -> None:
    told = refused_with("Unauthorized; scope does not match")
    assert "the scopes read:jira-work, write:jira-work and read:jira-user" in told


# --- OAuth clients ---


class Guarded:
    """A Jira that lets the newest token in, and the place that gives tokens away."""

    def __init__(self, jira: Any = jira_answer) -> None:
        self.jira = jira
        self.given = 0
        self.revoked: set[str] = set()

    def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/oauth/token":
            self.given += 1
            return Answer({"access_token": f"token-{self.given}", "expires_in": 3600})
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if not token.startswith("token-") or token in self.revoked:
            return Answer({"message": f"token {token} refused"}, status=401)
        answer: Answer = self.jira(asked)
        return answer


def as_client(url: str, **settings: Any) -> JiraSiteConfig:
    client = {"token_url": f"{url}/oauth/token", "client_id": "c1", "client_secret": TOKEN}
    return config_for(url, email=None, api_token=None, **client, **settings)


@pytest.fixture
def guarded() -> Iterator[tuple[Guarded, ScriptedServer]]:
    jira = Guarded()
    with ScriptedServer(jira) as server:
        yield jira, server


def test_a_client_enters_with_a_token_it_asks_for_once(guarded: tuple[Guarded, ScriptedServer]) -> None:
    jira, server = guarded
    with connect(as_client(server.url)) as site:
        assert site.fields
    assert jira.given == 1
    sent = [asked.headers["authorization"] for asked in server.asked if asked.path != "/oauth/token"]
    assert sent == ["Bearer token-1"] * 3


def test_a_token_refused_in_the_middle_is_renewed_and_the_request_sent_again(
    guarded: tuple[Guarded, ScriptedServer],
) -> None:
    jira, server = guarded
    with connect(as_client(server.url)) as site:
        jira.revoked.add("token-1")
        assert site.fields
        assert jira.given == 2


def test_a_client_that_is_refused_for_good_is_told_and_does_not_hammer(
    guarded: tuple[Guarded, ScriptedServer],
) -> None:
    jira, server = guarded
    jira.revoked = {f"token-{n}" for n in range(99)}
    with pytest.raises(AuthenticationFailed) as told:
        connect(as_client(server.url))
    assert "check token_url, client_id and client_secret" in str(told.value)
    assert "token-" not in str(told.value)
    assert jira.given == 2


def test_all_threads_of_a_read_use_the_same_token_and_renew_it_once() -> None:
    data = Cloud([issue(n) for n in range(1000)])
    jira = Guarded(lambda asked: data(asked) if asked.method == "POST" else jira_answer(asked))
    with ScriptedServer(jira) as server, connect(as_client(server.url)) as site:
        pages = JiraIssues(site, "align-").pages()
        first = next(pages)
        jira.revoked.add("token-1")
        assert len(keys([first, *pages])) == 1000
        assert jira.given == 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"token_url": "https://a.example.com/t"},
            "token_url, client_id and client_secret are needed together",
        ),
        ({"token_url": "http://a.example.com/t", "client_id": "c", "client_secret": "s"}, "must be an https"),
        ({"token_url": "not an address", "client_id": "c", "client_secret": "s"}, "must be a web address"),
        (
            {"token_url": "https://a.example.com", "client_id": "c", "client_secret": "s", "pat": "p"},
            "one cred",
        ),
    ],
)
def test_what_a_client_needs_is_checked_before_anything_is_sent(settings: dict[str, str], said: str) -> None:
    given = {"url": "https://j.example.com", "jql": "project = A"}
    with pytest.raises(ValueError, match=said):
        JiraSiteConfig.model_validate(given | settings)


# --- proxies, .netrc and private authorities ---


def test_a_proxy_named_in_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(jira_answer) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        with connect(config_for("http://jira.invalid:8080/jira")) as site:
            assert site.account == "Night Sync"
    assert {asked.headers["host"] for asked in proxy.asked} == {"jira.invalid:8080"}


def test_a_host_that_needs_no_proxy_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(lambda _: Answer(status=500)) as proxy, ScriptedServer(jira_answer) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        connect(config_for(server.url)).close()
    assert proxy.asked == []


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(lambda _: Answer()) as proxy:
        dead = proxy.url
    monkeypatch.setenv("http_proxy", dead)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(ConnectorError, match="HTTPS_PROXY"):
        connect(config_for("http://jira.invalid:8080"))


def test_a_netrc_file_does_not_replace_the_credential(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password wrong\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with ScriptedServer(Guarded()) as server:
        connect(as_client(server.url)).close()
    with ScriptedServer(jira_answer) as plain:
        connect(config_for(plain.url, email=None, api_token=None, pat="p4t")).close()
    sent = {asked.headers.get("authorization") for asked in [*server.asked, *plain.asked]}
    assert sent == {None, "Bearer token-1", "Bearer p4t"}


@needs_openssl
def test_a_private_authority_is_trusted_where_its_file_is_named(tmp_path: Path) -> None:
    certificate, tls = make_certificate(tmp_path)
    with ScriptedServer(jira_answer, tls) as server:
        with connect(config_for(server.url, ca_bundle=str(certificate))) as site:
            assert site.account == "Night Sync"
        with pytest.raises(Unreachable, match=r"The TLS certificate of .* was not accepted"):
            connect(config_for(server.url))


@needs_openssl
def test_a_named_authority_is_not_replaced_by_one_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    certificate, tls = make_certificate(tmp_path)
    other, _ = make_certificate(tmp_path / "other")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    with ScriptedServer(Guarded(), tls) as server:
        connect(as_client(server.url, ca_bundle=str(certificate))).close()
