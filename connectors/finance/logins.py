"""Turn a declared login into the headers and parameters that carry it, with tokens that are still good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from pydantic import SecretStr

from connectors.base import TokenStore
from connectors.errors import AuthenticationFailed, BadInput, Refused
from connectors.finance.rest_login import (
    ApiKey,
    Auth,
    BasicAuth,
    BearerToken,
    ClientCredentials,
    NoAuth,
    RefreshToken,
    SignedAssertion,
    TokenLogin,
    TwoStep,
)
from connectors.finance.rest_session import RestSession, find
from connectors.http import Place, basic_secret
from connectors.oauth import SKEW, document_in, life_of

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GRANTS = {
    "client_credentials": "client_credentials",
    "jwt_bearer": "urn:ietf:params:oauth:grant-type:jwt-bearer",
}


_Grant = ClientCredentials | RefreshToken | SignedAssertion


@dataclass(frozen=True, slots=True)
class Credential:
    """What goes with a request."""

    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


class Login:
    """The login of one source; `renew` says whether asking for another token can help."""

    def __init__(self, auth: Auth, name: str, session: RestSession, store: TokenStore | None) -> None:
        self._auth = auth
        self._name = name
        self._session = session
        self._store = store
        self._token: tuple[str, datetime] | None = None
        session.hide(*_secrets_of(auth))

    def credential(self) -> Credential:
        match self._auth:
            case TwoStep() as auth:
                return Credential({auth.header: auth.value.replace("{token}", self._current(auth))})
            case ClientCredentials() | RefreshToken() | SignedAssertion() as auth:
                return Credential({"Authorization": f"Bearer {self._current(auth)}"})
            case auth:
                return _unchanging(auth)

    def renew(self) -> bool:
        """Forget the token, if there is one: the next request asks for another."""
        had, self._token = self._token, None
        return had is not None

    def _current(self, auth: TokenLogin) -> str:
        if self._token is None or self._session.now() >= self._token[1]:
            token, life = self._ask(auth)
            self._session.hide(token)
            self._token = token, self._session.now() + max(life - SKEW, timedelta())
        return self._token[0]

    def _ask(self, auth: TokenLogin) -> tuple[str, timedelta]:
        match auth:
            case TwoStep():
                return self._two_steps(auth)
            case RefreshToken():
                return self._refresh(auth)
            case SignedAssertion():
                signed = sign(auth, self._name, self._session.now())
                sent = (
                    {"client_assertion_type": _ASSERTION, "client_assertion": signed}
                    if auth.grant == "client_credentials"
                    else {"assertion": signed}
                )
                answer = self._grant(auth, _GRANTS[auth.grant], sent, {})
            case ClientCredentials():
                answer = self._grant(auth, "client_credentials", *_client(auth))
        return self._token_in(answer, auth), timedelta(seconds=life_of(answer))

    def _grant(
        self,
        auth: _Grant,
        grant: str,
        form: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> Mapping[str, Any]:
        place = Place(auth.token_url, f"token_url of {self._name}")
        scope = {"scope": auth.scope} if auth.scope else {}
        sent = {"grant_type": grant, **auth.form, **scope, **form}
        return document_in(self._post(place, _remedy(auth, self._name), form=sent, headers=headers))

    def _refresh(self, auth: RefreshToken) -> tuple[str, timedelta]:
        """A token by the latest refresh token. The one that replaces it is kept before anything else."""
        if self._store is None:
            raise BadInput(
                f"{self._name}: a refresh token is replaced at each login, and there is no place to keep it."
            )
        first = _plain(auth.refresh_token)
        kept = self._store.read(self._name, first)
        self._session.hide(kept)
        form, headers = _client(auth)
        answer = self._grant(auth, "refresh_token", {"refresh_token": kept, **form}, headers)
        token = self._token_in(answer, auth)
        following = answer.get("refresh_token")
        if isinstance(following, str) and following:
            self._session.hide(following)
            self._store.keep(self._name, first, following)
        return token, timedelta(seconds=life_of(answer))

    def _two_steps(self, auth: TwoStep) -> tuple[str, timedelta]:
        headers = {}
        if auth.user is not None and auth.password is not None:
            headers["Authorization"] = f"Basic {basic_secret(auth.user, _plain(auth.password))}"
        body = {key: _plain(value) for key, value in auth.body.items()}
        place = Place(auth.url, f"auth.url of {self._name}")
        remedy = f"Check `auth` of {self._name}."
        token = _token_of(self._post(place, remedy, body=body or None, headers=headers), auth)
        if not token:
            raise AuthenticationFailed(f"{place.host} gave no token. {remedy}")
        return token, timedelta(minutes=auth.lives_minutes)

    def _post(self, place: Place, remedy: str, **sent: Any) -> requests.Response:
        """The answer to a login, which is refused with the remedy and sent on nowhere."""
        try:
            response = self._session.post(place, **sent)
        except (Refused, AuthenticationFailed) as refused:
            raise AuthenticationFailed(f"{refused}. {remedy}") from None
        if response.is_redirect:
            raise Refused(f"{place.host} redirects instead of giving a token: check {place.setting}.")
        return response

    def _token_in(self, answer: Mapping[str, Any], auth: _Grant) -> str:
        token = answer.get("access_token")
        if isinstance(token, str) and token:
            return token
        host = Place(auth.token_url, "").host
        raise AuthenticationFailed(f"{host} gave no access token. {_remedy(auth, self._name)}")


def _unchanging(auth: NoAuth | BasicAuth | ApiKey | BearerToken) -> Credential:
    match auth:
        case NoAuth():
            return Credential()
        case BasicAuth(user=user, password=password):
            return Credential({"Authorization": f"Basic {basic_secret(user, _plain(password))}"})
        case ApiKey(name=name, value=value, where="query"):
            return Credential(params={name: _plain(value)})
        case ApiKey(name=name, value=value):
            return Credential({name: _plain(value)})
        case BearerToken(token=token):
            return Credential({"Authorization": f"Bearer {_plain(token)}"})


def sign(auth: SignedAssertion, name: str, now: datetime) -> str:
    """The assertion, signed; `BadInput` where the key does not fit or the extra is not installed."""
    try:
        import jwt  # noqa: PLC0415  an extra
    except ImportError:
        raise BadInput(
            f"{name}: signing a login needs PyJWT. Install Tieline with its extra `jwt`."
        ) from None
    issued = int(now.astimezone(UTC).timestamp())
    claims = {
        "iss": auth.issuer,
        "sub": auth.subject,
        "aud": auth.audience or auth.token_url,
        "iat": issued,
        "exp": issued + auth.lives_seconds,
        **auth.claims,
    }
    said = {key: value for key, value in claims.items() if value is not None}
    # A key handed over on one line, as in .env, writes its line ends as \n.
    key = _plain(auth.key).replace("\\n", "\n")
    try:
        return jwt.encode(said, key, auth.algorithm, {"kid": auth.key_id} if auth.key_id else None)
    except (ValueError, TypeError, jwt.PyJWTError):
        raise BadInput(
            f"{name}: `auth.key` is no private key that can sign by {auth.algorithm}. "
            "Give it in PEM, without a passphrase, of the kind the certificate was made with."
        ) from None


def _token_of(response: requests.Response, auth: TwoStep) -> str:
    if auth.token_header is not None:
        return response.headers.get(auth.token_header, "")
    found = find(document_in(response), auth.token or ())
    return found if isinstance(found, str) else ""


def _client(auth: ClientCredentials | RefreshToken) -> tuple[dict[str, str], dict[str, str]]:
    """Form fields and headers that carry the client's id and secret."""
    secret = _plain(auth.client_secret)
    if auth.secret_in == "form":  # noqa: S105  a place, not a secret
        return {"client_id": auth.client_id, "client_secret": secret}, {}
    return {}, {"Authorization": f"Basic {basic_secret(auth.client_id, secret)}"}


def _remedy(auth: _Grant, name: str) -> str:
    match auth:
        case RefreshToken():
            return f"Have a person consent again, and declare the new refresh_token of {name}."
        case SignedAssertion():
            return f"Check key, key_id, issuer, audience and scope of {name}."
        case _:
            return f"Check client_id, client_secret and scope of {name}."


def _plain(secret: SecretStr) -> str:
    return secret.get_secret_value()


def _secrets_of(auth: Auth) -> list[str]:
    values: list[Any] = [getattr(auth, key) for key in type(auth).model_fields]
    values += list(auth.body.values()) if isinstance(auth, TwoStep) else []
    found = [_plain(value) for value in values if isinstance(value, SecretStr)]
    user = getattr(auth, "user", None) or getattr(auth, "client_id", None)
    return [*found, *(basic_secret(user, secret) for secret in found if user)]
