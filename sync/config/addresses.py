"""Check the addresses that messages go to, in the URLs of Apprise, without ever showing one."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, SecretStr

ADDRESS = re.compile(r"[A-Za-z0-9]+://\S+")


def split(value: Any) -> Any:
    """Read one text as the addresses in it, parted by spaces or line ends."""
    return tuple(value.split()) if isinstance(value, str) else value


def check_addresses(addresses: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Refuse what cannot be an address of Apprise, without showing it: it may hold a password."""
    if not addresses:
        raise ValueError("nobody is named; give one or more addresses of Apprise such as mailto://…")
    for number, address in enumerate(addresses, start=1):
        if not ADDRESS.fullmatch(address.get_secret_value()):
            raise ValueError(f"entry {number} is no address of Apprise; it must look like mailto://…")
    return addresses


def check_list(secret: SecretStr) -> SecretStr:
    """Refuse a text that is no list of addresses."""
    check_addresses(tuple(map(SecretStr, secret.get_secret_value().split())))
    return secret


Addresses = Annotated[tuple[SecretStr, ...], BeforeValidator(split), AfterValidator(check_addresses)]
AddressList = Annotated[SecretStr, AfterValidator(check_list)]
