"""The page of keys: make, change, rotate and revoke them, and see when they were last used."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.clock import DAY, Micros
from bugsly_server.model.project_key import InvalidOrigin, ProjectKey, ProjectKeyKind, parse_origins
from bugsly_server.store.meta import project_keys
from bugsly_server.web.page_context import View, action, form_text, page
from bugsly_server.web.setup import project_dsn

OVERLAPS: dict[str, Micros] = {"1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
"""How long the old key works after a rotation; any other value means until it is revoked."""
MAX_ORIGINS_LENGTH = 2_000
NO_ORIGIN = "origin: {} is none → write it as https://shop.example.com, or *"


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as the page shows it."""

    key: ProjectKey
    dsn: str
    has_ended: bool


@page
def show(view: View) -> Response:
    """Show the keys of the project."""
    return _render_page(view)


@action
def add(view: View, form: FormData) -> Response:
    """Make a key."""
    kind = (
        ProjectKeyKind.AGENT
        if form_text(form, "kind") == ProjectKeyKind.AGENT
        else ProjectKeyKind.SDK
    )
    name, typed = form_text(form, "name", 60), form_text(form, "origins", MAX_ORIGINS_LENGTH)
    try:
        origins = parse_origins(typed)
    except InvalidOrigin as error:
        entered = {"name": name, "kind": kind.value, "origins": typed}
        return _render_page(view, problem=NO_ORIGIN.format(error), entered=entered)
    with view.server.database.writing() as connection:
        project_keys.add(connection, view.current_project.id, kind, view.now, name, origins)
    return view.redirect("keys")


@action
def change(view: View, form: FormData) -> Response:
    """Give a key another name, and let other pages use it."""
    try:
        origins = parse_origins(form_text(form, "origins", MAX_ORIGINS_LENGTH))
    except InvalidOrigin as error:
        return _render_page(view, problem=NO_ORIGIN.format(error))
    project_id, public = view.current_project.id, form_text(form, "key")
    with view.server.database.writing() as connection:
        project_keys.change(connection, project_id, public, form_text(form, "name", 60), origins)
    return view.redirect("keys")


@action
def rotate(view: View, form: FormData) -> Response:
    """Make a key like another one, which goes on to work for a while."""
    overlap = OVERLAPS.get(form_text(form, "overlap"))
    ends_at = None if overlap is None else view.now + overlap
    with view.server.database.writing() as connection:
        chosen = project_keys.get(connection, view.current_project.id, form_text(form, "key"))
        if chosen is not None:
            project_keys.rotate(connection, chosen, ends_at, view.now)
    return view.redirect("keys")


@action
def revoke(view: View, form: FormData) -> Response:
    """Refuse a key from now on."""
    with view.server.database.writing() as connection:
        project_keys.revoke(connection, view.current_project.id, form_text(form, "key"))
    return view.redirect("keys")


def _render_page(view: View, problem: str = "", entered: dict[str, str] | None = None) -> Response:
    with view.server.database.reading() as connection:
        keys = project_keys.list_of_project(connection, view.current_project.id)
    rows = [KeyRow(one, project_dsn(view.base_url, one), one.has_ended(view.now)) for one in keys]
    context = {
        "rows": rows,
        "problem": problem,
        "entered": entered or {"name": "", "kind": "", "origins": ""},
    }
    return view.render("keys.html", context, 422 if problem else 200)
