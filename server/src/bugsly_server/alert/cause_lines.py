"""The lines of an alert that say why."""

from __future__ import annotations

from bugsly_server.model.diagnosis import Diagnosis, Explanation

ARROW = "→"


def cause_lines(diagnosis: Diagnosis, explanation: Explanation) -> list[str]:
    """Return who holds the memory, which line feeds it, what drives it, and what to change."""
    lines = [explanation.what]
    facts = [
        f"Holder: {diagnosis.holder}" if diagnosis.holder else "",
        f"Line: {diagnosis.site}{_line_text(diagnosis, explanation)}" if diagnosis.site else "",
        f"Endpoint: {diagnosis.endpoint}" if diagnosis.endpoint else "",
        f"Library: {diagnosis.library}" if diagnosis.library else "",
        f"Cost: {explanation.cost}" if explanation.cost else "",
    ]
    lines += [line for line in facts if line]
    lines.append(f"Fix: {explanation.fix}")
    return lines


def _line_text(diagnosis: Diagnosis, explanation: Explanation) -> str:
    """Return the culprit's text behind an arrow, nothing where it is not known."""
    number = diagnosis.site.rpartition(":")[2]
    texts = [text.strip() for line, text in explanation.culprit if str(line) == number]
    return f"  {ARROW}  {texts[0]}" if texts else ""
