import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.store.conformance.spool_backends import append_one_by_one, entry, payloads
from tests.support.event_loop import ThreadedEventLoop
from tests.support.wait import wait_until

from bugsly_server.errors import Unavailable
from bugsly_server.store.spool import SqliteSpool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[SqliteSpool]:
    spool = SqliteSpool(tmp_path / "spool.db")
    yield spool
    spool.close()


@pytest.fixture
def stranger(spool: SqliteSpool, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another process, which may hold the write lock for a while."""
    assert spool.depth() == 0
    path = tmp_path / "spool.db"
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    yield connection
    connection.close()


def test_many_appends_share_few_commits(
    loop: ThreadedEventLoop, spool: SqliteSpool, stranger: sqlite3.Connection
) -> None:
    commits: list[str] = []
    spool._writing.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    stranger.execute("BEGIN IMMEDIATE")

    async def send_all() -> None:
        sent = [spool.append([entry(str(n))]) for n in range(300)]
        stranger.execute("ROLLBACK")
        await asyncio.gather(*sent)

    loop.run(send_all())
    assert 1 <= len(commits) <= 3


def test_what_is_acknowledged_but_not_yet_deleted_is_not_leased_again(
    loop: ThreadedEventLoop, spool: SqliteSpool, stranger: sqlite3.Connection
) -> None:
    append_one_by_one(loop, spool, "a", "b")
    stranger.execute("BEGIN IMMEDIATE")
    spool.acknowledge(spool.lease(1))
    spool.release_leases()
    again = payloads(spool.lease(9))
    stranger.execute("ROLLBACK")
    assert again == ["b"]
    wait_until(lambda: spool.depth() == 1, what="deleting what is digested")


def test_a_failed_commit_is_told_to_each_who_waits_and_the_next_one_may_succeed(
    loop: ThreadedEventLoop, spool: SqliteSpool
) -> None:
    append_one_by_one(loop, spool, "a")
    (pages,) = spool._writing.execute("PRAGMA page_count").fetchone()
    spool._writing.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Unavailable, match="database or disk is full") as refusal:
        append_one_by_one(loop, spool, "x" * 100_000)
    assert refusal.value.retry_after == 30
    spool._writing.execute("PRAGMA max_page_count = 1000000")
    append_one_by_one(loop, spool, "b")
    assert payloads(spool.lease(9)) == ["a", "b"]
    assert spool.depth() == 2


def test_what_was_acknowledged_during_a_failed_commit_is_deleted_by_the_next(
    loop: ThreadedEventLoop, spool: SqliteSpool
) -> None:
    append_one_by_one(loop, spool, "a")
    (pages,) = spool._writing.execute("PRAGMA page_count").fetchone()
    spool._writing.execute(f"PRAGMA max_page_count = {pages}")

    async def acknowledge_and_append() -> None:
        spool.acknowledge(spool.lease(1))
        await spool.append([entry("x" * 100_000)])

    with pytest.raises(Unavailable):
        loop.run(acknowledge_and_append())
    spool._writing.execute("PRAGMA max_page_count = 1000000")
    append_one_by_one(loop, spool, "b")
    assert spool.depth() == 1


def test_a_spool_of_an_earlier_server_keeps_what_it_holds(
    loop: ThreadedEventLoop, tmp_path: Path
) -> None:
    path = tmp_path / "earlier.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE entry (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " project_id INTEGER NOT NULL, received_at INTEGER NOT NULL,"
            " kind TEXT NOT NULL, payload BLOB NOT NULL)"
        )
        connection.execute(
            "INSERT INTO entry (project_id, received_at, kind, payload)"
            " VALUES (1, 1, 'memory', x'61')"
        )
    for _ in range(2):
        with closing(SqliteSpool(path)) as opened:
            append_one_by_one(loop, opened, "b")
    with closing(SqliteSpool(path)) as opened:
        assert payloads(opened.lease(9)) == ["a", "b", "b"]
