"""What can go wrong at the edge, as a tree.

ConnectorError
├── Transient                 worth trying again: the tenacity policy in `connectors.http` does
│   └── RateLimited           the source said how long to wait
└── Permanent                 stops this source (or this change) and is told to the operator
    ├── AuthenticationFailed  the credential is missing, wrong or expired (401)
    ├── PermissionDenied      the account may not do this (403)
    ├── NotFound              missing, or not visible to the account (404)
    ├── Refused               the request itself was refused (400, 409, 422, 410 …)
    ├── Unreachable           no answer after all tries: name, network, TLS or proxy
    ├── Halted                we were told to stop, or are out of time: what was read before still stands
    ├── IncompleteRead        pages repeated, stalled or contradicted themselves: never a shorter result
    └── BadInput              a file or its mapping cannot be used: names the place and the remedy
"""

from __future__ import annotations


class ConnectorError(Exception):
    """The outside world did not answer as needed. `str()` is one clear sentence without any secret.

    `unsure`: an earlier try of the same request got no answer, so what is refused now may be done already.
    """

    unsure = False


class Transient(ConnectorError):
    """Worth trying again after a while."""


class RateLimited(Transient):
    """The source asked for a pause of `retry_after` seconds (None: it did not say how long)."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Permanent(ConnectorError):
    """Trying again changes nothing."""


class AuthenticationFailed(Permanent):
    """The credential is missing, wrong or expired."""


class PermissionDenied(Permanent):
    """The account may not do this."""


class NotFound(Permanent):
    """Missing, or not visible to the account: Jira answers both alike."""


class Refused(Permanent):
    """The request was refused as it stands."""


class Unreachable(Permanent):
    """No answer after all tries."""


class Halted(Permanent):
    """We were told to stop, or are out of time."""


class IncompleteRead(Permanent):
    """The pages did not add up; what was read must not be taken for the whole."""


class BadInput(Permanent):
    """A file or its mapping cannot be used. `problems` holds one sentence for each mistake."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
