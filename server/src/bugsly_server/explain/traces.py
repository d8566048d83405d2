"""The way to a holder, drawn in letters, for Markdown and the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from bugsly.protocol.evidence import Hop
from bugsly_server.model.trace import Trace
from bugsly_server.model.units import count, size

NOWHERE = "no root leads here"
STEP = "└ "
MOST_TYPES = 5


def draw(trace: Trace) -> str:
    """Return the way to the holder, one step a line, and below it what it keeps."""
    entries = f" in {count(trace.entries)} entries" if trace.entries else ""
    keeps = f"keeps {size(trace.bytes)}{entries}"
    alive = f"{count(trace.entries)} objects, {size(trace.bytes)}"
    lines = [*_steps(trace.hops)] if trace.hops else [NOWHERE]
    lines[-1] += f", {keeps if trace.hops else alive}"
    below = [f"{count(number)} × {name}" for name, number in list(trace.types.items())[:MOST_TYPES]]
    return "\n".join([*lines, *(_indented(len(lines), one) for one in below)])


def _steps(hops: Sequence[Hop]) -> list[str]:
    texts = [_indented(depth, hop.name) for depth, hop in enumerate(hops)]
    width = max(map(len, texts))
    return [f"{text:<{width}}  {hop.type}" for text, hop in zip(texts, hops, strict=True)]


def _indented(depth: int, text: str) -> str:
    return f"{'  ' * (depth - 1)}{STEP}{text}" if depth else text
