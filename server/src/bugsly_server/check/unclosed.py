"""Says of what a view opens whether it is closed on every path: shared by the rules about that."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.per_request import RequestFunction
from bugsly_server.check.resources import Closing, OpenedResource, follow, opened_calls
from bugsly_server.check.rule import CheckedCode, Offence, Rewrite
from bugsly_server.model.diagnosis import Cause

ENDINGS = {
    Closing.NEVER: "is never closed",
    Closing.ON_SUCCESS_ONLY: "stays open when a line before its `close()` raises",
    Closing.IN_REQUEST_CONTEXT: "is stored in `g`, and no teardown function closes it",
}
STREAMS = re.compile(r"(^|\.)(Response|StreamingResponse|stream_with_context)$")
"""What reads from a resource after the view has returned."""


def find_unclosed(
    code: CheckedCode, pattern: re.Pattern[str], noun: str, advice: str
) -> Iterator[Offence]:
    """Yield what matches *pattern* and is opened per request, and not closed on every path."""
    for reached in code.per_request:
        for call in opened_calls(pattern, reached.function, code.project):
            opened = follow(call, reached.function, code.project)
            ending = ENDINGS.get(opened.closing)
            if ending is not None:
                is_safe = opened.closing is Closing.NEVER and _is_used_up(opened, reached)
                yield Offence(
                    module=reached.function.module,
                    node=call,
                    message=f"{noun} opened with {reached.entry} {ending}: {advice}",
                    rewrite=Rewrite(Cause.UNRETURNED_CONNECTION) if is_safe else None,
                )


def _is_used_up(opened: OpenedResource, reached: RequestFunction) -> bool:
    """Return whether nothing reads from *opened* after the function, so that `with` may end it.

    What a view returns is made into a response at once; a helper may return what reads on.
    """
    function = reached.function
    return (
        opened.name is not None
        and reached.depth == 0
        and isinstance(function.node, ast.FunctionDef)
        and not any(_reads_later(node) for node in function.nodes)
    )


def _reads_later(node: ast.AST) -> bool:
    match node:
        case ast.GeneratorExp() | ast.Lambda() | ast.Yield() | ast.YieldFrom():
            return True
        case ast.Call(func=called):
            return STREAMS.search(ast.unparse(called)) is not None
        case _:
            return False
