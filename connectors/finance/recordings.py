"""Turn an exchange with an API into an archive of its answers as they came, and back into its records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from connectors.archives import MAX_UNPACKED
from connectors.base import TokenStore
from connectors.errors import IncompleteRead
from connectors.finance.rest_client import Ask, RestClient
from connectors.finance.rest_config import RestFinanceConfig
from connectors.finance.rest_pages import read_records
from connectors.http import RetryPolicy


def record(config: RestFinanceConfig, policy: RetryPolicy, store: TokenStore | None, path: Path) -> None:
    """Ask for everything, and keep each answer as it came; the same answers make the same archive."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        client = _Recording(config, policy, store)
        client.archive = archive
        try:
            for _ in read_records(client):
                pass
        finally:
            client.close()


def replay(config: RestFinanceConfig, path: Path) -> Iterator[list[Any]]:
    """The records of an archive, found as they were found when it was made: nothing is asked for."""
    with ZipFile(path) as archive:
        client = _Replay(config, RetryPolicy())
        client.archive = archive
        client.left = iter(archive.infolist())
        try:
            yield from read_records(client)
        finally:
            client.close()


class _Recording(RestClient):
    """Keeps each answer, numbered, with the address it came from: next links may be relative to it."""

    archive: ZipFile
    number = 0
    size = 0

    def content(self, ask: Ask) -> tuple[bytes, str]:
        content, url = super().content(ask)
        self.number, self.size = self.number + 1, self.size + len(content)
        if self.size > MAX_UNPACKED:
            raise IncompleteRead(f"{self.config.name}: its answers are larger than {MAX_UNPACKED:,} bytes.")
        member = ZipInfo(f"{self.number:06}.json")
        member.compress_type = ZIP_DEFLATED
        member.comment = f"{ask.url}\n{url}".encode()
        self.archive.writestr(member, content)
        return content, url


class _Replay(RestClient):
    """Answers with what was kept, in order."""

    archive: ZipFile
    left: Iterator[ZipInfo]

    def content(self, ask: Ask) -> tuple[bytes, str]:
        member = next(self.left)
        asked, _, url = member.comment.decode().partition("\n")
        if asked != ask.url:
            raise IncompleteRead(f"{self.config.name}: its archive answers to {asked}, not to {ask.url}.")
        return self.archive.read(member), url
