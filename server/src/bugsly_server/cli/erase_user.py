"""`bugsly erase-user USER`: erases all data of one person from a project."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import Any

import msgspec

from bugsly_server.app import DataFolder, locked
from bugsly_server.cli.data_source import add_source_arguments, call_api, open_database, server_url
from bugsly_server.cli.options.command import Command
from bugsly_server.cli.options.setting_flags import load_settings_of
from bugsly_server.cli.terminal.console import STDOUT
from bugsly_server.erasure import DigestTurns, Eraser
from bugsly_server.errors import NotFound
from bugsly_server.model.identity import Identity
from bugsly_server.store.meta import projects
from bugsly_server.store.spool import SqliteSpool

TIMEOUT_SECONDS = 3_600.0
"""For a server to go through all of its events."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take what this command takes."""
    parser.add_argument(
        "user", metavar="USER", help="Id, name, mail or IP address by which the app knows them"
    )
    add_source_arguments(parser, project_help="Project to erase them from, default app")


def main(parsed: argparse.Namespace) -> int:
    """Erase, print how many rows that were, and return 0."""
    identity, project = Identity(parsed.user), parsed.project or "app"
    url = server_url(parsed)
    if url:
        content = {"project": project, "user": identity.text}
        erased: dict[str, Any] = call_api(url, "POST", "erase", content, TIMEOUT_SECONDS)
    else:
        erased = _erase_in_folder(parsed, project, identity)
    parts = ", ".join(f"{name} {amount:,}" for name, amount in erased.items())
    STDOUT.print(f"{project}: {sum(erased.values()):,} rows erased ({parts})", soft_wrap=True)
    return 0


def _erase_in_folder(parsed: argparse.Namespace, slug: str, identity: Identity) -> dict[str, Any]:
    """Erase in a data folder that no server uses."""
    settings = load_settings_of(parsed)
    open_database(parsed).close()
    with (
        locked(settings, "let it erase: give its URL with --url"),
        closing(DataFolder(settings)) as store,
        closing(SqliteSpool(settings.data_dir / "spool.db")) as spool,
    ):
        with store.database.reading() as connection:
            project = projects.by_slug(connection, slug)
        if project is None:
            raise NotFound(f"project: {slug!r} does not exist → see bugsly status")
        eraser = Eraser(store.database, store.events, spool, DigestTurns())
        erased: dict[str, Any] = msgspec.to_builtins(eraser.erase(project.id, identity))
    return erased


COMMAND = Command(
    "erase-user",
    "Erase all data of one person from a project",
    main,
    add_arguments,
    settings=("data_dir",),
)
