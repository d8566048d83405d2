import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection
from tests.support.bugsly_command import run_bugsly, running_bugsly

from bugsly_server.cli import main
from bugsly_server.cli.first_login import first_login_lines
from bugsly_server.clock import now
from bugsly_server.store.meta import accounts
from bugsly_server.store.meta.database import Database

URL = "http://127.0.0.1:8420"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a data folder without accounts."""
    with closing(Database(tmp_path / "meta.db")) as database:
        database.migrate()
    return tmp_path


@contextmanager
def stored(folder: Path) -> Iterator[Connection]:
    """Give the database of *folder* for the block."""
    with closing(Database(folder / "meta.db")) as database, database.writing() as connection:
        yield connection


def add_account(folder: Path) -> tuple[accounts.Account, str]:
    """Return an account with a password, and an API token of it."""
    with stored(folder) as connection:
        ada = accounts.create(connection, "ada", "argon-hash", now())
        return ada, accounts.make_token(connection, ada.id, "ci", now())


def reset(folder: Path, *name: str) -> int:
    return main(["user", "reset", *name, "--data-dir", str(folder), "--port", "8420"])


@pytest.mark.parametrize("name", [[], ["ada"]])
def test_a_reset_ends_the_old_password_and_prints_a_link_that_logs_in_once(
    folder: Path, name: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ada, token = add_account(folder)
    assert reset(folder, *name) == 0
    printed = re.search(r"Log in as ada.* at (\S+)/enter/(\S+)", capsys.readouterr().out)
    assert printed is not None
    assert printed[1] == URL
    with stored(folder) as connection:
        assert accounts.by_token(connection, token) is None
        found = accounts.use_link(connection, printed[2], now())
        assert found is not None
        assert (found.id, found.password_hash) == (ada.id, None)
        assert accounts.use_link(connection, printed[2], now()) is None


def test_where_nobody_has_an_account_a_reset_prints_another_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reset(folder) == 0
    printed = re.search(
        rf"Create the owner's at {URL}/welcome\?code=(\S+)", capsys.readouterr().out
    )
    assert printed is not None
    with stored(folder) as connection:
        assert accounts.is_claim_code(connection, printed[1], now())


def test_an_unknown_name_is_answered_with_the_known_ones_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada, _ = add_account(folder)
    assert reset(folder, "eve") == 2
    assert "user: 'eve' does not exist → choose one of: ada" in capsys.readouterr().err
    with stored(folder) as connection:
        assert accounts.first(connection) == ada


def test_a_server_says_how_to_log_in_until_there_is_a_password(folder: Path) -> None:
    with stored(folder) as connection:
        assert "/welcome?code=" in first_login_lines(connection, URL, now())[0]
        owner = accounts.create(connection, "owner", None, now())
        (line,) = first_login_lines(connection, URL, now())
        found = accounts.use_link(connection, line.rpartition("/")[2], now())
        assert found == owner
        accounts.set_password(connection, owner.id, "argon-hash")
        assert first_login_lines(connection, URL, now()) == []


def test_a_reset_works_while_the_server_runs(tmp_path: Path) -> None:
    with running_bugsly("serve", "--port", "0", "--data-dir", str(tmp_path)) as server:
        older = server.await_output(r"with the code (\S+)")
        done = run_bugsly("user", "reset", "--data-dir", str(tmp_path))
    newer = re.search(r"with the code (\S+)", done.stdout)
    assert newer is not None
    with stored(tmp_path) as connection:
        for code in (older, newer[1]):
            assert accounts.is_claim_code(connection, code, now())
