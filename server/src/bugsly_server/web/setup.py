"""The set-up page: lines to paste, and a light that turns green when samples arrive."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.clock import DAY
from bugsly_server.store.meta import counters, projects, workers
from bugsly_server.web.page_context import View, action, form_text, page

MAX_SECRET_NAMES = 200


@page
def show(view: View) -> Response:
    """Show the DSN, how to use it, and what arrived or was lost."""
    with view.server.database.reading() as connection:
        public_key = projects.newest_key(connection, view.current_project.id)
        living = workers.list_living(connection, view.current_project.id)
        skipped = counters.totals_since(connection, view.current_project.id, view.now - 7 * DAY)
    lost_counts: dict[str, int] = {}
    for worker in living:
        for reason, amount in worker.lost.items():
            lost_counts[reason] = lost_counts.get(reason, 0) + amount
    context = {
        "dsn": project_dsn(view.base_url, public_key, view.current_project.id),
        "newest": max(living, key=lambda worker: worker.seen_at, default=None),
        "living": living,
        "skipped": skipped,
        "lost": lost_counts,
    }
    template = "setup_status.html" if view.is_part_requested("light") else "setup.html"
    return view.render(template, context)


@action
def set_secrets(view: View, form: FormData) -> Response:
    """Set the project's own names of values that are removed from events."""
    names = projects.parse_secret_names(form_text(form, "names", 5_000))
    with view.server.database.writing() as connection:
        projects.set_secret_names(
            connection, view.current_project.id, "\n".join(names[:MAX_SECRET_NAMES])
        )
    return view.redirect("setup")


def project_dsn(address: str, public_key: str, project_id: int) -> str:
    """Return the DSN of a project at *address*."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{public_key}@{rest}/{project_id}"
