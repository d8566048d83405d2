"""The page of a safety net that is held back."""

from __future__ import annotations

from starlette.responses import Response

from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.recycling import lasting_hindrances
from bugsly_server.store.meta import channels, leak_issues, workers
from bugsly_server.web.page_context import View


def show(view: View, issue: HindranceIssue) -> Response:
    """Show what hinders the safety net now, and the history of the issue."""
    with view.server.database.reading() as connection:
        project_workers = workers.list_living(connection, view.current_project.id)
        history = leak_issues.history(connection, issue.id)
        deliveries = {one.id: channels.of_change(connection, one.id) for one in history}
        channel_names = {
            one.id: one.name for one in channels.list_all(connection, view.current_project.id)
        }
    living = [one for one in project_workers if one.is_alive(view.now)]
    context = {
        "issue": issue,
        "hindered_nets": lasting_hindrances(living),
        "running_count": len(living),
        "hindered_count": sum(bool(lasting_hindrances([one])) for one in living),
        "history": history,
        "deliveries": deliveries,
        "channel_names": channel_names,
    }
    return view.render("hindrance.html", context)
