"""Prints what the walks of a heap found for a person to read."""

from __future__ import annotations

import textwrap

from rich.console import Console
from rich.text import Text

from bugsly.protocol.evidence import HeapGrowth, HeapHolder, UnreachableObjects
from bugsly_server.cli.heap.from_worker import HeapWalks
from bugsly_server.diagnose.heap.heap_holders import heap_path_of
from bugsly_server.explain.heap_path_drawing import draw_heap_path
from bugsly_server.model.units import count, size

MAX_SHOWN = 8
WALKER_NAMES = {"c": "C", "python": "Python"}
GROWTH_STYLE = "bold dark_orange"


def print_heap_walks(walks: HeapWalks, out: Console) -> None:
    """Print what grew, if that was measured, and what holds most."""
    heap = walks.most
    walker = WALKER_NAMES.get(heap.walker, heap.walker)
    out.print(
        f"worker {walks.pid}: {count(heap.objects)} objects, {size(heap.bytes)};"
        f" paused for {heap.pause * 1000:.1f} ms, walked in {heap.seconds:.1f} s by the {walker}"
        " walker",
        soft_wrap=True,
    )
    if walks.growth is not None:
        _print_growth(walks.growth, out)
    _print_heading("holds most", out)
    for holder in heap.retainers[:MAX_SHOWN]:
        _print_holder(holder, heap, "", out)


def _print_growth(heap: HeapGrowth, out: Console) -> None:
    requests = count(heap.requests[-1] - heap.requests[0])
    _print_heading(f"grew in each of {len(heap.requests)} snapshots, over {requests} requests", out)
    for holder in heap.retainers[:MAX_SHOWN]:
        gained = _gain_text(holder.retained, holder.counts, "entries")
        _print_holder(holder, heap, gained, out)
    for group in heap.orphans[:MAX_SHOWN]:
        _print_unreachable(group, out)
    if not heap.retainers and not heap.orphans:
        out.print("  nothing grew")


def _print_holder(holder: HeapHolder, heap: HeapGrowth, gained: str, out: Console) -> None:
    if gained:
        out.print(Text(f"  {gained}", style=GROWTH_STYLE))
    drawing = draw_heap_path(heap_path_of(holder, heap))
    out.print(Text(textwrap.indent(drawing, "  ")), soft_wrap=True)


def _print_unreachable(group: UnreachableObjects, out: Console) -> None:
    gained = _gain_text(group.bytes, group.counts, "objects")
    out.print(Text(f"  {gained}", style=GROWTH_STYLE))
    present = f"{count(group.counts[-1])} × {group.type}, {size(group.bytes[-1])}"
    out.print(Text(f"  {present}: alive, but no root leads to it"), soft_wrap=True)


def _gain_text(sizes: tuple[int, ...], counts: tuple[int, ...], counted: str) -> str:
    gained = size(sizes[-1] - sizes[0], signed=True)
    return f"{gained} in {count(counts[-1] - counts[0])} more {counted}"


def _print_heading(text: str, out: Console) -> None:
    out.print()
    out.print(Text(text, style="bold"))
