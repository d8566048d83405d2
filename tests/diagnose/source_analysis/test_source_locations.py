"""Which line feeds a holder, as far as the sources show."""

import pytest
from tests.support.diagnoses import diagnosis
from tests.support.leak_evidence import (
    ORDERS,
    gain_per_request,
    holder,
    leak_evidence,
    source,
    worker_history,
)

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.diagnose.source_analysis.holder_source import HolderSource
from bugsly_server.diagnose.source_analysis.source_index import SourceIndex
from bugsly_server.diagnose.source_analysis.source_locations import format_site, locate_causes
from bugsly_server.diagnose.source_analysis.write_sites import WriteSite
from bugsly_server.model.diagnosis import Cause, SourceLocation

HEAD = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get("/orders")\ndef orders():\n'
VIEW = 6
"""The line of the decorator."""
VIEWS = source(HEAD + "    lib.ThreadPoolExecutor(4)\n", views={ORDERS: VIEW})

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


def locate_write(
    held: Holder, write_site: WriteSite | None, cause: Cause, *sources: ModuleSource
) -> SourceLocation:
    fed = HolderSource(
        holder=held,
        write_site=write_site,
        named_line=None,
        removes_entries=False,
        is_bounded=False,
        unread_module=None,
    )
    growing = diagnosis(cause=cause, holder=held.name, endpoint=ORDERS)
    index = SourceIndex({one.file: one for one in sources}, {})
    (located,) = locate_causes([growing], {held.name: fed}, index)
    return located.location


@pytest.mark.parametrize(
    ("file", "module", "written"),
    [
        ("/app/app.py", "app", "app.py:9"),
        ("/app/shop/views.py", "shop.views", "shop/views.py:9"),
        ("/app/shop/__init__.py", "shop", "shop/__init__.py:9"),
    ],
)
def test_a_line_is_written_as_the_agent_writes_it(file: str, module: str, written: str) -> None:
    assert format_site(source("", file=file, module=module), 9) == written


def test_a_line_that_the_probe_saw_comes_first() -> None:
    held = holder(kind="connection", site="shop/views.py:31")
    location = locate_write(held, None, Cause.UNRETURNED_CONNECTION, VIEWS)
    assert (location.site, location.file) == ("shop/views.py:31", "/app/shop/views.py")


def test_threads_lead_to_the_view_that_starts_them_not_to_the_library() -> None:
    held = holder("threads started at lib/pool.py:4", "thread", site="lib/pool.py:4")
    location = locate_write(held, None, Cause.THREADS, VIEWS)
    assert (location.site, location.file) == ("shop/views.py:8", "/app/shop/views.py")


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("file = os.memfd_create('sheet')", Cause.MADE_PER_REQUEST),
        ("file = PATH.open()", Cause.MADE_PER_REQUEST),
        ("with pdfplumber.open(PATH) as pdf:\n        pass", Cause.MADE_PER_REQUEST),
        ("connection = sqlite3.connect(PATH)", Cause.UNRETURNED_CONNECTION),
        ("peer = socket.create_connection(PEER)", Cause.MADE_PER_REQUEST),
    ],
)
def test_open_files_lead_to_the_call_that_opens_them(line: str, cause: Cause) -> None:
    view = source(HEAD + f"    name = Name()\n    {line}\n", views={ORDERS: VIEW})
    location = locate_write(holder("open files like /*", "descriptor"), None, cause, view)
    assert location.site == "shop/views.py:9"


def test_receivers_lead_to_the_line_that_connects_them_not_to_their_definition() -> None:
    text = HEAD + "    def done(_): pass\n    priced.connect(done, weak=False)\n"
    held = holder("receivers of shop.priced", "receiver", site="shop/views.py:8")
    view = source(text, views={ORDERS: VIEW})
    location = locate_write(held, None, Cause.HANDLERS_PER_REQUEST, view)
    assert location.site == "shop/views.py:9"


def test_entries_of_a_weak_container_lead_to_the_view_not_to_the_line_that_adds_them() -> None:
    noted = source(
        "class Thread:\n    def __init__(self):\n        _dangling.add(self)\n", file="/l.py"
    )
    held = holder("threading._dangling", "WeakSet", library="python 3.11", file="/l.py")
    write_site = WriteSite(3, "__init__", (), looks_up_first=False)
    location = locate_write(held, write_site, Cause.MADE_PER_REQUEST, VIEWS, noted)
    assert (location.site, location.file) == ("shop/views.py:8", "/app/shop/views.py")


def test_a_holder_inside_a_library_leads_to_the_view() -> None:
    held = holder("lib.registry", library="lib 1.0", file="/site-packages/lib/__init__.py")
    location = locate_write(held, None, Cause.MADE_PER_REQUEST, VIEWS)
    assert (location.site, location.file) == ("shop/views.py:8", "/app/shop/views.py")


def test_without_any_source_only_the_file_is_known() -> None:
    location = locate_write(holder(), None, Cause.GROWING_CONTAINER)
    assert (location.site, location.file) == (None, "/app/shop/views.py")


@pytest.mark.parametrize(
    ("name", "theirs", "line"),
    [
        ("linecache.cache", LINECACHE, "linecache.cache[path] = text"),
        ("linecache.cache", LINECACHE, "linecache.updatecache(path)"),
        ("weakref.finalize._registry", FINALIZE, "weakref.finalize(upload, close)"),
    ],
)
def test_a_holder_of_the_standard_library_leads_to_the_line_that_adds_to_it_or_calls_it(
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
