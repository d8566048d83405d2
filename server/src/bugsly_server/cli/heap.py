"""`bugsly heap PID|MODULE:APP`: what keeps the memory of a worker, and what grows in it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from bugsly_server.cli.beside import serve_beside
from bugsly_server.cli.doctor_start import Start, gunicorn_options
from bugsly_server.cli.heap_app import HeapRun
from bugsly_server.cli.heap_text import show
from bugsly_server.cli.heap_worker import Walks, of_worker
from bugsly_server.cli.terminal import OUT
from bugsly_server.doctor import plan, routes
from bugsly_server.listen import bind
from bugsly_server.settings import load_settings

PROJECT = "app"
MOST_REQUESTS = 100_000
REQUESTS = 600
"""Over which an app's growth is looked at."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Let *verb* take what the command takes."""
    verb.usage = "bugsly heap PID|MODULE:APP [options] [-- gunicorn arguments]"
    verb.add_argument("target", metavar="PID|MODULE:APP", help="A worker, or an app to start")
    verb.add_argument(
        "--requests",
        metavar="N",
        help="See what grows over N requests of the worker;"
        f" {REQUESTS} for an app, none for a worker",
    )
    verb.add_argument("--json", action="store_true", help="Print JSON")
    verb.add_argument("--project", metavar="NAME", help="Of the worker")
    verb.add_argument("--url", help="Ask the server at this address (BUGSLY_URL, BUGSLY_TOKEN)")


def act(parsed: argparse.Namespace) -> int:
    """Have a heap walked, and print what was found."""
    number = parsed.requests and plan.whole(parsed.requests, MOST_REQUESTS, "--requests")
    if parsed.target.isascii() and parsed.target.isdigit():
        _deliver(of_worker(parsed, int(parsed.target), number or 0), as_json=parsed.json)
        return 0
    return _of_app(parsed, number or REQUESTS)


def _of_app(parsed: argparse.Namespace, requests: int) -> int:
    given = gunicorn_options(parsed.command)
    with tempfile.TemporaryDirectory(prefix="bugsly-heap-") as folder:
        scratch = Path(folder)
        found = routes.ask(sys.executable, parsed.target, given.folder, scratch / "routes.json")
        start = Start(target=parsed.target, python=sys.executable, options=given)
        sent = replace(routes.plan_of(found.routes, parsed.target), swing=1.0)
        run = HeapRun(start, sent, requests, scratch / "gunicorn.log")
        own = {"BUGSLY_DATA_DIR": str(scratch / "server"), "BUGSLY_PORT": "0"}
        settings = load_settings({}, own)
        code = serve_beside(bind(settings), settings, PROJECT, run.work, lambda *_: None)
    if run.walks is not None:
        _deliver(run.walks, as_json=parsed.json)
    return code


def _deliver(walks: Walks, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(walks)).decode())  # noqa: T201 - data
    else:
        show(walks, OUT)
