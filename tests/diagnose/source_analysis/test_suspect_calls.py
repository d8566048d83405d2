"""Which call of a view a cause is about."""

import pytest
from tests.support.leak_evidence import ORDERS, source

from bugsly_server.diagnose.source_analysis.suspect_calls import find_suspect_call
from bugsly_server.model.diagnosis import Cause

HEAD = 'from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get("/orders")\ndef orders():\n'
VIEW = 6
"""The line of the decorator."""
BODY = 8
"""The first line of the body."""


def line_of(cause: Cause, *body: str, tail: str = "") -> int | None:
    text = HEAD + "".join(f"    {line}\n" for line in body) + tail
    found = find_suspect_call(cause, ORDERS, [source(text, views={ORDERS: VIEW})])
    return None if found is None else found.line


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
def test_the_suspect_call_is_found(cause: Cause, line: str) -> None:
    assert line_of(cause, "x = 1", line, "return 'ok'") == BODY + 1


def test_a_more_specific_call_wins_over_the_earlier_one() -> None:
    assert line_of(Cause.THREADS, "pool.submit(work)", "Thread(target=work)") == BODY + 1


@pytest.mark.parametrize("call", ["helper()", "shop.helper()", "first()"])
def test_the_callees_of_a_view_are_searched(call: str) -> None:
    tail = "\n\ndef first():\n    helper()\n\n\ndef helper():\n    Thread(target=work).start()\n"
    assert line_of(Cause.THREADS, call, tail=tail) == 16


def test_three_steps_away_is_too_far() -> None:
    tail = "".join(f"def f{n}():\n    f{n + 1}()\n" for n in range(3)) + "def f3():\n    Thread()\n"
    assert line_of(Cause.THREADS, "f0()", tail=tail) is None


def test_a_view_that_calls_itself_is_read_once() -> None:
    assert line_of(Cause.THREADS, "orders()", "Thread()") == BODY + 1


def test_a_body_made_without_a_suspect_call_is_the_last_return() -> None:
    assert line_of(Cause.BUFFERED_RESPONSE, "if x: return ''", "return text * 9") == BODY + 1


@pytest.mark.parametrize("cause", [Cause.THREADS, Cause.METRIC_LABELS, Cause.RETENTION])
def test_a_view_without_such_a_call_has_no_suspect_call(cause: Cause) -> None:
    assert line_of(cause, "return 'ok'") is None


@pytest.mark.parametrize(
    ("text", "first"), [("", 6), ("def broken(:", 1), (HEAD + "    Thread()\n", 0), (HEAD, 99)]
)
def test_a_view_that_cannot_be_read_has_no_suspect_call(text: str, first: int) -> None:
    sources = [source(text, views={ORDERS: first})]
    assert find_suspect_call(Cause.THREADS, ORDERS, sources) is None
