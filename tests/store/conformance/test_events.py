"""What every backend of `ports.EventStore` does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.clock import START

from bugsly_server.clock import DAY, HOUR
from bugsly_server.store.ports import EventStore, StoredEvent
from bugsly_server.store.telemetry import SqliteEventStore

GROUPING, OTHER = 1, 2


@pytest.fixture(params=[SqliteEventStore])
def events(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    made: EventStore = request.param(tmp_path, 30)
    yield made
    made.close()


def stored(number: int, at: int = START, grouping: int = GROUPING) -> StoredEvent:
    return StoredEvent(grouping, at, number.to_bytes(16), f"body {number}".encode())


def test_what_was_written_is_found(events: EventStore) -> None:
    events.write([stored(1), stored(2, START + 1)])
    assert events.get([GROUPING], stored(2).id) == stored(2, START + 1)
    assert events.get([OTHER], stored(2).id) is None
    assert events.get([], stored(2).id) is None


def test_writing_again_changes_nothing(events: EventStore) -> None:
    events.write([stored(1), stored(1)])
    events.write([stored(1)._replace(body=b"other")])
    assert events.newest([GROUPING], 9) == [stored(1)]


def test_the_newest_come_first_across_days_and_groupings(events: EventStore) -> None:
    written = [stored(n, START - n * 10 * HOUR, 1 + n % 2) for n in range(8)]
    events.write(written)
    assert events.newest([GROUPING, OTHER], 5) == written[:5]
    assert events.newest([OTHER], 9) == written[1::2]


def test_the_neighbours_of_an_event_are_found(events: EventStore) -> None:
    written = [stored(n, START - (n // 2) * DAY, 1 + n % 2) for n in range(8)]
    events.write(written)
    at, walked = events.newest([GROUPING, OTHER], 1)[0], []
    while (earlier := events.before([GROUPING, OTHER], at)) is not None:
        walked.append(at)
        assert events.after([GROUPING, OTHER], earlier) == at
        at = earlier
    assert {one.id for one in [*walked, at]} == {one.id for one in written}
    assert events.before([GROUPING], at) is None


def test_whole_days_are_dropped(events: EventStore) -> None:
    events.write([stored(1, START - 40 * DAY), stored(2)])
    assert events.delete_expired(START) == 1
    assert events.newest([GROUPING], 9) == [stored(2)]
    assert events.delete_expired(START) == 0
