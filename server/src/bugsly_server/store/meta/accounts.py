"""Accounts, sessions, one-time links and API tokens; of their secrets only hashes are stored."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from bugsly_server.clock import DAY, HOUR, Micros, has_passed
from bugsly_server.store.meta.tables import account, login_link, session, token

SESSION_LIFETIME: Micros = 30 * DAY
LINK_LIFETIME: Micros = 12 * HOUR
MAX_CLOCK_ERROR: Micros = DAY
"""By which the clock may be set back without ending what was opened before."""
CLAIM_CODE_LIFETIME: Micros = 30 * DAY
CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet, which has no two letters that look alike."""
CODE_LENGTH = 12
"""60 bits: nobody guesses them, even unhindered."""
MISREAD_LETTERS = str.maketrans("OIL", "011", " -")


@dataclass(frozen=True, slots=True)
class Account:
    """A person; without a password hash, only a one-time link logs them in."""

    id: int
    name: str
    password_hash: str | None
    created_at: Micros


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A named key for programs; its secret is shown once."""

    id: int
    name: str
    created_at: Micros
    used_at: Micros | None


def secret_hash(secret: str) -> str:
    """Return what is stored of a random secret, which is too long to need a slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def has_any(connection: Connection) -> bool:
    """Return whether there is any account."""
    return connection.execute(select(func.count()).select_from(account)).scalar_one() > 0


def get(connection: Connection, account_id: int) -> Account | None:
    """Return the account with that id."""
    row = connection.execute(select(account).where(account.c.id == account_id)).one_or_none()
    return None if row is None else Account(**row._mapping)


def by_name(connection: Connection, name: str) -> Account | None:
    """Return the account called *name*."""
    row = connection.execute(select(account).where(account.c.name == name)).one_or_none()
    return None if row is None else Account(**row._mapping)


def first(connection: Connection) -> Account | None:
    """Return the owner's account; None on a server that nobody has claimed."""
    row = connection.execute(select(account).order_by(account.c.id).limit(1)).one_or_none()
    return None if row is None else Account(**row._mapping)


def names(connection: Connection) -> list[str]:
    """Return the names of all accounts, oldest first."""
    return list(connection.execute(select(account.c.name).order_by(account.c.id)).scalars())


def create(connection: Connection, name: str, password_hash: str | None, now: Micros) -> Account:
    """Make an account, and end all links and codes that would have made the first one."""
    connection.execute(delete(login_link).where(login_link.c.account_id.is_(None)))
    values = {"name": name, "password_hash": password_hash, "created_at": now}
    made = connection.execute(insert(account).values(values).returning(account.c.id)).scalar_one()
    return Account(made, name, password_hash, now)


def set_password(connection: Connection, account_id: int, password_hash: str | None) -> None:
    """Replace or remove a password, and end all sessions, links and API tokens of the account."""
    condition = account.c.id == account_id
    connection.execute(update(account).where(condition).values(password_hash=password_hash))
    for table in (session, login_link, token):
        connection.execute(delete(table).where(table.c.account_id == account_id))


def open_session(connection: Connection, account_id: int, now: Micros) -> str:
    """Return the secret of a new session."""
    secret = secrets.token_urlsafe(32)
    connection.execute(
        insert(session).values(
            token_hash=secret_hash(secret),
            account_id=account_id,
            created_at=now,
            expires_at=now + SESSION_LIFETIME,
        )
    )
    return secret


def by_session(connection: Connection, secret: str, now: Micros) -> Account | None:
    """Return the account of the session with *secret*."""
    row = connection.execute(
        select(account)
        .join(session)
        .where(
            session.c.token_hash == secret_hash(secret),
            _is_valid(session.c.expires_at, SESSION_LIFETIME, now),
        )
    ).one_or_none()
    return None if row is None else Account(**row._mapping)


def close_session(connection: Connection, secret: str) -> None:
    """End one session."""
    connection.execute(delete(session).where(session.c.token_hash == secret_hash(secret)))


def make_link(connection: Connection, owner: Account | None, now: Micros) -> str:
    """Return the secret of a link that logs its first visitor in as *owner*.

    On a server without accounts, where *owner* is None, it makes the first one.
    """
    secret = secrets.token_urlsafe(32)
    _store_link(connection, secret, owner, now, LINK_LIFETIME)
    return secret


def use_link(connection: Connection, secret: str, now: Micros) -> Account | None:
    """Use up a link and return its account, made if the link is to make it; None if used before."""
    used = connection.execute(
        delete(login_link).where(_is_valid_link(secret, now)).returning(login_link.c.account_id)
    ).one_or_none()
    if used is None:
        return None
    if used.account_id is None:
        return create(connection, "owner", None, now)
    row = connection.execute(select(account).where(account.c.id == used.account_id)).one()
    return Account(**row._mapping)


def make_claim_code(connection: Connection, now: Micros) -> str:
    """Return a code, such as `7KQF-3M9T-XW2P`, that entitles to make the first account."""
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    _store_link(connection, code, None, now, CLAIM_CODE_LIFETIME)
    return "-".join(code[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def is_claim_code(connection: Connection, typed: str, now: Micros) -> bool:
    """Return whether *typed* is a valid code, however it is spaced and written."""
    code = typed.upper().translate(MISREAD_LETTERS)
    valid = select(login_link).where(_is_valid_link(code, now), login_link.c.account_id.is_(None))
    return connection.execute(valid).one_or_none() is not None


def delete_expired(connection: Connection, now: Micros) -> None:
    """Delete the sessions and links that have expired."""
    for table in (session, login_link):
        connection.execute(delete(table).where(table.c.expires_at < now))


def make_token(connection: Connection, account_id: int, name: str, now: Micros) -> str:
    """Return the secret of a new API token."""
    secret = f"bugsly_{secrets.token_urlsafe(32)}"
    values = {"token_hash": secret_hash(secret), "name": name, "created_at": now}
    connection.execute(insert(token).values(account_id=account_id, **values))
    return secret


def tokens(connection: Connection, account_id: int) -> list[ApiToken]:
    """Return the API tokens of an account, newest first."""
    columns = (token.c.id, token.c.name, token.c.created_at, token.c.used_at)
    query = select(*columns).where(token.c.account_id == account_id).order_by(token.c.id.desc())
    return [ApiToken(**row._mapping) for row in connection.execute(query)]


def revoke_token(connection: Connection, account_id: int, token_id: int) -> None:
    """Delete an API token of an account."""
    condition = (token.c.id == token_id) & (token.c.account_id == account_id)
    connection.execute(delete(token).where(condition))


def by_token(connection: Connection, secret: str) -> Account | None:
    """Return the account of the API token *secret*."""
    match = token.c.token_hash == secret_hash(secret)
    row = connection.execute(select(account).join(token).where(match)).one_or_none()
    return None if row is None else Account(**row._mapping)


def is_token_use_noted(connection: Connection, secret: str, now: Micros) -> bool:
    """Return whether it is noted that the token *secret* was used in this hour."""
    match = token.c.token_hash == secret_hash(secret)
    used_at = connection.execute(select(token.c.used_at).where(match)).scalar_one_or_none()
    return used_at is not None and not has_passed(HOUR, used_at, now)


def note_token_use(connection: Connection, secret: str, now: Micros) -> None:
    """Note that the token *secret*, if there is one, is used."""
    match = token.c.token_hash == secret_hash(secret)
    connection.execute(update(token).where(match).values(used_at=now))


def _store_link(
    connection: Connection, secret: str, owner: Account | None, now: Micros, lifetime: Micros
) -> None:
    connection.execute(
        insert(login_link).values(
            token_hash=secret_hash(secret),
            account_id=None if owner is None else owner.id,
            expires_at=now + lifetime,
        )
    )


def _is_valid_link(secret: str, now: Micros) -> ColumnElement[bool]:
    """Return the condition for the link with *secret*, until it expires."""
    is_alive = _is_valid(login_link.c.expires_at, CLAIM_CODE_LIFETIME, now)
    return (login_link.c.token_hash == secret_hash(secret)) & is_alive


def _is_valid(expires_at: ColumnElement[int], lifetime: Micros, now: Micros) -> ColumnElement[bool]:
    """Return the condition that something has not expired.

    What expires later than its lifetime allows was made while the clock was far ahead.
    """
    return expires_at.between(now + 1, now + lifetime + MAX_CLOCK_ERROR)
