"""Real Sentry SDKs that post to a server of the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.flask import FlaskIntegration


@contextmanager
def reporting_sentry_sdk(dsn: str, **options: Any) -> Iterator[None]:
    """Let sentry-sdk report to *dsn* within the block; at its end all is sent.

    It watches Flask alone, not the server in the same process.
    """
    sentry_sdk.init(
        dsn, auto_enabling_integrations=False, integrations=[FlaskIntegration()], **options
    )
    try:
        yield
    finally:
        sentry_sdk.flush(timeout=10)
        sentry_sdk.get_client().close(timeout=2)
        sentry_sdk.get_global_scope().set_client(None)
