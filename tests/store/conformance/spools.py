"""The backends of the spool, and what every test of one needs."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.loop import Loop

from bugsly_server.store.ports import Entry, Spool
from bugsly_server.store.spool import SqliteSpool

Open = Callable[[Path], Spool]


def open_sqlite(folder: Path) -> Spool:
    return SqliteSpool(folder / "spool.db")


BACKENDS = {"sqlite": open_sqlite}


def entry(payload: str, project_id: int = 1) -> Entry:
    return Entry(project_id, 1_800_000_000_000_000, "memory", payload.encode())


def append(loop: Loop, spool: Spool, *payloads: str) -> None:
    """Append *payloads*, each acknowledged before the next one comes."""
    for payload in payloads:
        append_together(loop, spool, [entry(payload)])


def append_together(loop: Loop, spool: Spool, entries: Sequence[Entry]) -> None:
    loop.wait_for(lambda: spool.append(entries))


def payloads(entries: Sequence[Entry]) -> list[str]:
    return [one.payload.decode() for one in entries]
