"""The account page: password, API tokens, and the projects of this server."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from bugsly_server.errors import Misconfigured
from bugsly_server.store.meta import accounts, projects
from bugsly_server.web.login import hash_password, password_problem, redirect_with_session
from bugsly_server.web.page_context import SEE_OTHER, View, action, form_text, page


@page
def show(view: View) -> Response:
    """Show the account."""
    return _render_page(view)


@action
def set_password(view: View, form: FormData) -> Response:
    """Set the password, and end the account's other sessions."""
    password = form.get("password")
    problem = password_problem(password if isinstance(password, str) else "")
    if problem or not isinstance(password, str):
        return _render_page(view, problem=problem)
    hashed = hash_password(password)
    with view.server.database.writing() as connection:
        accounts.set_password(connection, view.account.id, hashed)
        secret = accounts.open_session(connection, view.account.id, view.now)
    return redirect_with_session(view.request, secret, "/account")


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


def _render_page(view: View, problem: str = "", secret: str = "") -> Response:
    with view.server.database.reading() as connection:
        tokens = accounts.tokens(connection, view.account.id)
    context = {"tokens": tokens, "problem": problem, "secret": secret}
    return view.render("account.html", context, 422 if problem else 200)
