import re
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from tests.support.clock import START

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND
from bugsly_server.store.meta import accounts
from bugsly_server.store.meta.accounts import CLAIM_CODE_LIFETIME, LINK_LIFETIME, SESSION_LIFETIME
from bugsly_server.store.meta.database import Database


@pytest.fixture
def owner(database: Database) -> accounts.Account:
    with database.writing() as connection:
        return accounts.create(connection, "ada", "argon-hash", START)


def everything_stored(folder: Path) -> str:
    """Return all text in all tables of the meta database."""
    connection = sqlite3.connect(folder / "meta.db")
    dump = "\n".join(connection.iterdump())
    connection.close()
    return dump


def test_of_secrets_only_hashes_are_stored(
    database: Database, owner: accounts.Account, tmp_path: Path
) -> None:
    with database.writing() as connection:
        secrets = [
            accounts.open_session(connection, owner.id, START),
            accounts.make_link(connection, owner, START),
            accounts.make_token(connection, owner.id, "ci", START),
        ]
    stored = everything_stored(tmp_path)
    assert all(len(secret) >= 43 for secret in secrets)
    assert [accounts.secret_hash(secret) in stored for secret in secrets] == [True] * 3
    assert [secret in stored for secret in secrets] == [False] * 3


def test_a_session_opens_until_it_expires(database: Database, owner: accounts.Account) -> None:
    with database.writing() as connection:
        secret = accounts.open_session(connection, owner.id, START)
        assert accounts.by_session(connection, secret, START + SESSION_LIFETIME - 1) == owner
        assert accounts.by_session(connection, secret, START + SESSION_LIFETIME) is None
        assert accounts.by_session(connection, "another", START) is None


def test_a_session_that_is_closed_opens_no_more(
    database: Database, owner: accounts.Account
) -> None:
    with database.writing() as connection:
        first, second = (accounts.open_session(connection, owner.id, START) for _ in range(2))
        accounts.close_session(connection, first)
        assert accounts.by_session(connection, first, START) is None
        assert accounts.by_session(connection, second, START) == owner


@pytest.mark.parametrize("password_hash", ["another-hash", None])
def test_a_new_password_ends_all_that_the_old_one_opened(
    database: Database, owner: accounts.Account, password_hash: str | None
) -> None:
    with database.writing() as connection:
        session = accounts.open_session(connection, owner.id, START)
        token = accounts.make_token(connection, owner.id, "ci", START)
        link = accounts.make_link(connection, owner, START)
        accounts.set_password(connection, owner.id, password_hash)
        assert accounts.by_session(connection, session, START) is None
        assert accounts.by_token(connection, token) is None
        assert accounts.use_link(connection, link, START) is None
        found = accounts.by_name(connection, "ada")
    assert found is not None
    assert found.password_hash == password_hash


def test_sessions_and_links_that_are_over_are_forgotten(
    database: Database, owner: accounts.Account, tmp_path: Path
) -> None:
    with database.writing() as connection:
        old = [accounts.open_session(connection, owner.id, START)]
        old += [accounts.make_link(connection, owner, START)]
        accounts.delete_expired(connection, START + SESSION_LIFETIME + SECOND)
    stored = everything_stored(tmp_path)
    assert [accounts.secret_hash(secret) in stored for secret in old] == [False, False]


def test_a_clock_that_is_set_back_a_little_ends_no_session(
    database: Database, owner: accounts.Account
) -> None:
    with database.writing() as connection:
        secret = accounts.open_session(connection, owner.id, START)
        assert accounts.by_session(connection, secret, START - HOUR) == owner


def test_what_was_opened_a_year_ahead_does_not_outlast_the_right_time(
    database: Database, owner: accounts.Account
) -> None:
    ahead = START + 400 * DAY
    with database.writing() as connection:
        secret = accounts.open_session(connection, owner.id, ahead)
        link = accounts.make_link(connection, owner, ahead)
        assert accounts.by_session(connection, secret, START) is None
        assert accounts.use_link(connection, link, START) is None


def test_a_link_works_once_for_its_account(database: Database, owner: accounts.Account) -> None:
    with database.writing() as connection:
        secret = accounts.make_link(connection, owner, START)
        assert accounts.use_link(connection, secret, START) == owner
        assert accounts.use_link(connection, secret, START) is None
        assert accounts.use_link(connection, "made-up", START) is None


def test_a_link_makes_the_first_account_where_there_is_none(database: Database) -> None:
    with database.writing() as connection:
        assert not accounts.has_any(connection)
        used = accounts.use_link(connection, accounts.make_link(connection, None, START), START)
        assert used == accounts.by_name(connection, "owner")
        assert accounts.has_any(connection)


def test_a_link_for_the_first_account_never_logs_in_to_one_that_somebody_else_made(
    database: Database,
) -> None:
    with database.writing() as connection:
        link = accounts.make_link(connection, None, START)
        accounts.create(connection, "eve", "argon-hash", START)
        assert accounts.use_link(connection, link, START) is None


def test_a_claim_code_is_valid_however_it_is_typed_until_there_is_an_account(
    database: Database,
) -> None:
    with database.writing() as connection:
        code = accounts.make_claim_code(connection, START)
        assert re.fullmatch(r"(?:[0-9A-HJKMNP-TV-Z]{4}-?){3}", code)
        misread = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        for typed in (code, misread, f" {code} "):
            assert accounts.is_claim_code(connection, typed, START)
        assert not accounts.is_claim_code(connection, code[:-1], START)
        accounts.create(connection, "ada", None, START)
        assert not accounts.is_claim_code(connection, code, START)


def test_a_claim_code_outlives_a_restart_and_not_a_month(
    database: Database, tmp_path: Path
) -> None:
    with database.writing() as connection:
        older = accounts.make_claim_code(connection, START)
        accounts.make_claim_code(connection, START)
        assert accounts.is_claim_code(connection, older, START + CLAIM_CODE_LIFETIME - 1)
        assert not accounts.is_claim_code(connection, older, START + CLAIM_CODE_LIFETIME)
    assert older.replace("-", "") not in everything_stored(tmp_path)


def test_a_link_is_no_claim_code(database: Database, owner: accounts.Account) -> None:
    with database.writing() as connection:
        link = accounts.make_link(connection, owner, START)
        assert not accounts.is_claim_code(connection, link, START)


def test_a_link_expires(database: Database) -> None:
    with database.writing() as connection:
        secret = accounts.make_link(connection, None, START)
        assert accounts.use_link(connection, secret, START + LINK_LIFETIME) is None


def test_a_token_is_known_until_it_is_revoked_and_its_use_is_noted(
    database: Database, owner: accounts.Account
) -> None:
    with database.writing() as connection:
        secret = accounts.make_token(connection, owner.id, "ci", START)
        assert accounts.by_token(connection, secret) == owner
        assert accounts.by_token(connection, secret[:-1]) is None
        assert not accounts.is_token_use_noted(connection, secret, START + SECOND)
        accounts.note_token_use(connection, secret, START + SECOND)
        assert accounts.is_token_use_noted(connection, secret, START + MINUTE)
        assert not accounts.is_token_use_noted(connection, secret, START + 2 * HOUR)
        (token,) = accounts.tokens(connection, owner.id)
        assert (token.name, token.used_at) == ("ci", START + SECOND)
        accounts.revoke_token(connection, owner.id + 1, token.id)
        assert accounts.by_token(connection, secret) == owner
        accounts.revoke_token(connection, owner.id, token.id)
        assert accounts.by_token(connection, secret) is None


def test_a_name_is_given_once(database: Database, owner: accounts.Account) -> None:
    with pytest.raises(IntegrityError), database.writing() as connection:
        accounts.create(connection, owner.name, None, START)
