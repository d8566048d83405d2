"""The stream that tells an open page when to look again."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from bugsly_server.web.page_context import View, page


@page
def stream_updates(view: View) -> Response:
    """Answer with server-sent events for as long as the page is open."""
    return sse_response(view.server.live_updates.stream(view.current_project.id))


def sse_response(events: AsyncIterator[str]) -> Response:
    """Return a response that goes on for as long as *events* do."""
    return StreamingResponse(
        events,
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )
