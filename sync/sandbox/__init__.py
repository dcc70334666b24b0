"""A faithful stand-in Jira, Cloud and Data Center, over real HTTP: for demo, training and tests."""

from sync.sandbox.answers import CUT_OFF, Answer, Call
from sync.sandbox.credentials import Credentials
from sync.sandbox.defaults import Deployment
from sync.sandbox.registry import SandboxError
from sync.sandbox.requestlog import Request
from sync.sandbox.server import Sandbox
from sync.sandbox.state import Site

__all__ = [
    "CUT_OFF",
    "Answer",
    "Call",
    "Credentials",
    "Deployment",
    "Request",
    "Sandbox",
    "SandboxError",
    "Site",
]
