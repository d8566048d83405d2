"""Which roots a walk has, and in which module a path begins."""

import importlib
import sys
from pathlib import Path

import greenlet
import pytest
from flask import Flask
from tests.support.heap_walks import holders_by_name, walk_heap

from bugsly.heap.snapshot import HeapWalker
from bugsly.heap.walk_roots import greenlet_frames, walk_roots, with_defining_module
from bugsly.protocol.evidence import HeapHolder, HolderPathStep


def heap_holder(path: str, *hops: str) -> HeapHolder:
    steps = tuple(HolderPathStep(name=name, type="list") for name in hops)
    return HeapHolder(path=path, hops=steps, counts=(1, 2), retained=(1, 2))


def test_app_modules_come_first_then_libraries_then_the_application() -> None:
    names = [name for name, _ in walk_roots([("shop:app", Flask("shop"))])]
    assert names.index("tests.support.heap_walks") < names.index("flask") < names.index("sys")
    assert names[-1] == "shop:app"


def test_a_call_in_a_greenlet_that_waits_is_a_root_with_its_locals(walker: HeapWalker) -> None:
    def wait() -> None:
        log = [[number] for number in range(50)]
        main.switch()
        log.clear()

    main, waiting = greenlet.getcurrent(), greenlet.greenlet(wait)
    waiting.switch()
    calls = [one for one in greenlet_frames() if one[0].endswith("<locals>.wait")]
    (held,) = holders_by_name(walk_heap(walker, calls))[f"{calls[0][0]}.<local>.log"]
    assert (held.type, held.entries) == ("list", 50)
    waiting.switch()
    assert not [one for one in greenlet_frames() if one[0].endswith("<locals>.wait")]


@pytest.fixture
def _shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Import a package in which one module imports a list from another."""
    monkeypatch.syspath_prepend(str(tmp_path))
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "state.py").write_text("log = []\n")
    (package / "app.py").write_text("from shop.state import log\nown = []\n")
    importlib.import_module("shop.app")


@pytest.mark.usefixtures("_shop")
@pytest.mark.parametrize(
    ("holder", "path"),
    [
        (("shop.app.log", "shop.app", ".log"), "shop.state.log"),
        (("shop.app.log['a']", "shop.app", ".log", "['a']"), "shop.state.log['a']"),
        (("shop.app.own", "shop.app", ".own"), "shop.app.own"),
        (("shop.app.gone", "shop.app", ".gone"), "shop.app.gone"),
        (("elsewhere.log", "elsewhere", ".log"), "elsewhere.log"),
        (("shop.make.<closure>.log", "shop.app", ".log"), "shop.make.<closure>.log"),
        (("shop.app", "shop.app"), "shop.app"),
    ],
)
def test_a_path_begins_in_the_module_that_defines_its_first_step(
    holder: tuple[str, ...], path: str
) -> None:
    assert with_defining_module(heap_holder(*holder)).path == path
    assert "shop.app" in sys.modules
