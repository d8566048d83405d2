"""What both walkers count, measure and find retained."""

import array
import collections
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.heap_walks import (
    WALKERS,
    holders_by_name,
    sleep_patiently,
    walk_heap,
    walk_new_process,
)

from bugsly.heap.snapshot import HeapWalker, take_snapshot

ROOT = Path(__file__).parents[3]


class Plain:
    """An object with attributes."""


def test_strings_and_numbers_are_counted(walker: HeapWalker) -> None:
    held = [str(n) * 20 for n in range(50)] + [n + 0.5 for n in range(30)]
    holders = holders_by_name(walk_heap(walker, [("held", held)]))
    (holder,) = holders["held"]
    assert holder.leaf_counts == {"str": 50, "float": 30}
    assert holder.entries == 80
    size = sum(map(sys.getsizeof, held)) + sys.getsizeof(held)
    assert holder.shallow == size
    assert size <= holder.retained <= size + 16 * 81


SIZED: dict[str, Any] = {
    "a list": [None] * 5_000,
    "a dict": dict.fromkeys(map(str, range(5_000))),
    "an ordered dict": collections.OrderedDict.fromkeys(map(str, range(5_000))),
    "a set": set(map(str, range(5_000))),
    "a tuple": (None,) * 5_000,
    "a bytearray": bytearray(5_000),
    "a deque": collections.deque([None] * 5_000),
    "an array": array.array("d", range(5_000)),
    "a file in memory": io.BytesIO(bytes(5_000)),
}


@pytest.mark.parametrize("what", SIZED)
def test_containers_have_the_size_that_getsizeof_returns(what: str, walker: HeapWalker) -> None:
    thing = SIZED[what]
    (holder,) = holders_by_name(walk_heap(walker, [("it", thing)]))["it"]
    inside = sum(map(sys.getsizeof, thing)) if holder.leaf_counts["str"] else 0
    assert holder.shallow - inside == pytest.approx(sys.getsizeof(thing), rel=0.2)


def test_what_two_share_neither_retains(walker: HeapWalker) -> None:
    shared = [[n] for n in range(100)]
    heap = {"one": {"shared": shared}, "two": {"shared": shared}}
    holders = holders_by_name(walk_heap(walker, [("heap", heap)]))
    (whole,) = holders["heap"]
    assert whole.retained > sys.getsizeof(shared) + 100 * 64
    (held_once,) = holders["heap['one']['shared']"]
    assert held_once.retained >= 100 * 64
    assert "heap['two']" not in holders
    assert all(holder.retained < 1_000 for holder in holders.get("heap['one']", []))


def test_a_loop_is_walked_once(walker: HeapWalker) -> None:
    loop: list[Any] = [Plain() for _ in range(20)]
    loop.append(loop)
    for element in loop[:-1]:
        element.all = loop
    (holder,) = holders_by_name(walk_heap(walker, [("loop", loop)]))["loop"]
    assert (holder.count, holder.entries) == (1, 21)


WHOLE = """
import gc, json, sys, threading
from tests.support.heap_walks import WALKERS, holders_by_name, walk_heap
class Plain: pass
def leave_cycles():
    gc.disable()
    for _ in range(300):
        cycle = Plain()
        cycle.me = cycle
def wait():
    kept = [[n] for n in range(200)]
    ready.set()
    done.wait()
ready, done = threading.Event(), threading.Event()
thread = threading.Thread(target=wait)
thread.start()
ready.wait()
leave_cycles()
holders = walk_heap(WALKERS[sys.argv[1]](), [("threading", threading)], whole=True)
done.set()
lost = [one.count for one in holders if one.root == "<cycles>" and one.type == "__main__.Plain"]
kept = [one.held_count for one in holders_by_name(holders).get("__main__.wait.<local>.kept", ())]
print(json.dumps([lost, kept]))
"""


def test_locals_of_calls_and_unreachable_cycles_are_walked(walker: HeapWalker) -> None:
    command = [sys.executable, "-c", WHOLE, walker.name]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    other_threads_calls = [200] if walker.name == "c" else []
    assert json.loads(done.stdout) == [[300], other_threads_calls]


HOSTILE = """
    import sys
    class Loud(list):
        def append(self, what): sys.stderr.write(f"ran {what}\\n")
    RAN, READY = Loud(), []
    class Meta(type):
        def __getattribute__(cls, name): RAN.append(name)
        def __hash__(cls): RAN.append("hash")
        def __eq__(cls, other): RAN.append("eq")
    class Key(metaclass=Meta):
        def __hash__(self): return 7 if not READY else RAN.append("hash") or 7
        def __eq__(self, other): RAN.append("eq")
    class Log(list):
        def __len__(self): RAN.append("len")
        def __iter__(self): RAN.append("iter")
        def __sizeof__(self): RAN.append("sizeof")
        def __getattribute__(self, name): RAN.append(name)
    class By(dict):
        def __iter__(self): RAN.append("iter")
        def items(self): RAN.append("items")
        def __len__(self): RAN.append("len")
        def __getattr__(self, name): RAN.append(name)
    log = Log([Key() for _ in range(50)])
    by = By({Key(): [1] for _ in range(1)})
    READY.append(1)
"""

HOSTILE_ROOTS = f"""
from {__name__} import HOSTILE
from tests.support.small_census import module
roots = [("shop", module("shop", HOSTILE))]
"""


def test_no_code_of_the_application_runs(walker: HeapWalker) -> None:
    found, error = walk_new_process(walker, HOSTILE_ROOTS)
    assert [one.entries for one in holders_by_name(found)["shop.log"]] == [50]
    assert error == ""


PAYLOAD = 100_000


@settings(max_examples=25)
@given(st.lists(st.lists(st.integers(1, 11), max_size=4), min_size=12, max_size=12))
@pytest.mark.parametrize("name", WALKERS)
def test_an_object_retains_what_only_it_leads_to(
    name: str, targets_by_node: list[list[int]]
) -> None:
    nodes: list[dict[str, Any]] = [{f"pad{n}": None for n in range(8)} for _ in targets_by_node]
    for index, (node, targets) in enumerate(zip(nodes, targets_by_node, strict=True)):
        node.update({f"n{to}": nodes[to] for to in targets}, payload=bytes([index]) * PAYLOAD)
    taken = take_snapshot(
        WALKERS[name](), [("n0", nodes[0])], sleep_patiently, include_unreachable=False
    )
    retained = {
        one.text: one.retained // PAYLOAD for one in taken.last_result.groups if one.type == "dict"
    }
    all_reached = _reached(targets_by_node, -1)
    assert retained == {
        f"n{node}": len(all_reached - _reached(targets_by_node, without=node))
        for node in all_reached
    }


def _reached(targets_by_node: list[list[int]], without: int) -> set[int]:
    found, waiting = set(), [0]
    while waiting:
        node = waiting.pop()
        if node not in found and node != without:
            found.add(node)
            waiting += targets_by_node[node]
    return found
