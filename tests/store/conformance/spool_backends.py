"""The backends of the spool, and what every test of one needs."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.event_loop import ThreadedEventLoop

from bugsly_server.store.ports import Spool, SpoolEntry
from bugsly_server.store.spool import SqliteSpool

OpenSpool = Callable[[Path], Spool]


def open_sqlite(folder: Path) -> Spool:
    return SqliteSpool(folder / "spool.db")


BACKENDS = {"sqlite": open_sqlite}


def entry(payload: str, project_id: int = 1) -> SpoolEntry:
    return SpoolEntry(project_id, 1_800_000_000_000_000, "memory", payload.encode())


def append_one_by_one(loop: ThreadedEventLoop, spool: Spool, *payloads: str) -> None:
    """Append *payloads*, each acknowledged before the next one comes."""
    for payload in payloads:
        append_together(loop, spool, [entry(payload)])


def append_together(loop: ThreadedEventLoop, spool: Spool, entries: Sequence[SpoolEntry]) -> None:
    loop.wait_for(lambda: spool.append(entries))


def payloads(entries: Sequence[SpoolEntry]) -> list[str]:
    return [one.payload.decode() for one in entries]
