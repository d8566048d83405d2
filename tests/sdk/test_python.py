"""sentry-sdk, which knows nothing of us but the DSN."""

from collections.abc import Iterator

import pytest
import sentry_sdk
from flask import Flask
from sentry_sdk.scrubber import EventScrubber
from tests.support.sdk import sentry
from tests.support.serving import Project, Serving, serving
from tests.support.wait import wait_until

from bugsly_server.digest.event import note_of
from bugsly_server.model.error import ErrorIssue
from bugsly_server.store.meta import errors, groupings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("sdk")) as server:
        yield server


@pytest.fixture
def project(server: Serving, request: pytest.FixtureRequest) -> Project:
    return server.project(f"p{abs(hash(request.node.nodeid))}")


def dsn(server: Serving, project: Project) -> str:
    return f"http://{project.key}@127.0.0.1:{server.port}/{project.id}"


def known(server: Serving, project: Project) -> list[ErrorIssue]:
    with server.server.store.database.reading() as connection:
        return errors.unresolved(connection, project.id, 100)


def checkout(order: dict[str, str]) -> str:
    password = "hunter2"
    return order["currency"] + password


def fail() -> None:
    try:
        checkout({"id": "7"})
    except KeyError:
        sentry_sdk.capture_exception()


def test_exceptions_of_one_line_become_one_error(server: Serving, project: Project) -> None:
    with sentry(dsn(server, project), release="1.0", environment="staging"):
        for number in range(3):
            sentry_sdk.set_user({"id": str(number)})
            fail()
    wait_until(lambda: [one.count for one in known(server, project)] == [3], what="one error")
    (error,) = known(server, project)
    assert error.title == "KeyError: 'currency'"
    assert error.place.startswith("checkout in ")
    assert (error.release, error.environment, error.users) == ("1.0", "staging", 3)
    told = [change.kind for issue, change in server.told if issue.id == error.id]
    assert told == ["opened"]


def test_secrets_do_not_reach_the_disk(server: Serving, project: Project) -> None:
    with sentry(dsn(server, project), event_scrubber=EventScrubber(denylist=[], pii_denylist=[])):
        fail()
    wait_until(lambda: len(known(server, project)) == 1, what="the error")
    with server.server.store.database.reading() as connection:
        (kept,) = groupings.specimens(connection, known(server, project)[0].id)
    assert b"hunter2" not in kept.body
    paths = [path for path, _ in note_of(kept.body).removed]
    assert any(path.endswith("frames.1.vars.password") for path in paths)


def test_a_view_of_flask_tells_its_endpoint(server: Serving, project: Project) -> None:
    with sentry(dsn(server, project)):
        app = Flask("shop")
        app.add_url_rule("/orders", "order", lambda: checkout({}))
        assert app.test_client().get("/orders").status_code == 500
    wait_until(lambda: len(known(server, project)) == 1, what="the error")
    assert known(server, project)[0].endpoint == "order"


def test_what_is_not_kept_is_sent_once(server: Serving, project: Project) -> None:
    with sentry(dsn(server, project), traces_sample_rate=1.0):
        for _ in range(5):
            with sentry_sdk.start_transaction(name="job"):
                pass
            sentry_sdk.flush()
    assert server.skipped(project) == {"item of type transaction, not kept": 1}
