"""Send a message to an address of Apprise: mail, a chat, a page of somebody's own; never as more than text.

An address holds passwords and tokens, so nothing that is said of it here has more than its kind (`mailto`).
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from connectors.errors import BadInput

if TYPE_CHECKING:
    from apprise import Apprise

SECONDS = 30.0
STATUS = re.compile(r"error=(\d{3})\b")
# In anna@example.com it calls nobody; where it begins a word it may call a whole channel.
CALL = re.compile(r"(?<![\w.+-])@(?=\w)")
QUIETLY = "@\u200b"
UNKNOWN = "is no address that Apprise knows; see https://github.com/caronc/apprise/wiki for what there is"


def kind_of(address: str) -> str:
    """Give the kind of an address, the only part of it that may be told: `mailto`, `slack`, `json`."""
    scheme, mark, _ = address.partition("://")
    return scheme.lower() if mark and re.fullmatch(r"[A-Za-z0-9]{1,20}", scheme) else "unknown"


def trouble_with(address: str) -> str:
    """Say why nothing can be sent to an address, without sending; nothing where it can."""
    try:
        opened = _open(address)
    except BadInput as missing:
        return str(missing)
    return "" if opened else f"{kind_of(address)}: {UNKNOWN}"


def send(address: str, title: str, body: str) -> str:
    """Send plain text to an address and say what went wrong; nothing where it was taken.

    Services that show HTML or Markdown get it escaped, redirects are not followed, and no text calls a whole
    channel by its @name. It takes half a minute at the most.
    """
    try:
        trouble = trouble_with(address)
        if trouble:
            return trouble
        shown, below = calling_nobody(title), calling_nobody(body)
        result = _open(address).notify(below, title=shown, body_format="text")
        return "" if result else f"{kind_of(address)}: {_why(result)}"
    except Exception as error:  # noqa: BLE001 - there are plugins of many hands, and an error may hold the address
        return f"{kind_of(address)}: {type(error).__name__}"


def calling_nobody(text: str) -> str:
    """Part each @ from the name behind it, invisibly, so that a chat calls nobody by it."""
    return CALL.sub(QUIETLY, text)


def _open(address: str) -> Apprise:
    """Make a sender for one address; it is empty where Apprise knows no such address."""
    try:
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415  an extra
    except ImportError:
        raise BadInput(
            "Digests need Apprise. Install Tieline with its extra `digests` (pip install 'tieline[digests]')."
        ) from None
    logger = logging.getLogger("apprise")  # what it logs may hold an address
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    asset = AppriseAsset(
        app_id="Tieline",
        app_desc="Tieline",
        async_mode=False,
        http_redirects=False,
        secure_logging=True,
        allow_templates=False,
        interpret_escapes=False,
        interpret_emojis=False,
        storage_mode="memory",
        service_timeout=SECONDS,
    )
    sender = Apprise(asset=asset)
    sender.add(address)
    return sender


def _why(result: Any) -> str:
    """Say why a message was not taken: the status of an answer, if one came. The log may hold secrets."""
    if result.status.name == "TIMEOUT":
        return f"no answer within {SECONDS:.0f} seconds"
    said = " ".join(entry.message for one in result for entry in one.logs())
    found = STATUS.search(said)
    return f"answered {found[1]}" if found else "no answer, or not one that takes the message"
