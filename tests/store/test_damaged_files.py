"""A damaged file is set aside, what can be read of it is kept, and the rest goes on."""

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from tests.store.conformance.spool_backends import append_one_by_one, payloads
from tests.store.conformance.telemetry_backends import KEEP_DAYS, MIDNIGHT, samples_every
from tests.support.event_loop import ThreadedEventLoop
from tests.support.wait import wait_until

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND
from bugsly_server.errors import Unavailable
from bugsly_server.store.damaged_files import SetAside, list_set_aside
from bugsly_server.store.ports import StoredEvent
from bugsly_server.store.spool import SqliteSpool
from bugsly_server.store.telemetry import SqliteEventStore, SqliteTelemetry

PAGE_BYTES = 4_096
EVENTS = 400


def destroy_head(path: Path) -> None:
    path.write_bytes(b"\0" * PAGE_BYTES + path.read_bytes()[PAGE_BYTES:])


def destroy_middle(path: Path) -> None:
    """Zero a few pages in the middle, as a disk with bad sectors does."""
    content = path.read_bytes()
    middle = len(content) // PAGE_BYTES // 2 * PAGE_BYTES
    lost = 3 * PAGE_BYTES
    path.write_bytes(content[:middle] + b"\0" * lost + content[middle + lost :])


def truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // PAGE_BYTES // 2 * PAGE_BYTES])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def set_aside_in(folder: Path) -> list[SetAside]:
    """Return what was set aside of the stores of a test, which lie in *folder* itself."""
    return [one for place in (folder, *folder.iterdir()) for one in list_set_aside(place)]


DAMAGES = [empty, destroy_head, destroy_middle, truncate]
Damage = Callable[[Path], None]


def event(number: int, day: int = 0) -> StoredEvent:
    body = Random(number).randbytes(700)  # does not compress
    at = MIDNIGHT + day * DAY + number * SECOND
    return StoredEvent(1, at, number.to_bytes(16, "big"), body)


@pytest.mark.parametrize("damage", DAMAGES)
def test_of_a_damaged_day_of_events_the_rest_is_kept_and_other_days_are_untouched(
    tmp_path: Path, damage: Damage, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(SqliteEventStore(tmp_path, KEEP_DAYS)) as store:
        store.write([event(number) for number in range(EVENTS)])
        store.write([event(number, day=1) for number in range(5)])
    [first, second] = sorted((tmp_path / "events").glob("*.db"))
    damage(first)
    with closing(SqliteEventStore(tmp_path, KEEP_DAYS)) as store:
        with caplog.at_level(logging.ERROR), pytest.raises(Unavailable, match="set aside"):
            store.newest([1], EVENTS + 5)
        kept = store.newest([1], EVENTS + 5)
        store.write([event(EVENTS)])
        assert store.newest([1], 1_000)[5:6] == [event(EVENTS)]
    assert kept[:5] == [event(number, day=1) for number in (4, 3, 2, 1, 0)]
    assert set(kept[5:]) <= {event(number) for number in range(EVENTS)}
    [found] = set_aside_in(tmp_path)
    assert found.name == f"{first.name}.damaged-1"
    assert found.rescued == len(kept) - 5
    assert found.lost in {EVENTS - found.rescued, None}
    assert [record.getMessage() for record in caplog.records] == [
        f"{found} → it is kept, and the rest goes on; see docs/storage.md"
    ]
    assert second.exists()


def test_around_bad_sectors_every_event_is_rescued(tmp_path: Path) -> None:
    with closing(SqliteEventStore(tmp_path, KEEP_DAYS)) as store:
        store.write([event(number) for number in range(EVENTS)])
    [day] = (tmp_path / "events").glob("*.db")
    destroy_middle(day)
    with closing(SqliteEventStore(tmp_path, KEEP_DAYS)) as store:
        with pytest.raises(Unavailable):
            store.newest([1], EVENTS)
        rescued = store.newest([1], EVENTS)
    assert EVENTS - 40 < len(rescued) < EVENTS
    [found] = set_aside_in(tmp_path)
    assert found.lost == EVENTS - len(rescued)


def test_an_event_whose_body_is_damaged_is_left_out(tmp_path: Path) -> None:
    with closing(SqliteEventStore(tmp_path, KEEP_DAYS)) as store:
        store.write([event(1), event(2)])
    [day] = (tmp_path / "events").glob("*.db")
    content = day.read_bytes()
    place = content.index(event(1).body[100:120])
    day.write_bytes(content[:place] + b"X" + content[place + 1 :])
    with closing(SqliteEventStore(tmp_path, KEEP_DAYS)) as store:
        assert store.newest([1], 9) == [event(2)]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["samples", "minutes", "steps"])
def test_a_damaged_file_of_samples_holds_up_neither_writing_nor_rolling_up(
    tmp_path: Path, name: str, damage: Damage
) -> None:
    with closing(SqliteTelemetry(tmp_path, KEEP_DAYS)) as telemetry:
        for worker in range(1, 9):
            telemetry.write(samples_every(10 * SECOND, MIDNIGHT, MIDNIGHT + HOUR, worker_id=worker))
        telemetry.roll_up(MIDNIGHT + HOUR)
    path = tmp_path / "steps.db" if name == "steps" else next((tmp_path / name).glob("*.db"))
    damage(path)
    later = samples_every(10 * SECOND, MIDNIGHT + HOUR, MIDNIGHT + HOUR + MINUTE, worker_id=1)
    with closing(SqliteTelemetry(tmp_path, KEEP_DAYS)) as telemetry:
        for _ in range(3):
            try:
                telemetry.write(later)
                telemetry.roll_up(MIDNIGHT + 2 * HOUR)
                telemetry.time_buckets(range(1, 9))
                break
            except Unavailable:
                continue
        points = telemetry.points([1], MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR, 10_000)
        telemetry.delete_expired(MIDNIGHT + HOUR)
    assert len(points[1]) == len(later)
    assert len(set_aside_in(tmp_path)) == 1


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_spool_that_is_damaged_while_it_stands_still_goes_on_with_what_is_rescued(
    tmp_path: Path, loop: ThreadedEventLoop, damage: Damage
) -> None:
    path = tmp_path / "spool.db"
    names = [f"{number} " + "x" * 900 for number in range(100)]
    with closing(SqliteSpool(path)) as spool:
        append_one_by_one(loop, spool, *names)
    damage(path)
    with closing(SqliteSpool(path)) as spool:
        append_one_by_one(loop, spool, "new")
        found = payloads(spool.lease(1_000))
        assert spool.depth() == len(found)
    assert found[-1] == "new"
    assert set(found) <= {*names, "new"}
    [note] = set_aside_in(tmp_path)
    assert note.rescued == len(found) - 1


def test_a_spool_that_is_damaged_while_it_is_used_takes_entries_again(
    tmp_path: Path, loop: ThreadedEventLoop
) -> None:
    path = tmp_path / "spool.db"
    with closing(SqliteSpool(path)) as spool:
        append_one_by_one(loop, spool, *[f"{number} " + "x" * 900 for number in range(50)])
        first = spool.lease(10)
        spool.acknowledge(first)
        spool._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.write(b"\0" * path.stat().st_size)
        append_one_by_one(loop, spool, "first")
        spool.lease(100)
        wait_until(lambda: set_aside_in(tmp_path), what="a new file")
        append_one_by_one(loop, spool, "second")
        assert payloads(spool.lease(100))[-1] == "second"
    assert [one.name for one in set_aside_in(tmp_path)] == ["spool.db.damaged-1"]


def test_damage_that_only_the_reader_meets_is_set_aside_too(
    tmp_path: Path, loop: ThreadedEventLoop
) -> None:
    path = tmp_path / "spool.db"
    with closing(SqliteSpool(path)) as spool:
        append_one_by_one(loop, spool, *[f"{number} " + "x" * 900 for number in range(50)])
    destroy_middle(path)
    with closing(SqliteSpool(path)) as spool:
        wait_until(lambda: spool.lease(100), what="entries again")
        assert 30 < spool.depth() < 50
    [note] = set_aside_in(tmp_path)
    assert note.lost == 50 - note.rescued
