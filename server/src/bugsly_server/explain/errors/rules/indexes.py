"""Explains positions outside a sequence, and iterators that are exhausted."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.frame_source import replacement_diff
from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch

EMPTY_REPRS = {"[]", "()", "''", '""', "b''", "deque([])"}


def name_sequence(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name the sequence, the position and whether it was empty."""
    subscripts = [
        node
        for node in raised.statement_nodes()
        if isinstance(node, ast.Subscript)
        and not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str))
    ]
    of_empty = [
        one for one in subscripts if raised.frame.locals.get(ast.unparse(one.value)) in EMPTY_REPRS
    ]
    candidates = of_empty or [one for one in subscripts if not isinstance(one.slice, ast.Slice)]
    if not raised.is_raised_here or len({ast.unparse(one) for one in candidates}) != 1:
        return None
    receiver, index = ast.unparse(candidates[0].value), ast.unparse(candidates[0].slice)
    position = raised.frame.locals.get(index, index)
    names = {"receiver": receiver, "index": index, "position": position}
    if of_empty:
        return RuleMatch(names, {"state": "is empty"}, confidence=0.96)
    return RuleMatch(names, {"state": "is too short"})


def name_popped(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name what was popped from."""
    for node in raised.statement_nodes():
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr="pop" | "popleft")):
                return RuleMatch({"receiver": ast.unparse(value)})
    return None


def name_iterator(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name what `next` was asked of, and give it a default."""
    for node in raised.statement_nodes():
        match node:
            case ast.Call(func=ast.Name(id="next"), args=[source]):
                text = ast.unparse(source)
                without_parentheses = text[1:-1] if isinstance(source, ast.GeneratorExp) else text
                return RuleMatch(
                    {"source": text, "bare": without_parentheses},
                    diff=replacement_diff(raised.frame, f"next({text})", f"next({text}, None)"),
                )
    return None


RULES = (
    ErrorRule(
        slug="index-outside",
        exception_types=("IndexError",),
        pattern=r"index out of range",
        title="`{receiver}` {state}, and element {position} is read",
        what="{line} reads element {position} of `{receiver}`, but it {state}.",
        why="Nothing before `{receiver}[{index}]` makes sure that there are enough elements.",
        fix="Check it before {at}: `if {receiver}:` for a first element, `len({receiver})` otherwise,"
        " and decide what happens when it is too short.",
        unless="another thread fills `{receiver}` at the same time.",
        confidence=0.88,
        examine=name_sequence,
    ),
    ErrorRule(
        slug="index-pop",
        exception_types=("IndexError",),
        pattern=r"pop from (?:an )?empty|pop index out of range",
        title="`{receiver}` is empty, and something is popped from it",
        why="More is taken out than was put in; with several threads, another one took the last element.",
        fix="Check `if {receiver}:` at {at}, or use a `queue.Queue` if threads share it.",
        unless="the same line pops from something else too.",
        examine=name_popped,
    ),
    ErrorRule(
        slug="index-somewhere",
        exception_types=("IndexError",),
        title="{function} reads a position beyond the end",
        why="A sequence has fewer elements than {at} assumes, often none.",
        fix="Check the length before {at}, and decide what happens when there are too few elements.",
        unless="your code raises the `IndexError` itself and means something else.",
        confidence=0.45,
    ),
    ErrorRule(
        slug="iterator-at-its-end",
        exception_types=("StopIteration",),
        title="`next({bare})` found nothing",
        what="{line} needs another element, and there was none.",
        why="`next` without a default raises this when nothing is left or nothing matches.",
        fix="Give it a default at {at}: `next({source}, None)`, and handle None.",
        unless="the iterator was used up earlier by mistake: it yields its elements once.",
        confidence=0.93,
        examine=name_iterator,
    ),
)
