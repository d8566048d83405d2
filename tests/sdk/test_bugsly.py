"""Our own client under Gunicorn, with the worker that it tells of beside the error."""

from pathlib import Path

from tests.support.command import program
from tests.support.gunicorn import Way, command
from tests.support.known_errors import first_event, only_error, own_calls
from tests.support.serving import Project, Serving
from tests.support.wait import wait_until

from bugsly_server.store.meta import workers


def test_exceptions_of_one_line_become_one_error_with_its_worker(
    server: Serving, project: Project, dsn: str, tmp_path: Path
) -> None:
    environ = {"BUGSLY_DSN": dsn, "BUGSLY_RELEASE": "1.0", "BUGSLY_ENVIRONMENT": "staging"}
    line = command(Way.RUN, ("-w", "1"), "shop:app")
    with program(line, tmp_path, environ, troubled=True) as running:
        wait_until(running.answers, what="the shop answers")
        for _ in range(3):
            running.get("/broken")
        error = only_error(server, project, 3)
    assert (error.title, error.place) == ("ValueError: broken", "broken in shop.py")
    assert (error.release, error.environment) == ("1.0", "staging")
    assert error.endpoint == "GET /broken"
    event = first_event(server, error)
    assert [one.function for one in own_calls(event)] == ["broken"]
    assert "flask.app" in {one.module for one in event.exceptions[0].frames}
    assert event.memory > 1_000_000
    with server.server.store.database.reading() as connection:
        assert event.worker in workers.find(connection, project.id, [event.worker])
    assert server.skipped(project) == {}
