"""The set-up page: the lines to paste, and a light that turns green when they work."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.clock import DAY
from bugsly_server.store.meta import counters, projects, workers
from bugsly_server.web.site import View, action, field, page

MOST_SECRETS = 200


@page
def show(view: View) -> Response:
    """Show the DSN, how to use it, and what has arrived."""
    with view.site.database.reading() as connection:
        key = projects.key_of(connection, view.shown.id)
        living = workers.living(connection, view.shown.id)
        skipped = counters.since(connection, view.shown.id, view.now - 7 * DAY)
    lost: dict[str, int] = {}
    for one in living:
        for why, amount in one.lost.items():
            lost[why] = lost.get(why, 0) + amount
    context = {
        "dsn": dsn(view.address, key, view.shown.id),
        "newest": max(living, key=lambda one: one.seen_at, default=None),
        "living": living,
        "skipped": skipped,
        "lost": lost,
    }
    part = "setup_light.html" if view.wants("light") else "setup.html"
    return view.render(part, context)


@action
def set_secrets(view: View, form: FormData) -> Response:
    """Set the names whose values are not kept of events, besides those that speak of secrets."""
    names = projects.secrets_of(field(form, "names", 5_000))
    with view.site.database.writing() as connection:
        projects.set_secrets(connection, view.shown.id, "\n".join(names[:MOST_SECRETS]))
    return view.redirect("setup")


def dsn(address: str, key: str, project_id: int) -> str:
    """Return the DSN of a project at *address*."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{key}@{rest}/{project_id}"
