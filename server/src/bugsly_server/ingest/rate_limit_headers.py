"""Writes the headers that tell an SDK what not to send, and when to send again."""

from __future__ import annotations

from collections.abc import Collection

REFUSED_SECONDS = 3600
"""How long an SDK does not send a category that is never kept."""

Header = tuple[bytes, bytes]


def rate_limit_headers(categories: Collection[str], pause_seconds: int) -> tuple[Header, ...]:
    """Return the header that stops *categories*, and errors for *pause_seconds*; none for neither.

    Sentry's developer docs on rate limiting define it.
    """
    values = [f"{pause_seconds}:error:project:quota"] if pause_seconds else []
    if categories:
        values.append(f"{REFUSED_SECONDS}:{';'.join(sorted(categories))}:project:unsupported")
    return ((b"x-sentry-rate-limits", ", ".join(values).encode()),) if values else ()


def retry_after(seconds: int) -> Header:
    """Return the header that lets a client send again after *seconds*."""
    return (b"retry-after", str(seconds).encode())
