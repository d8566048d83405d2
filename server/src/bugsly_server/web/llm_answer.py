"""The language model panel of an issue: the question, its progress, the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.clock import Micros
from bugsly_server.explain.llm import question
from bugsly_server.explain.llm.answer import LlmAnswer
from bugsly_server.llm_client import LlmEndpoint
from bugsly_server.llm_jobs import LlmJob, LlmJobs, OfferedQuestion
from bugsly_server.model.error_explanation import ErrorContext, ErrorExplanation
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.event import ErrorEvent
from bugsly_server.model.issue import Issue
from bugsly_server.web.event_stream import sse_response
from bugsly_server.web.page_context import ServerContext, View, action, form_text, page

POLL_SECONDS = 0.4
"""Interval between two progress events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmPanel:
    """What the panel shows."""

    offer: OfferedQuestion
    key: str
    endpoint: LlmEndpoint
    job: LlmJob | None
    """The latest job of the issue, if it is running or about the same subject."""
    answer: LlmAnswer | None
    answered_at: Micros
    is_fresh: bool
    """Whether the answer is to the question that would be sent now."""


def panel_of_error(
    view: View,
    issue: ErrorIssue,
    event: ErrorEvent,
    context: ErrorContext,
    rules: ErrorExplanation | None,
) -> LlmPanel | None:
    """Return the panel next to an event; None without a model."""
    jobs = view.server.llm_jobs
    if jobs is None:
        return None
    llm_question = question.question_about_error(
        event, context, rules, with_locals=jobs.endpoint.is_here
    )
    return _panel(jobs, OfferedQuestion(issue_id=issue.id, subject=event.id, question=llm_question))


def panel_of_leak(view: View, issue: Issue) -> LlmPanel | None:
    """Return the panel next to a leak; None without a model or a cause."""
    jobs, finding = view.server.llm_jobs, issue.finding
    if jobs is None or finding.diagnosis is None or finding.explanation is None:
        return None
    llm_question = question.question_about_leak(finding.diagnosis, finding.explanation)
    return _panel(jobs, OfferedQuestion(issue_id=issue.id, subject="", question=llm_question))


@action
def ask_model(view: View, form: FormData) -> Response:
    """Send the question that the page showed, unless its offer has expired."""
    issue_id, event = view.path_number("issue_id"), form_text(form, "event", 32)
    if view.server.llm_jobs is not None:
        view.server.llm_jobs.start(issue_id, form_text(form, "key", 64))
    query = f"?{urlencode({'event': event})}" if event else ""
    return view.redirect(f"issues/{issue_id}{query}#advice")


@page
def stream_progress(view: View) -> Response:
    """Stream the progress of an issue's question until it is answered."""
    return sse_response(_progress_events(view.server, view.path_number("issue_id")))


async def _progress_events(server: ServerContext, issue_id: int) -> AsyncIterator[str]:
    while not server.live_updates.is_closed:
        job = None if server.llm_jobs is None else server.llm_jobs.latest_job(issue_id)
        if job is None or not job.is_running:
            yield "event: done\ndata: \n\n"
            return
        yield f"event: progress\ndata: {job.progress}\n\n"
        await asyncio.sleep(POLL_SECONDS)


def _panel(jobs: LlmJobs, offer: OfferedQuestion) -> LlmPanel:
    job = jobs.latest_job(offer.issue_id)
    is_same_subject = job is not None and (job.is_running or job.offer.subject == offer.subject)
    key = jobs.offer_question(offer)
    answer, answered_at, is_fresh = jobs.latest_answer(offer, key) or (None, 0, False)
    return LlmPanel(
        offer=offer,
        key=key,
        endpoint=jobs.endpoint,
        job=job if is_same_subject else None,
        answer=answer,
        answered_at=answered_at,
        is_fresh=is_fresh,
    )
