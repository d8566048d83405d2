"""Says how to log in where there is no password: with a code, or by a one-time link."""

from __future__ import annotations

from sqlalchemy import Connection

from bugsly_server.clock import Micros
from bugsly_server.store.meta import accounts
from bugsly_server.store.meta.accounts import Account


def first_login_lines(connection: Connection, url: str, moment: Micros) -> list[str]:
    """Return how the owner logs in to the server at *url*; nothing where a password does it."""
    owner = accounts.first(connection)
    if owner is None:
        code = accounts.make_claim_code(connection, moment)
        return [
            f"Nobody has an account yet. Create the owner's at {url}/welcome?code={code}",
            f"or at /welcome of another address of this server, with the code {code}",
        ]
    if owner.password_hash is None:
        return [f"Nobody has a password yet. {link_sentence(connection, owner, url, moment)}"]
    return []


def link_sentence(connection: Connection, owner: Account, url: str, moment: Micros) -> str:
    """Return a sentence with a link that logs in once as *owner*."""
    link = accounts.make_link(connection, owner, moment)
    return f"Log in as {owner.name}, once and within 12 hours, at {url}/enter/{link}"
