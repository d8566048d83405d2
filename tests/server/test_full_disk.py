"""A full disk loses nothing that was acknowledged, is reported, and needs no restart."""

import http.client
import json
import logging
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.running_server import RunningServer, running_server
from tests.support.sample_senders import SampleSender
from tests.support.stored_data import spooled_entries, stored_samples
from tests.support.tiny_disk import tiny_disk
from tests.support.wait import wait_until

from bugsly.protocol.dsn import Dsn, parse_dsn
from bugsly.protocol.envelope import build_envelope
from bugsly_server.clock import now
from bugsly_server.store.meta import accounts
from bugsly_server.web.passwords import hash_password

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bugsly_server.digester.STORE_PAUSE_SECONDS", 0.05)


def dsn_of(server: RunningServer) -> Dsn:
    project = server.project("shop")
    return parse_dsn(f"http://{project.key}@127.0.0.1:{server.port}/{project.id}")


def check_kept(folder: Path, sender: SampleSender) -> None:
    kept = stored_samples(folder)[sender.token]
    assert [kept[number] for number in range(1, sender.acknowledged + 1)] == [
        1
    ] * sender.acknowledged


def test_a_full_disk_is_reported_to_clients_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "kept"
    with tiny_disk(folder, megabytes=12) as disk:
        with running_server(folder, keep_free_mb="0") as server:
            dsn = dsn_of(server)
            sender = SampleSender(lambda: dsn)
            wait_until(lambda: sender.acknowledged > 50, what="samples")
            disk.fill()
            wait_until(lambda: len(sender.refusals) > 5, 30, "refusals")
            refusal = sender.refusals[-1]
            disk.make_room()
            before = sender.acknowledged
            wait_until(lambda: sender.acknowledged > before + 50, 30, "samples again")
            sender.stop()
            wait_until(lambda: spooled_entries(folder) == 0, 30, "an empty spool")
        check_kept(folder, sender)
    assert (refusal.status, refusal.retry_after) == (503, "30")
    assert json.loads(refusal.body) == {
        "detail": "server: cannot keep what was sent (database or disk is full)"
        " → send it again later; it is taken once there is room on the server's disk"
    }


def test_while_only_the_disk_of_samples_is_full_the_digester_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with tiny_disk(tmp_path / "telemetry", megabytes=8) as disk:
        with (
            caplog.at_level(logging.WARNING, logger="bugsly"),
            running_server(tmp_path, keep_free_mb="0") as server,
        ):
            dsn = dsn_of(server)
            sender = SampleSender(lambda: dsn)
            wait_until(lambda: sender.acknowledged > 50, what="samples")
            disk.fill()
            wait_until(lambda: server.server.spool.depth() > 2_000, 60, "a growing spool")
            disk.make_room()
            sender.stop()
            wait_until(lambda: spooled_entries(tmp_path) == 0, 60, "an empty spool")
        check_kept(tmp_path, sender)
    assert sender.refusals == []
    (line,) = {record.getMessage() for record in caplog.records}
    assert line.startswith(
        "digester: what was acknowledged cannot be digested (database or disk is full)"
        " → it is kept, and tried again"
    )


def log_in(server: RunningServer, password: str) -> tuple[int, dict[str, str]]:
    """Return the status, and the cookies as the header of the next request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    with closing(connection):
        connection.request("POST", "/login", f"name=ada&password={password}", FORM)
        reply = connection.getresponse()
        cookies = [one.split(";")[0] for one in reply.headers.get_all("set-cookie", [])]
        return reply.status, {"cookie": "; ".join(cookies)}


def test_pages_and_login_work_on_a_full_disk_and_say_so(tmp_path: Path) -> None:
    with (
        tiny_disk(tmp_path / "kept", megabytes=12) as disk,
        running_server(disk.folder, keep_free_mb="4") as server,
    ):
        project = server.project("shop")
        with server.server.store.database.writing() as connection:
            ada = accounts.create(connection, "ada", hash_password("long enough"), now())
            token = {"authorization": f"Bearer {accounts.make_token(connection, ada.id, 'p', 0)}"}
        ready = server.send("/readyz", method="GET")
        disk.fill()
        wait_until(lambda: server.send("/readyz", method="GET").status == 503, what="not ready")
        problem = json.loads(server.send("/readyz", method="GET").body)["checks"]["disk"]["problem"]
        alive = server.send("/healthz", method="GET")
        scraped = server.send("/metrics", headers=token, method="GET")
        refusal = server.send(project.path, build_envelope({}, []), project.auth)
        wrong, _ = log_in(server, "wrong")
        entered, cookie = log_in(server, "long enough")
        page = server.send("/account", headers=cookie, method="GET")
        failed = server.send("/account/tokens", "name=x", {**cookie, **FORM})
        left = server.send("/logout", headers=cookie)
        gone = server.send("/account", headers=cookie, method="GET")
        disk.make_room()
        wait_until(lambda: server.send("/readyz", method="GET").status == 200, what="ready again")
        taken = server.send(project.path, build_envelope({}, []), project.auth)
    assert json.loads(ready.body)["ready"] is True
    assert problem == (
        "disk: 0 MB are free, and reports are refused below 4 MB"
        " → make room; agents send again by themselves"
    )
    assert (alive.status, scraped.status, wrong) == (200, 200, 403)
    assert 'bugsly_ready{check="disk"} 0.0' in scraped.body.decode()
    assert (refusal.status, refusal.headers["retry-after"]) == (503, "30")
    assert (entered, page.status, left.status, gone.status) == (303, 200, 303, 303)
    assert problem in page.body.decode()
    assert (failed.status, taken.status) == (503, 200)
    assert "database or disk is full" in failed.body.decode()
