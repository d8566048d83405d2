"""`bugsly dsn [PROJECT]`: the DSN that a project's agents, or its SDKs, report to."""

from __future__ import annotations

import argparse

from bugsly_server.app import DataFolder
from bugsly_server.cli.options.command import Command
from bugsly_server.cli.options.setting_flags import load_settings_of
from bugsly_server.cli.terminal.console import print_data
from bugsly_server.clock import now
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.settings import ServerSettings
from bugsly_server.store.meta import project_keys, projects
from bugsly_server.web.setup import project_dsn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take what this command takes."""
    parser.add_argument(
        "project", nargs="?", default="app", metavar="PROJECT", help="Its name, default app"
    )
    parser.add_argument(
        "--kind",
        choices=[kind.value for kind in ProjectKeyKind],
        default=ProjectKeyKind.AGENT.value,
        help="agent, which may also report memory, or sdk, for browsers; default agent",
    )


def main(parsed: argparse.Namespace) -> int:
    """Print the DSN and nothing else, so that a script can take it."""
    settings = load_settings_of(parsed)
    store = DataFolder(settings)
    with store.database.writing() as connection:
        project = projects.ensure(connection, parsed.project, now())
        key = project_keys.ensure(connection, project.id, ProjectKeyKind(parsed.kind), now())
    store.close()
    print_data(project_dsn(server_address(settings), key))
    return 0


def server_address(settings: ServerSettings) -> str:
    """Return the URL at which agents reach, or would reach, a server with these *settings*."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - not bound
    return settings.public_url or f"http://{host}:{settings.port}"


COMMAND = Command(
    "dsn",
    "Print a DSN of a project, and create the project if missing",
    main,
    add_arguments,
    settings=("host", "port", "data_dir", "public_url"),
)
