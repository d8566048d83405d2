"""Says whether the server works, part by part, in a sentence for each that does not."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from bugsly_server.background_thread import BackgroundThread
from bugsly_server.clock import DAY, MINUTE, SECOND, Clock, Micros
from bugsly_server.detect.outages import MAX_DIGEST_LAG
from bugsly_server.errors import Unavailable
from bugsly_server.store.damaged_files import SetAside, list_set_aside
from bugsly_server.store.meta import forgetting, projects
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Spool

MAX_HORIZON_LAG: Micros = 2 * DAY
CHECK_INTERVAL: Micros = SECOND
MEGABYTE = 1_000_000
UNKNOWN_LOSS = "how many records were lost is not known"


class Check(NamedTuple):
    """One part of the server; it works unless there is a *problem*."""

    name: str
    problem: str | None = None
    is_failing: bool = True
    """Whether the server cannot do its work with that problem."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What is measured now."""

    free_bytes: int
    spooled: int
    spool_age: Micros
    horizon_lag: Micros
    set_aside: Sequence[SetAside]


class DiskRoom:
    """Says how much room the disk of *folder* has; measured once a second at most."""

    def __init__(self, folder: Path, keep_free_bytes: int, clock: Clock) -> None:
        self._folders = (folder, folder / "telemetry")
        self.keep_free_bytes = keep_free_bytes
        self._clock = clock
        self._measured_at: Micros | None = None
        self._free_bytes = 0

    def free_bytes(self) -> int:
        """Return how many bytes we may write."""
        steady = self._clock.steady()
        if self._measured_at is None or steady - self._measured_at >= CHECK_INTERVAL:
            free = [os.statvfs(one) for one in self._folders if one.exists()]
            self._free_bytes = min(one.f_bavail * one.f_frsize for one in free)
            self._measured_at = steady
        return self._free_bytes

    def is_short(self) -> bool:
        """Return whether no more may be taken in."""
        return self.free_bytes() < self.keep_free_bytes


class Health:
    """Checks the parts of a server; it writes nothing, and asks nobody who writes."""

    def __init__(
        self,
        database: Database,
        spool: Spool,
        room: DiskRoom,
        threads: Sequence[BackgroundThread],
        clock: Clock,
    ) -> None:
        self._database = database
        self._spool = spool
        self._room = room
        self._threads = threads
        self._clock = clock
        self._checks: tuple[Micros, list[Check]] | None = None

    def checks(self) -> list[Check]:
        """Return all checks, at most a second old."""
        steady = self._clock.steady()
        if self._checks is None or steady - self._checks[0] >= CHECK_INTERVAL:
            self._checks = steady, [*self._read_checks(), *self._thread_checks()]
        return self._checks[1]

    def problems(self) -> list[str]:
        """Return what the people who run the server should know."""
        return [one.problem for one in self.checks() if one.problem is not None]

    def vitals(self) -> Vitals:
        """Measure; raise an error of the store where something cannot be read."""
        now = self._clock()
        oldest = self._spool.oldest_received_at()
        with self._database.reading() as connection:
            projects.list_all(connection)
            horizon = forgetting.read_horizon(connection)
        return Vitals(
            free_bytes=self._room.free_bytes(),
            spooled=self._spool.depth(),
            spool_age=0 if oldest is None else max(0, now - oldest),
            horizon_lag=0 if horizon is None else max(0, now - horizon),
            set_aside=list_set_aside(self._database.path.parent),
        )

    def _read_checks(self) -> Iterator[Check]:
        try:
            vitals = self.vitals()
        except (DBAPIError, sqlite3.Error, OSError, Unavailable) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            yield Check("store", f"store: cannot be read ({reason}) → see the server's log")
            return
        yield Check("store")
        yield from judge(vitals, self._room.keep_free_bytes)

    def _thread_checks(self) -> Iterator[Check]:
        digester, *others = self._threads
        yield Check(digester.name, digester.problem)
        for thread in others:
            yield Check(thread.name, thread.problem, is_failing=False)


def judge(vitals: Vitals, keep_free_bytes: int) -> Iterator[Check]:
    """Yield what *vitals* say about disk, spool, files and clock."""
    yield Check("disk", _disk_problem(vitals.free_bytes, keep_free_bytes))
    yield Check("spool", _spool_problem(vitals))
    yield Check("files", _damage_problem(vitals.set_aside), is_failing=False)
    yield Check("clock", _clock_problem(vitals.horizon_lag), is_failing=False)


def _disk_problem(free_bytes: int, keep_free_bytes: int) -> str | None:
    if free_bytes >= keep_free_bytes:
        return None
    return (
        f"disk: {free_bytes / MEGABYTE:,.0f} MB are free, and reports are refused below"
        f" {keep_free_bytes / MEGABYTE:,.0f} MB → make room; agents send again by themselves"
    )


def _spool_problem(vitals: Vitals) -> str | None:
    if vitals.spool_age < MAX_DIGEST_LAG:
        return None
    return (
        f"spool: {vitals.spooled:,} reports wait, the oldest for"
        f" {vitals.spool_age / MINUTE:,.0f} minutes → see the server's log for what holds them up"
    )


def _damage_problem(found: Sequence[SetAside]) -> str | None:
    if not found:
        return None
    lost = [one.lost for one in found]
    known = sum(one for one in lost if one is not None)
    amount = f"{known:,} records were lost" if None not in lost else UNKNOWN_LOSS
    names = ", ".join(one.name for one in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return (
        f"files: damaged and set aside: {names}{more}; {amount}"
        " → check the disk, then move them away; see docs/storage.md"
    )


def _clock_problem(lag: Micros) -> str | None:
    if lag < MAX_HORIZON_LAG:
        return None
    return (
        f"clock: it is {lag / DAY:,.0f} days ahead of what this server has seen pass → set it right"
        " if it is wrong; else old data is kept for longer than usual until that has passed"
    )
