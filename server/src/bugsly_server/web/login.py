"""Logs people in: on the first visit, by name and password, or by a one-time link."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.store.meta import accounts
from bugsly_server.web.page_context import (
    SEE_OTHER,
    ServerContext,
    form_text,
    render,
    server_of,
    session_cookie,
)

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 200
MAX_FAILED_LOGINS = 10
"""Wrong passwords per minute, from all visitors together."""

PASSWORD_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Argon2id with the parameters of OWASP's password storage cheat sheet."""
_hash_lock = threading.Lock()
"""Allows one hash at a time: each takes 19 MB."""


class FailedLogins:
    """Counts wrong passwords of the last minute."""

    def __init__(self) -> None:
        self._failed_at: list[Micros] = []

    def is_limit_reached(self, now: Micros) -> bool:
        """Return whether no further password may be tried now."""
        self._failed_at = [at for at in self._failed_at if now - at < MINUTE]
        return len(self._failed_at) >= MAX_FAILED_LOGINS

    def add(self, now: Micros) -> None:
        """Count a wrong password."""
        self._failed_at.append(now)


async def welcome(request: Request) -> Response:
    """Create the owner's account on the first visit."""
    server = server_of(request)
    form = await request.form(max_files=0, max_fields=10) if request.method == "POST" else None
    return await run_in_threadpool(_create_owner, server, request, form)


async def login(request: Request) -> Response:
    """Ask for name and password, and open a session for the right ones."""
    server = server_of(request)
    form = await request.form(max_files=0, max_fields=10) if request.method == "POST" else None
    return await run_in_threadpool(_check_login, server, request, form)


def open_login_link(request: Request) -> Response:
    """Log in the first visitor of a one-time link."""
    server = server_of(request)
    now = server.clock()
    with server.database.writing() as connection:
        account = accounts.use_link(connection, request.path_params["secret"], now)
        if account is not None:
            return redirect_with_session(
                request, accounts.open_session(connection, account.id, now), "/"
            )
    return render(
        server, "login.html", {"problem": "That link was already used or has expired."}, 403
    )


def logout(request: Request) -> Response:
    """End the session."""
    server = server_of(request)
    server.sessions.close(request.cookies.get(session_cookie(request), ""))
    response = RedirectResponse("/login", SEE_OTHER)
    response.delete_cookie(session_cookie(request))
    return response


def hash_password(password: str) -> str:
    """Return the hash of a password, as it is stored."""
    with _hash_lock:
        return PASSWORD_HASHER.hash(password)


def password_problem(password: str) -> str:
    """Return what is wrong with a new password, "" if it is acceptable."""
    if len(password) < MIN_PASSWORD_LENGTH:
        return f"A password needs at least {MIN_PASSWORD_LENGTH} characters."
    return ""


def redirect_with_session(request: Request, secret: str, path: str) -> Response:
    """Return a redirect to *path* that carries the session of *secret*."""
    response = RedirectResponse(path, SEE_OTHER)
    response.set_cookie(
        session_cookie(request),
        secret,
        max_age=accounts.SESSION_LIFETIME // SECOND,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


def _create_owner(server: ServerContext, request: Request, form: FormData | None) -> Response:
    with server.database.reading() as connection:
        if accounts.has_any(connection):
            return RedirectResponse("/login", SEE_OTHER)
    if form is None:
        return render(server, "welcome.html", {"problem": "", "name": ""})
    name, password = form_text(form, "name", 100), _password(form)
    problem = password_problem(password) if name else "The account needs a name."
    if problem:
        return render(server, "welcome.html", {"problem": problem, "name": name}, 422)
    hashed, now = hash_password(password), server.clock()
    with server.database.writing() as connection:
        if accounts.has_any(connection):
            return RedirectResponse("/login", SEE_OTHER)
        account = accounts.create(connection, name, hashed, now)
        return redirect_with_session(
            request, accounts.open_session(connection, account.id, now), "/"
        )


def _check_login(server: ServerContext, request: Request, form: FormData | None) -> Response:
    now = server.clock()
    failed_logins: FailedLogins = request.app.state.failed_logins
    if form is None:
        return render(server, "login.html", {"problem": ""})
    if failed_logins.is_limit_reached(now):
        problem = "Too many wrong passwords. Wait a minute."
        return render(server, "login.html", {"problem": problem}, 429)
    with server.database.reading() as connection:
        account = accounts.by_name(connection, form_text(form, "name", 100))
    if (
        not _is_password_right(account.password_hash if account else None, _password(form))
        or not account
    ):
        failed_logins.add(now)
        return render(server, "login.html", {"problem": "Name or password is wrong."}, 403)
    return redirect_with_session(request, server.sessions.open(account, now), "/")


def _password(form: FormData) -> str:
    value = form.get("password")
    return value[:MAX_PASSWORD_LENGTH] if isinstance(value, str) else ""


def _is_password_right(password_hash: str | None, password: str) -> bool:
    """Return whether *password* is right, in the same time for an unknown account."""
    if password_hash is None:
        hash_password(password)
        return False
    with _hash_lock:
        try:
            return PASSWORD_HASHER.verify(password_hash, password)
        except VerificationError:
            return False
