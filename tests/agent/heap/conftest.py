import sys
from collections.abc import Iterator

import pytest
from tests.support.heap_walks import WALKERS

from bugsly.heap import snapshot
from bugsly.heap.snapshot import HeapWalker


@pytest.fixture(params=WALKERS)
def walker(request: pytest.FixtureRequest) -> HeapWalker:
    """Return each walker in turn: both have to pass."""
    return WALKERS[request.param]()


@pytest.fixture(autouse=True, scope="package")
def _long_timeout() -> Iterator[None]:
    """Give the walker in Python more time: the heap here is that of the whole suite."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(snapshot, "TIMEOUT_SECONDS", 300.0)
        yield


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    """Remove from `sys.modules` what a test adds."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "shop":
            del sys.modules[name]
