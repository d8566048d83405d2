"""sentry-sdk, which knows nothing of us but the DSN."""

import logging
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
import sentry_sdk.logger
from flask import Flask
from sentry_sdk.scrubber import EventScrubber
from tests.support.running_server import RunningServer, ServedProject, running_server
from tests.support.sentry_sdk_client import reporting_sentry_sdk
from tests.support.stored_errors import app_frames, first_event, only_error, release_health
from tests.support.wait import wait_until

from bugsly_server.clock import now
from bugsly_server.decode.event import scrubbing_note
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.store.meta import groupings, project_keys


def checkout(order: dict[str, str]) -> str:
    password = "hunter2"
    return order["currency"] + password


def fail() -> None:
    try:
        checkout({"id": "7"})
    except KeyError:
        sentry_sdk.capture_exception()


def test_exceptions_of_one_line_become_one_error(
    server: RunningServer, project: ServedProject, dsn: str
) -> None:
    with reporting_sentry_sdk(dsn, release="1.0", environment="staging"):
        for number in range(3):
            sentry_sdk.set_user({"id": str(number)})
            fail()
    error = only_error(server, project, 3)
    assert error.title == "KeyError: 'currency'"
    assert error.place.startswith("checkout in ")
    assert (error.release, error.environment, error.users) == ("1.0", "staging", 3)
    told = [change.kind for issue, change in server.announced if issue.id == error.id]
    assert told == ["opened"]


def test_secrets_do_not_reach_the_disk(
    server: RunningServer, project: ServedProject, dsn: str
) -> None:
    with reporting_sentry_sdk(dsn, event_scrubber=EventScrubber(denylist=[], pii_denylist=[])):
        fail()
    error = only_error(server, project)
    with server.server.store.database.reading() as connection:
        (kept,) = groupings.specimens(connection, error.id)
    assert b"hunter2" not in kept.body
    paths = [path for path, _ in scrubbing_note(kept.body).removed]
    assert any(path.endswith("frames.1.vars.password") for path in paths)


def test_a_view_of_flask_tells_its_endpoint_and_how_its_release_fares(
    server: RunningServer, project: ServedProject, dsn: str
) -> None:
    with reporting_sentry_sdk(dsn, release="1.0"):
        app = Flask("shop")
        app.add_url_rule("/orders", "order", lambda: checkout({}))
        app.add_url_rule("/", "index", lambda: "a pear")
        client = app.test_client()
        assert [client.get(path).status_code for path in ("/orders", "/", "/")] == [500, 200, 200]
    error = only_error(server, project)
    assert error.endpoint == "order"
    event = first_event(server, error)
    assert [one.function for one in app_frames(event)] == ["<lambda>", "checkout"]
    assert "flask.app" in {one.module for one in event.exceptions[0].frames}
    assert app_frames(event)[-1].locals["order"] == "{}"
    wait_until(lambda: release_health(server, project).get("1.0") == (3, 0, 1), what="the sessions")


def test_what_is_logged_as_an_error_becomes_one(
    server: RunningServer, project: ServedProject, dsn: str
) -> None:
    with reporting_sentry_sdk(dsn):
        for number in range(3):
            logging.getLogger("shop").error("order %d is lost", number)
    error = only_error(server, project, 3)
    assert (error.title, error.place) == ("order 0 is lost", "shop")


def _send_everything() -> None:
    with sentry_sdk.start_transaction(name="job"):
        pass
    sentry_sdk.logger.info("hello")
    sentry_sdk.metrics.gauge("orders", 7)
    process = {"process.pid": 42}
    sentry_sdk.metrics.gauge("process.memory.rss", 70, unit="megabyte", attributes=process)
    sentry_sdk.crons.capture_checkin(monitor_slug="nightly", status="ok")
    with sentry_sdk.new_scope() as scope:
        scope.add_attachment(bytes=b"a pear", filename="pear.txt")
        fail()


def test_what_is_not_kept_is_sent_once_and_the_rest_goes_on(
    server: RunningServer, project: ServedProject, dsn: str
) -> None:
    with reporting_sentry_sdk(dsn, traces_sample_rate=1.0, enable_logs=True, server_name="web-1"):
        for _ in range(3):
            _send_everything()
            sentry_sdk.flush()
    only_error(server, project, 3)
    assert server.skipped(project) == {
        "item of type transaction, not kept": 1,
        "item of type log, not kept": 1,
        "item of type check_in, not kept": 1,
        "item of type attachment, not kept": 1,
        "metric that is no process's memory, not kept": 3,
    }
    wait_until(lambda: server.measured_workers(project), what="the worker")
    (worker,) = server.measured_workers(project)
    assert (worker.name, worker.anonymous) == ("web-1 pid 42", 70_000_000)


def test_with_an_sdk_key_all_is_kept_but_memory(
    server: RunningServer, project: ServedProject
) -> None:
    with server.server.store.database.writing() as connection:
        key = project_keys.ensure(connection, project.id, ProjectKeyKind.SDK, now())
    with reporting_sentry_sdk(ServedProject(project.id, key.public).dsn(server.port)):
        _send_everything()
        sentry_sdk.flush()
    only_error(server, project)
    assert server.skipped(project)["memory sent with an SDK key, needs an agent key"] == 1
    assert server.measured_workers(project) == []


def test_of_a_flood_what_is_not_kept_is_counted(tmp_path: Path) -> None:
    with running_server(tmp_path, events_per_day="20") as server:
        project = server.project("flooded")
        with reporting_sentry_sdk(project.dsn(server.port)):
            for _ in range(300):
                fail()
        only_error(server, project, 20)
        assert sum(server.skipped(project).values()) == 280


MB = 1024 * 1024


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"timestamp": "yesterday"}, "KeyError: 'currency'"),
        ({"timestamp": 4e9, "user": [], "tags": "a", "level": {}}, "KeyError: 'currency'"),
        ({"exception": {"values": [None, {"type": "A", "stacktrace": 7}]}}, "A"),
        ({"exception": "gone", "message": "lost"}, "lost"),
    ],
)
def test_an_event_of_any_shape_is_kept(
    server: RunningServer, project: ServedProject, dsn: str, changes: dict[str, Any], title: str
) -> None:
    with reporting_sentry_sdk(dsn, before_send=lambda event, _hint: {**event, **changes}):
        fail()
    assert only_error(server, project).title == title
    assert server.skipped(project) == {}


def test_a_large_event_is_kept_in_bounds_and_a_larger_one_is_counted(
    server: RunningServer, project: ServedProject, dsn: str
) -> None:
    pages = iter(["x" * 13 * MB, "x" * 10 * MB])
    with reporting_sentry_sdk(
        dsn, before_send=lambda event, _hint: {**event, "extra": {"page": next(pages)}}
    ):
        fail()
        fail()
    event = first_event(server, only_error(server, project))
    assert len(event.contexts["extra"]["page"]) == 1_024
    assert server.skipped(project) == {
        "event item that is too large": 1,
        "text of an event cut at 8,192 characters": 1,
    }
