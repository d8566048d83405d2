"""`bugsly run -- COMMAND`: runs an app with the agent in it, and a server next to it."""

from __future__ import annotations

import argparse
import re

from bugsly.autostart import UnknownCommand, find_program
from bugsly_server.cli.options.command import Command
from bugsly_server.cli.options.setting_flags import load_settings_of
from bugsly_server.cli.processes.child_process import ChildProcess
from bugsly_server.cli.processes.server_alongside import ServerAlongside, run_alongside
from bugsly_server.cli.terminal.console import STDOUT
from bugsly_server.errors import Misconfigured


def main(parsed: argparse.Namespace) -> int:
    """Run the command until it ends or a signal stops it; return its exit code."""
    if not parsed.command:
        raise Misconfigured("command: it is missing → write bugsly run -- gunicorn shop:app")
    try:
        program = find_program(parsed.command)
    except UnknownCommand as error:
        raise Misconfigured(str(error)) from None

    async def run_app(alongside: ServerAlongside) -> int:
        STDOUT.print(f"[bold]Bugsly[/] shows the workers at {alongside.login_url}", soft_wrap=True)
        child = await ChildProcess.start([program, *parsed.command[1:]], alongside.app_environ)
        return await alongside.run_until_done(child)

    return run_alongside(parsed, load_settings_of(parsed), project_name(parsed.command), run_app)


def project_name(command: list[str]) -> str:
    """Return the name of the project: the module in `gunicorn shop:app`, else `app`."""
    for word in command[1:]:
        module = re.fullmatch(r"([A-Za-z_][\w.]*):[\w.()]+", word)
        if module:
            slug = re.sub(r"[^a-z0-9]+", "-", module[1].lower()).strip("-")
            return slug[:60] or "app"
    return "app"


COMMAND = Command(
    "run",
    "Run an app with the agent in it, and a server next to it",
    main,
    usage="bugsly run [options] -- gunicorn shop:app -w 4",
)
