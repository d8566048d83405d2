"""Renders a leak as Markdown, to paste into a ticket or a pull request."""

from __future__ import annotations

from bugsly_server.explain.heap_path_drawing import draw_heap_path
from bugsly_server.explain.markdown import RECORDED_NOTICE, code, escaped, fenced
from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.explanation import Explanation


def render_leak_markdown(diagnosis: Diagnosis, explanation: Explanation, url: str) -> str:
    """Return *diagnosis* and *explanation* as Markdown, with a link to *url*.

    What reports have named is fenced or escaped, so that it cannot act as markup.
    """
    site, endpoint = diagnosis.location.site, diagnosis.attribution.endpoint
    diff, heap_path = explanation.fix.diff, diagnosis.evidence.heap_path
    facts = {
        "Cause": diagnosis.cause,
        "Holder": diagnosis.holder_name and code(diagnosis.holder_name),
        "Line": site and code(site),
        "Endpoint": endpoint and code(endpoint),
        "Library": diagnosis.library and escaped(diagnosis.library),
        "Cost": escaped(explanation.cost),
    }
    parts = [
        f"## {escaped(explanation.title)}",
        RECORDED_NOTICE,
        "\n".join(f"- **{name}:** {value}" for name, value in facts.items() if value),
        escaped(explanation.what),
        f"**Fix.** {escaped(explanation.fix.change)}",
        fenced(diff, "diff") if diff else "",
        f"**Held by**\n\n{fenced(draw_heap_path(heap_path), 'text')}" if heap_path else "",
        "**Evidence**\n\n" + "\n".join(f"- {escaped(one)}" for one in diagnosis.evidence.reasons),
        f"<{url}>",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
