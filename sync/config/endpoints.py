"""Check the web addresses that settings name."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import SecretStr


def check_web_address(secret: SecretStr) -> SecretStr:
    """Give the secret back; raise `ValueError`, without it, where it is no web address."""
    try:
        parts = urlsplit(secret.get_secret_value())
        good = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise ValueError("this is no web address; it must look like https://host/path")
    return secret
