"""Batches that fail: an entry at fault is dropped, a store at fault is waited for."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from tests.support.clock import FakeClock
from tests.support.event_loop import ThreadedEventLoop, running_loop
from tests.support.wait import wait_until

from bugsly_server.clock import HOUR, SECOND, Micros
from bugsly_server.digester import STORE_PAUSE_SECONDS, Digester
from bugsly_server.errors import Unavailable
from bugsly_server.store.ports import SpoolEntry
from bugsly_server.store.spool import SqliteSpool


class FakePipeline:
    """Remembers what it digests; raises `problems` for a payload, `store_error` for any."""

    def __init__(self) -> None:
        self.digested: list[str] = []
        self.batches: list[int] = []
        self.problems: dict[str, Exception] = {}
        self.store_error: Exception | None = None
        self.maintenance_error: Exception | None = None
        self.maintained_at: list[Micros] = []
        self.skipped: Counter[tuple[int, str]] = Counter()
        self.counted: Counter[tuple[int, str]] = Counter()
        self.counted_bytes: Counter[int] = Counter()
        self.retention_applied_at: list[Micros] = []

    def digest(self, entries: Sequence[SpoolEntry]) -> set[int]:
        self.batches.append(len(entries))
        if self.store_error is not None:
            raise self.store_error
        for name in (one.payload.decode() for one in entries):
            if name in self.problems:
                raise self.problems[name]
        self.digested += [one.payload.decode() for one in entries]
        return {one.project_id for one in entries}

    def detect(self, _now: Micros) -> set[int]:
        return set()

    def maintain(
        self, skipped: Counter[tuple[int, str]], kept_bytes: Counter[int], now: Micros
    ) -> None:
        self.maintained_at.append(now)
        if self.maintenance_error is not None:
            raise self.maintenance_error
        self.counted += skipped
        self.counted_bytes += kept_bytes

    def apply_retention(self, _keep: Micros, now: Micros) -> None:
        self.retention_applied_at.append(now)


class DigesterHarness:
    """A digester on a real spool and a fake pipeline; `step` does what its thread does."""

    def __init__(self, spool: SqliteSpool, loop: ThreadedEventLoop) -> None:
        self.spool = spool
        self.loop = loop
        self.clock = FakeClock()
        self.pipeline = FakePipeline()
        self.skipped: Counter[tuple[int, str]] = Counter()
        self.kept_bytes: Counter[int] = Counter()
        self.published: list[set[int]] = []
        self.digester = Digester(
            spool,
            self.pipeline,  # type: ignore[arg-type]
            (self.skipped, self.kept_bytes),
            self.published.append,
            self.clock,
            keep_days=30,
        )

    def append(self, *names: str) -> None:
        entries = [SpoolEntry(1, self.clock(), "memory", name.encode()) for name in names]
        self.loop.wait_for(lambda: self.spool.append(entries))

    def step(self) -> float:
        try:
            return self.digester.run_once()
        except Exception as error:  # noqa: BLE001 - as BackgroundThread does
            return self.digester.recover(error)

    def settle(self) -> None:
        """Step until nothing waits any more."""
        for _ in range(50):
            if not self.spool.depth():
                return
            self.step()
            self.clock.advance(SECOND)
        wait_until(lambda: self.spool.depth() == 0, what="an empty spool")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DigesterHarness]:
    monkeypatch.setattr("bugsly_server.digester.IDLE_SECONDS", 0.0)
    spool = SqliteSpool(tmp_path / "spool.db")
    with running_loop() as loop:
        yield DigesterHarness(spool, loop)
    spool.close()


def operational(text: str = "database or disk is full") -> OperationalError:
    return OperationalError("INSERT", {}, sqlite3.OperationalError(text))


STORE_FAULTS = [
    sqlite3.OperationalError("database or disk is full"),
    sqlite3.DatabaseError("database disk image is malformed"),
    operational(),
    OSError(28, "No space left on device"),
    PermissionError(13, "Permission denied"),
]
ENTRY_FAULTS = [
    ValueError("never seen before"),
    OverflowError("Python int too large to convert to SQLite INTEGER"),
    sqlite3.IntegrityError("FOREIGN KEY constraint failed"),
    IntegrityError("INSERT", {}, sqlite3.IntegrityError("FOREIGN KEY constraint failed")),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
]


def test_entries_are_digested_in_order_and_pages_are_updated(bench: DigesterHarness) -> None:
    bench.append("a", "b")
    bench.append("c")
    bench.settle()
    assert bench.pipeline.digested == ["a", "b", "c"]
    assert bench.published == [{1}]


@pytest.mark.parametrize("problem", ENTRY_FAULTS, ids=lambda fault: type(fault).__name__)
def test_one_entry_that_cannot_be_digested_is_counted_and_its_neighbours_are_kept(
    bench: DigesterHarness, problem: Exception
) -> None:
    bench.pipeline.problems = {"c": problem}
    bench.append("a", "b", "c", "d", "e")
    bench.settle()
    assert bench.pipeline.digested == ["a", "b", "d", "e"]
    assert bench.pipeline.skipped == {(1, "item that could not be digested"): 1}


def test_several_bad_entries_are_dropped_and_batches_are_whole_again_afterwards(
    bench: DigesterHarness,
) -> None:
    bench.pipeline.problems = dict.fromkeys("ad", ValueError("bad"))
    bench.append("a", "b", "c", "d")
    bench.settle()
    bench.append("e", "f", "g")
    bench.settle()
    assert bench.pipeline.digested == ["b", "c", "e", "f", "g"]
    assert bench.pipeline.skipped == {(1, "item that could not be digested"): 2}
    assert bench.pipeline.batches == [4, 1, 1, 1, 1, 3]


@pytest.mark.parametrize("problem", STORE_FAULTS, ids=str)
def test_while_the_store_fails_everything_is_kept_and_tried_again(
    bench: DigesterHarness, problem: Exception
) -> None:
    bench.append("a", "b", "c")
    bench.pipeline.store_error = problem
    assert [bench.step() for _ in range(3)] == [STORE_PAUSE_SECONDS] * 3
    assert bench.spool.depth() == 3
    bench.pipeline.store_error = None
    bench.settle()
    assert bench.pipeline.digested == ["a", "b", "c"]
    assert not bench.pipeline.skipped


def test_the_error_of_the_store_is_reported_in_one_sentence(bench: DigesterHarness) -> None:
    bench.append("a")
    bench.pipeline.store_error = operational()
    with pytest.raises(Unavailable) as problem:
        bench.digester.run_once()
    assert str(problem.value) == (
        "what was acknowledged cannot be digested (database or disk is full)"
        " → it is kept, and tried again every 5 s; is the disk full?"
    )


def test_a_store_that_fails_while_entries_are_digested_singly_loses_none(
    bench: DigesterHarness,
) -> None:
    bench.pipeline.problems = {"b": ValueError("bad")}
    bench.append("a", "b", "c")
    bench.step()
    bench.pipeline.store_error = operational()
    bench.step()
    bench.pipeline.store_error = None
    bench.settle()
    assert bench.pipeline.digested == ["a", "c"]
    assert bench.pipeline.skipped == {(1, "item that could not be digested"): 1}


@pytest.mark.parametrize("problem", [ValueError("odd"), operational()], ids=str)
@pytest.mark.parametrize("names", ["a", "ab"])
def test_maintenance_that_fails_blames_no_entry(
    bench: DigesterHarness, problem: Exception, names: str
) -> None:
    bench.pipeline.maintenance_error = problem
    bench.append(*names)
    bench.step()
    bench.append("c")
    bench.step()
    bench.pipeline.maintenance_error = None
    bench.settle()
    assert bench.pipeline.digested == [*names, "c"]
    assert not bench.pipeline.skipped


def test_what_was_skipped_is_counted_once_even_if_maintenance_fails_in_between(
    bench: DigesterHarness,
) -> None:
    bench.skipped[1, "odd"] = 5
    bench.pipeline.maintenance_error = operational()
    bench.step()
    bench.pipeline.maintenance_error = None
    bench.clock.advance(HOUR)
    bench.skipped[1, "odd"] += 2
    bench.step()
    bench.clock.advance(HOUR)
    bench.step()
    assert bench.pipeline.counted == {(1, "odd"): 7}


def test_the_store_is_maintained_every_ten_seconds_and_cleared_every_hour(
    bench: DigesterHarness,
) -> None:
    for _ in range(2 * 3600):
        bench.step()
        bench.clock.advance(SECOND)
    assert len(bench.pipeline.maintained_at) == 720
    assert len(bench.pipeline.retention_applied_at) == 2


def test_while_it_catches_up_the_present_is_the_time_of_the_reports(bench: DigesterHarness) -> None:
    received = bench.clock()
    bench.append("a")
    bench.clock.advance(HOUR)
    bench.step()
    bench.step()
    assert bench.pipeline.maintained_at == [received, received + HOUR]
