"""@sentry/node: key in the query, chunked bodies without a length, items without one."""

import subprocess
from pathlib import Path

from tests.support.running_server import RunningServer, ServedProject, running_server
from tests.support.stored_errors import (
    app_frames,
    first_event,
    only_error,
    release_health,
    unresolved_errors,
)
from tests.support.wait import wait_until


def node(npm: Path, script: str, dsn: str) -> int:
    """Run one of the scripts to its end, and return its exit code."""
    return subprocess.run(
        ["node", script, dsn], cwd=npm, check=False, timeout=60, stderr=subprocess.DEVNULL
    ).returncode


def test_exceptions_of_one_line_become_one_error(
    server: RunningServer, project: ServedProject, dsn: str, npm: Path
) -> None:
    assert node(npm, "throw.mjs", dsn) == 0
    error = only_error(server, project, 3)
    assert error.title.startswith("TypeError: Cannot read properties of undefined")
    assert error.place.startswith("checkout in ")
    assert (error.release, error.environment, error.users) == ("1.0", "staging", 3)
    wait_until(lambda: release_health(server, project).get("1.0") == (1, 1, 0), what="the session")


def test_a_request_tells_what_led_to_its_error(
    server: RunningServer, project: ServedProject, dsn: str, npm: Path
) -> None:
    assert node(npm, "serve.mjs", dsn) == 0
    event = first_event(server, only_error(server, project))
    own = app_frames(event)
    assert own[-1].code.strip() == "return order.currency.code;"
    assert {Path(one.file) for one in own} == {npm / "serve.mjs"}
    assert {one.file for one in event.exceptions[0].frames} > {one.file for one in own}
    assert event.exceptions[0].handled
    assert (event.user, event.tags["shop"], event.platform) == ("7", "north", "node")
    assert ("cart", "added a pear") in {(one.category, one.message) for one in event.crumbs}
    assert event.asked is not None
    assert event.asked.method == "GET"
    assert event.asked.query == "currency=eur&token=[Filtered]"


def test_a_crash_is_told_before_the_program_ends(
    server: RunningServer, project: ServedProject, dsn: str, npm: Path
) -> None:
    assert node(npm, "crash.mjs", dsn) == 1
    error = only_error(server, project)
    assert (error.title, error.level) == ("RangeError: no money", "fatal")
    assert not first_event(server, error).exceptions[0].handled
    wait_until(lambda: release_health(server, project).get("1.0") == (1, 0, 1), what="the session")


def test_what_is_not_kept_is_sent_once_and_the_memory_becomes_a_worker(
    server: RunningServer, project: ServedProject, dsn: str, npm: Path
) -> None:
    assert node(npm, "trace.mjs", dsn) == 0
    assert server.skipped(project) == {
        "item of type span, not kept": 1,
        "item of type log, not kept": 1,
        "item of type check_in, not kept": 1,
        "metric that is no process's memory, not kept": 3,
    }
    wait_until(lambda: server.measured_workers(project), what="the worker")
    (worker,) = server.measured_workers(project)
    assert worker.release == "1.0"
    assert worker.anonymous > 10_000_000


def test_of_a_flood_what_is_not_kept_is_counted(npm: Path, tmp_path: Path) -> None:
    with running_server(tmp_path, events_per_day="20") as server:
        project = server.project("flooded")
        assert node(npm, "flood.mjs", project.dsn(server.port)) == 0
        wait_until(
            lambda: sum(one.count for one in unresolved_errors(server, project)) == 20,
            what="20 events",
        )
        assert sum(server.skipped(project).values()) == 180
