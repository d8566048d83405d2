"""Opens, finds and ends the sessions of visitors; in memory where the disk takes no more."""

from __future__ import annotations

import secrets
import threading
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from bugsly_server.clock import Micros
from bugsly_server.store.meta import accounts
from bugsly_server.store.meta.accounts import Account
from bugsly_server.store.meta.database import Database

MAX_HELD = 1_000
"""Sessions in memory; they are as rare as logins on a full disk."""


class _Held(NamedTuple):
    """A session in memory; it ends with the password that opened it."""

    account_id: int
    password_hash: str | None


class Sessions:
    """The sessions of a server; those in memory end with it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._ended: set[str] = set()

    def open(self, account: Account, now: Micros) -> str | None:
        """Return the secret of a new session; None where *account* is another meanwhile."""
        try:
            with self._database.writing() as connection:
                if accounts.get(connection, account.id) != account:
                    return None
                return accounts.open_session(connection, account.id, now)
        except OperationalError:
            secret = secrets.token_urlsafe(32)
            with self._lock:
                while len(self._held) >= MAX_HELD:
                    del self._held[next(iter(self._held))]
                self._held[accounts.secret_hash(secret)] = _Held(account.id, account.password_hash)
            return secret

    def find(self, connection: Connection, secret: str, now: Micros) -> Account | None:
        """Return the account of the session with *secret*."""
        key = accounts.secret_hash(secret)
        held = self._held.get(key)
        if key in self._ended:
            return None
        if held is None:
            return accounts.by_session(connection, secret, now)
        account = accounts.get(connection, held.account_id)
        return account if account and account.password_hash == held.password_hash else None

    def close(self, secret: str) -> None:
        """End one session."""
        key = accounts.secret_hash(secret)
        with self._lock:
            self._held.pop(key, None)
        try:
            with self._database.writing() as connection:
                accounts.close_session(connection, secret)
        except OperationalError:
            with self._lock:
                self._ended.add(key)
