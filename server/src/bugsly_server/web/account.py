"""The account page: password, API tokens, and the projects of this server."""

from __future__ import annotations

from dataclasses import replace

from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from bugsly_server.errors import Misconfigured
from bugsly_server.store.meta import accounts, projects
from bugsly_server.web.login import LoginGuard, redirect_with_session
from bugsly_server.web.page_context import SEE_OTHER, View, action, form_text, page
from bugsly_server.web.passwords import (
    form_password,
    hash_password,
    is_password_right,
    password_problem,
)

CHANGED_MEANWHILE = "The password was changed meanwhile. Log in again."


@page
def show(view: View) -> Response:
    """Show the account."""
    return _render_page(view)


@action
def set_password(view: View, form: FormData) -> Response:
    """Set the password, and end the account's other sessions and its API tokens."""
    password = form_password(form)
    problem = password_problem(password) or _old_password_problem(view, form)
    if problem:
        return _render_page(view, problem=problem)
    changed = replace(view.account, password_hash=hash_password(password))
    with view.server.database.writing() as connection:
        if accounts.by_name(connection, view.account.name) != view.account:
            return _render_page(view, problem=CHANGED_MEANWHILE)
        accounts.set_password(connection, changed.id, changed.password_hash)
        secret = accounts.open_session(connection, changed.id, view.now)
    return redirect_with_session(view.request, changed, secret, "/account")


@action
def make_token(view: View, form: FormData) -> Response:
    """Create an API token and show it once."""
    name = form_text(form, "name", 60) or "unnamed"
    with view.server.database.writing() as connection:
        secret = accounts.make_token(connection, view.account.id, name, view.now)
    return _render_page(view, secret=secret)


@action
def revoke_token(view: View, _form: FormData) -> Response:
    """Revoke an API token."""
    with view.server.database.writing() as connection:
        accounts.revoke_token(connection, view.account.id, view.path_number("token_id"))
    return RedirectResponse("/account", SEE_OTHER)


@action
def make_project(view: View, form: FormData) -> Response:
    """Create a project and go to its set-up page."""
    slug = form_text(form, "slug", 60).lower().replace(" ", "-")
    try:
        with view.server.database.writing() as connection:
            project = projects.ensure(connection, slug, view.now)
    except Misconfigured as problem:
        return _render_page(view, problem=str(problem))
    return RedirectResponse(f"/p/{project.slug}/setup", SEE_OTHER)


def _old_password_problem(view: View, form: FormData) -> str | None:
    """Return why the password may not be changed, None if it may."""
    if view.account.password_hash is None:
        return None
    guard: LoginGuard = view.request.app.state.login_guard
    if guard.limits.admit_known_device(f"password of account {view.account.id}"):
        return "Too many attempts. Try again in a minute."
    if not is_password_right(view.account.password_hash, form_password(form, "old_password")):
        return "The old password is wrong."
    return None


def _render_page(view: View, problem: str | None = None, secret: str = "") -> Response:
    with view.server.database.reading() as connection:
        tokens = accounts.tokens(connection, view.account.id)
    context = {"tokens": tokens, "problem": problem, "secret": secret}
    return view.render("account.html", context, 422 if problem else 200)
