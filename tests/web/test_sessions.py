"""Sessions that the disk does not take are kept in memory, and end like any others."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from tests.support.clock import START

from bugsly_server.store.meta import accounts
from bugsly_server.store.meta.accounts import Account
from bugsly_server.store.meta.database import Database
from bugsly_server.web.sessions import MAX_HELD, Sessions


class FullDatabase(Database):
    """A database whose disk takes no more while it is full."""

    is_full = False

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if self.is_full:
            raise OperationalError("INSERT", {}, sqlite3.OperationalError("disk is full"))
        with super().writing() as connection:
            yield connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[FullDatabase]:
    with closing(FullDatabase(tmp_path / "meta.db")) as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def owner(database: FullDatabase) -> Account:
    with database.writing() as connection:
        made = accounts.create(connection, "ada", "argon-hash", START)
    database.is_full = True
    return made


def found(database: FullDatabase, sessions: Sessions, secret: str) -> Account | None:
    with database.reading() as connection:
        return sessions.find(connection, secret, START)


def opened(sessions: Sessions, account: Account) -> str:
    secret = sessions.open(account, START)
    assert secret is not None
    return secret


def test_a_session_in_memory_lets_its_visitor_in_and_nobody_else(
    database: FullDatabase, owner: Account
) -> None:
    sessions = Sessions(database)
    secret = opened(sessions, owner)
    assert found(database, sessions, secret) == owner
    assert found(database, sessions, secret[:-1]) is None
    assert found(database, Sessions(database), secret) is None


def test_it_ends_with_the_password_that_opened_it(database: FullDatabase, owner: Account) -> None:
    sessions = Sessions(database)
    secret = opened(sessions, owner)
    database.is_full = False
    with database.writing() as connection:
        accounts.set_password(connection, owner.id, "another-hash")
    assert found(database, sessions, secret) is None


@pytest.mark.parametrize("is_full_at_login", [True, False])
def test_logging_out_on_a_full_disk_ends_it(
    database: FullDatabase, owner: Account, *, is_full_at_login: bool
) -> None:
    sessions = Sessions(database)
    database.is_full = is_full_at_login
    secret = opened(sessions, owner)
    database.is_full = True
    sessions.close(secret)
    assert found(database, sessions, secret) is None


def test_memory_holds_a_bounded_number_of_them(database: FullDatabase, owner: Account) -> None:
    sessions = Sessions(database)
    secrets = [opened(sessions, owner) for _ in range(MAX_HELD + 1)]
    assert found(database, sessions, secrets[0]) is None
    assert found(database, sessions, secrets[-1]) == owner
