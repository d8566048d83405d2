"""`bugsly demo`: runs a small shop that leaks, and shows how Bugsly finds the leak."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from rich.console import Group
from rich.live import Live
from rich.text import Text

from bugsly_server.cli.options.command import Command
from bugsly_server.cli.options.durations import parse_seconds
from bugsly_server.cli.options.setting_flags import is_set, load_settings_of
from bugsly_server.cli.processes.child_process import ChildProcess
from bugsly_server.cli.processes.free_port import free_port
from bugsly_server.cli.processes.server_alongside import ServerAlongside, run_alongside
from bugsly_server.cli.terminal.console import STDOUT
from bugsly_server.cli.terminal.tables import workers_table
from bugsly_server.clock import DAY, now
from bugsly_server.errors import Misconfigured
from bugsly_server.store.meta import projects, workers
from bugsly_server.web import api

PROJECT = "shop"
WORKERS = 4
RECYCLE_AT = "60 MB"
"""Twice the memory of a new worker; the leaking one reaches it a minute after its alert."""
NOTE_SECONDS = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take what this command takes."""
    parser.add_argument(
        "--for", dest="length", metavar="TIME", help="Stop after this time, such as 90s"
    )


def main(parsed: argparse.Namespace) -> int:
    """Run the demo until it is stopped, or for the time that --for gives."""
    duration = parse_seconds(parsed.length) if parsed.length else None
    for name in ("flask", "gunicorn"):
        if find_spec(name) is None:
            raise Misconfigured(f"demo: {name} is not installed → pip install 'bugsly[demo]'")
    with tempfile.TemporaryDirectory(prefix="bugsly-demo-") as scratch:
        settings = load_settings_of(parsed, data_dir=scratch)
        log = Path(scratch) / "gunicorn.log"
        code = run_alongside(
            parsed, settings, PROJECT, lambda alongside: _run_demo(alongside, duration, log)
        )
        if code:
            STDOUT.print(log.read_text(errors="replace"))
    if is_set(parsed, "data_dir"):
        STDOUT.print(f"The data is kept in {settings.data_dir}", soft_wrap=True)
    return code


async def _run_demo(alongside: ServerAlongside, duration: float | None, log: Path) -> int:
    shop = f"http://127.0.0.1:{free_port()}"
    STDOUT.print(f"[bold]Bugsly[/] shows the workers at {alongside.login_url}", soft_wrap=True)
    STDOUT.print(
        f"The shop is at {shop}; its endpoint /partner/feed leaks, and a worker that reaches"
        f" {RECYCLE_AT} is recycled. Ctrl-C stops everything.\n",
        soft_wrap=True,
    )
    with log.open("wb") as out:
        gunicorn_environ = {
            "BUGSLY_RECYCLE_AT": RECYCLE_AT,
            "BUGSLY_RECYCLES_PER_HOUR": "1000",
            **alongside.app_environ,
        }
        gunicorn = await ChildProcess.start(_gunicorn_command(shop), gunicorn_environ, out)
        customers = await ChildProcess.start(
            [sys.executable, "-m", "bugsly_server.demo.traffic", shop],
            alongside.app_environ,
            subprocess.DEVNULL,  # type: ignore[arg-type]
        )
        progress = asyncio.ensure_future(_show_progress(alongside, duration))
        code = await alongside.run_until_done(gunicorn)
        progress.cancel()
        await customers.stop(alongside.stop_signal)
    return code or 1 if not alongside.stop_requested.is_set() else 0


def _gunicorn_command(shop: str) -> list[str]:
    bind = shop.removeprefix("http://")
    options = ["-w", str(WORKERS), "-k", "gthread", "--threads", "4", "-b", bind]
    return [sys.executable, "-m", "gunicorn", "bugsly_server.demo.shop:app", *options]


async def _show_progress(alongside: ServerAlongside, duration: float | None) -> None:
    """Keep a table of the workers up to date below other output; stop after *duration* seconds."""
    started_at = now()
    with Live(console=STDOUT, auto_refresh=False, transient=True) as live:
        while duration is None or (now() - started_at) / 1e6 < duration:
            await asyncio.sleep(1)
            passed = round((now() - started_at) / 1e6)
            living, recycled = await asyncio.to_thread(_read_workers, alongside)
            note = f"{passed} s, {recycled} recycled" if recycled else f"{passed} s"
            table = workers_table(living)
            if STDOUT.is_terminal:
                live.update(Group(table, Text(note, style="bright_black")), refresh=True)
            elif passed % NOTE_SECONDS == 0:
                STDOUT.print(Text(note), table)
    alongside.stop_requested.set()


def _read_workers(alongside: ServerAlongside) -> tuple[list[dict[str, object]], int]:
    """Return the living workers, and how many were recycled in the last day."""
    with alongside.server.store.database.reading() as connection:
        shop = projects.by_slug(connection, PROJECT)
        if shop is None:
            return [], 0
        recycled_workers = workers.list_recycled(connection, shop.id, now() - DAY)
        return api.living_workers(connection, shop.id, now()), len(recycled_workers)


COMMAND = Command(
    "demo",
    "Watch a small shop that leaks: four workers, traffic, an alert",
    main,
    add_arguments,
)
