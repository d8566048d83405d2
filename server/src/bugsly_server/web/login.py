"""Letting people in: the first visit, a name and password, or a one-time link."""

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
from bugsly_server.web.site import SEE_OTHER, Site, field, render, session_cookie, site_of

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
TRIES = 10
"""Wrong passwords that may be tried within a minute, by everybody together."""

HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""Argon2id with the parameters of OWASP's password storage cheat sheet."""
_hashing = threading.Lock()
"""One at a time: a hash takes 19 MB, and a crowd must not take more."""


class Tries:
    """Counts wrong passwords."""

    def __init__(self) -> None:
        self._failed: list[Micros] = []

    def are_used_up(self, now: Micros) -> bool:
        """Return whether one has to wait."""
        self._failed = [at for at in self._failed if now - at < MINUTE]
        return len(self._failed) >= TRIES

    def add(self, now: Micros) -> None:
        """Note a wrong password."""
        self._failed.append(now)


async def welcome(request: Request) -> Response:
    """Create the owner's account on the first visit."""
    site = site_of(request)
    form = await request.form(max_files=0, max_fields=10) if request.method == "POST" else None
    return await run_in_threadpool(_welcome, site, request, form)


async def login(request: Request) -> Response:
    """Ask for name and password, and open a session for the right ones."""
    site = site_of(request)
    form = await request.form(max_files=0, max_fields=10) if request.method == "POST" else None
    return await run_in_threadpool(_login, site, request, form)


def enter(request: Request) -> Response:
    """Let the first visitor of a one-time link in."""
    site = site_of(request)
    now = site.clock()
    with site.database.writing() as connection:
        account = accounts.use_link(connection, request.path_params["secret"], now)
        if account is not None:
            return let_in(request, accounts.open_session(connection, account.id, now), "/")
    return render(site, "login.html", {"problem": "That link was used, or is too old."}, 403)


def logout(request: Request) -> Response:
    """End the session."""
    site = site_of(request)
    with site.database.writing() as connection:
        accounts.close_session(connection, request.cookies.get(session_cookie(request), ""))
    response = RedirectResponse("/login", SEE_OTHER)
    response.delete_cookie(session_cookie(request))
    return response


def hash_password(password: str) -> str:
    """Return what is stored of a password."""
    with _hashing:
        return HASHER.hash(password)


def problem_of(password: str) -> str:
    """Return what is wrong with a new password, '' if nothing is."""
    if len(password) < SHORTEST_PASSWORD:
        return f"A password needs at least {SHORTEST_PASSWORD} characters."
    return ""


def let_in(request: Request, secret: str, path: str) -> Response:
    """Return a redirect to *path* that carries the session of *secret*."""
    response = RedirectResponse(path, SEE_OTHER)
    response.set_cookie(
        session_cookie(request),
        secret,
        max_age=accounts.SESSION_LIFE // SECOND,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


def _welcome(site: Site, request: Request, form: FormData | None) -> Response:
    with site.database.reading() as connection:
        if accounts.exists(connection):
            return RedirectResponse("/login", SEE_OTHER)
    if form is None:
        return render(site, "welcome.html", {"problem": "", "name": ""})
    name, password = field(form, "name", 100), _password(form)
    problem = problem_of(password) if name else "The account needs a name."
    if problem:
        return render(site, "welcome.html", {"problem": problem, "name": name}, 422)
    hashed, now = hash_password(password), site.clock()
    with site.database.writing() as connection:
        if accounts.exists(connection):
            return RedirectResponse("/login", SEE_OTHER)
        account = accounts.create(connection, name, hashed, now)
        return let_in(request, accounts.open_session(connection, account.id, now), "/")


def _login(site: Site, request: Request, form: FormData | None) -> Response:
    now = site.clock()
    tries: Tries = request.app.state.tries
    if form is None:
        return render(site, "login.html", {"problem": ""})
    if tries.are_used_up(now):
        problem = "Too many wrong passwords. Wait a minute."
        return render(site, "login.html", {"problem": problem}, 429)
    with site.database.reading() as connection:
        account = accounts.by_name(connection, field(form, "name", 100))
    if not _is_right(account.password_hash if account else None, _password(form)) or not account:
        tries.add(now)
        return render(site, "login.html", {"problem": "Name or password is wrong."}, 403)
    with site.database.writing() as connection:
        return let_in(request, accounts.open_session(connection, account.id, now), "/")


def _password(form: FormData) -> str:
    value = form.get("password")
    return value[:LONGEST_PASSWORD] if isinstance(value, str) else ""


def _is_right(password_hash: str | None, password: str) -> bool:
    """Return whether *password* fits; it takes as long where there is nothing to fit."""
    if password_hash is None:
        hash_password(password)
        return False
    with _hashing:
        try:
            return HASHER.verify(password_hash, password)
        except VerificationError:
            return False
