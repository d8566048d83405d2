"""Renders a leak as Markdown, to paste into a ticket or a pull request."""

from __future__ import annotations

from bugsly_server.explain.heap_path_drawing import draw_heap_path
from bugsly_server.model.diagnosis import Diagnosis, Explanation


def render_leak_markdown(diagnosis: Diagnosis, explanation: Explanation, url: str) -> str:
    """Return *diagnosis* and *explanation* as Markdown, with a link to *url*."""
    facts = {
        "Cause": diagnosis.cause,
        "Holder": diagnosis.holder and f"`{diagnosis.holder}`",
        "Line": diagnosis.site and f"`{diagnosis.site}`",
        "Endpoint": diagnosis.endpoint and f"`{diagnosis.endpoint}`",
        "Library": diagnosis.library,
        "Cost": explanation.cost,
    }
    parts = [
        f"## {explanation.title}",
        "\n".join(f"- **{name}:** {value}" for name, value in facts.items() if value),
        explanation.what,
        f"**Fix.** {explanation.fix}",
        f"```diff\n{explanation.diff}\n```" if explanation.diff else "",
        f"**Held by**\n\n```text\n{draw_heap_path(diagnosis.trace)}\n```"
        if diagnosis.trace
        else "",
        "**Evidence**\n\n" + "\n".join(f"- {fact}" for fact in diagnosis.because),
        f"<{url}>",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
