"""Draws the reference path to a holder as text, for Markdown and the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from bugsly.protocol.evidence import HolderPathStep
from bugsly_server.model.heap_path import HeapPath
from bugsly_server.model.units import count, size

NO_ROOT = "no root leads here"
BRANCH = "└ "
MAX_TYPES = 5


def draw_heap_path(path: HeapPath) -> str:
    """Return the path to the holder, one reference per line, and below it what it keeps."""
    entries = f" in {count(path.entries)} entries" if path.entries else ""
    keeps = f"keeps {size(path.bytes)}{entries}"
    unreachable = f"{count(path.entries)} objects, {size(path.bytes)}"
    lines = [*_hop_lines(path.hops)] if path.hops else [NO_ROOT]
    lines[-1] += f", {keeps if path.hops else unreachable}"
    type_lines = [
        f"{count(number)} × {name}" for name, number in list(path.types.items())[:MAX_TYPES]
    ]
    return "\n".join([*lines, *(_indented(len(lines), one) for one in type_lines)])


def _hop_lines(hops: Sequence[HolderPathStep]) -> list[str]:
    texts = [_indented(depth, hop.name) for depth, hop in enumerate(hops)]
    width = max(map(len, texts))
    return [f"{text:<{width}}  {hop.type}" for text, hop in zip(texts, hops, strict=True)]


def _indented(depth: int, text: str) -> str:
    return f"{'  ' * (depth - 1)}{BRANCH}{text}" if depth else text
