"""`bugsly doctor MODULE:APP`: runs an app under load, and reports whether and why it leaks."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from bugsly_server.cli.doctor.run import DoctorRun
from bugsly_server.cli.doctor.text import print_report
from bugsly_server.cli.options.command import Command
from bugsly_server.cli.options.durations import parse_seconds
from bugsly_server.cli.processes.gunicorn_command import GunicornCommand, parse_gunicorn_options
from bugsly_server.cli.processes.server_alongside import serve_alongside
from bugsly_server.cli.terminal.console import STDERR, STDOUT, print_data
from bugsly_server.doctor import app_routes, load_plan
from bugsly_server.doctor.run_verdict import DoctorReport
from bugsly_server.errors import Misconfigured
from bugsly_server.http_server import bind_socket
from bugsly_server.settings import load_settings

PROJECT = "app"
DEFAULT_DURATION = "5min"
REPEATABLE_OPTIONS = (
    ("--request", "'GET /path'", "Send this request; {i} in it counts up; may be repeated"),
    ("--header", "'Name: value'", "Header of those requests; may be repeated"),
)
OPTIONS = (
    ("--body", "TEXT", "Body of those requests that take one; {i} in it counts up"),
    ("--plan", "FILE", "Send the requests that this TOML file lists (docs/doctor.md)"),
    (
        "--requests",
        "N",
        f"Send N requests; default {load_plan.DEFAULT_REQUESTS:,}, or as planned",
    ),
    (
        "--for",
        "TIME",
        f"Stop after this time at the latest, such as 90s; default {DEFAULT_DURATION}",
    ),
    ("--python", "PATH", "Python interpreter of the app, if it has its own"),
    ("--json", "FILE", "Also write the report as JSON; - prints it instead"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let *parser* take what this command takes."""
    parser.add_argument("target", metavar="MODULE:APP", help="The app, as Gunicorn takes it")
    for flag, sample, help_text in REPEATABLE_OPTIONS:
        parser.add_argument(flag, action="append", default=[], metavar=sample, help=help_text)
    for flag, sample, help_text in OPTIONS:
        parser.add_argument(flag, metavar=sample, help=help_text)
    parser.set_defaults(body="", python=sys.executable)


def main(parsed: argparse.Namespace) -> int:
    """Examine the app; return 0 for no leak, 1 for a leak or waste, 2 if inconclusive."""
    duration = parse_seconds(getattr(parsed, "for") or DEFAULT_DURATION)
    options = parse_gunicorn_options(parsed.command)
    with tempfile.TemporaryDirectory(prefix="bugsly-doctor-") as folder:
        scratch = Path(folder)
        chosen_plan = _choose_plan(parsed, options.import_folder, scratch / "routes.json")
        gunicorn = GunicornCommand(target=parsed.target, python=parsed.python, options=options)
        run = DoctorRun(gunicorn, chosen_plan, duration, scratch / "gunicorn.log")
        server_settings = {"BUGSLY_DATA_DIR": str(scratch / "server"), "BUGSLY_PORT": "0"}
        settings = load_settings({}, server_settings)
        code = serve_alongside(bind_socket(settings), settings, PROJECT, run.run, lambda *_: None)
    if run.report is None:
        return code
    _write_report(parsed.json, run.report)
    return run.report.verdict.exit_code


def _choose_plan(parsed: argparse.Namespace, folder: Path, routes_file: Path) -> load_plan.LoadPlan:
    """Return what to send. Reads the routes of the app in any case, as it must be importable."""
    if parsed.plan and parsed.request:
        raise Misconfigured("--plan: it already says what to send → leave out --request")
    if not parsed.request and (parsed.body or parsed.header):
        raise Misconfigured("--body, --header: no request is given → add --request 'POST /path'")
    chosen: load_plan.LoadPlan | None = None
    if parsed.plan:
        chosen = load_plan.plan_from_file(Path(parsed.plan))
    elif parsed.request:
        chosen = load_plan.plan_from_options(parsed.request, parsed.body, parsed.header)
    requests = parsed.requests and load_plan.parse_whole_number(
        parsed.requests, load_plan.MAX_REQUESTS, "--requests"
    )
    found = app_routes.load_routes(parsed.python, parsed.target, folder, routes_file)
    chosen = chosen or app_routes.plan_for_routes(found.routes, parsed.target)
    return replace(chosen, requests=requests) if requests else chosen


def _write_report(target: str | None, report: DoctorReport) -> None:
    """Print the report, or its JSON where *target* is `-`; write the JSON to any other *target*."""
    text = msgspec.json.format(msgspec.json.encode(report)).decode()
    if target == "-":
        print_data(text)
        return
    print_report(report, STDOUT)
    if target:
        try:
            Path(target).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise Misconfigured(
                f"--json: {target}: {error.strerror} → choose a file that can be written"
            ) from None
        STDERR.print(f"The report is in {target}", soft_wrap=True)


COMMAND = Command(
    "doctor",
    "Find the memory leaks of an app before production",
    main,
    add_arguments,
    usage="bugsly doctor MODULE:APP [options] [-- gunicorn arguments]",
    settings=None,
)
