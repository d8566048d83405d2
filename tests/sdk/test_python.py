"""sentry-sdk, which knows nothing of us but the DSN."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sentry_sdk
from flask import Flask
from tests.support.sdk import sentry
from tests.support.serving import Project, Serving, serving
from tests.support.wait import wait_until

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


def checkout(order: dict[str, str]) -> str:
    return order["currency"]


def test_an_exception_becomes_an_issue(server: Serving, project: Project) -> None:
    with sentry(dsn(server, project), release="1.0"):
        for _ in range(3):
            try:
                checkout({"id": "7"})
            except KeyError:
                sentry_sdk.capture_exception()
    import time
    time.sleep(3)
    print(server.server.envelopes.skipped, server.server.pipeline.skipped)
    with server.server.store.database.reading() as c:
        from bugsly_server.store.meta.tables import issue
        print(c.execute(issue.select()).all())
        print(errors.find(c,[1]))
        g=groupings.of_issue(c,1)
        print(g)
        print(groupings.specimens(c,1)[0].body.decode()[:6000])
    assert 0
