"""Our own client under Gunicorn, with the worker that it tells of beside the error."""

from pathlib import Path

from tests.support.gunicorn import AgentInstall, watched_command
from tests.support.running_program import running_program
from tests.support.running_server import RunningServer, ServedProject
from tests.support.stored_errors import app_frames, first_event, only_error
from tests.support.wait import wait_until

from bugsly_server.store.meta import workers


def test_exceptions_of_one_line_become_one_error_with_its_worker(
    server: RunningServer, project: ServedProject, dsn: str, tmp_path: Path
) -> None:
    environ = {"BUGSLY_DSN": dsn, "BUGSLY_RELEASE": "1.0", "BUGSLY_ENVIRONMENT": "staging"}
    line = watched_command(AgentInstall.RUN, ("-w", "1"), "shop:app")
    with running_program(line, tmp_path, environ, troubled=True) as running:
        wait_until(running.answers, what="the shop answers")
        for _ in range(3):
            running.get("/broken")
        error = only_error(server, project, 3)
    assert (error.title, error.place) == ("ValueError: broken", "broken in shop.py")
    assert (error.release, error.environment) == ("1.0", "staging")
    assert error.endpoint == "GET /broken"
    event = first_event(server, error)
    assert [one.function for one in app_frames(event)] == ["broken"]
    assert "flask.app" in {one.module for one in event.exceptions[0].frames}
    assert event.memory > 1_000_000
    with server.server.store.database.reading() as connection:
        assert event.worker in workers.find_by_tokens(connection, project.id, [event.worker])
    assert server.skipped(project) == {}
