"""Reads workers and issues, from a data folder or from a server that runs elsewhere."""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from functools import partial
from typing import Any

from bugsly_server.cli.given import settings_of
from bugsly_server.clock import now
from bugsly_server.errors import Misconfigured, NotFound
from bugsly_server.store.meta.database import HEAD, Database
from bugsly_server.store.telemetry import SqliteTelemetry
from bugsly_server.web import api

Found = dict[str, list[dict[str, Any]]]


def ask(parsed: argparse.Namespace, what: str) -> Found:
    """Return *what*, `workers` or `issues`, by project."""
    url = url_of(parsed)
    found = _ask_server(url, what) if url else _ask_folder(parsed, what)
    if parsed.project is None:
        return found
    if parsed.project not in found:
        known = ", ".join(sorted(found)) or "none yet"
        raise NotFound(f"project: {parsed.project!r} is not there → choose one of: {known}")
    return {parsed.project: found[parsed.project]}


def url_of(parsed: argparse.Namespace) -> str:
    """Return the address of the server that is asked, empty for the data folder."""
    return str(parsed.url or os.environ.get("BUGSLY_URL") or "")


def _ask_folder(parsed: argparse.Namespace, what: str) -> Found:
    settings = settings_of(parsed)
    telemetry = SqliteTelemetry(settings.data_dir / "telemetry", settings.keep_days)
    facts: dict[str, api.Facts] = {
        "workers": api.living_workers,
        "issues": partial(api.open_issues, telemetry=telemetry),
    }
    with closing(telemetry), open_folder(parsed).reading() as connection:
        return api.by_project(connection, facts[what], None, now())


def open_folder(parsed: argparse.Namespace) -> Database:
    """Return the database in the data folder, which works whether its server runs or not."""
    folder = settings_of(parsed).data_dir
    file = folder / "meta.db"
    if not file.exists():
        raise NotFound(
            f"BUGSLY_DATA_DIR: {folder} holds nothing of Bugsly's"
            " → name the folder with --data-dir, or a server with --url"
        )
    database = Database(file)
    if database.version() != HEAD:
        raise Misconfigured(
            f"BUGSLY_DATA_DIR: {folder} is of another version → start its server once"
        )
    return database


def _ask_server(url: str, what: str) -> Found:
    found: Found = call(url, "GET", what)
    return found


def call(url: str, method: str, path: str) -> Any:
    """Return what the server at *url* answers to one request below `/api/v1/`.

    Raises `Misconfigured` for a refusal, with the sentence that the server gave.
    """
    import httpx2

    address = f"{url.rstrip('/')}/api/v1/{path}"
    token = os.environ.get("BUGSLY_TOKEN", "").strip()
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx2.request(method, address, headers=headers, timeout=10)
        answer.raise_for_status()
        return answer.json()
    except httpx2.HTTPStatusError as error:
        status, hint = error.response.status_code, "check that this is a Bugsly server"
        if status == httpx2.codes.UNAUTHORIZED:
            hint = "set BUGSLY_TOKEN to a token of the account page"
        elif status == httpx2.codes.CONFLICT:
            raise Misconfigured(str(error.response.json()["detail"])) from None
        raise Misconfigured(f"{url}: it answered {status} → {hint}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise Misconfigured(f"{url}: {error} → check the address, and that it runs") from None
