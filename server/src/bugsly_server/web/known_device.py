"""Marks browsers that have logged in, so that attempts of strangers do not keep them out.

The cookie opens nothing. It is what OWASP calls a device cookie: a number, and its signature by a
key that only the server has. The key is the stored hash of the password, so a new password ends it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from bugsly_server.store.meta.accounts import Account


def device_mark(account: Account) -> str | None:
    """Return the cookie of a browser that has logged in; None for an account without password."""
    if account.password_hash is None:
        return None
    number = secrets.token_hex(16)
    return f"{number}.{_signature(account.password_hash, number)}"


def known_device(mark: str | None, account: Account | None) -> str | None:
    """Return the number of the browser with the cookie *mark*; None if it is not known."""
    if mark is None or account is None or account.password_hash is None:
        return None
    number, _, signature = mark.partition(".")
    expected = _signature(account.password_hash, number)
    return number if hmac.compare_digest(signature.encode(), expected.encode()) else None


def _signature(password_hash: str, number: str) -> str:
    return hmac.new(password_hash.encode(), number.encode(), hashlib.sha256).hexdigest()
