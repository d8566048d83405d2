"""Writes the headers that tell an SDK what not to send, and when to send again."""

from __future__ import annotations

from collections.abc import Collection

from bugsly_server.ingest.quota import Pauses

REFUSED_SECONDS = 3600
"""How long an SDK does not send a category that is never kept."""

Header = tuple[bytes, bytes]


def rate_limit_headers(categories: Collection[str], pauses: Pauses) -> tuple[Header, ...]:
    """Return the header that stops *categories*, and what *pauses* name; none where nothing stops.

    Sentry's developer docs on rate limiting define it: no category stands for all of them. SDKs
    have none for memory reports.
    """
    values = [f"{pauses.everything}::project:quota"] if pauses.everything else []
    if pauses.events:
        values.append(f"{pauses.events}:error:project:quota")
    if categories:
        values.append(f"{REFUSED_SECONDS}:{';'.join(sorted(categories))}:project:unsupported")
    return ((b"x-sentry-rate-limits", ", ".join(values).encode()),) if values else ()


def retry_after(seconds: int) -> Header:
    """Return the header that lets a client send again after *seconds*."""
    return (b"retry-after", str(seconds).encode())
