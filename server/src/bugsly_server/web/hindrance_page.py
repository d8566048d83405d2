"""The page of a safety net that is held back."""

from __future__ import annotations

from starlette.responses import Response

from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.recycling import lasting_hindrances
from bugsly_server.store.meta import workers
from bugsly_server.web.issue_history import load_history
from bugsly_server.web.page_context import View


def show(view: View, issue: HindranceIssue) -> Response:
    """Show what hinders the safety net now, and the history of the issue."""
    with view.server.database.reading() as connection:
        project_workers = workers.list_living(connection, view.current_project.id)
        history = load_history(connection, view.current_project.id, issue.id)
    living = [one for one in project_workers if one.is_alive(view.now)]
    context = {
        "issue": issue,
        "hindered_nets": lasting_hindrances(living),
        "running_count": len(living),
        "hindered_count": sum(bool(lasting_hindrances([one])) for one in living),
        **history.context,
    }
    return view.render("hindrance.html", context)
