"""The lines of an alert that say why memory grows and how to fix it."""

from __future__ import annotations

from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.explanation import Explanation

ARROW = "→"


def cause_lines(diagnosis: Diagnosis, explanation: Explanation) -> list[str]:
    """Return the cause, its holder, line, endpoint, library and cost, and the fix."""
    site = diagnosis.location.site
    facts = (
        ("Holder", diagnosis.holder_name),
        ("Line", site and f"{site}{_line_text(site, explanation)}"),
        ("Endpoint", diagnosis.attribution.endpoint),
        ("Library", diagnosis.library),
        ("Cost", explanation.cost),
        ("Fix", explanation.fix.change),
    )
    return [explanation.what, *(f"{name}: {fact}" for name, fact in facts if fact)]


def _line_text(site: str, explanation: Explanation) -> str:
    """Return the source text of *site* after an arrow, "" if it is not known."""
    number = site.rpartition(":")[2]
    texts = [text.strip() for line, text in explanation.source_excerpt if str(line) == number]
    return f"  {ARROW}  {texts[0]}" if texts else ""
