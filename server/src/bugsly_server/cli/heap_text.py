"""What walks of a heap found, as a person reads it."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from bugsly.protocol.evidence import Heap, Orphans, Retainer
from bugsly_server.cli.heap_worker import Walks
from bugsly_server.diagnose.retainers import trace_of
from bugsly_server.explain.traces import draw
from bugsly_server.model.units import count, size

MOST_SHOWN = 8
WALKERS = {"c": "C", "python": "Python"}
GROWN = "bold dark_orange"


def show(walks: Walks, out: Console) -> None:
    """Print what grew, if that was asked for, and what keeps most."""
    most = walks.most
    walker = WALKERS.get(most.walker, most.walker)
    out.print(
        f"worker {walks.pid}: {count(most.objects)} objects, {size(most.bytes)};"
        f" stopped for {most.pause * 1000:.1f} ms, walked in {most.seconds:.1f} s by the {walker}"
        " walker",
        soft_wrap=True,
    )
    if walks.growth is not None:
        _show_growth(walks.growth, out)
    _head("keeps most", out)
    for one in most.retainers[:MOST_SHOWN]:
        _draw(one, most, "", out)


def _show_growth(heap: Heap, out: Console) -> None:
    requests = count(heap.requests[-1] - heap.requests[0])
    _head(f"grew with each of {len(heap.requests)} snapshots, over {requests} requests", out)
    for one in heap.retainers[:MOST_SHOWN]:
        _draw(one, heap, _gained(one.retained, one.counts), out)
    for orphans in heap.orphans[:MOST_SHOWN]:
        _show_orphans(orphans, out)
    if not heap.retainers and not heap.orphans:
        out.print("  nothing did")


def _draw(one: Retainer, heap: Heap, gained: str, out: Console) -> None:
    if gained:
        out.print(Text(f"  {gained}", style=GROWN))
    out.print(Padding(Text(draw(trace_of(one, heap))), (0, 2)))


def _show_orphans(one: Orphans, out: Console) -> None:
    out.print(Text(f"  {_gained(one.bytes, one.counts)}", style=GROWN))
    now = f"{count(one.counts[-1])} × {one.type}, {size(one.bytes[-1])}"
    out.print(Text(f"  {now}: alive, though no root leads there"), soft_wrap=True)


def _gained(sizes: tuple[int, ...], counts: tuple[int, ...]) -> str:
    return f"{size(sizes[-1] - sizes[0], signed=True)} in {count(counts[-1] - counts[0])} more"


def _head(text: str, out: Console) -> None:
    out.print()
    out.print(Text(text, style="bold"))
