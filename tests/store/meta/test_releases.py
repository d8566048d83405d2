"""What is known of a project's releases."""

import pytest
from tests.support.clock import START

from bugsly_server.clock import DAY
from bugsly_server.store.meta import projects, releases
from bugsly_server.store.meta.database import Database


@pytest.fixture
def project(database: Database) -> int:
    with database.writing() as connection:
        return projects.ensure(connection, "shop", START).id


def test_a_release_is_first_seen_once(database: Database, project: int) -> None:
    with database.writing() as connection:
        for at in (START, START + DAY):
            assert releases.note(connection, project, "1.0", at, 9)
        assert releases.note(connection, project, "2.0", START + DAY, 9)
        assert releases.list_newest(connection, project, 9) == [
            ("2.0", START + DAY),
            ("1.0", START),
        ]
        assert releases.list_newest(connection, project, 9, since=START + 1) == [
            ("2.0", START + DAY)
        ]
        assert releases.first_seen(connection, project, ["1.0", "3.0"]) == {"1.0": START}


def test_beyond_the_limit_only_known_releases_are_noted(database: Database, project: int) -> None:
    with database.writing() as connection:
        noted = [releases.note(connection, project, str(n), START, 3) for n in (1, 2, 3, 4, 1)]
        assert noted == [True, True, True, False, True]
        assert releases.count(connection, project) == 3


def test_old_releases_go_but_the_newest_stay(database: Database, project: int) -> None:
    with database.writing() as connection:
        for number in range(releases.MIN_KEPT + 2):
            releases.note(connection, project, str(number), START + number, 1_000)
        releases.delete_before(connection, project, START + DAY)
        assert releases.count(connection, project) == releases.MIN_KEPT
        assert releases.first_seen(connection, project, ["0", "2"]) == {"2": START + 2}
