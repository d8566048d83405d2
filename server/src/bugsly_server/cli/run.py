"""`bugsly run -- COMMAND`: an app with the agent in it, and a server beside it."""

from __future__ import annotations

import argparse
import re

from bugsly.autostart import UnknownCommand, locate
from bugsly_server.cli.beside import Beside, run_beside
from bugsly_server.cli.child import Child
from bugsly_server.cli.given import settings_of
from bugsly_server.cli.terminal import OUT
from bugsly_server.errors import Misconfigured


def act(parsed: argparse.Namespace) -> int:
    """Run the command until it ends, or until we are told to end it."""
    if not parsed.command:
        raise Misconfigured("command: none is given → write it as bugsly run -- gunicorn shop:app")
    try:
        program = locate(parsed.command)
    except UnknownCommand as error:
        raise Misconfigured(str(error)) from None

    async def work(beside: Beside) -> int:
        OUT.print(f"[bold]Bugsly[/] shows the workers at {beside.page}", soft_wrap=True)
        child = await Child.start([program, *parsed.command[1:]], beside.environ)
        return await beside.until_done(child)

    return run_beside(parsed, settings_of(parsed), project_of(parsed.command), work)


def project_of(command: list[str]) -> str:
    """Return the name of the project: that of the module in `gunicorn shop:app`, else `app`."""
    for word in command[1:]:
        match = re.fullmatch(r"([A-Za-z_][\w.]*):[\w.()]+", word)
        if match:
            slug = re.sub(r"[^a-z0-9]+", "-", match[1].lower()).strip("-")
            return slug[:60] or "app"
    return "app"
