"""An error in Markdown, for a person or an assistant to paste."""

from __future__ import annotations

from bugsly_server.model.error import ErrorIssue
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.event import Event, Frame, Thrown

MOST_FRAMES = 30
MOST_LOCALS = 20
LONGEST = 200


def markdown(
    issue: ErrorIssue, event: Event, explanation: ErrorExplanation | None, url: str
) -> str:
    """Return what is known of an error: exceptions with calls, source and locals, and the request.

    What comes from the event stands in fences that it cannot close.
    """
    parts = [f"# {_plain(issue.title)}", url, _facts(issue, event)]
    if explanation is not None:
        said = (explanation.what, explanation.why, explanation.fix)
        parts += ["## Explanation", *(_plain(one) for one in said if one)]
        if explanation.diff:
            parts.append(fenced(explanation.diff, "diff"))
    parts.append("## Exceptions")
    parts += [fenced(_thrown(one)) for one in event.exceptions] or [fenced(event.message)]
    if event.asked is not None:
        parts += ["## Request", fenced(f"{event.asked.method} {event.asked.url}")]
    return "\n\n".join(parts)


def fenced(text: str, language: str = "") -> str:
    """Return *text* in a fence longer than any run of backticks in it."""
    longest = max((len(run) for run in _runs(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _runs(text: str) -> list[str]:
    return "".join(letter if letter == "`" else " " for letter in text).split()


def _facts(issue: ErrorIssue, event: Event) -> str:
    facts = {
        "times": f"{issue.count:,}",
        "release": event.release,
        "environment": event.environment,
        "endpoint": event.endpoint,
        "platform": event.platform,
    }
    return "\n".join(f"- {name}: {_plain(value)}" for name, value in facts.items() if value)


def _thrown(thrown: Thrown) -> str:
    lines = [f"{thrown.type}: {thrown.value}"]
    for frame in thrown.frames[-MOST_FRAMES:]:
        lines += _frame(frame)
    return "\n".join(lines)


def _frame(frame: Frame) -> list[str]:
    lines = [f'  File "{frame.file}", line {frame.line}, in {frame.function}']
    if frame.code:
        lines.append(f"    {frame.code.strip()}")
    if frame.in_app:
        held = list(frame.locals.items())[:MOST_LOCALS]
        lines += [f"      {name} = {value[:LONGEST]}" for name, value in held]
    return lines


def _plain(text: str) -> str:
    """Return *text* on one line, where nothing of it is markup."""
    line = " ".join(text.split())
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#!|" else letter for letter in line)
