"""Streams server-sent events that make an open page refresh."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from bugsly_server.web.page_context import View, page


@page
def stream_updates(view: View) -> Response:
    """Stream updates of the project for as long as the page is open."""
    return sse_response(view.server.live_updates.stream(view.current_project.id))


def sse_response(events: AsyncIterator[str]) -> Response:
    """Return a response that streams *events* until they end."""
    return StreamingResponse(
        events,
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )
