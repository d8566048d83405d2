"""`bugsly user reset`: lets in somebody who forgot the password, whether the server runs or not."""

from __future__ import annotations

import argparse
from contextlib import closing

from sqlalchemy import Connection

from bugsly_server.cli.data_source import open_database
from bugsly_server.cli.dsn import server_address
from bugsly_server.cli.first_login import first_login_lines, link_sentence
from bugsly_server.cli.options.command import Command
from bugsly_server.cli.options.setting_flags import load_settings_of
from bugsly_server.cli.terminal.console import STDOUT
from bugsly_server.clock import now
from bugsly_server.errors import NotFound
from bugsly_server.store.meta import accounts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take what this command takes."""
    parser.add_argument(
        "action",
        choices=["reset"],
        help="Remove the password, end all sessions and API tokens, and print a one-time link",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="Whose; default the owner's")


def main(parsed: argparse.Namespace) -> int:
    """Print a one-time link, or a code where nobody has an account; return 0."""
    url = server_address(load_settings_of(parsed))
    with closing(open_database(parsed)) as database, database.writing() as connection:
        lines = _reset(connection, parsed.name, url)
    for line in lines:
        STDOUT.print(line, soft_wrap=True, markup=False)
    return 0


def _reset(connection: Connection, name: str | None, url: str) -> list[str]:
    owner = accounts.by_name(connection, name) if name else accounts.first(connection)
    if owner is not None:
        accounts.set_password(connection, owner.id, None)
        return [
            link_sentence(connection, owner, url, now()),
            "Then set a new password on the account page.",
        ]
    if name is None:
        return first_login_lines(connection, url, now())
    known = ", ".join(accounts.names(connection)) or "nobody yet"
    raise NotFound(f"user: {name!r} does not exist → choose one of: {known}")


COMMAND = Command(
    "user",
    "Let in somebody who forgot the password",
    main,
    add_arguments,
    settings=("host", "port", "data_dir", "public_url"),
)
