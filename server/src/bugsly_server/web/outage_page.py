"""The page of something that stopped: an app, a channel, the digest, a backup."""

from __future__ import annotations

from starlette.responses import Response

from bugsly_server.model.outage import OutageIssue
from bugsly_server.store.meta import channels, leak_issues
from bugsly_server.web.page_context import View


def show(view: View, issue: OutageIssue) -> Response:
    """Show what stopped and what to do, and how often it did before."""
    with view.server.database.reading() as connection:
        history = leak_issues.history(connection, issue.id)
        deliveries = {one.id: channels.of_change(connection, one.id) for one in history}
        all_channels = channels.list_all(connection, view.current_project.id)
    fact, _, advice = history[0].change.because.partition(" → ")
    context = {
        "issue": issue,
        "fact": fact,
        "advice": advice,
        "history": history,
        "deliveries": deliveries,
        "channel_names": {one.id: one.name for one in all_channels},
    }
    return view.render("outage.html", context)
