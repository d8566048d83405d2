"""What each kind of key may send, and from which pages."""

import json

import pytest
from tests.support.events import sdk_event
from tests.support.protocol_values import sample, worker
from tests.support.running_server import HttpReply, RunningServer, ServedProject
from tests.support.stored_errors import only_error
from tests.support.wait import wait_until

from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.memory import encode_report, encode_sample
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.store.meta import project_keys

WORKER = "a" * 32
MEMORY = (
    "memory",
    encode_report(worker(id=WORKER, age=10_000_000_000), [encode_sample(sample(1))], (), {}),
)
GAUGE = (
    "trace_metric",
    json.dumps(
        {
            "items": [
                {
                    "name": "process.memory.rss",
                    "type": "gauge",
                    "unit": "byte",
                    "value": 70_000_000,
                    "timestamp": 1_800_000_000.0,
                    "attributes": {"process.pid": {"value": 42, "type": "integer"}},
                }
            ]
        }
    ).encode(),
)
EVENT = ("event", json.dumps(sdk_event()).encode())
ELSEWHERE = {"Origin": "https://shop.test"}
REFUSED = "memory: it came with an SDK key"


@pytest.fixture
def browser_project(server: RunningServer, project: ServedProject) -> ServedProject:
    """The project with its SDK key."""
    with server.server.store.database.reading() as connection:
        keys = project_keys.list_of_project(connection, project.id)
    (public,) = [one.public for one in keys if one.kind is ProjectKeyKind.SDK]
    return ServedProject(project.id, public)


def send(
    server: RunningServer, project: ServedProject, *items: tuple[str, bytes], **headers: str
) -> HttpReply:
    body = build_envelope({"worker": WORKER}, items)
    return server.send(project.path, body, {**project.auth, **headers})


@pytest.mark.parametrize("item", [MEMORY, GAUGE], ids=["memory", "gauge"])
def test_memory_with_an_sdk_key_is_refused_and_says_which_key_to_use(
    server: RunningServer, browser_project: ServedProject, item: tuple[str, bytes]
) -> None:
    reply = send(server, browser_project, item)
    assert reply.status == 403
    assert reply.detail.startswith(REFUSED)
    assert "to the DSN of an agent key" in reply.detail
    assert server.skipped(browser_project) == {"memory sent with an SDK key, needs an agent key": 1}


def test_what_else_is_in_the_envelope_is_kept(
    server: RunningServer, browser_project: ServedProject
) -> None:
    reply = send(server, browser_project, MEMORY, EVENT, GAUGE)
    assert reply.status == 200
    assert json.loads(reply.body)["refused"].startswith(REFUSED)
    only_error(server, browser_project)
    assert server.measured_workers(browser_project) == []


def test_an_agent_key_sends_memory(server: RunningServer, project: ServedProject) -> None:
    reply = send(server, project, MEMORY, EVENT)
    assert (reply.status, json.loads(reply.body).keys()) == (200, {"id"})
    wait_until(lambda: server.measured_workers(project), what="the worker")


def test_a_page_may_use_an_sdk_key_and_no_agent_key(
    server: RunningServer, project: ServedProject, browser_project: ServedProject
) -> None:
    assert send(server, browser_project, EVENT, **ELSEWHERE).status == 200
    reply = send(server, project, EVENT, **ELSEWHERE)
    assert reply.status == 403
    assert reply.detail.endswith("use the DSN of an SDK key in browsers")
    assert reply.headers["access-control-allow-origin"] == "*"


def test_only_pages_of_the_origins_of_a_key_may_use_it(
    server: RunningServer, project: ServedProject
) -> None:
    with server.server.store.database.writing() as connection:
        key = project_keys.add(
            connection, project.id, ProjectKeyKind.SDK, 1, origins=("https://shop.test",)
        )
    restricted = ServedProject(project.id, key.public)
    assert send(server, restricted, EVENT, **ELSEWHERE).status == 200
    assert send(server, restricted, EVENT).status == 200
    assert send(server, restricted, EVENT, Origin="https://evil.test").status == 403
    in_the_envelope = build_envelope({"dsn": f"http://{key.public}@here/{project.id}"}, [EVENT])
    refused = server.send(project.path, in_the_envelope, {"Origin": "https://evil.test"})
    assert refused.status == 403
