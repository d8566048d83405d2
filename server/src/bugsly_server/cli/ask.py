"""Reads workers and issues, from a data folder or from a server that runs elsewhere."""

from __future__ import annotations

import argparse
import os
from typing import Any

from bugsly_server.cli.given import settings_of
from bugsly_server.clock import now
from bugsly_server.errors import Misconfigured, NotFound
from bugsly_server.store.meta.database import HEAD, Database
from bugsly_server.web import api

Found = dict[str, list[dict[str, Any]]]
FACTS = {"workers": api.living_workers, "issues": api.open_issues}


def ask(parsed: argparse.Namespace, what: str) -> Found:
    """Return *what*, `workers` or `issues`, by project."""
    url = parsed.url or os.environ.get("BUGSLY_URL")
    found = _ask_server(url, what) if url else _ask_folder(parsed, what)
    if parsed.project is None:
        return found
    if parsed.project not in found:
        known = ", ".join(sorted(found)) or "none yet"
        raise NotFound(f"project: {parsed.project!r} is not there → choose one of: {known}")
    return {parsed.project: found[parsed.project]}


def _ask_folder(parsed: argparse.Namespace, what: str) -> Found:
    """Read the folder, which works whether its server runs or not."""
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
    with database.reading() as connection:
        return api.by_project(connection, FACTS[what], None, now())


def _ask_server(url: str, what: str) -> Found:
    import httpx2

    address = f"{url.rstrip('/')}/api/v1/{what}"
    token = os.environ.get("BUGSLY_TOKEN", "").strip()
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx2.get(address, headers=headers, timeout=10)
        answer.raise_for_status()
        found: Found = answer.json()
    except httpx2.HTTPStatusError as error:
        hint = "set BUGSLY_TOKEN to a token of the account page"
        if error.response.status_code != httpx2.codes.UNAUTHORIZED:
            hint = "check that this is a Bugsly server"
        raise Misconfigured(f"{url}: it answered {error.response.status_code} → {hint}") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise Misconfigured(f"{url}: {error} → check the address, and that it runs") from None
    return found
