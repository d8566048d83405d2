"""The walker in C compiles and walks with each supported Python."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.python_versions import AGENT_SOURCES, SUPPORTED_VERSIONS, python_interpreter

COMPILE = AGENT_SOURCES.parent / "walker" / "compile.py"
WALK = """
import gc, json, sys, time, types
from bugsly.heap.heap_holders import format_path, nodes_of
from bugsly.heap.walk_roots import walk_roots
from bugsly.heap.snapshot import take_snapshot
from bugsly.heap.walker_choice import best_walker
shop = sys.modules["shop"] = types.ModuleType("shop")
class Order:
    def __init__(self, number): self.number, self.lines = number, [number]
class Slotted:
    __slots__ = ("log",)
def make():
    seen = {number: Order(number) for number in range(100)}
    return lambda: seen
shop.log = [Order(number) for number in range(100)]
shop.view = make()
shop.slotted = Slotted()
shop.slotted.log = [Order(number) for number in range(100)]
shop.named = Order(0)
vars(shop.named)["by"] = {Order(number): number for number in range(100)}
def call():
    local = [Order(number) for number in range(100)]
    gc.disable()
    for _ in range(50):
        lost = Order(0)
        lost.me = lost
    del lost
    roots = [("shop", shop), *walk_roots([])]
    return take_snapshot(walker, roots, lambda pause: time.sleep(pause) or False)
walker = best_walker()
taken = call()
found = {format_path(path): node for path, node in nodes_of(taken.last_result).items()}
names = ["shop.log", "shop.view.<closure>.seen", "shop.slotted.log", "shop.named.by",
         "__main__.call.<local>.local"]
counts = {name: found[name].held_count for name in names if name in found}
lost = sum(node.count for node in nodes_of(taken.last_result).values()
           if node.root == "<cycles>" and node.type == "__main__.Order")
print(json.dumps([walker.name, counts, lost, found["shop.log"].retained > 100 * 100]))
"""


def test_only_the_python_headers_check_its_version() -> None:
    sources = [*COMPILE.parent.glob("*.c"), *COMPILE.parent.glob("*.h")]
    checking = {path.name for path in sources if "PY_VERSION_HEX" in path.read_text()}
    assert checking
    assert all(name.startswith("python_") for name in checking)


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_the_walker_compiles_and_walks(version: str, tmp_path: Path) -> None:
    interpreter = python_interpreter(version)
    shutil.copytree(
        AGENT_SOURCES / "bugsly", tmp_path / "bugsly", ignore=shutil.ignore_patterns("*.so")
    )
    flags = shlex.split(os.environ.get("CFLAGS", ""))
    compiling = [interpreter, str(COMPILE), str(tmp_path / "bugsly" / "heap"), *flags]
    compiled = subprocess.run(compiling, check=False, capture_output=True, text=True)
    assert not compiled.returncode, compiled.stderr
    command = [interpreter, "-c", WALK]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    walker, counts, lost, retains = json.loads(done.stdout)
    assert (walker, lost, retains) == ("c", 50, True)
    assert counts == {
        "shop.log": 100,
        "shop.view.<closure>.seen": 100,
        "shop.slotted.log": 100,
        "shop.named.by": 100,
        "__main__.call.<local>.local": 100,
    }
