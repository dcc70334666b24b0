"""Turn a place in a set of files into a cursor and back, and refuse it once the files have changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.errors import IncompleteRead
from connectors.textfiles import File


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The record `record` (from 1) of file number `file` (from 0)."""

    file: int
    record: int


START = Place(0, 0)


class Cursors:
    """The cursors of one read of these files. Each names file and record, and the content of all files."""

    def __init__(self, source: str, files: Sequence[File]) -> None:
        digest = hashlib.sha256()
        for file in files:
            digest.update(f"{file.name}\0{file.sha256}\n".encode())
        self._source = source
        self._files = files
        self._content = digest.hexdigest()[:16]

    def write(self, place: Place) -> str:
        name = self._files[place.file].name
        return json.dumps(
            {"file": name, "index": place.file, "record": place.record, "content": self._content}
        )

    def read(self, cursor: str | None) -> Place:
        """The place up to which all is done; `IncompleteRead` where going on would mix two states."""
        if cursor is None:
            return START
        try:
            at = json.loads(cursor)
            place, content = Place(int(at["index"]), int(at["record"])), at["content"]
        except (ValueError, TypeError, KeyError):
            raise IncompleteRead(
                f"{self._source}: {cursor!r} is no position in this source. Read it anew."
            ) from None
        if content != self._content:
            raise IncompleteRead(
                f"{self._source}: its files changed since the read was interrupted. Read it anew."
            )
        return place
