"""The stream that tells an open page when to look again."""

from __future__ import annotations

from starlette.responses import Response, StreamingResponse

from bugsly_server.web.site import View, page


@page
def stream(view: View) -> Response:
    """Answer with server-sent events for as long as the page is open."""
    return StreamingResponse(
        view.site.pulse.stream(view.shown.id),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )
