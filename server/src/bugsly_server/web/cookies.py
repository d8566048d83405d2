"""Names, sets and removes the cookies of a visitor."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from bugsly_server.clock import DAY, SECOND
from bugsly_server.settings import ServerSettings
from bugsly_server.store.meta import accounts
from bugsly_server.store.meta.accounts import Account
from bugsly_server.web.known_device import device_mark

DEVICE_LIFETIME = 400 * DAY
"""The longest that browsers keep a cookie."""


class VisitorCookies:
    """The cookies of the visitor who sent *request*.

    Their names hold the port, as cookies ignore ports. Where people reach the server by https they
    are Secure, and `__Host-` keeps other hosts of the domain from setting them.
    """

    def __init__(self, request: Request, settings: ServerSettings) -> None:
        url = request.url
        self._cookies = request.cookies
        self._is_secure = settings.has_https_url or url.scheme == "https"
        port = url.port or (443 if url.scheme == "https" else 80)
        prefix = "__Host-" if self._is_secure else ""
        self._session_name = f"{prefix}bugsly-{port}"
        self._device_name = f"{prefix}bugsly-device-{port}"

    @property
    def session(self) -> str | None:
        """Return the secret of the session."""
        return self._cookies.get(self._session_name)

    @property
    def device(self) -> str | None:
        """Return the mark of the browser, which may be made up."""
        return self._cookies.get(self._device_name)

    def log_in(self, response: Response, account: Account, secret: str) -> None:
        """Let *response* carry the session of *secret*, and the mark of the browser."""
        self._set(response, self._session_name, secret, accounts.SESSION_LIFETIME)
        mark = device_mark(account)
        if mark is not None:
            self._set(response, self._device_name, mark, DEVICE_LIFETIME)

    def log_out(self, response: Response) -> None:
        """Let *response* remove the session; the browser stays known."""
        self._set(response, self._session_name, "", 0)

    def _set(self, response: Response, name: str, value: str, lifetime: int) -> None:
        response.set_cookie(
            name,
            value,
            max_age=lifetime // SECOND,
            httponly=True,
            samesite="lax",
            secure=self._is_secure,
        )
