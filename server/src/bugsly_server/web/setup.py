"""The set-up page: lines to paste, and a light that turns green when samples arrive."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.clock import DAY
from bugsly_server.model.project_key import ProjectKey, ProjectKeyKind, newest_usable
from bugsly_server.store.meta import counters, project_keys, projects, workers
from bugsly_server.web.page_context import View, action, form_text, page

MAX_SECRET_NAMES = 200


@page
def show(view: View) -> Response:
    """Show the DSNs, how to use them, and what arrived or was lost."""
    with view.server.database.reading() as connection:
        keys = project_keys.list_of_project(connection, view.current_project.id)
        living = workers.list_living(connection, view.current_project.id)
        skipped = counters.totals_since(connection, view.current_project.id, view.now - 7 * DAY)
    lost_counts: dict[str, int] = {}
    for worker in living:
        for reason, amount in worker.lost.items():
            lost_counts[reason] = lost_counts.get(reason, 0) + amount
    newest = {kind: newest_usable(keys, kind) for kind in ProjectKeyKind}
    context = {
        "dsns": {
            kind.value: key and project_dsn(view.base_url, key) for kind, key in newest.items()
        },
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


def project_dsn(address: str, key: ProjectKey) -> str:
    """Return the DSN of *key* at *address*."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{key.public}@{rest}/{key.project_id}"
