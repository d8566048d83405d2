"""The page of a safety net that is held back."""

from __future__ import annotations

from starlette.responses import Response

from bugsly_server.model.held_back import HeldBack
from bugsly_server.model.recycled import hindered
from bugsly_server.store.meta import channels, issues, workers
from bugsly_server.web.site import View


def show(view: View, issue: HeldBack) -> Response:
    """Show what hinders it now, and what happened so far."""
    with view.site.database.reading() as connection:
        fleet = workers.living(connection, view.shown.id)
        story = issues.story(connection, issue.id)
        sent = {told.id: channels.of_change(connection, told.id) for told in story}
        names = {one.id: one.name for one in channels.every(connection, view.shown.id)}
    living = [one for one in fleet if one.is_alive(view.now)]
    context = {
        "issue": issue,
        "hindered": hindered(living),
        "living": len(living),
        "stuck": sum(bool(hindered([one])) for one in living),
        "story": story,
        "sent": sent,
        "channel_names": names,
    }
    return view.render("held_back.html", context)
