"""The first visit: whoever has the code that the server printed makes the owner's account."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bugsly_server.store.meta import accounts
from bugsly_server.web.login import redirect_with_session
from bugsly_server.web.page_context import (
    SEE_OTHER,
    ServerContext,
    form_text,
    render,
    server_of,
)
from bugsly_server.web.passwords import form_password, hash_password, password_problem

MAX_CODE_LENGTH = 40


async def show_or_claim(request: Request) -> Response:
    """Show the form, or create the owner's account."""
    server = server_of(request)
    form = await request.form(max_files=0, max_fields=10) if request.method == "POST" else None
    return await run_in_threadpool(_respond, server, request, form)


def _respond(server: ServerContext, request: Request, form: FormData | None) -> Response:
    with server.database.reading() as connection:
        if accounts.has_any(connection):
            return RedirectResponse("/login", SEE_OTHER)
    if form is not None:
        return _create_owner(server, request, form)
    code = request.query_params.get("code", "")[:MAX_CODE_LENGTH]
    return render(server, "welcome.html", {"problem": None, "name": "", "code": code})


def _create_owner(server: ServerContext, request: Request, form: FormData) -> Response:
    name, code = form_text(form, "name", 100), form_text(form, "code", MAX_CODE_LENGTH)
    password = form_password(form)
    problem = password_problem(password) if name else "The account needs a name."
    if problem:
        context = {"problem": problem, "name": name, "code": code}
        return render(server, "welcome.html", context, 422)
    now = server.clock()
    with server.database.reading() as connection:
        is_code_right = accounts.is_claim_code(connection, code, now)
    if not is_code_right:
        return _refuse_code(server, name)
    hashed = hash_password(password)
    with server.database.writing() as connection:
        if not accounts.is_claim_code(connection, code, now):
            return _refuse_code(server, name)
        account = accounts.create(connection, name, hashed, now)
        secret = accounts.open_session(connection, account.id, now)
    return redirect_with_session(request, account, secret, "/")


def _refuse_code(server: ServerContext, name: str) -> Response:
    problem = (
        "This code is not valid. Use the one that the server printed last,"
        " or run bugsly user reset on its machine for another."
    )
    return render(server, "welcome.html", {"problem": problem, "name": name, "code": ""}, 403)
