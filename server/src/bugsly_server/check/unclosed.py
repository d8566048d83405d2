"""Says of what a view opens whether it is closed on every path: shared by the rules about that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bugsly_server.check.resources import Closing, OpenedResource, follow, opened_calls
from bugsly_server.check.rule import CheckedCode, Offence, Rewrite
from bugsly_server.model.diagnosis import Cause

ENDINGS = {
    Closing.NEVER: "is never closed",
    Closing.ON_SUCCESS_ONLY: "stays open when a line before its `close()` raises",
    Closing.IN_REQUEST_CONTEXT: "is stored in `g`, and no teardown function closes it",
}


def find_unclosed(
    code: CheckedCode, pattern: re.Pattern[str], noun: str, advice: str
) -> Iterator[Offence]:
    """Yield what matches *pattern* and is opened per request, and not closed on every path."""
    for reached in code.per_request:
        for call in opened_calls(pattern, reached.function, code.project):
            opened = follow(call, reached.function, code.project)
            ending = ENDINGS.get(opened.closing)
            if ending is not None:
                yield Offence(
                    module=reached.function.module,
                    node=call,
                    message=f"{noun} opened with {reached.entry} {ending}: {advice}",
                    rewrite=_rewrite(opened),
                )


def _rewrite(opened: OpenedResource) -> Rewrite | None:
    if opened.closing is not Closing.NEVER or not opened.name:
        return None
    return Rewrite(Cause.UNRETURNED_CONNECTION)
