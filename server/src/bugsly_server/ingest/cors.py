"""The headers by which pages of any origin may send, as the SDKs of browsers ask for it."""

from __future__ import annotations

ALLOWED_HEADERS = (
    b"x-sentry-auth",
    b"x-requested-with",
    b"x-forwarded-for",
    b"origin",
    b"referer",
    b"accept",
    b"content-type",
    b"authentication",
    b"authorization",
    b"content-encoding",
    b"transfer-encoding",
    b"sentry-trace",
    b"baggage",
)

CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-sentry-error, x-sentry-rate-limits, retry-after"),
)
PREFLIGHT = (
    *CORS,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (
        b"access-control-allow-headers",
        b", ".join(ALLOWED_HEADERS),
    ),
    (b"access-control-max-age", b"3600"),
)
