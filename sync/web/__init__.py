"""Show what is in the store as plain pages to people who have logged in; nothing here needs a script."""

from sync.web.application import build
from sync.web.office import Office
from sync.web.server import PageServer
from sync.web.serving import pages_served

__all__ = ["Office", "PageServer", "build", "pages_served"]
