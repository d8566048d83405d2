"""The routes of an app, asked of its own interpreter, and the requests that follow from them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bugsly_server.doctor import app_route_script
from bugsly_server.doctor.load_plan import LoadPlan, RequestTemplate
from bugsly_server.errors import Misconfigured

IMPORT_TIMEOUT_SECONDS = 60.0
"""An app has this long to be imported."""
NOT_FOUND_ERRORS = ("ModuleNotFoundError", "Failed to find")
NOT_FOUND_ADVICE = "run it in the app's folder, and name the app's own interpreter with --python"
IMPORT_ADVICE = "give it what it needs to start, as its database, and start it by hand to see more"
ROUTE_PARAMETER = re.compile(r"<(?:(?P<kind>\w+)(?:\((?P<more>[^)]{0,500})\))?:)?\w+>")
PARAMETER_VALUES = {
    "int": "{i}",
    "float": "{i}.5",
    "string": "item-{i}",
    "default": "item-{i}",
    "path": "folder/item-{i}",
    "uuid": "0192d2a0-0000-7000-8000-000000000001",
}


class AppRoutes(msgspec.Struct):
    """What the app's interpreter answered."""

    problem: str = ""
    detail: str = ""
    routes: list[tuple[str, list[str]]] | None = None


def load_routes(python: str, target: str, folder: Path, answer: Path) -> AppRoutes:
    """Import *target* in *folder* with the app's own *python*, and return its routes.

    Raises `Misconfigured` with the sentence for what keeps it from being imported.
    """
    source = Path(app_route_script.__file__).read_text(encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "BUGSLY_DSN"}
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that the user named
            [python, "-c", source, target, str(answer)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=IMPORT_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Misconfigured(
            f"{target}: its import did not end within {IMPORT_TIMEOUT_SECONDS:.0f} s"
            " → see what it waits for"
        ) from None
    except OSError as error:
        raise Misconfigured(
            f"--python: {python}: {error.strerror} → name the interpreter of the app"
        ) from None
    return _decode_routes(target, python, answer, done)


def plan_for_routes(routes: Sequence[tuple[str, list[str]]] | None, target: str) -> LoadPlan:
    """Return the plan that sends a request to each GET route that can be filled in."""
    if routes is None:
        raise Misconfigured(
            f"{target}: is no Flask app, so its routes are unknown → name some with --request"
        )
    paths = [path_for_route(rule) for rule, methods in routes if "GET" in methods]
    endpoints = tuple(RequestTemplate(path=path) for path in paths if path is not None)
    if not endpoints:
        raise Misconfigured(
            f"{target}: has no GET route to drive → name requests with --request 'POST /path'"
        )
    return LoadPlan(endpoints=endpoints)


def path_for_route(rule: str) -> str | None:
    """Return a path for a route, `/items/<int:id>` as `/items/{i}`; None where none is known."""
    if rule.startswith("/static/<path:"):
        return None
    values = [
        _parameter_value(part["kind"] or "default", part["more"] or "")
        for part in ROUTE_PARAMETER.finditer(rule)
    ]
    if None in values:
        return None
    remaining = iter(values)
    path = ROUTE_PARAMETER.sub(lambda _: str(next(remaining)), rule)
    return path if re.fullmatch(r"/[!-;=?-~]*", path) else None


def _parameter_value(kind: str, arguments: str) -> str | None:
    if kind == "any":
        return arguments.split(",", maxsplit=1)[0].strip(" '\"") or None
    if "length=" in arguments.replace(" ", "").replace("minlength", "").replace("maxlength", ""):
        return "x" * int(arguments.partition("=")[2])
    return PARAMETER_VALUES.get(kind)


def _decode_routes(
    target: str, python: str, answer: Path, done: subprocess.CompletedProcess[bytes]
) -> AppRoutes:
    try:
        found = msgspec.json.decode(answer.read_bytes(), type=AppRoutes)
    except (OSError, msgspec.DecodeError):
        raise Misconfigured(
            f"{target}: ends Python while it is imported (exit code {done.returncode}"
            f"{_last_line(done.stderr)}) → start it by hand to see why"
        ) from None
    if found.problem == "gunicorn":
        raise Misconfigured(
            f"{python}: has no gunicorn → install it there, or name the app's own with --python"
        )
    if found.problem == "exit":
        raise Misconfigured(
            f"{target}: exits while it is imported (with {found.detail}) → see why it does"
        )
    if found.problem:
        advice = NOT_FOUND_ADVICE if found.detail.startswith(NOT_FOUND_ERRORS) else IMPORT_ADVICE
        raise Misconfigured(f"{target}: cannot be imported ({found.detail}) → {advice}")
    return found


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f": {lines[-1].strip()}" if lines else ""
