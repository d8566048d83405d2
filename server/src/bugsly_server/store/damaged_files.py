"""Sets a damaged SQLite file aside, rescues what can still be read of it, and says so."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bugsly_server.store.sqlite_connection import open_for_reading, open_for_writing

LOG = logging.getLogger("bugsly")
DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
NOTES = ("*.damaged-*.json", "telemetry/**/*.damaged-*.json")
PYTHON_TYPES = {"INTEGER": int, "TEXT": str, "BLOB": bytes}


class DamagedContent(sqlite3.DatabaseError):
    """What SQLite reads without complaint, and nobody has written."""


class SetAside(msgspec.Struct, frozen=True):
    """What became of a damaged file; it lies next to it as JSON for as long as that is kept."""

    name: str
    problem: str
    rescued: int
    lost: int | None
    """None where nobody can tell."""

    def __str__(self) -> str:
        lost = (
            "how many were lost is not known" if self.lost is None else f"{self.lost:,} were lost"
        )
        return f"{self.name}: {self.problem}; {self.rescued:,} records were rescued, {lost}"


class _Column(NamedTuple):
    """A column as the schema declares it."""

    name: str
    kind: type
    is_nullable: bool
    is_key: bool

    def fits(self, value: object) -> bool:
        """Return whether *value* may have been written to it."""
        return isinstance(value, self.kind) or (value is None and self.is_nullable)


class _Rescue(NamedTuple):
    """How many rows of a table were rescued, and how many lost."""

    rescued: int
    lost: int | None


def is_damage(error: BaseException | None) -> bool:
    """Return whether *error* says that a file holds something else than was written to it.

    Our files appear with their tables in them, so one that lacks a table has lost it.
    """
    code = getattr(error, "sqlite_errorcode", None) or 0
    is_table_lost = isinstance(error, sqlite3.OperationalError) and "no such table" in str(error)
    return isinstance(error, DamagedContent) or is_table_lost or code & 0xFF in DAMAGE_CODES


def check_not_emptied(path: Path) -> None:
    """Raise `DamagedContent` where *path* was emptied: SQLite would take it for a new file."""
    if path.exists() and not path.stat().st_size:
        raise DamagedContent("file is empty")


def set_aside(
    path: Path, schema: str, error: Exception, close: Callable[[], None] = lambda: None
) -> SetAside:
    """Rename *path* and put what is rescued of it in its place; *close* closes it in between."""
    aside, rescued = _free_name(path), path.with_name(f"{path.name}-new")
    rescue = _rescue(path, rescued, schema)
    close()
    for companion in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + companion).rename(aside.with_name(aside.name + companion))
    rescued.rename(path)
    found = SetAside(aside.name, str(error), *rescue)
    with suppress(OSError):
        aside.with_name(f"{aside.name}.json").write_bytes(msgspec.json.encode(found))
    LOG.error("%s → it is kept, and the rest goes on; see docs/storage.md", found)
    return found


def list_set_aside(folder: Path) -> list[SetAside]:
    """Return what was set aside in the data folder and is still there."""
    found = []
    for pattern in NOTES:
        for note in sorted(folder.glob(pattern)):
            with suppress(OSError, msgspec.MsgspecError):
                found.append(msgspec.json.decode(note.read_bytes(), type=SetAside))
    return found


def _free_name(path: Path) -> Path:
    number = 1
    while (free := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return free


def _rescue(damaged: Path, target: Path, schema: str) -> _Rescue:
    """Copy what can be read of *damaged* to a new file."""
    target.unlink(missing_ok=True)
    source = open_for_reading(damaged)
    assert source is not None, "the damaged file is still in its place"
    with closing(source), closing(open_for_writing(target)) as copy:
        copy.executescript(schema)
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        rescues = [_rescue_table(source, copy, name) for (name,) in copy.execute(names).fetchall()]
    lost = [one.lost for one in rescues if one.lost is not None]
    is_known = len(lost) == len(rescues)
    return _Rescue(sum(one.rescued for one in rescues), sum(lost) if is_known else None)


def _rescue_table(source: sqlite3.Connection, copy: sqlite3.Connection, table: str) -> _Rescue:
    """Copy a table from its beginning to the damage, and from its end back to it."""
    columns = _columns(copy, table)
    keys = [one.name for one in columns if one.is_key] or ["rowid"]
    is_counted = len(keys) == 1
    count = f"SELECT count(*) FROM {table}"  # noqa: S608 - a name of our own schema
    is_whole = _copy(source, copy, table, columns, ", ".join(keys))
    if not is_whole:
        _copy(source, copy, table, columns, ", ".join(f"{key} DESC" for key in keys))
    rescued = int(copy.execute(count).fetchone()[0])
    if is_whole:
        return _Rescue(rescued, 0)
    return _Rescue(rescued, _gap(source, table, keys[0], rescued) if is_counted else None)


def _gap(source: sqlite3.Connection, table: str, key: str, rescued: int) -> int | None:
    """Return how many numbers between the first and the last are missing; rows count up."""
    ends = [f"SELECT {key} FROM {table} ORDER BY {key} {order} LIMIT 1" for order in ("", "DESC")]  # noqa: S608
    try:
        first, last = (int(source.execute(query).fetchone()[0]) for query in ends)
    except (sqlite3.DatabaseError, TypeError):
        return None
    return max(0, last - first + 1 - rescued)


def _copy(
    source: sqlite3.Connection,
    copy: sqlite3.Connection,
    table: str,
    columns: Sequence[_Column],
    order: str,
) -> bool:
    """Copy rows in *order* as far as they can be read; return whether all could."""
    places = ", ".join("?" * len(columns))
    insert = f"INSERT OR IGNORE INTO {table} VALUES ({places})"  # noqa: S608
    rows = _readable_rows(source, f"SELECT * FROM {table} ORDER BY {order}")  # noqa: S608
    is_whole = True
    copy.execute("BEGIN")
    for row in rows:
        if row is None or not all(map(_Column.fits, columns, row)):
            is_whole = False
        else:
            missing = len(columns) - len(row)  # of a file that an earlier server made
            copy.execute(insert, (*row, *[None] * missing))
    copy.execute("COMMIT")
    return is_whole


def _readable_rows(source: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...] | None]:
    """Yield the rows of *query* up to the damage, and None for that."""
    try:
        yield from source.execute(query)
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        yield None


def _columns(connection: sqlite3.Connection, table: str) -> list[_Column]:
    rows = connection.execute(f"PRAGMA table_info({table})")
    return [
        _Column(name, PYTHON_TYPES[kind], not (not_null or key), bool(key))
        for _, name, kind, not_null, _, key in rows
    ]
