"""`bugsly doctor MODULE:APP`: starts an app, drives it, and says whether and why it leaks."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from bugsly_server.cli.beside import serve_beside
from bugsly_server.cli.doctor_run import Run
from bugsly_server.cli.doctor_start import Start, gunicorn_options
from bugsly_server.cli.doctor_text import ERR, show
from bugsly_server.cli.length import seconds
from bugsly_server.cli.terminal import OUT
from bugsly_server.doctor import plan, routes
from bugsly_server.doctor.verdict import Report
from bugsly_server.errors import Misconfigured
from bugsly_server.listen import bind
from bugsly_server.settings import load_settings

PROJECT = "app"


OPTIONS = (
    ("--body", "TEXT", "Body of those requests that take one; {i} in it counts"),
    ("--plan", "FILE", "Send what this TOML file says (docs/doctor.md)"),
    ("--requests", "N", f"How many in all; {plan.DEFAULT_REQUESTS:,}, or what the plan says"),
    ("--for", "TIME", "End after this time at the latest, as 90s; 5min"),
    ("--python", "PATH", "The app's own interpreter, where it is another"),
    ("--json", "FILE", "Write the report as JSON; - for standard output"),
)


def add_arguments(verb: argparse.ArgumentParser) -> None:
    """Let *verb* take what the command takes."""
    verb.usage = "bugsly doctor MODULE:APP [options] [-- gunicorn arguments]"
    verb.add_argument("target", metavar="MODULE:APP", help="The app, as Gunicorn is told of it")
    for flag, sample, what in (
        ("--request", "'GET /path'", "Send this; {i} in it counts; repeatable"),
        ("--header", "'Name: value'", "Header of those requests; repeatable"),
    ):
        verb.add_argument(flag, action="append", default=[], metavar=sample, help=what)
    for flag, sample, what in OPTIONS:
        verb.add_argument(flag, metavar=sample, help=what)
    verb.set_defaults(body="", python=sys.executable)


def act(parsed: argparse.Namespace) -> int:
    """Examine the app; return 0 for no leak, 1 for a leak or waste, 2 where it cannot be told."""
    length = seconds(getattr(parsed, "for") or "5min")
    given = gunicorn_options(parsed.command)
    with tempfile.TemporaryDirectory(prefix="bugsly-doctor-") as folder:
        scratch = Path(folder)
        chosen = _plan(parsed, given.folder, scratch / "routes.json")
        start = Start(target=parsed.target, python=parsed.python, options=given)
        run = Run(start, chosen, length, scratch / "gunicorn.log")
        own = {"BUGSLY_DATA_DIR": str(scratch / "server"), "BUGSLY_PORT": "0"}
        settings = load_settings({}, own)
        code = serve_beside(bind(settings), settings, PROJECT, run.work, lambda *_: None)
    if run.report is None:
        return code
    _deliver(parsed.json, run.report)
    return run.report.verdict.exit_code


def _plan(parsed: argparse.Namespace, folder: Path, answer: Path) -> plan.Plan:
    """Return what to send. The app is asked for its routes in any case: it has to be importable."""
    if parsed.plan and parsed.request:
        raise Misconfigured("--plan: says what to send already → leave out --request")
    if not parsed.request and (parsed.body or parsed.header):
        raise Misconfigured("--body, --header: belong to a request → add --request 'POST /path'")
    chosen: plan.Plan | None = None
    if parsed.plan:
        chosen = plan.from_file(Path(parsed.plan))
    elif parsed.request:
        chosen = plan.from_options(parsed.request, parsed.body, parsed.header)
    number = parsed.requests and plan.whole(parsed.requests, plan.MOST_REQUESTS, "--requests")
    found = routes.ask(parsed.python, parsed.target, folder, answer)
    chosen = chosen or routes.plan_of(found.routes, parsed.target)
    return replace(chosen, requests=number) if number else chosen


def _deliver(where: str | None, report: Report) -> None:
    """Print the report, and write it as JSON to where that is wanted."""
    text = msgspec.json.format(msgspec.json.encode(report)).decode()
    if where == "-":
        print(text)  # noqa: T201 - data, not talk
        return
    show(report, OUT)
    if where:
        try:
            Path(where).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise Misconfigured(
                f"--json: {where}: {error.strerror} → choose a file that can be written"
            ) from None
        ERR.print(f"The report is in {where}", soft_wrap=True)
