"""Renders a leak as Markdown, to paste into a ticket or a pull request."""

from __future__ import annotations

from bugsly_server.explain.heap_path_drawing import draw_heap_path
from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.explanation import Explanation


def render_leak_markdown(diagnosis: Diagnosis, explanation: Explanation, url: str) -> str:
    """Return *diagnosis* and *explanation* as Markdown, with a link to *url*."""
    site, endpoint = diagnosis.location.site, diagnosis.attribution.endpoint
    diff, heap_path = explanation.fix.diff, diagnosis.evidence.heap_path
    facts = {
        "Cause": diagnosis.cause,
        "Holder": diagnosis.holder_name and f"`{diagnosis.holder_name}`",
        "Line": site and f"`{site}`",
        "Endpoint": endpoint and f"`{endpoint}`",
        "Library": diagnosis.library,
        "Cost": explanation.cost,
    }
    parts = [
        f"## {explanation.title}",
        "\n".join(f"- **{name}:** {value}" for name, value in facts.items() if value),
        explanation.what,
        f"**Fix.** {explanation.fix.change}",
        f"```diff\n{diff}\n```" if diff else "",
        f"**Held by**\n\n```text\n{draw_heap_path(heap_path)}\n```" if heap_path else "",
        "**Evidence**\n\n" + "\n".join(f"- {fact}" for fact in diagnosis.evidence.reasons),
        f"<{url}>",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
