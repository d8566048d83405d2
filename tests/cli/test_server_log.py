"""The server's log: one line of a kind a second, on one line, and never a long traceback."""

import io
import logging
from collections.abc import Iterator

import pytest
from tests.support.wait import wait_until

from bugsly_server.cli import server_log
from bugsly_server.cli.server_log import ServerLogHandler, ShortFormatter


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(output: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    monkeypatch.setattr(server_log, "INTERVAL_SECONDS", 0.2)
    handler = ServerLogHandler()
    handler.setStream(output)
    handler.setFormatter(ShortFormatter("%(levelname)s %(message)s"))
    log = logging.Logger("tests of the log")  # noqa: LOG001 - no other logger is above it
    log.addHandler(handler)
    yield log
    handler.close()


def lines(output: io.StringIO) -> list[str]:
    return output.getvalue().splitlines()


def test_what_is_logged_again_and_again_is_written_once_and_then_counted(
    log: logging.Logger, output: io.StringIO
) -> None:
    for number in range(1_000):
        log.warning("connection %d: refused", number)
    assert lines(output) == ["WARNING connection 0: refused"]
    wait_until(lambda: len(lines(output)) == 2, what="the count")
    assert lines(output)[1] == "WARNING connection 999: refused (and 998 like it)"


def test_lines_of_different_kinds_do_not_suppress_each_other(
    log: logging.Logger, output: io.StringIO
) -> None:
    log.warning("one")
    log.warning("two")
    assert lines(output) == ["WARNING one", "WARNING two"]


def test_a_message_stays_on_one_line_and_cannot_steer_a_terminal(
    log: logging.Logger, output: io.StringIO
) -> None:
    log.warning("issue %s", "a\nERROR forged\r\x1b[31m\x9b" + "x" * 10_000)
    (line,) = lines(output)
    assert line.startswith("WARNING issue a\\x0aERROR forged\\x0d\\x1b[31m\\x9bxxx")
    assert len(line) < 2_100


def test_a_deep_exception_leaves_the_end_of_its_traceback(
    log: logging.Logger, output: io.StringIO
) -> None:
    def odd(depth: int) -> int:
        return even(depth + 1)

    def even(depth: int) -> int:
        return odd(depth + 1)

    try:
        odd(0)
    except RecursionError:
        log.exception("a round failed")
    assert len(output.getvalue()) < 10_000
    assert "RecursionError: maximum recursion depth exceeded" in lines(output)[-1]
