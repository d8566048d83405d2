import asyncio
import json

import pytest
from tests.support.clock import START, FakeClock
from tests.support.project_keys import project_key
from tests.support.running_server import RunningServer, ServedProject

from bugsly_server.clock import SECOND
from bugsly_server.errors import Rejected, Unavailable
from bugsly_server.ingest import project_keys
from bugsly_server.ingest.project_keys import (
    ProjectKeys,
    check_use,
    key_in_envelope,
    key_in_request,
)
from bugsly_server.model.project_key import ProjectKey, ProjectKeyKind

EMPTY = b"{}\n"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("headers", "query", "key"),
    [
        ({b"x-sentry-auth": b"Sentry sentry_key=abc, sentry_version=7"}, b"", "abc"),
        ({b"x-sentry-auth": b"Sentry sentry_version=7,sentry_key = abc"}, b"", "abc"),
        ({b"authorization": b"Sentry sentry_key=abc"}, b"", "abc"),
        ({}, b"sentry_version=7&sentry_key=abc", "abc"),
        ({b"x-sentry-auth": b"Sentry sentry_key=abc"}, b"sentry_key=other", "abc"),
        ({b"x-sentry-auth": b"Bearer abc"}, b"", None),
        ({b"authorization": b"\xff\xfe"}, b"%ff=%", None),
        ({}, b"", None),
    ],
)
def test_a_request_names_its_key_in_a_header_or_in_the_query(
    headers: dict[bytes, bytes], query: bytes, key: str | None
) -> None:
    assert key_in_request(headers, query) == key


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ({"dsn": f"http://{KEY}@host/1"}, KEY),
        ({"dsn": "nonsense"}, None),
        ({"dsn": 7}, None),
        ({"dsn": f"http://{KEY}@host/{'9' * 5000}"}, None),
        ({}, None),
    ],
)
def test_an_envelope_names_its_key_in_its_dsn(header: dict[str, object], key: str | None) -> None:
    assert key_in_envelope(header) == key


def test_each_of_the_three_ways_is_taken_over_http(
    server: RunningServer, project: ServedProject
) -> None:
    dsn = json.dumps({"dsn": f"http://{project.key}@here/{project.id}"}).encode() + b"\n"
    replies = [
        server.send(project.path, EMPTY, project.auth),
        server.send(f"{project.path}?sentry_key={project.key}", EMPTY),
        server.send(project.path, dsn),
    ]
    assert [reply.status for reply in replies] == [200, 200, 200]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (EMPTY, {"X-Sentry-Auth": f"Sentry sentry_key={KEY}"}),
        (b'{"dsn": "http://%s@here/1"}\n' % KEY.encode(), {}),
    ],
)
def test_an_unknown_key_is_refused_in_one_line(
    server: RunningServer, project: ServedProject, body: bytes, headers: dict[str, str]
) -> None:
    reply = server.send(project.path, body, headers)
    assert reply.status == 403
    assert f"unknown in project {project.id} → copy the DSN" in reply.detail


@pytest.mark.parametrize("body", [EMPTY, b'{"dsn": "http://\\ud800\\u0007@here/1"}\n'])
def test_no_readable_key_at_all_is_refused_in_one_line(
    server: RunningServer, project: ServedProject, body: bytes
) -> None:
    reply = server.send(project.path, body)
    assert (reply.status, reply.detail[:6]) == (403, "no key")


def test_the_key_of_another_project_is_refused(
    server: RunningServer, project: ServedProject
) -> None:
    other = server.project("another")
    assert server.send(project.path, EMPTY, other.auth).status == 403
    assert server.send(other.path, EMPTY, other.auth).status == 200


@pytest.mark.parametrize(
    "name", ["0", "999999", "9" * 30, "9" * 5000, "-1", "abc", "%0a", "%EF%BC%91"]
)
def test_a_project_that_does_not_exist_is_refused(server: RunningServer, name: str) -> None:
    auth = server.project("there").auth
    assert server.send(f"/api/{name}/envelope/", EMPTY, auth).status == 403


def test_a_key_made_while_the_server_runs_works_at_once(server: RunningServer) -> None:
    for number in range(3):
        server.send("/api/1/envelope/", EMPTY, {"X-Sentry-Auth": f"sentry_key=stranger{number}"})
        fresh = server.project(f"fresh-{number}")
        assert server.send(fresh.path, EMPTY, fresh.auth).status == 200


class CountingKeys:
    """The keys that `ProjectKeys` reads, and how often it has read them."""

    def __init__(self) -> None:
        self.known: dict[str, ProjectKey] = {}
        self.readings = 0
        self.is_readable = True

    def load(self) -> dict[str, ProjectKey]:
        if not self.is_readable:
            raise Unavailable("server: its database cannot be read")
        self.readings += 1
        return dict(self.known)


async def _refusals(keys: ProjectKeys, amount: int) -> int:
    asked = [keys.check(f"stranger{number}", 1, None) for number in range(amount)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    return sum(isinstance(outcome, Rejected) for outcome in outcomes)


def test_many_unknown_keys_cause_one_reading() -> None:
    stored = CountingKeys()

    async def crowd() -> int:
        keys = ProjectKeys(stored.load, FakeClock(), min_interval=60)
        return await _refusals(keys, 500)

    assert asyncio.run(crowd()) == 500
    assert stored.readings == 1


def test_no_key_is_wrongly_refused_in_the_pause_between_two_readings() -> None:
    stored = CountingKeys()

    async def one_after_the_other() -> tuple[int, float]:
        keys = ProjectKeys(stored.load, FakeClock(), min_interval=0.05)
        begun = asyncio.get_running_loop().time()
        for _ in range(5):
            assert await _refusals(keys, 3) == 3
        stored.known["new"] = project_key()
        await keys.check("new", 1, None)
        return stored.readings, asyncio.get_running_loop().time() - begun

    readings, seconds = asyncio.run(one_after_the_other())
    assert readings == 6
    assert seconds >= 5 * 0.05


def test_a_known_key_causes_no_reading() -> None:
    stored = CountingKeys()
    stored.known["known"] = project_key()

    async def often() -> None:
        keys = ProjectKeys(stored.load, FakeClock(), min_interval=60)
        for _ in range(100):
            await keys.check("known", 1, None)

    asyncio.run(often())
    assert stored.readings == 1


def test_a_revoked_key_is_refused_once_the_keys_are_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = CountingKeys()
    stored.known["old"] = project_key()

    async def revoke() -> None:
        keys = ProjectKeys(stored.load, FakeClock(), min_interval=0)
        await keys.check("old", 1, None)
        del stored.known["old"]
        await keys.check("old", 1, None)
        monkeypatch.setattr(project_keys, "MAX_STALE_SECONDS", -1)
        await keys.check("old", 1, None)

    with pytest.raises(Rejected, match="unknown in project 1"):
        asyncio.run(revoke())


def test_known_keys_go_on_to_work_while_the_database_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(project_keys, "MAX_STALE_SECONDS", -1)
    stored = CountingKeys()
    stored.known["known"] = project_key()

    async def check() -> None:
        keys = ProjectKeys(stored.load, FakeClock(), min_interval=0)
        await keys.check("known", 1, None)
        stored.is_readable = False
        await keys.check("known", 1, None)
        with pytest.raises(Unavailable):
            await keys.check("stranger", 1, None)

    asyncio.run(check())


def test_the_last_use_of_a_key_is_noted_and_a_refused_one_is_none() -> None:
    stored = CountingKeys()
    stored.known |= {"used": project_key(), "ended": project_key(ends_at=START)}
    keys = ProjectKeys(stored.load, FakeClock(), min_interval=0)

    async def use() -> None:
        await keys.check("used", 1, None)
        with pytest.raises(Rejected, match="its time is over"):
            await keys.check("ended", 1, None)

    asyncio.run(use())
    assert keys.used_at == {"used": START}


@pytest.mark.parametrize(
    ("key", "origin", "refusal"),
    [
        (project_key(), None, ""),
        (project_key(), "https://shop.test", "use the DSN of an SDK key in browsers"),
        (
            project_key(ProjectKeyKind.SDK),
            "https://shop.test",
            "add it to the key on the page of keys",
        ),
        (project_key(ProjectKeyKind.SDK, origins=("https://shop.test",)), "https://shop.test", ""),
        (project_key(ends_at=START + SECOND), None, ""),
        (project_key(ends_at=START), None, "copy the DSN of the newer one"),
    ],
)
def test_who_may_not_use_a_key_reads_which_one_to_use(
    key: ProjectKey, origin: str | None, refusal: str
) -> None:
    if not refusal:
        check_use(key, origin, START)
        return
    with pytest.raises(Rejected, match=refusal) as refused:
        check_use(key, origin, START)
    assert refused.value.status == 403
