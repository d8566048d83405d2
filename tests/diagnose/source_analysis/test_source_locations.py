"""Which line is said to feed what a library holds."""

import pytest
from tests.support.leak_evidence import (
    ORDERS,
    gain_per_request,
    holder,
    leak_evidence,
    source,
    worker_history,
)

from bugsly_server.diagnose.diagnose import diagnose

LINECACHE = "def updatecache(name):\n    cache[name] = 1\n"
FINALIZE = (
    "class finalize:\n    _registry = {}\n"
    "    def __init__(self, obj):\n        self._registry[self] = obj\n"
)
CALLING_VIEW = """\
import linecache, weakref

@shop.get("/orders")
def orders():
    show("x")
    {}
"""


@pytest.mark.parametrize(
    ("name", "theirs", "line"),
    [
        ("linecache.cache", LINECACHE, "linecache.cache[path] = text"),
        ("linecache.cache", LINECACHE, "linecache.updatecache(path)"),
        ("weakref.finalize._registry", FINALIZE, "weakref.finalize(upload, close)"),
    ],
)
def test_what_a_library_holds_is_fed_by_the_line_that_adds_to_it_or_calls_it(
    name: str, theirs: str, line: str
) -> None:
    file, module = f"/usr/lib/{name.partition('.')[0]}.py", name.partition(".")[0]
    held = holder(name, "dict", file=file, library="python 3.11.7")
    sources = (
        source(theirs, module=module, file=file),
        source(CALLING_VIEW.format(line), views={ORDERS: 3}),
    )
    lives = worker_history({name: gain_per_request(ORDERS)})
    (found,) = diagnose(leak_evidence(lives, holders=(held,), sources=sources), [])
    assert found.location.site == "shop/views.py:6"
