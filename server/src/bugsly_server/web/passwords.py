"""Hashes passwords and checks them, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from starlette.datastructures import FormData

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 200
MAX_WAITING_CHECKS = 16
"""About half a second of hashing."""

PASSWORD_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Argon2id with the parameters of OWASP's password storage cheat sheet."""
_hashing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="passwords")
"""Computes one hash at a time: each takes 19 MB, which glibc keeps for the thread that took it."""


class TooManyChecks(Exception):
    """So many passwords wait for their check that another one would wait too long."""


class CheckQueue:
    """Lets one password be checked at a time, and few wait, without a thread each."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the block; raise `TooManyChecks` if many wait."""
        if self._waiting >= MAX_WAITING_CHECKS:
            raise TooManyChecks
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1


def hash_password(password: str) -> str:
    """Return the hash of a password, as it is stored."""
    return _hashing.submit(PASSWORD_HASHER.hash, password).result()


def is_password_right(password_hash: str | None, password: str) -> bool:
    """Return whether *password* is right, in the same time for an unknown account."""
    if password_hash is None:
        hash_password(password)
        return False
    try:
        return _hashing.submit(PASSWORD_HASHER.verify, password_hash, password).result()
    except VerificationError:
        return False


def password_problem(password: str) -> str | None:
    """Return what is wrong with a new password, None if it is acceptable."""
    if len(password) < MIN_PASSWORD_LENGTH:
        return f"A password needs at least {MIN_PASSWORD_LENGTH} characters."
    return None


def form_password(form: FormData, name: str = "password") -> str:
    """Return a password of *form*, cut to the longest that is hashed; "" if missing."""
    value = form.get(name)
    text = value[:MAX_PASSWORD_LENGTH] if isinstance(value, str) else ""
    return text.encode(errors="replace").decode()
