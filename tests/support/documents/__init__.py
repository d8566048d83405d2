"""Every sort of JSON that Bugsly gives out, made by the code that gives it out.

A module here has one function `documents(folder)`, which yields pairs of name and document.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.documents import (
    agent_payloads,
    alert_payloads,
    cli_json,
    http_api,
    ingest_replies,
    mcp_answers,
    page_json,
    stored_json,
)
from tests.support.json_shapes import shapes

Documents = Iterator[tuple[str, Any]]
SOURCES = (
    alert_payloads,
    cli_json,
    ingest_replies,
    stored_json,
    mcp_answers,
    page_json,
    http_api,
    agent_payloads,
)


def render(folder: Path) -> str:
    """Return the shapes of all documents, made in *folder*, which is empty."""
    return shapes(_all(folder))


def _all(folder: Path) -> Documents:
    for source in SOURCES:
        yield from source.documents(folder / source.__name__.rpartition(".")[2])
