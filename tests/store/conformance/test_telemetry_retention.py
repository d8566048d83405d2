import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.store.conformance.telemetry_backends import (
    BACKENDS,
    KEEP_DAYS,
    MIDNIGHT,
    OpenTelemetry,
    bare_traffic,
    naive_traffic,
    samples_every,
    served,
)

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.store.ports import Telemetry

NOON: Micros = MIDNIGHT + 12 * HOUR


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> OpenTelemetry:
    return BACKENDS[request.param]


@pytest.fixture
def telemetry(backend: OpenTelemetry, tmp_path: Path) -> Iterator[Telemetry]:
    telemetry = backend(tmp_path)
    yield telemetry
    telemetry.close()


def finest_at(telemetry: Telemetry, at: Micros) -> int:
    """Return how many points an hour at *at* still has at the finest."""
    return len(telemetry.points([1], at, at + HOUR, 9999)[1])


@pytest.mark.parametrize(
    ("age", "points"),
    [(0, 120), (1, 120), (3, 60), (7, 60), (9, 6), (35, 6), (70, 1), (KEEP_DAYS, 1), (125, 0)],
)
def test_samples_get_coarser_with_age_and_are_forgotten_in_the_end(
    telemetry: Telemetry, age: int, points: int
) -> None:
    telemetry.write(samples_every(30 * SECOND, NOON, NOON + HOUR))
    telemetry.roll_up(NOON + HOUR)
    telemetry.write(
        samples_every(30 * SECOND, NOON + age * DAY + HOUR, NOON + age * DAY + HOUR + MINUTE)
    )
    telemetry.roll_up(NOON + age * DAY + 2 * HOUR)
    telemetry.delete_expired(NOON + age * DAY)
    assert finest_at(telemetry, NOON) == points


def test_forgetting_removes_files_and_says_how_many(telemetry: Telemetry, tmp_path: Path) -> None:
    telemetry.write(samples_every(10 * MINUTE, NOON, NOON + 4 * DAY))
    telemetry.roll_up(NOON + 4 * DAY)
    before = set(tmp_path.rglob("*.db"))
    gone = telemetry.delete_expired(NOON + 4 * DAY)
    after = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert gone == len(before - after) == 3
    assert telemetry.delete_expired(NOON + 4 * DAY) == 0


def test_forgetting_changes_no_sum_of_what_is_kept_elsewhere(telemetry: Telemetry) -> None:
    samples = samples_every(10 * MINUTE, NOON, NOON + 20 * DAY, traffic={5: served(3)})
    telemetry.write(samples)
    telemetry.roll_up(NOON + 20 * DAY)
    telemetry.delete_expired(NOON + 20 * DAY)
    assert bare_traffic(telemetry.traffic([1], NOON, NOON + 20 * DAY)) == bare_traffic(
        naive_traffic(samples)
    )


def test_all_that_is_forgotten_makes_room(telemetry: Telemetry) -> None:
    telemetry.write(samples_every(10 * MINUTE, NOON, NOON + 2 * DAY))
    telemetry.roll_up(NOON + 2 * DAY)
    telemetry.delete_expired(NOON + 200 * DAY)
    assert telemetry.size() == 0


def test_readers_go_on_while_samples_are_written_rolled_up_and_forgotten(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    done = threading.Event()
    problems: list[BaseException] = []
    rounds: list[int] = []

    def read(look: Callable[[], object]) -> None:
        try:
            while not done.is_set():
                look()
                rounds.append(1)
        except BaseException as error:  # noqa: BLE001 - the test is about any
            problems.append(error)

    span = (MIDNIGHT, MIDNIGHT + 40 * DAY)
    looks: list[Callable[[], object]] = [
        lambda: telemetry.points([1, 2], *span, 600),
        lambda: telemetry.points([1], NOON, NOON + HOUR, 9999),
        lambda: telemetry.traffic([1, 2], *span),
    ]
    readers = [threading.Thread(target=read, args=(look,)) for look in looks]
    for reader in readers:
        reader.start()
    for day in range(40):
        begin = NOON + day * DAY
        telemetry.write(samples_every(10 * MINUTE, begin, begin + HOUR, traffic={5: served(3)}))
        telemetry.roll_up(begin + HOUR)
        telemetry.delete_expired(begin + HOUR)
    done.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert len(rounds) > 3
    telemetry.delete_expired(NOON + 200 * DAY)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
