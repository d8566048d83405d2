"""Adds security headers to every response, and refuses forms from other sites."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bugsly_server.clock import DAY, SECOND
from bugsly_server.settings import ServerSettings

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SAME_SITE_VALUES = frozenset({"same-origin", "none"})


class SecurityMiddleware:
    """Adds the headers, keeps pages out of caches, and refuses forms sent by other sites.

    Every current browser sends Sec-Fetch-Site or Origin with a form, and a page cannot forge
    either. A client that sends neither is no browser and holds no visitor's cookies. Together with
    SameSite cookies this makes tokens in forms unnecessary.
    """

    def __init__(self, app: ASGIApp, more_headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = {**SECURITY_HEADERS, **more_headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        if scope["method"] not in SAFE_METHODS and is_cross_site(Headers(scope=scope)):
            refusal = PlainTextResponse("form: sent by another site → open this page itself", 403)
            await refusal(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def hsts_header(settings: ServerSettings) -> dict[str, str]:
    """Return the header that keeps browsers on https, where it is asked for and fits."""
    if not (settings.hsts_days and settings.has_https_url):
        return {}
    return {"strict-transport-security": f"max-age={settings.hsts_days * DAY // SECOND}"}


def is_cross_site(headers: Headers) -> bool:
    """Return whether a request that changes something was caused by another site."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in SAME_SITE_VALUES
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")
