"""What a person can do wrong or must be told, and the exit codes that say so to a scheduler.

UserError                    printed without a traceback, every problem on a line of its own
├── ConfigurationError       2: a setting, a file or a rule is wrong
├── AccessError              4: a credential or a permission is missing
├── IncompleteError          5: a source could not be read whole
├── GuardStopped             6: the plan is larger than the limits allow
└── LeaseHeld                7: another run is at work
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    ACCESS = 4
    INCOMPLETE = 5
    GUARD = 6
    LEASE = 7
    CHANGES = 10


class UserError(Exception):
    """Something a person can put right. Each problem says where, what is wrong and what to do."""

    exit_code: ClassVar[Exit] = Exit.FAILED

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ConfigurationError(UserError):
    """A setting, a file or a rule is wrong."""

    exit_code = Exit.USAGE


class AccessError(UserError):
    """A credential or a permission is missing."""

    exit_code = Exit.ACCESS


class IncompleteError(UserError):
    """A source could not be read whole."""

    exit_code = Exit.INCOMPLETE


class GuardStopped(UserError):
    """The plan is larger than the limits allow."""

    exit_code = Exit.GUARD


class LeaseHeld(UserError):
    """Another run is at work on the same store."""

    exit_code = Exit.LEASE
