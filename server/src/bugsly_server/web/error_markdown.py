"""Renders an error as Markdown, for people and assistants to paste."""

from __future__ import annotations

from bugsly_server.explain.markdown import RECORDED_NOTICE, escaped, fenced
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.event import ErrorEvent, EventException, StackFrame

MAX_FRAMES = 30
MAX_LOCALS = 20
MAX_VALUE_LENGTH = 200


def render_error_markdown(
    issue: ErrorIssue, event: ErrorEvent, explanation: ErrorExplanation | None, url: str
) -> str:
    """Return an error as Markdown: exceptions with calls, source and locals, and the request.

    Text from the event is fenced or escaped, so that it cannot act as markup.
    """
    parts = [f"# {escaped(issue.title)}", RECORDED_NOTICE, url, _fact_list(issue, event)]
    if explanation is not None:
        sentences = (explanation.what, explanation.why, explanation.fix)
        parts += ["## Explanation", *(escaped(one) for one in sentences if one)]
        if explanation.diff:
            parts.append(fenced(explanation.diff, "diff"))
    parts.append("## Exceptions")
    parts += [fenced(_exception_text(one)) for one in event.exceptions] or [fenced(event.message)]
    if event.asked is not None:
        parts += ["## Request", fenced(f"{event.asked.method} {event.asked.url}")]
    return "\n\n".join(parts)


def _fact_list(issue: ErrorIssue, event: ErrorEvent) -> str:
    facts = {
        "times": f"{issue.count:,}",
        "release": event.release,
        "environment": event.environment,
        "endpoint": event.endpoint,
        "platform": event.platform,
    }
    return "\n".join(f"- {name}: {escaped(value)}" for name, value in facts.items() if value)


def _exception_text(exception: EventException) -> str:
    lines = [f"{exception.type}: {exception.value}"]
    for frame in exception.frames[-MAX_FRAMES:]:
        lines += _frame_lines(frame)
    return "\n".join(lines)


def _frame_lines(frame: StackFrame) -> list[str]:
    lines = [f'  File "{frame.file}", line {frame.line}, in {frame.function}']
    if frame.code:
        lines.append(f"    {frame.code.strip()}")
    if frame.in_app:
        shown_locals = list(frame.locals.items())[:MAX_LOCALS]
        lines += [f"      {name} = {value[:MAX_VALUE_LENGTH]}" for name, value in shown_locals]
    return lines
