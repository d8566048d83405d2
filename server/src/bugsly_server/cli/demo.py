"""`bugsly demo`: a small shop that leaks, watched, from start to alert."""

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

from bugsly_server.cli.beside import Beside, run_beside
from bugsly_server.cli.child import Child
from bugsly_server.cli.free_port import free_port
from bugsly_server.cli.given import is_given, settings_of
from bugsly_server.cli.length import seconds
from bugsly_server.cli.terminal import OUT, workers_table
from bugsly_server.clock import DAY, now
from bugsly_server.errors import Misconfigured
from bugsly_server.store.meta import projects, workers
from bugsly_server.web import api

PROJECT = "shop"
WORKERS = 4
RECYCLE_AT = "60 MB"
"""Twice what a fresh worker has; the one that leaks is there a minute after its alert."""
NOTE_EVERY = 10


def act(parsed: argparse.Namespace) -> int:
    """Run it until it is stopped, or for the time that --for gives."""
    length = seconds(parsed.length) if parsed.length else None
    for name in ("flask", "gunicorn"):
        if find_spec(name) is None:
            raise Misconfigured(f"demo: {name} is not installed → pip install 'bugsly[demo]'")
    with tempfile.TemporaryDirectory(prefix="bugsly-demo-") as scratch:
        settings = settings_of(parsed, data_dir=scratch)
        log = Path(scratch) / "gunicorn.log"
        code = run_beside(parsed, settings, PROJECT, lambda beside: _show(beside, length, log))
        if code:
            OUT.print(log.read_text(errors="replace"))
    if is_given(parsed, "data_dir"):
        OUT.print(f"What was seen is kept in {settings.data_dir}", soft_wrap=True)
    return code


async def _show(beside: Beside, length: float | None, log: Path) -> int:
    shop = f"http://127.0.0.1:{free_port()}"
    OUT.print(f"[bold]Bugsly[/] shows the workers at {beside.page}", soft_wrap=True)
    OUT.print(
        f"The shop is at {shop}; its endpoint /partner/feed leaks, and a worker that reaches"
        f" {RECYCLE_AT} is recycled. Ctrl-C ends it all.\n"
    )
    with log.open("wb") as out:
        netted = {
            "BUGSLY_RECYCLE_AT": RECYCLE_AT,
            "BUGSLY_RECYCLES_PER_HOUR": "1000",
            **beside.environ,
        }
        gunicorn = await Child.start(_gunicorn(shop), netted, out)
        customers = await Child.start(
            [sys.executable, "-m", "bugsly_server.demo.traffic", shop],
            beside.environ,
            subprocess.DEVNULL,  # type: ignore[arg-type]
        )
        watching = asyncio.ensure_future(_watch(beside, length))
        code = await beside.until_done(gunicorn)
        watching.cancel()
        await customers.stop(beside.signal)
    return code or 1 if not beside.stopped.is_set() else 0


def _gunicorn(shop: str) -> list[str]:
    bind = shop.removeprefix("http://")
    options = ["-w", str(WORKERS), "-k", "gthread", "--threads", "4", "-b", bind]
    return [sys.executable, "-m", "gunicorn", "bugsly_server.demo.shop:app", *options]


async def _watch(beside: Beside, length: float | None) -> None:
    """Keep a table of the workers up to date below what else is printed, and end in time."""
    begun = now()
    with Live(console=OUT, auto_refresh=False, transient=True) as live:
        while length is None or (now() - begun) / 1e6 < length:
            await asyncio.sleep(1)
            passed = round((now() - begun) / 1e6)
            living, recycled = await asyncio.to_thread(_workers, beside)
            note = f"{passed} s, {recycled} recycled" if recycled else f"{passed} s"
            table = workers_table(living)
            if OUT.is_terminal:
                live.update(Group(table, Text(note, style="bright_black")), refresh=True)
            elif passed % NOTE_EVERY == 0:
                OUT.print(Text(note), table)
    beside.stopped.set()


def _workers(beside: Beside) -> tuple[list[dict[str, object]], int]:
    """Return the living workers, and how many were recycled."""
    with beside.server.store.database.reading() as connection:
        shop = projects.by_slug(connection, PROJECT)
        if shop is None:
            return [], 0
        gone = workers.recycled(connection, shop.id, now() - DAY)
        return api.living_workers(connection, shop.id, now()), len(gone)
