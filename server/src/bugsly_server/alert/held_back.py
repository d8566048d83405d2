"""Says that workers cannot be recycled, and that they can again."""

from __future__ import annotations

from datetime import UTC, datetime

from bugsly_server.alert.message import OPENINGS, Alert, change_facts, one_line, sentence
from bugsly_server.clock import SECOND
from bugsly_server.model.held_back import HeldBack
from bugsly_server.model.issue import Change, ChangeKind

MEANS = "Until then workers that grow are not recycled, and memory may run out."
AFTER = {
    True: "You will be told if it is held back again.",
    False: "You will be told when it has been over for half an hour, and nothing more until then.",
}


def compose(project: str, issue: HeldBack, change: Change, url: str) -> Alert:
    """Return the alert of *change*, which happened to the safety net of *project*."""
    over = change.kind is ChangeKind.RESOLVED
    moment = datetime.fromtimestamp(change.at / SECOND, UTC)
    environment = f" ({issue.environment})" if issue.environment else ""
    lines = (
        sentence(change.because),
        "" if over else MEANS,
        AFTER[over],
        f"Seen at {moment:%Y-%m-%d %H:%M} UTC{environment}.",
    )
    return Alert(
        title=one_line(f"[{project}] {OPENINGS[change.kind]}{issue.title}"),
        lines=tuple(one_line(line) for line in lines if line),
        url=url,
        facts={
            **change_facts(project, issue, change, kind="net", title=issue.title),
            "net": {"because": change.because, "environment": issue.environment},
        },
    )
