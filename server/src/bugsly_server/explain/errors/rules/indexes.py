"""Positions outside of a sequence, and iterators that are at their end."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene
from bugsly_server.explain.errors.source import swapped

EMPTY = {"[]", "()", "''", '""', "b''", "deque([])"}


def outside(scene: Scene, _found: re.Match[str]) -> Reading | None:
    """Name the sequence, the position and whether it was empty."""
    asked = [
        node
        for node in scene.nodes()
        if isinstance(node, ast.Subscript)
        and not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str))
    ]
    empty = [one for one in asked if scene.frame.locals.get(ast.unparse(one.value)) in EMPTY]
    chosen = empty or [one for one in asked if not isinstance(one.slice, ast.Slice)]
    if not scene.raised_here or len({ast.unparse(one) for one in chosen}) != 1:
        return None
    receiver, index = ast.unparse(chosen[0].value), ast.unparse(chosen[0].slice)
    at = scene.frame.locals.get(index, index)
    names = {"receiver": receiver, "index": index, "position": at}
    if empty:
        return Reading(names, {"state": "is empty"}, confidence=0.96)
    return Reading(names, {"state": "is shorter than that"})


def popped(scene: Scene, _found: re.Match[str]) -> Reading | None:
    """Name what was popped from."""
    for node in scene.nodes():
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr="pop" | "popleft")):
                return Reading({"receiver": ast.unparse(value)})
    return None


def exhausted(scene: Scene, _found: re.Match[str]) -> Reading | None:
    """Name what `next` was asked of, and give it a default."""
    for node in scene.nodes():
        match node:
            case ast.Call(func=ast.Name(id="next"), args=[source]):
                text = ast.unparse(source)
                bare = text[1:-1] if isinstance(source, ast.GeneratorExp) else text
                return Reading(
                    {"source": text, "bare": bare},
                    diff=swapped(scene.frame, f"next({text})", f"next({text}, None)"),
                )
    return None


RULES = (
    Rule(
        slug="index-outside",
        types=("IndexError",),
        pattern=r"index out of range",
        title="`{receiver}` {state}, and element {position} is asked for",
        what="{line} asked `{receiver}` for element {position}, but it {state}.",
        why="Nothing makes sure that there are enough elements before `{receiver}[{index}]`.",
        fix="Test it before {at}: `if {receiver}:` for a first element, `len({receiver})` otherwise,"
        " and say what happens without.",
        unless="`{receiver}` is filled by another thread meanwhile.",
        confidence=0.88,
        read=outside,
    ),
    Rule(
        slug="index-pop",
        types=("IndexError",),
        pattern=r"pop from (?:an )?empty|pop index out of range",
        title="`{receiver}` is empty, and something is popped from it",
        why="More is taken out than was put in; with threads, another one took the last.",
        fix="Test `if {receiver}:` at {at}, or use a `queue.Queue` where threads share it.",
        unless="another element is popped on the same line.",
        read=popped,
    ),
    Rule(
        slug="index-somewhere",
        types=("IndexError",),
        title="A position beyond the end is asked for in {function}",
        why="A sequence has fewer elements than {at} assumes, often none.",
        fix="Test the length before {at}, and say what happens where there are too few.",
        unless="the `IndexError` is raised by hand and means something else.",
        confidence=0.45,
    ),
    Rule(
        slug="iterator-at-its-end",
        types=("StopIteration",),
        title="`next({bare})` found nothing",
        what="{line} asked for the next element, and there was none.",
        why="`next` without a default raises when nothing is left, or nothing matches.",
        fix="Give it a default at {at}: `next({source}, None)`, and handle None.",
        unless="the iterator was used up earlier by mistake: it yields its elements once.",
        confidence=0.93,
        read=exhausted,
    ),
)
