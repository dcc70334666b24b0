"""Turn a configured path into text files whose whole content is known to be readable text.

A file is read once in full before its first row is used: so a wrong encoding, a workbook or a binary is
refused before anything is stored, and a file that changes while it is read is noticed. Memory stays small.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TextIO
from zipfile import BadZipFile, ZipFile

from connectors.errors import BadInput, IncompleteRead

_CHUNK = 1 << 20
_SIGNATURES = (
    (b"PK\x03\x04", "an Excel workbook (xlsx) or another ZIP archive", "export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (xls)", "export the sheet as CSV"),
    (b"%PDF", "a PDF document", "export the figures as CSV"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8 = {"utf-8", "utf-8-sig"}


@dataclass(frozen=True, slots=True)
class File:
    """One file, the SHA-256 of its bytes, and its size and time; or the `member` of an archive."""

    path: Path
    sha256: str
    stamp: tuple[int, int]
    member: str | None = None

    @property
    def name(self) -> str:
        """The name for people, without the folder."""
        return self.path.name if self.member is None else f"{self.path.name}/{self.member}"

    @property
    def place(self) -> str:
        """The path for messages."""
        return str(self.path) if self.member is None else f"{self.path}/{self.member}"


@dataclass(frozen=True, slots=True)
class TextFile(File):
    """A file proved to be text in this encoding."""

    encoding: str = "utf-8"


def find_files(path: Path, *suffixes: str) -> tuple[Path, ...]:
    """The file itself, or a folder's files with one of the suffixes, sorted by name, hidden ones left out."""
    with told(path):
        if not path.is_dir():
            path.stat()
            return (path,)
        names = sorted(entry for entry in path.iterdir() if not entry.name.startswith((".", "~$")))
        found = tuple(entry for entry in names if entry.suffix.lower() in suffixes and entry.is_file())
    if found:
        return found
    wanted = " or ".join(f"*{suffix}" for suffix in suffixes)
    others = f", only {', '.join(name.name for name in names[:3])}" if names else ", it is empty"
    raise BadInput(
        f"{path}: the folder holds no {wanted} file{others}. Put the files there or correct the path."
    )


def fingerprint(path: Path) -> File:
    """Read a file of any kind once, so that a change can be noticed."""
    digest = hashlib.sha256()
    with told(path), path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
        return File(path, digest.hexdigest(), _stamp(path))


def first_bytes(path: Path) -> bytes:
    with told(path), path.open("rb") as stream:
        return stream.read(8)


def refuse_change(file: File) -> None:
    """`IncompleteRead` when the file is not any more what it was."""
    with told(file.path):
        refuse_difference(file, _stamp(file.path))


def refuse_other_content(file: File, sha256: str) -> None:
    """`IncompleteRead` where the file was found with other content."""
    if sha256 != file.sha256:
        raise IncompleteRead(_changed(file))


def refuse_difference(file: File, stamp: tuple[int, int]) -> None:
    """`IncompleteRead` where the file was found with another size or time."""
    if stamp != file.stamp:
        raise IncompleteRead(_changed(file))


def examine(path: Path, fallback: str = "utf-8", member: str | None = None) -> TextFile:
    """Read the file once and prove its encoding: by its mark, else strict UTF-8, else the fallback."""
    stamp = (0, 0)
    where = path if member is None else path / member
    with told(path), _bytes_of(path, member) as stream:
        stamp = _stamp(path)
        head = stream.read(512)
        _refuse_signature(where, head)
        marked = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
        stream.seek(0)
        encoding = marked or "utf-8"
        sha256, fault = _decode(stream, encoding)
        if fault and marked is None and codecs.lookup(fallback).name not in _UTF8:
            stream.seek(0)
            encoding = fallback
            sha256, fault = _decode(stream, encoding)
        if fault:
            raise BadInput(f"{where}: {fault}. {_remedy(fault, encoding)}")
        return TextFile(path, sha256, stamp, member, encoding)


@contextmanager
def open_text(file: TextFile) -> Iterator[TextIO]:
    """The text of an examined file, line ends kept; `IncompleteRead` when it has changed since."""
    with told(file.path), _bytes_of(file.path, file.member) as stream:
        refuse_change(file)
        text = TextIOWrapper(stream, encoding=file.encoding, newline="")
        try:
            yield text
        except UnicodeDecodeError:
            raise IncompleteRead(_changed(file)) from None
        refuse_change(file)
        text.detach()


def _decode(stream: IO[bytes], encoding: str) -> tuple[str, str | None]:
    """The SHA-256 of the whole stream, and what is wrong with its text, if anything."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    fault: str | None = None
    line, empty = 1, True
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        if fault:
            continue
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            fault = f"line {line} is not valid {encoding} text (byte {error.object[error.start]:#04x})"
            continue
        if "\0" in text:
            line += text[: text.index("\0")].count("\n")
            fault = f"line {line} holds a NUL byte: this is no text file"
            continue
        empty = empty and not text.strip()
        line += text.count("\n")
    return digest.hexdigest(), fault or _end_fault(decoder, encoding, empty)


def _end_fault(decoder: codecs.IncrementalDecoder, encoding: str, empty: bool) -> str | None:
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return f"its last character is cut off, so it is not valid {encoding} text"
    return "the file is empty" if empty else None


def _remedy(fault: str, encoding: str) -> str:
    if "NUL" in fault:
        return "Export it as CSV in UTF-8."
    if "empty" in fault:
        return "Check the export that writes it; a file without rows still needs its header."
    return f"Export it in UTF-8 or declare its real `encoding` (such as cp1252); it was read as {encoding}."


def _refuse_signature(path: Path, head: bytes) -> None:
    for signature, what, remedy in _SIGNATURES:
        if head.startswith(signature):
            raise BadInput(f"{path}: this is {what}, not text; {remedy}.")
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise BadInput(
            f"{path}: this is an HTML or XML page, not a table (often a login page saved in its place); "
            "fetch the file again."
        )


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Tell the operating system's refusals in our words."""
    try:
        yield
    except FileNotFoundError:
        raise BadInput(
            f"{path}: there is no such file or folder. Correct the path or put the file there."
        ) from None
    except PermissionError:
        raise BadInput(f"{path}: this account may not read it. Grant it read permission.") from None
    except OSError as error:
        raise BadInput(f"{path}: it cannot be read: {error.strerror or error}. Check the path.") from None


@contextmanager
def _bytes_of(path: Path, member: str | None) -> Iterator[IO[bytes]]:
    if member is None:
        with path.open("rb") as stream:
            yield stream
        return
    try:
        with ZipFile(path) as archive, archive.open(member) as stream:
            yield stream
    except BadZipFile as error:
        raise BadInput(f"{path}: the archive is damaged: {error}. Fetch the file again.") from None


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _changed(file: File) -> str:
    return f"{file.place}: the file changed while it was read. Run again when it is written in full."
