"""Real Sentry SDKs that post to a server of the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sentry_sdk


@contextmanager
def sentry(dsn: str, **options: Any) -> Iterator[None]:
    """Let sentry-sdk report to *dsn* within the block; at its end all is sent."""
    sentry_sdk.init(dsn, auto_session_tracking=False, **options)
    try:
        yield
    finally:
        sentry_sdk.flush(timeout=10)
        sentry_sdk.get_client().close(timeout=2)
        sentry_sdk.init()
