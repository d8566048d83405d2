"""All data of one person goes, and its bytes with it; everything else stays."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import FakeClock
from tests.support.events import payload
from tests.support.issues import change, finding
from tests.support.site_harness import SiteHarness, site_harness
from tests.support.wait import wait_until

from bugsly_server.app import DataFolder
from bugsly_server.clock import DAY, MINUTE
from bugsly_server.erasure import DigestTurns, Eraser
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.identity import Identity
from bugsly_server.store.meta import (
    accounts,
    error_issues,
    groupings,
    leak_issues,
    llm_answers,
    projects,
)
from bugsly_server.store.ports import SpoolEntry

ADA = "ada.lovelace@example.com"
BOB = "bob.brown@example.com"


def event(number: int, person: str, **changes: Any) -> bytes:
    facts: dict[str, Any] = {
        "user": {"id": person, "username": person.split("@", 1)[0]},
        "tags": {"customer": person},
        "breadcrumbs": {"values": [{"message": f"login\n{person} came in"}]},
        "request": {"url": "https://shop.test/", "query_string": f"q={person.replace('@', '%40')}"},
    }
    return payload(number, **(facts | changes))


def mentioning(number: int, kind: str, person: str) -> bytes:
    """Return an event whose title, and so that of its issue, names *person*."""
    value = {"values": [{"type": kind, "value": f"no such user: {person}"}]}
    return event(number, person, exception=value)


def digest(site: SiteHarness, *payloads: bytes, project: int = 0) -> None:
    where = project or site.project.id
    entries = [SpoolEntry(where, site.clock(), "event", one) for one in payloads]
    site.server.pipeline.digest(entries)


def spool(site: SiteHarness, *items: tuple[str, bytes]) -> None:
    entries = [SpoolEntry(site.project.id, site.clock(), *one) for one in items]

    async def append() -> None:
        await site.server.spool.append(entries)

    asyncio.run(append())


def fill(site: SiteHarness, clock: FakeClock) -> None:
    """Let two people leave traces wherever something is kept."""
    for person, first in ((ADA, 1), (BOB, 101)):
        digest(site, event(first, person), mentioning(first + 1, "LookupError", person))
        clock.advance(DAY)
        digest(site, event(first + 2, person), event(first + 3, "someone.else@example.com"))
        spool(
            site,
            ("event", event(first + 4, person)),
            ("session", json.dumps({"did": person, "init": True, "attrs": {}}).encode()),
        )
        with site.database.writing() as connection:
            answer = llm_answers.StoredLlmAnswer(
                f"key {person}", 1, "", clock(), json.dumps({"summary": f"{person} did"}).encode()
            )
            llm_answers.save(connection, answer)
            named = finding(fingerprint=f"1/{first}", because=f"the cache holds {person} for good")
            record_leak_change(connection, site.project.id, None, change(finding=named))


def traces(folder: Path, person: str) -> list[str]:
    """Return the files that hold the name of *person* in any spelling."""
    names = [person.encode(), person.split("@", 1)[0].encode(), person.replace("@", "%40").encode()]
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(name in path.read_bytes() for name in names)
    ]


def stored_events(site: SiteHarness) -> str:
    """Return all that the event store and the specimens hold, unpacked."""
    with site.database.reading() as connection:
        issues = error_issues.list_unresolved(connection, site.project.id, 99)
        ids = [one.id for issue in issues for one in groupings.of_issue(connection, issue.id)]
        kept = [one.body for issue in issues for one in groupings.specimens(connection, issue.id)]
    bodies = [one.body for one in site.server.store.events.newest(ids, 999)]
    return b"\n".join((*kept, *bodies)).decode()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_nothing_of_an_erased_person_is_left_on_the_disk(tmp_path: Path, clock: FakeClock) -> None:
    with site_harness(tmp_path, clock) as site:
        fill(site, clock)
        assert {"meta.db-wal", "spool.db-wal"} & set(traces(tmp_path, ADA))
        assert ADA in stored_events(site)
        erased = site.server.eraser.erase(site.project.id, Identity(ADA))
        assert traces(tmp_path, ADA) == []
        assert ADA not in stored_events(site)
        assert BOB in stored_events(site)
        assert (erased.waiting, erased.answers, erased.tags) == (2, 1, 2)
        assert erased.events >= 3
        assert erased.texts >= 3
        again = site.server.eraser.erase(site.project.id, Identity(ADA))
        assert again.total == 0
        with site.database.reading() as connection:
            titles = {
                one.title for one in error_issues.list_unresolved(connection, site.project.id, 9)
            }
            leaks = leak_issues.list_all(connection, site.project.id)
        assert "LookupError: no such user: [erased]" in titles
        assert {one.finding.because for one in leaks} == {
            "the cache holds [erased] for good",
            f"the cache holds {BOB} for good",
        }
    assert traces(tmp_path, ADA) == []
    assert traces(tmp_path, BOB) != []


def test_the_users_of_an_error_are_one_fewer(tmp_path: Path, clock: FakeClock) -> None:
    with site_harness(tmp_path, clock) as site:
        digest(site, event(1, ADA), event(2, BOB), event(3, ADA))
        site.server.eraser.erase(site.project.id, Identity(ADA))
        with site.database.reading() as connection:
            (error,) = error_issues.list_unresolved(connection, site.project.id, 9)
        assert (error.users, error.count) == (1, 3)


def test_a_person_is_erased_from_one_project_only(tmp_path: Path, clock: FakeClock) -> None:
    with site_harness(tmp_path, clock) as site:
        with site.database.writing() as connection:
            other = projects.ensure(connection, "other", clock()).id
        digest(site, event(1, ADA))
        digest(site, mentioning(2, "KeyError", ADA), project=other)
        assert site.server.eraser.erase(other, Identity(ADA)).events == 2
        assert ADA in stored_events(site)


def test_a_short_id_erases_its_user_but_no_number_like_it(tmp_path: Path, clock: FakeClock) -> None:
    with site_harness(tmp_path, clock) as site:
        digest(site, event(1, BOB, user={"id": 42}), event(2, BOB, tags={"answer": "42"}))
        assert site.server.eraser.erase(site.project.id, Identity("42")).events == 2
        assert '"answer":"42"' in stored_events(site)


def test_nothing_is_digested_while_a_person_is_erased(tmp_path: Path, clock: FakeClock) -> None:
    with site_harness(tmp_path, clock) as site:
        turns = DigestTurns()
        eraser = Eraser(site.database, site.server.store.events, site.server.spool, turns)
        erasing = threading.Thread(target=eraser.erase, args=(site.project.id, Identity(ADA)))
        with turns:
            erasing.start()
            spool(site, ("event", event(1, ADA)))
            assert site.server.spool.depth() == 1
        erasing.join()
        assert site.server.spool.depth() == 0


def test_the_page_says_what_was_erased(tmp_path: Path, clock: FakeClock) -> None:
    with site_harness(tmp_path, clock) as site:
        site.log_in()
        fill(site, clock)
        form = {"user": f" {ADA.upper()} "}
        answer = site.client.post("/p/shop/usage/erase", data=form)
        assert "Erased: " in answer.text
        assert ADA not in answer.text
        assert traces(tmp_path, ADA) == []
        answer = site.client.post("/p/shop/usage/erase", data=form)
        assert "Nothing is stored of this person." in answer.text
        refused = site.client.post("/p/shop/usage/erase", data={"user": " "})
        assert refused.status_code == 422
        assert "write it as the app reports it" in refused.text


def test_a_program_needs_a_token_to_erase(tmp_path: Path, clock: FakeClock) -> None:
    with site_harness(tmp_path, clock) as site:
        digest(site, event(1, ADA))
        wanted = {"project": "shop", "user": ADA}
        assert site.client.post("/api/v1/erase", json=wanted).status_code == 401
        with site.database.writing() as connection:
            owner = accounts.create(connection, "ada", None, clock())
            token = accounts.make_token(connection, owner.id, "gdpr", clock())
        headers = {"authorization": f"Bearer {token}"}
        answer = site.client.post("/api/v1/erase", json=wanted, headers=headers)
        assert answer.json()["events"] == 2
        for bad in ({}, {**wanted, "project": "none"}, {**wanted, "user": "x" * 300}, [1]):
            answer = site.client.post("/api/v1/erase", json=bad, headers=headers)
            assert answer.status_code == 422, bad
        huge = site.client.post("/api/v1/erase", content=b"[" * 9_999, headers=headers)
        assert huge.status_code == 422


def test_a_folder_that_is_opened_again_holds_nothing_either(
    tmp_path: Path, clock: FakeClock
) -> None:
    with site_harness(tmp_path, clock) as site:
        fill(site, clock)
        site.server.eraser.erase(site.project.id, Identity(ADA))
        settings = site.server.settings
    DataFolder(settings).close()
    clock.advance(MINUTE)
    assert traces(tmp_path, ADA) == []


def test_a_digester_that_catches_up_does_not_keep_an_erasure_waiting() -> None:
    turns = DigestTurns()
    order: list[str] = []

    def erase() -> None:
        with turns:
            order.append("erasure")

    erasing = threading.Thread(target=erase)
    with turns:
        erasing.start()
        wait_until(turns._next.locked, what="the erasure, whose turn is next")
    with turns:
        order.append("digester")
    erasing.join()
    assert order == ["erasure", "digester"]
