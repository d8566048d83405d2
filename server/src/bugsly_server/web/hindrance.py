"""The page of a safety net that is held back."""

from __future__ import annotations

from starlette.responses import Response

from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.recycling import lasting_hindrances
from bugsly_server.store.meta import channels, leak_issues, workers
from bugsly_server.web.page_context import View


def show(view: View, issue: HindranceIssue) -> Response:
    """Show what hinders it now, and what happened so far."""
    with view.server.database.reading() as connection:
        workers_of_project = workers.list_living(connection, view.current_project.id)
        story = leak_issues.history(connection, issue.id)
        deliveries = {told.id: channels.of_change(connection, told.id) for told in story}
        channel_names = {
            one.id: one.name for one in channels.list_all(connection, view.current_project.id)
        }
    living = [one for one in workers_of_project if one.is_alive(view.now)]
    context = {
        "issue": issue,
        "hindered": lasting_hindrances(living),
        "living": len(living),
        "stuck": sum(bool(lasting_hindrances([one])) for one in living),
        "story": story,
        "sent": deliveries,
        "channel_names": channel_names,
    }
    return view.render("hindrance.html", context)
