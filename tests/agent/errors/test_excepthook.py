"""Uncaught exceptions in threads and in programs."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.fake_agent import FakeAgent
from tests.support.fake_server import FakeServer

from bugsly.integrations.excepthook import UncaughtErrorHook

ROOT = Path(__file__).parents[3]


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return the calls of the previous hooks."""
    seen: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))
    monkeypatch.setattr(sys, "excepthook", lambda *args: seen.append(args[0]))
    return seen


@pytest.fixture
def fake(printed: list[object]) -> Iterator[FakeAgent]:
    assert printed == []
    made = FakeAgent()
    hook = UncaughtErrorHook(made)
    hook.install()
    yield made
    hook.remove()


def run(target: Any) -> None:
    thread = threading.Thread(target=target, name="prices")
    thread.start()
    thread.join()


def test_an_exception_that_ends_a_thread_is_captured_and_passed_on(
    fake: FakeAgent, printed: list[object]
) -> None:
    run(lambda: 1 / 0)
    (captured,) = fake.error_capture.encoded_events
    assert captured["exception"]["values"][0]["mechanism"]["type"] == "threading"
    assert captured["contexts"]["bugsly"]["thread"] == "prices"
    assert printed == [ZeroDivisionError]


def test_a_thread_that_exits_is_no_error(fake: FakeAgent) -> None:
    run(sys.exit)
    assert fake.error_capture.encoded_events == []


def test_the_previous_hooks_are_restored(printed: list[object]) -> None:
    before = (sys.excepthook, threading.excepthook)
    hook = UncaughtErrorHook(FakeAgent())
    hook.install()
    assert (sys.excepthook, threading.excepthook) == (hook.excepthook, hook.thread_excepthook)
    hook.remove()
    assert (sys.excepthook, threading.excepthook) == before
    assert printed == []


def test_a_hook_set_after_the_agents_is_not_removed(printed: list[object]) -> None:
    hook = UncaughtErrorHook(FakeAgent())
    hook.install()
    threading.excepthook = later = printed.append
    hook.remove()
    assert threading.excepthook is later


PROGRAM = """\
import logging, sys
import bugsly
bugsly.init(dsn=sys.argv[2], release="7")
{}
"""


def program(server: FakeServer, text: str, *, ends: int = 1) -> dict[str, Any] | None:
    """Return the event of a program that is no worker."""
    command = [sys.executable, "-c", PROGRAM.format(text), "import-prices", server.dsn]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == ends, ran.stderr
    assert "bugsly" not in ran.stderr.lower().replace("import bugsly", "")
    assert server.reports == []
    return next(iter(server.events), None)


def test_a_program_that_fails_reports_it_before_it_ends(server: FakeServer) -> None:
    captured = program(server, "1 / 0")
    assert captured is not None
    assert captured["transaction"] == "-c import-prices"
    assert (captured["level"], captured["release"]) == ("fatal", "7")
    assert captured["contexts"]["bugsly"]["worker"] == ""


@pytest.mark.parametrize("text", ["sys.exit(3)", "raise SystemExit(3)"])
def test_a_program_that_exits_reports_nothing(text: str, server: FakeServer) -> None:
    assert program(server, text, ends=3) is None


def test_a_program_that_logs_an_error_reports_it_before_it_ends(server: FakeServer) -> None:
    captured = program(server, 'logging.raiseExceptions = False; logging.error("lost")', ends=0)
    assert captured is not None
    assert captured["logentry"] == {"formatted": "lost"}


CLI = """\
import bugsly
from flask import Flask

app = Flask(__name__)
bugsly.init(app)

@app.cli.command("import-prices")
def import_prices():
    raise ValueError("no prices today")
"""


def test_a_flask_command_that_fails_is_reported(server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(CLI)
    command = [sys.executable, "-m", "flask", "import-prices"]
    environ = {"BUGSLY_DSN": server.dsn, "BUGSLY_STRICT": "1", "FLASK_APP": "shop"}
    ran = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path, env=environ)
    assert ran.returncode == 1
    (captured,) = server.events
    assert captured["exception"]["values"][0]["value"] == "no prices today"
    frames = captured["exception"]["values"][0]["stacktrace"]["frames"]
    assert (frames[-1]["function"], frames[-1]["in_app"]) == ("import_prices", True)
    assert captured["transaction"] == "flask import-prices"
