"""Turn a ZIP archive into the names of its CSV members, refusing one that would not fit or cannot be read."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from connectors.errors import BadInput

MAX_UNPACKED = 1 << 30
_MAX_RATIO = 200
_HARMLESS = 10 << 20


def check_archive(path: Path) -> tuple[str, ...]:
    """The archive's members; `BadInput` where it is damaged, locked or unpacks to more than is sane."""
    try:
        with ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except (BadZipFile, NotImplementedError, ValueError):
        raise BadInput(
            f"{path}: this is an Excel workbook (xlsx) or another ZIP archive, and it is damaged; "
            "fetch the file again, or export the sheet as CSV."
        ) from None
    size = sum(member.file_size for member in members)
    packed = max(1, path.stat().st_size)
    if size > MAX_UNPACKED or (size > _HARMLESS and size / packed > _MAX_RATIO):
        raise BadInput(
            f"{path}: it unpacks to {size:,} bytes out of {packed:,}, more than is read "
            f"({MAX_UNPACKED:,} bytes, {_MAX_RATIO} to 1). Export what is needed as CSV."
        )
    if any(member.flag_bits & 1 for member in members):
        raise BadInput(f"{path}: it is locked with a password. Unlock it.")
    return tuple(member.filename for member in members)


def find_members(path: Path) -> tuple[str, ...]:
    """The CSV files of an archive, in order of their names; archives inside it are refused, not opened."""
    names = check_archive(path)
    wanted = sorted(
        name
        for name in names
        if PurePosixPath(name).suffix.lower() in {".csv", ".tsv"}
        and not any(part.startswith((".", "__MACOSX", "~$")) for part in PurePosixPath(name).parts)
    )
    nested = [name for name in names if PurePosixPath(name).suffix.lower() == ".zip"]
    if nested:
        raise BadInput(f"{path}: it holds another archive, {nested[0]!r}. Pack the CSV files themselves.")
    if not wanted:
        listed = ", ".join(map(repr, names[:3])) or "nothing"
        raise BadInput(f"{path}: the archive holds no *.csv file, only {listed}. Pack the CSV files.")
    return tuple(wanted)
