"""Logs people in, by name and password or by a one-time link, and out."""

from __future__ import annotations

import math

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bugsly_server.store.meta import accounts
from bugsly_server.store.meta.accounts import Account
from bugsly_server.web.known_device import known_device
from bugsly_server.web.login_limits import LoginLimits
from bugsly_server.web.page_context import (
    SEE_OTHER,
    ServerContext,
    form_text,
    render,
    server_of,
    visitor_cookies,
)
from bugsly_server.web.passwords import (
    CheckQueue,
    TooManyChecks,
    form_password,
    is_password_right,
)

BUSY_SECONDS = 5
WRONG = "Name or password is wrong."
USED_LINK = (
    "That link was already used or has expired. Run bugsly user reset on the server for another."
)


class LoginGuard:
    """Decides which passwords are checked, and when."""

    def __init__(self) -> None:
        self.limits = LoginLimits()
        self._strangers = CheckQueue()
        self._known_devices = CheckQueue()

    def queue(self, device: str | None) -> CheckQueue:
        """Return where to wait: a known *device* does not wait behind strangers."""
        return self._strangers if device is None else self._known_devices


async def login(request: Request) -> Response:
    """Ask for name and password, and open a session for the right ones."""
    server = server_of(request)
    if request.method != "POST":
        return await run_in_threadpool(_ask, server, None)
    form = await request.form(max_files=0, max_fields=10)
    name = form_text(form, "name", 100)
    account = await run_in_threadpool(_find_account, server, name)
    device = known_device(visitor_cookies(request).device, account)
    guard: LoginGuard = request.app.state.login_guard
    wait = (
        guard.limits.admit_stranger(name, client_address(request))
        if device is None
        else guard.limits.admit_known_device(device)
    )
    if wait:
        return await run_in_threadpool(_refuse_for_now, server, wait)
    try:
        async with guard.queue(device).turn():
            return await run_in_threadpool(_check_password, request, account, form)
    except TooManyChecks:
        return await run_in_threadpool(_refuse_for_now, server, BUSY_SECONDS)


def open_login_link(request: Request) -> Response:
    """Log in the first visitor of a one-time link."""
    server = server_of(request)
    now = server.clock()
    with server.database.writing() as connection:
        account = accounts.use_link(connection, request.path_params["secret"], now)
        if account is None:
            return _ask(server, USED_LINK, 403)
        secret = accounts.open_session(connection, account.id, now)
    return redirect_with_session(request, account, secret, "/")


def logout(request: Request) -> Response:
    """End the session."""
    cookies = visitor_cookies(request)
    if cookies.session is not None:
        server_of(request).sessions.close(cookies.session)
    response = RedirectResponse("/login", SEE_OTHER)
    cookies.log_out(response)
    return response


def redirect_with_session(request: Request, account: Account, secret: str, path: str) -> Response:
    """Return a redirect to *path* that carries the session of *secret*."""
    response = RedirectResponse(path, SEE_OTHER)
    visitor_cookies(request).log_in(response, account, secret)
    return response


def client_address(request: Request) -> str:
    """Return the address that a request came from, behind a trusted proxy the client's."""
    return request.client.host if request.client is not None else "unknown"


def _find_account(server: ServerContext, name: str) -> Account | None:
    with server.database.reading() as connection:
        return accounts.by_name(connection, name)


def _check_password(request: Request, account: Account | None, form: FormData) -> Response:
    server = server_of(request)
    is_right = is_password_right(account.password_hash if account else None, form_password(form))
    if account is None or not is_right:
        return _ask(server, WRONG, 403)
    secret = server.sessions.open(account, server.clock())
    if secret is None:
        return _ask(server, WRONG, 403)
    return redirect_with_session(request, account, secret, "/")


def _refuse_for_now(server: ServerContext, seconds: float) -> Response:
    minutes = math.ceil(seconds / 60)
    problem = (
        f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''},"
        " or in a browser in which you logged in before."
    )
    response = _ask(server, problem, 429)
    response.headers["retry-after"] = str(math.ceil(seconds))
    return response


def _ask(server: ServerContext, problem: str | None, status: int = 200) -> Response:
    return render(server, "login.html", {"problem": problem}, status)
