"""The page of something that stopped: an app, a channel, the digest, a backup."""

from __future__ import annotations

from starlette.responses import Response

from bugsly_server.model.outage import OutageIssue
from bugsly_server.web.issue_history import load_history
from bugsly_server.web.page_context import View


def show(view: View, issue: OutageIssue) -> Response:
    """Show what stopped and what to do, and how often it did before."""
    with view.server.database.reading() as connection:
        history = load_history(connection, view.current_project.id, issue.id)
    fact, _, advice = history.changes[0].change.because.partition(" → ")
    context = {
        "issue": issue,
        "fact": fact,
        "advice": advice,
        **history.context,
    }
    return view.render("outage.html", context)
