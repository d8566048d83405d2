from pathlib import Path

import pytest
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import plain_command, running_gunicorn
from tests.support.running_program import running_program
from tests.support.wait import wait_until

PATHS = ("/fork", "/fork-with-goodbye", "/multiprocessing", "/subprocess")
GEVENT_PATHS = ("/subprocess",)
"""A bare fork in a gevent worker hangs now and then, with us or without."""


@pytest.mark.parametrize(
    ("kind", "paths"), [("sync", PATHS), ("gthread", PATHS), ("gevent", GEVENT_PATHS)]
)
def test_processes_that_a_worker_makes_say_nothing_and_end(
    kind: str, paths: tuple[str, ...], server: FakeServer, tmp_path: Path
) -> None:
    options = ("-k", kind, "--timeout", "20", "--graceful-timeout", "3")
    (tmp_path / "alone").mkdir()
    with running_program(
        plain_command(*options, app="forking:app"), tmp_path / "alone", {}
    ) as running:
        without = {path: running.get(path) for path in paths}
    with running_gunicorn(server, tmp_path, *options, app="forking:app", workers=1) as running:
        (pid,) = running.children
        assert {path: running.get(path) for path in paths} == without
        seen = len(server.samples_of(pid))
        wait_until(lambda: len(server.samples_of(pid)) > seen + 1, what="the worker goes on")
        assert running.get("/") == str(pid)
    assert [worker.pid for worker in server.workers.values()] == [pid]
    assert len(server.exits_of(pid, by_itself=True)) == 1
