"""The visitor's own page: password, API tokens, and the projects of this server."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from bugsly_server.errors import Misconfigured
from bugsly_server.store.meta import accounts, projects
from bugsly_server.web.login import hash_password, let_in, problem_of
from bugsly_server.web.site import SEE_OTHER, View, action, field, page


@page
def show(view: View) -> Response:
    """Show it."""
    return _show(view)


@action
def set_password(view: View, form: FormData) -> Response:
    """Set the password, and end the account's other sessions."""
    password = form.get("password")
    problem = problem_of(password if isinstance(password, str) else "")
    if problem or not isinstance(password, str):
        return _show(view, problem=problem)
    hashed = hash_password(password)
    with view.site.database.writing() as connection:
        accounts.set_password(connection, view.account.id, hashed)
        secret = accounts.open_session(connection, view.account.id, view.now)
    return let_in(view.request, secret, "/account")


@action
def make_token(view: View, form: FormData) -> Response:
    """Make an API token and show it, this once."""
    name = field(form, "name", 60) or "unnamed"
    with view.site.database.writing() as connection:
        secret = accounts.make_token(connection, view.account.id, name, view.now)
    return _show(view, secret=secret)


@action
def revoke_token(view: View, _form: FormData) -> Response:
    """Forget an API token."""
    with view.site.database.writing() as connection:
        accounts.revoke_token(connection, view.account.id, view.number("token_id"))
    return RedirectResponse("/account", SEE_OTHER)


@action
def make_project(view: View, form: FormData) -> Response:
    """Make a project and go to its set-up page."""
    slug = field(form, "slug", 60).lower().replace(" ", "-")
    try:
        with view.site.database.writing() as connection:
            made = projects.ensure(connection, slug, view.now)
    except Misconfigured as problem:
        return _show(view, problem=str(problem))
    return RedirectResponse(f"/p/{made.slug}/setup", SEE_OTHER)


def _show(view: View, problem: str = "", secret: str = "") -> Response:
    with view.site.database.reading() as connection:
        tokens = accounts.tokens(connection, view.account.id)
    context = {"tokens": tokens, "problem": problem, "secret": secret}
    return view.render("account.html", context, 422 if problem else 200)
