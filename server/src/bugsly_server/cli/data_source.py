"""Reads workers and issues from a data folder, or from a running server by its API."""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from functools import partial
from typing import Any

from bugsly_server.cli.options.setting_flags import load_settings_of
from bugsly_server.clock import now
from bugsly_server.errors import Misconfigured, NotFound
from bugsly_server.store.meta.database import HEAD_REVISION, Database
from bugsly_server.store.telemetry import SqliteTelemetry
from bugsly_server.web import api

FactsByProject = dict[str, list[dict[str, Any]]]


def add_source_arguments(parser: argparse.ArgumentParser, project_help: str) -> None:
    """Let *parser* take `--project` and `--url`; the data folder is a setting."""
    parser.add_argument("--project", metavar="NAME", help=project_help)
    parser.add_argument(
        "--url",
        help="Ask the server at this URL instead of reading a data folder"
        " (BUGSLY_URL; its API token is in BUGSLY_TOKEN)",
    )


def read_facts(parsed: argparse.Namespace, kind: str) -> FactsByProject:
    """Return the facts of *kind*, `workers` or `issues`, by project."""
    url = server_url(parsed)
    facts = _read_server(url, kind) if url else _read_folder(parsed, kind)
    if parsed.project is None:
        return facts
    if parsed.project not in facts:
        known_projects = ", ".join(sorted(facts))
        advice = f"choose one of: {known_projects}" if facts else "create it with: bugsly dsn NAME"
        raise NotFound(f"project: {parsed.project!r} does not exist → {advice}")
    return {parsed.project: facts[parsed.project]}


def server_url(parsed: argparse.Namespace) -> str:
    """Return the URL of the server to ask, empty for the data folder."""
    return str(parsed.url or os.environ.get("BUGSLY_URL") or "")


def _read_folder(parsed: argparse.Namespace, kind: str) -> FactsByProject:
    settings = load_settings_of(parsed)
    telemetry = SqliteTelemetry(settings.data_dir / "telemetry", settings.keep_days)
    readers: dict[str, api.FactsReader] = {
        "workers": api.living_workers,
        "issues": partial(api.open_issues, telemetry=telemetry),
    }
    with closing(telemetry), open_database(parsed).reading() as connection:
        return api.facts_by_project(connection, readers[kind], None, now())


def open_database(parsed: argparse.Namespace) -> Database:
    """Return the database in the data folder, whether its server runs or not."""
    folder = load_settings_of(parsed).data_dir
    file = folder / "meta.db"
    if not file.exists():
        raise NotFound(
            f"BUGSLY_DATA_DIR: {folder} holds no data of Bugsly"
            " → name another folder with --data-dir, or a server with --url"
        )
    database = Database(file)
    if database.version() != HEAD_REVISION:
        raise Misconfigured(
            f"BUGSLY_DATA_DIR: {folder} was written by another version of Bugsly"
            " → start its server once with this version"
        )
    return database


def _read_server(url: str, kind: str) -> FactsByProject:
    facts: FactsByProject = call_api(url, "GET", kind)
    return facts


def call_api(
    url: str, method: str, path: str, content: object = None, timeout: float = 10.0
) -> Any:
    """Return the JSON with which the server at *url* answers a request below `/api/v1/`.

    *content* is sent as JSON; *timeout* is in seconds.

    Raises `Misconfigured` where the server refuses, with the sentence it gave.
    """
    import httpx2

    address = f"{url.rstrip('/')}/api/v1/{path}"
    token = os.environ.get("BUGSLY_TOKEN", "").strip()
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        response = httpx2.request(method, address, headers=headers, json=content, timeout=timeout)
        response.raise_for_status()
        return response.json()
    except httpx2.HTTPStatusError as error:
        status, hint = error.response.status_code, "check that this is a Bugsly server"
        if status == httpx2.codes.UNAUTHORIZED:
            hint = "set BUGSLY_TOKEN to a token from its account page"
        elif status in {httpx2.codes.CONFLICT, httpx2.codes.UNPROCESSABLE_CONTENT}:
            raise Misconfigured(str(error.response.json()["detail"])) from None
        raise Misconfigured(f"{url}: the server answered {status} → {hint}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise Misconfigured(f"{url}: {error} → check the URL, and that the server runs") from None
