"""`bugsly doctor MODULE:APP`: starts an app, drives it, and says whether and why it leaks."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from bugsly_server.cli.doctor.gunicorn_command import GunicornCommand, parse_gunicorn_options
from bugsly_server.cli.doctor.run import DoctorRun
from bugsly_server.cli.doctor.text import STDERR, print_report
from bugsly_server.cli.durations import parse_seconds
from bugsly_server.cli.server_alongside import serve_alongside
from bugsly_server.cli.terminal import STDOUT
from bugsly_server.doctor import app_routes, load_plan
from bugsly_server.doctor.run_verdict import DoctorReport
from bugsly_server.errors import Misconfigured
from bugsly_server.http_server import bind_socket
from bugsly_server.settings import load_settings

PROJECT = "app"


DOCTOR_OPTIONS = (
    ("--body", "TEXT", "Body of those requests that take one; {i} in it counts"),
    ("--plan", "FILE", "Send what this TOML file says (docs/doctor.md)"),
    ("--requests", "N", f"How many in all; {load_plan.DEFAULT_REQUESTS:,}, or what the plan says"),
    ("--for", "TIME", "End after this time at the latest, as 90s; 5min"),
    ("--python", "PATH", "The app's own interpreter, where it is another"),
    ("--json", "FILE", "Write the report as JSON; - for standard output"),
)


def add_arguments(command_parser: argparse.ArgumentParser) -> None:
    """Let *command_parser* take what the command takes."""
    command_parser.usage = "bugsly doctor MODULE:APP [options] [-- gunicorn arguments]"
    command_parser.add_argument(
        "target", metavar="MODULE:APP", help="The app, as Gunicorn is told of it"
    )
    for flag, sample, what in (
        ("--request", "'GET /path'", "Send this; {i} in it counts; repeatable"),
        ("--header", "'Name: value'", "Header of those requests; repeatable"),
    ):
        command_parser.add_argument(flag, action="append", default=[], metavar=sample, help=what)
    for flag, sample, what in DOCTOR_OPTIONS:
        command_parser.add_argument(flag, metavar=sample, help=what)
    command_parser.set_defaults(body="", python=sys.executable)


def main(parsed: argparse.Namespace) -> int:
    """Examine the app; return 0 for no leak, 1 for a leak or waste, 2 where it cannot be told."""
    duration = parse_seconds(getattr(parsed, "for") or "5min")
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
    """Return what to send. The app is asked for its routes in any case: it has to be importable."""
    if parsed.plan and parsed.request:
        raise Misconfigured("--plan: says what to send already → leave out --request")
    if not parsed.request and (parsed.body or parsed.header):
        raise Misconfigured("--body, --header: belong to a request → add --request 'POST /path'")
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
    """Print the report, and write it as JSON to where that is wanted."""
    text = msgspec.json.format(msgspec.json.encode(report)).decode()
    if target == "-":
        print(text)  # noqa: T201 - data, not talk
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
