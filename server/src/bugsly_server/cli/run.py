"""`bugsly run -- COMMAND`: an app with the agent in it, and a server beside it."""

from __future__ import annotations

import argparse
import re

from bugsly.autostart import UnknownCommand, find_program
from bugsly_server.cli.child_process import ChildProcess
from bugsly_server.cli.option_values import settings_of
from bugsly_server.cli.server_alongside import ServerAlongside, run_alongside
from bugsly_server.cli.terminal import STDOUT
from bugsly_server.errors import Misconfigured


def main(parsed: argparse.Namespace) -> int:
    """Run the command until it ends, or until we are told to end it."""
    if not parsed.command:
        raise Misconfigured("command: none is given → write it as bugsly run -- gunicorn shop:app")
    try:
        program = find_program(parsed.command)
    except UnknownCommand as error:
        raise Misconfigured(str(error)) from None

    async def run_app(alongside: ServerAlongside) -> int:
        STDOUT.print(f"[bold]Bugsly[/] shows the workers at {alongside.login_url}", soft_wrap=True)
        child = await ChildProcess.start([program, *parsed.command[1:]], alongside.app_environ)
        return await alongside.run_until_done(child)

    return run_alongside(parsed, settings_of(parsed), project_name(parsed.command), run_app)


def project_name(command: list[str]) -> str:
    """Return the name of the project: that of the module in `gunicorn shop:app`, else `app`."""
    for word in command[1:]:
        module = re.fullmatch(r"([A-Za-z_][\w.]*):[\w.()]+", word)
        if module:
            slug = re.sub(r"[^a-z0-9]+", "-", module[1].lower()).strip("-")
            return slug[:60] or "app"
    return "app"
