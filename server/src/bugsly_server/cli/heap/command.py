"""`bugsly heap PID|MODULE:APP`: shows what holds the memory of a worker, and what grows in it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from bugsly_server.cli.data_source import add_source_arguments
from bugsly_server.cli.heap.from_app import HeapRun
from bugsly_server.cli.heap.from_worker import HeapWalks, walk_worker
from bugsly_server.cli.heap.text import print_heap_walks
from bugsly_server.cli.options.command import Command
from bugsly_server.cli.processes.gunicorn_command import GunicornCommand, parse_gunicorn_options
from bugsly_server.cli.processes.server_alongside import serve_alongside
from bugsly_server.cli.terminal.console import STDOUT, print_data
from bugsly_server.doctor import app_routes, load_plan
from bugsly_server.http_server import bind_socket
from bugsly_server.settings import load_settings

PROJECT = "app"
MAX_REQUESTS = 100_000
DEFAULT_APP_REQUESTS = 600
"""Requests over which the growth of an app is measured."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take what this command takes."""
    parser.add_argument(
        "target", metavar="PID|MODULE:APP", help="A worker with the agent in it, or an app to start"
    )
    parser.add_argument(
        "--requests",
        metavar="N",
        help="Show what grows while the worker answers N requests;"
        f" default {DEFAULT_APP_REQUESTS} for an app, off for a worker",
    )
    parser.add_argument("--json", action="store_true", help="Print JSON")
    add_source_arguments(parser, project_help="Project of the worker")


def main(parsed: argparse.Namespace) -> int:
    """Have a heap walked and print what was found; return 0, or 130 if interrupted."""
    requests = parsed.requests and load_plan.parse_whole_number(
        parsed.requests, MAX_REQUESTS, "--requests"
    )
    if parsed.target.isascii() and parsed.target.isdigit():
        _print_walks(walk_worker(parsed, int(parsed.target), requests or 0), as_json=parsed.json)
        return 0
    return _walk_app(parsed, requests or DEFAULT_APP_REQUESTS)


def _walk_app(parsed: argparse.Namespace, requests: int) -> int:
    options = parse_gunicorn_options(parsed.command)
    with tempfile.TemporaryDirectory(prefix="bugsly-heap-") as folder:
        scratch = Path(folder)
        found = app_routes.load_routes(
            sys.executable, parsed.target, options.import_folder, scratch / "routes.json"
        )
        gunicorn = GunicornCommand(target=parsed.target, python=sys.executable, options=options)
        plan_to_send = replace(app_routes.plan_for_routes(found.routes, parsed.target), swing=1.0)
        run = HeapRun(gunicorn, plan_to_send, requests, scratch / "gunicorn.log")
        server_settings = {"BUGSLY_DATA_DIR": str(scratch / "server"), "BUGSLY_PORT": "0"}
        settings = load_settings({}, server_settings)
        code = serve_alongside(bind_socket(settings), settings, PROJECT, run.run, lambda *_: None)
    if run.walks is not None:
        _print_walks(run.walks, as_json=parsed.json)
    return code


def _print_walks(walks: HeapWalks, *, as_json: bool) -> None:
    if as_json:
        print_data(msgspec.json.format(msgspec.json.encode(walks)).decode())
    else:
        print_heap_walks(walks, STDOUT)


COMMAND = Command(
    "heap",
    "Show what holds the memory of a worker or an app",
    main,
    add_arguments,
    usage="bugsly heap PID|MODULE:APP [options] [-- gunicorn arguments]",
    settings=("data_dir",),
)
