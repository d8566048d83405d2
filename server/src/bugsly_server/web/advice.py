"""What a model says of an issue: the question to read before, its progress, the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.adviser import Endpoint
from bugsly_server.clock import Micros
from bugsly_server.counsel import Counsel, Offer, Turn
from bugsly_server.explain.assisted import question
from bugsly_server.explain.assisted.answer import Advice
from bugsly_server.model.error import ErrorIssue
from bugsly_server.model.error_explanation import ErrorExplanation, Surroundings
from bugsly_server.model.event import Event
from bugsly_server.model.issue import Issue
from bugsly_server.web.live import streamed
from bugsly_server.web.site import Site, View, action, field, page

LOOK_SECONDS = 0.4
"""Between two looks at how far an answer is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """What the fold of the model shows."""

    offer: Offer
    key: str
    endpoint: Endpoint
    turn: Turn | None
    """The latest question of the issue, where it runs or is about the same."""
    advice: Advice | None
    at: Micros
    """When that came."""
    is_fresh: bool
    """Whether it answers what would be asked now."""


def of_error(
    view: View,
    issue: ErrorIssue,
    event: Event,
    context: Surroundings,
    rules: ErrorExplanation | None,
) -> Advised | None:
    """Return what is shown beside an event; None without a model."""
    counsel = view.site.counsel
    if counsel is None:
        return None
    asked = question.of_error(event, context, rules, with_locals=counsel.endpoint.is_here)
    return _advised(counsel, Offer(issue_id=issue.id, subject=event.id, question=asked))


def of_leak(view: View, issue: Issue) -> Advised | None:
    """Return what is shown beside a leak; None without a model, or a cause."""
    counsel, finding = view.site.counsel, issue.finding
    if counsel is None or finding.diagnosis is None or finding.explanation is None:
        return None
    asked = question.of_leak(finding.diagnosis, finding.explanation)
    return _advised(counsel, Offer(issue_id=issue.id, subject="", question=asked))


@action
def ask(view: View, form: FormData) -> Response:
    """Put the question that the page showed; where that is long ago, only show it again."""
    issue_id, event = view.number("issue_id"), field(form, "event", 32)
    if view.site.counsel is not None:
        view.site.counsel.put(issue_id, field(form, "key", 64))
    query = f"?{urlencode({'event': event})}" if event else ""
    return view.redirect(f"issues/{issue_id}{query}#advice")


@page
def follow(view: View) -> Response:
    """Answer with server-sent events until the question of an issue is answered."""
    return streamed(_progress(view.site, view.number("issue_id")))


async def _progress(site: Site, issue_id: int) -> AsyncIterator[str]:
    while not site.pulse.is_closed:
        turn = None if site.counsel is None else site.counsel.turn(issue_id)
        if turn is None or not turn.is_running:
            yield "event: done\ndata: \n\n"
            return
        yield f"event: progress\ndata: {turn.progress}\n\n"
        await asyncio.sleep(LOOK_SECONDS)


def _advised(counsel: Counsel, offer: Offer) -> Advised:
    turn = counsel.turn(offer.issue_id)
    is_ours = turn is not None and (turn.is_running or turn.offer.subject == offer.subject)
    key = counsel.offer(offer)
    advice, at, is_fresh = counsel.answer(offer, key) or (None, 0, False)
    return Advised(
        offer=offer,
        key=key,
        endpoint=counsel.endpoint,
        turn=turn if is_ours else None,
        advice=advice,
        at=at,
        is_fresh=is_fresh,
    )
