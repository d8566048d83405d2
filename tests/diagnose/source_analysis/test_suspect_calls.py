"""Which line of a view a cause is about."""

import pytest
from tests.support.leak_evidence import ORDERS, holder, source

from bugsly.protocol.evidence import Holder, ModuleSource
from bugsly_server.diagnose.source_analysis.source_index import SourceIndex, format_site
from bugsly_server.diagnose.source_analysis.suspect_calls import find_suspect_call
from bugsly_server.diagnose.source_analysis.write_sites import WriteSite
from bugsly_server.model.diagnosis import Cause, SourceLocation

HEAD = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get("/orders")\ndef orders():\n'
VIEW = 6
"""The line of the decorator."""
BODY = 8
"""The first line of the body."""


def line_of(cause: Cause, *body: str, tail: str = "") -> int | None:
    text = HEAD + "".join(f"    {line}\n" for line in body) + tail
    found = find_suspect_call(cause, ORDERS, [source(text, views={ORDERS: VIEW})])
    return None if found is None else found.line


def locate_write(
    held: Holder, write_site: WriteSite | None, cause: Cause, *sources: ModuleSource
) -> SourceLocation:
    index = SourceIndex({one.file: one for one in sources}, {})
    return index.locate_write(held, write_site, cause, ORDERS)


@pytest.mark.parametrize(
    ("cause", "line"),
    [
        (Cause.THREADS, "threading.Thread(target=work).start()"),
        (Cause.THREADS, "pool = ThreadPoolExecutor(4)"),
        (Cause.THREADS, "worker.start()"),
        (Cause.HANDLERS_PER_REQUEST, "logger.addHandler(StreamHandler())"),
        (Cause.HANDLERS_PER_REQUEST, "request_finished.connect(done, weak=False)"),
        (Cause.HANDLERS_PER_REQUEST, "event.listen(engine, 'connect', done)"),
        (Cause.METRIC_LABELS, "SEEN.labels(request.path).inc()"),
        (Cause.MADE_PER_REQUEST, "engine = create_engine(URL)"),
        (Cause.MADE_PER_REQUEST, "client = boto3.client('s3')"),
        (Cause.MADE_PER_REQUEST, "client = RedisClient()"),
        (Cause.MADE_PER_REQUEST, "kind = type('Row', (), {})"),
        (Cause.GROWING_CONTAINER, "registry.add(1)"),
        (Cause.BUFFERED_RESPONSE, "body = open(PATH).read()"),
        (Cause.BUFFERED_RESPONSE, "body = ','.join(rows)"),
        (Cause.BUFFERED_RESPONSE, "return Response(rows)"),
    ],
)
def test_the_call_that_makes_it_is_found(cause: Cause, line: str) -> None:
    assert line_of(cause, "x = 1", line, "return 'ok'") == BODY + 1


def test_the_more_telling_call_wins_over_the_earlier_one() -> None:
    assert line_of(Cause.THREADS, "pool.submit(work)", "Thread(target=work)") == BODY + 1


@pytest.mark.parametrize("way", ["helper()", "shop.helper()", "first()"])
def test_what_a_view_calls_is_looked_into(way: str) -> None:
    tail = "\n\ndef first():\n    helper()\n\n\ndef helper():\n    Thread(target=work).start()\n"
    assert line_of(Cause.THREADS, way, tail=tail) == 16


def test_three_steps_away_is_too_far() -> None:
    tail = "".join(f"def f{n}():\n    f{n + 1}()\n" for n in range(3)) + "def f3():\n    Thread()\n"
    assert line_of(Cause.THREADS, "f0()", tail=tail) is None


def test_a_view_that_calls_itself_is_read_once() -> None:
    assert line_of(Cause.THREADS, "orders()", "Thread()") == BODY + 1


def test_a_body_made_without_a_telling_call_is_the_last_return() -> None:
    assert line_of(Cause.BUFFERED_RESPONSE, "if x: return ''", "return text * 9") == BODY + 1


@pytest.mark.parametrize("cause", [Cause.THREADS, Cause.METRIC_LABELS, Cause.RETENTION])
def test_a_view_that_does_no_such_thing_has_no_suspect_call(cause: Cause) -> None:
    assert line_of(cause, "return 'ok'") is None


@pytest.mark.parametrize(
    ("text", "first"), [("", 6), ("def broken(:", 1), (HEAD + "    Thread()\n", 0), (HEAD, 99)]
)
def test_a_view_that_cannot_be_read_has_no_suspect_call(text: str, first: int) -> None:
    told = [source(text, views={ORDERS: first})]
    assert find_suspect_call(Cause.THREADS, ORDERS, told) is None


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


def test_a_line_that_the_probe_saw_is_believed() -> None:
    held = holder(kind="connection", site="shop/views.py:31")
    place = locate_write(held, None, Cause.UNRETURNED_CONNECTION, VIEWS)
    assert (place.site, place.file) == ("shop/views.py:31", "/app/shop/views.py")


def test_threads_are_blamed_on_the_view_that_starts_them_not_on_the_library_that_does() -> None:
    held = holder("threads started at lib/pool.py:4", "thread", site="lib/pool.py:4")
    place = locate_write(held, None, Cause.THREADS, VIEWS)
    assert (place.site, place.file) == ("shop/views.py:8", "/app/shop/views.py")


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
def test_open_files_are_blamed_on_the_call_that_opens_them(line: str, cause: Cause) -> None:
    view = source(HEAD + f"    name = Name()\n    {line}\n", views={ORDERS: VIEW})
    place = locate_write(holder("open files like /*", "descriptor"), None, cause, view)
    assert place.site == "shop/views.py:9"


def test_receivers_are_blamed_on_the_line_that_connects_them_not_on_the_one_that_defines() -> None:
    text = HEAD + "    def done(_): pass\n    priced.connect(done, weak=False)\n"
    held = holder("receivers of shop.priced", "receiver", site="shop/views.py:8")
    view = source(text, views={ORDERS: VIEW})
    place = locate_write(held, None, Cause.HANDLERS_PER_REQUEST, view)
    assert place.site == "shop/views.py:9"


def test_what_a_weak_container_meets_is_blamed_on_the_view_not_on_the_line_that_notes_it() -> None:
    noted = source(
        "class Thread:\n    def __init__(self):\n        _dangling.add(self)\n", file="/l.py"
    )
    held = holder("threading._dangling", "WeakSet", library="python 3.11", file="/l.py")
    write_site = WriteSite(3, "__init__", (), looks_up_first=False)
    place = locate_write(held, write_site, Cause.MADE_PER_REQUEST, VIEWS, noted)
    assert (place.site, place.file) == ("shop/views.py:8", "/app/shop/views.py")


def test_a_holder_inside_a_library_is_blamed_on_the_view() -> None:
    held = holder("lib.registry", library="lib 1.0", file="/site-packages/lib/__init__.py")
    place = locate_write(held, None, Cause.MADE_PER_REQUEST, VIEWS)
    assert (place.site, place.file) == ("shop/views.py:8", "/app/shop/views.py")


def test_without_any_source_the_file_is_all_that_is_known() -> None:
    place = locate_write(holder(), None, Cause.GROWING_CONTAINER)
    assert (place.site, place.file) == (None, "/app/shop/views.py")


VIEWS = source(HEAD + "    lib.ThreadPoolExecutor(4)\n", views={ORDERS: VIEW})
