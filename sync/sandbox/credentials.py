"""Who the sandbox lets in, and how a request proves to be that account."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from sync.sandbox.defaults import Deployment


@dataclass(frozen=True, slots=True)
class Credentials:
    """Cloud knows `email` with `token`; Data Center `pat` alone, or `username` with `password`.

    They open a sandbox on this machine and nothing else.
    """

    email: str = "tieline@example.com"
    token: str = "sandbox-token"  # noqa: S105  # no secret: see above
    username: str = "tieline"
    password: str = "sandbox-password"  # noqa: S105
    pat: str = "sandbox-pat"

    def accept(self, deployment: Deployment, authorization: str) -> bool:
        """Whether the header `Authorization` is right."""
        scheme, _, proof = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return deployment is Deployment.DATA_CENTER and proof.strip() == self.pat
        if scheme.lower() != "basic":
            return False
        pairs = {
            Deployment.CLOUD: f"{self.email}:{self.token}",
            Deployment.DATA_CENTER: f"{self.username}:{self.password}",
        }
        return _decoded(proof) == pairs[deployment]


def _decoded(proof: str) -> str | None:
    try:
        return base64.b64decode(proof, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
