"""What an event contains, what is redacted, and how a large one is reduced."""

import gc
import json
import os
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path
from types import ModuleType
from typing import Any

import gevent
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.captured_errors import (
    CAPTURED_BY_TEST,
    ORIGIN,
    ErrorCapture,
    event,
    exception_of,
)
from tests.support.wsgi import environ_of

from bugsly.probes.errors.event_encoder import MAX_EVENT_BYTES, encode_without_secrets
from bugsly.probes.errors.request_context import read_request
from bugsly.probes.errors.safe_repr import SafeRepr
from bugsly.protocol.event import (
    CapturedBreadcrumb,
    CapturedException,
    CapturedFrame,
    CapturedRequest,
)

PRICES = """\
import os

PASSWORD = "hunter2"


def total(lines, token="sesame-open"):
    rate = 19
    return sum(line["price"] for line in lines) * (rate / 0)
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Return a function that imports a module of a text from a file that is an hour old."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> ModuleType:
        path = tmp_path / "prices.py"
        path.write_text(text)
        os.utime(path, times=(time.time() - 3600,) * 2)
        invalidate_caches()
        return import_module("prices")

    yield write
    sys.modules.pop("prices", None)


def test_a_frame_has_its_source_and_variables(write: Callable[[str], ModuleType]) -> None:
    prices = write(PRICES)
    (exception,) = ErrorCapture().capture(lambda: prices.total([]))["exception"]["values"]
    frame = exception["stacktrace"]["frames"][-1]
    assert frame == {
        "module": "prices",
        "function": "total",
        "filename": "prices.py",
        "abs_path": prices.__file__,
        "lineno": 8,
        "pre_context": [
            'PASSWORD = "[redacted]"',
            "",
            "",
            'def total(lines, token="[redacted]"):',
            "    rate = 19",
        ],
        "context_line": '    return sum(line["price"] for line in lines) * (rate / 0)',
        "vars": {"lines": "[]", "token": "[redacted]", "rate": "19"},
        "in_app": True,
    }


def test_a_file_that_changed_since_shows_no_line(write: Callable[[str], ModuleType]) -> None:
    prices = write(PRICES)
    os.utime(str(prices.__file__), times=(time.time() + 60,) * 2)
    (exception,) = ErrorCapture().capture(lambda: prices.total([]))["exception"]["values"]
    assert "context_line" not in exception["stacktrace"]["frames"][-1]


def test_files_that_do_not_exist_have_no_lines() -> None:
    code: dict[str, Any] = {}
    exec(compile("def made():\n    1 / 0\n", "/dev/zero", "exec"), code)
    (exception,) = ErrorCapture().capture(code["made"])["exception"]["values"]
    assert exception["stacktrace"]["frames"][-1]["abs_path"] == "/dev/zero"
    assert "context_line" not in exception["stacktrace"]["frames"][-1]


def test_variables_of_libraries_are_not_captured() -> None:
    (exception,) = ErrorCapture().capture(lambda: json.loads('{"a": secret}'))["exception"][
        "values"
    ]
    by_module = {frame["module"]: frame for frame in exception["stacktrace"]["frames"]}
    assert not by_module["json"]["in_app"]
    assert "vars" not in by_module["json"]
    assert "vars" in exception["stacktrace"]["frames"][-1]


def test_without_locals_there_is_no_variable() -> None:
    captured = ErrorCapture(send_locals=False).capture(lambda: 1 / 0)
    frames = captured["exception"]["values"][0]["stacktrace"]["frames"]
    assert not any("vars" in frame for frame in frames)


def test_an_event_names_its_worker_and_release() -> None:
    captured = ErrorCapture().capture(lambda: 1 / 0)
    assert captured["contexts"]["bugsly"]["worker"] == "a" * 32
    assert captured["contexts"]["bugsly"]["memory"] > 1_000_000
    assert captured["contexts"]["runtime"]["name"] == sys.implementation.name.replace("cp", "CP")
    assert (captured["release"], captured["environment"], captured["server_name"]) == (
        "7",
        "test",
        "web-1",
    )
    assert captured["platform"] == "python"
    assert len(captured["event_id"]) == 32


def test_one_exception_is_one_event_whatever_hooks_it_passes() -> None:
    catching = ErrorCapture()
    error = exception_of(lambda: 1 / 0)
    ids = {catching.errors.capture_exception(error, CAPTURED_BY_TEST) for _ in range(3)}
    assert [one["event_id"] for one in catching.encoded_events] == list(ids)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(1), GeneratorExit(), gevent.GreenletExit()]
)
def test_an_exit_is_no_error(error: BaseException) -> None:
    catching = ErrorCapture()
    assert catching.errors.capture_exception(error, CAPTURED_BY_TEST) == ""
    assert catching.encoded_events == []


def test_a_request_is_captured_without_secrets_and_personal_data() -> None:
    captured = read_request(
        environ_of(
            "/orders/7",
            "POST",
            QUERY_STRING="page=2&sid=abc&token=abc",
            HTTP_HOST="shop.test",
            HTTP_COOKIE="session=abc",
            HTTP_AUTHORIZATION="Bearer abcdefgh",
            HTTP_X_FORWARDED_FOR="10.0.0.7",
            HTTP_USER_AGENT="curl",
        ),
        SafeRepr(),
    )
    assert (captured.method, captured.url) == ("POST", "http://shop.test/orders/7")
    assert captured.headers == {
        "Host": "shop.test",
        "Cookie": "[redacted]",
        "Authorization": "[redacted]",
        "User-Agent": "curl",
    }
    sent = json.loads(encode_without_secrets(event(asked=captured), ORIGIN))
    assert sent["request"]["query_string"] == "page=2&sid=[redacted]&token=[redacted]"


SECRET = "hunter2-hunter2"
TEXT = f"password={SECRET}"


def test_a_planted_secret_leaves_in_no_part_of_an_event() -> None:
    secret = event(
        message=TEXT,
        template=TEXT,
        crumbs=(
            CapturedBreadcrumb(
                at=1.0, category="a", level="info", message=TEXT, details={"a": TEXT}
            ),
        ),
        thrown=(
            CapturedException(
                type="E",
                module="m",
                value=TEXT,
                frames=(
                    CapturedFrame(
                        module="m", function="f", path="p", line=1, locals={"config": TEXT}
                    ),
                ),
            ),
        ),
        asked=CapturedRequest(
            method="GET", url=f"http://a/?{TEXT}", query=TEXT, headers={"X": TEXT}, body=TEXT
        ),
    )
    assert SECRET.encode() not in encode_without_secrets(secret, ORIGIN)


def large(exceptions: int, frames: int, names: int, text: str) -> Any:
    frame = CapturedFrame(
        module=text[:200],
        function=text[:200],
        path=text[:400],
        line=1,
        locals={f"name{number}": text[:1000] for number in range(names)},
    )
    thrown = CapturedException(
        type=text[:200], module=text[:200], value=text, frames=(frame,) * frames
    )
    crumb = CapturedBreadcrumb(at=1.0, category="a", level="info", message=text[:500])
    asking = CapturedRequest(
        method="GET", url=text[:2000], query=text[:2000], headers={"A": text}, body=text
    )
    return event(thrown=(thrown,) * exceptions, crumbs=(crumb,) * 40, asked=asking, message=text)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=15)
@given(
    st.integers(1, 10),
    st.integers(0, 100),
    st.sampled_from(["x", "\U0001f600", "\x01", "é"]).map(lambda character: character * 4_000),
)
def test_an_event_is_never_large(exceptions: int, frames: int, text: str) -> None:
    encoded = encode_without_secrets(
        large(exceptions, frames, 60 // (exceptions * frames or 1), text), ORIGIN
    )
    assert len(encoded) <= MAX_EVENT_BYTES
    assert json.loads(encoded)["exception"]["values"]


def test_variables_far_from_the_error_are_dropped_first() -> None:
    captured = json.loads(encode_without_secrets(large(1, 30, 10, "x" * 900), ORIGIN))
    frames = captured["exception"]["values"][0]["stacktrace"]["frames"]
    assert ["vars" in one for one in frames] == [False] * 27 + [True] * 3
    assert captured["breadcrumbs"]


def test_nothing_of_the_application_is_kept_alive() -> None:
    class Basket:
        pass

    alive: list[weakref.ref[Basket]] = []

    def failing() -> None:
        basket = Basket()
        alive.append(weakref.ref(basket))
        raise ValueError(basket)

    catching = ErrorCapture()
    catching.errors.capture_exception(exception_of(failing), CAPTURED_BY_TEST)
    gc.collect()
    assert catching.event_outbox.is_due
    assert alive[0]() is None
