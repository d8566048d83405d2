"""What keeps a server from starting is reported in one sentence, and nothing stays open."""

import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.support.ports import free_port
from tests.support.tiny_disk import tiny_disk

from bugsly_server.app import Server
from bugsly_server.clock import now
from bugsly_server.errors import Misconfigured
from bugsly_server.http_server import bind_socket, server_url
from bugsly_server.settings import ServerSettings, load_settings
from bugsly_server.store.meta.database import Database


def settings(folder: Path, **given: Any) -> ServerSettings:
    return load_settings({"data_dir": str(folder), "port": "0", **given}, {})


def start(folder: Path) -> Server:
    return Server(settings(folder), now, lambda _issue, _change: None)


def problem_of(folder: Path) -> str:
    with pytest.raises(Misconfigured) as caught:
        start(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    start(folder).close()
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_closed_server_leaves_its_folder_to_the_next(tmp_path: Path) -> None:
    for _ in range(2):
        start(tmp_path).close()


def test_a_second_server_on_the_same_folder_names_the_first(tmp_path: Path) -> None:
    first = start(tmp_path)
    problem = problem_of(tmp_path)
    first.close()
    pid = (tmp_path / "server.lock").read_text().strip()
    assert problem == (
        f"BUGSLY_DATA_DIR: a server with pid {pid} uses {tmp_path} already"
        " → stop it, or choose another with --data-dir"
    )


@pytest.mark.parametrize(
    ("folder", "reason"),
    [("file/kept", "Not a directory"), ("file", "File exists"), ("x" * 300, "File name too long")],
)
def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path, folder: str, reason: str) -> None:
    (tmp_path / "file").write_text("")
    assert problem_of(tmp_path / folder) == (
        f"BUGSLY_DATA_DIR: {tmp_path / folder} cannot be written to ({reason})"
        " → make room, or choose another with --data-dir"
    )


def test_a_damaged_meta_is_reported_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "meta.db").write_bytes(b"something else " * 1_000)
    assert problem_of(tmp_path) == (
        f"BUGSLY_DATA_DIR: {tmp_path / 'meta.db'} is damaged (file is not a database)"
        " → restore it from a backup, or choose another folder with --data-dir; see docs/storage.md"
    )


@pytest.mark.parametrize("name", ["meta.db", "spool.db"])
def test_an_emptied_file_is_not_taken_for_a_new_one(tmp_path: Path, name: str) -> None:
    start(tmp_path).close()
    (tmp_path / name).write_bytes(b"")
    if name == "meta.db":
        assert "meta.db is damaged (file is empty)" in problem_of(tmp_path)
    else:
        start(tmp_path).close()
        assert (tmp_path / "spool.db.damaged-1").exists()


def test_a_truncated_meta_is_reported_too(tmp_path: Path) -> None:
    start(tmp_path).close()
    meta = tmp_path / "meta.db"
    meta.write_bytes(meta.read_bytes()[:8_192])
    assert f"{meta} is damaged (" in problem_of(tmp_path)


def test_a_damaged_spool_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "spool.db").write_bytes(b"something else " * 1_000)
    start(tmp_path).close()
    assert (tmp_path / "spool.db.damaged-1").read_bytes().startswith(b"something else")
    assert "spool.db.damaged-1: file is not a database" in caplog.text


def test_a_full_disk_at_the_start_is_reported(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "kept", megabytes=1) as disk:
        disk.fill()
        assert "cannot be written to (" in problem_of(disk.folder)


def test_what_a_newer_server_has_written_is_left_alone(tmp_path: Path) -> None:
    database = Database(tmp_path / "meta.db")
    database.migrate()
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    assert problem_of(tmp_path) == (
        f"{tmp_path / 'meta.db'}: a newer Bugsly has written it"
        " → install that one again, or choose another folder with --data-dir"
    )
    with closing(sqlite3.connect(tmp_path / "meta.db")) as plain:
        assert plain.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_a_taken_port_is_reported_with_a_free_one(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured) as caught:
            bind_socket(settings(tmp_path, port=str(port)))
    assert str(caught.value) == (
        f"BUGSLY_PORT: cannot listen on 127.0.0.1:{port} (Address already in use)"
        f" → stop what uses it, or choose another with --port {port + 1}"
    )


def test_where_any_port_will_do_a_taken_one_is_no_problem(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with bind_socket(settings(tmp_path, port=str(port)), or_any=True) as found:
            assert found.getsockname()[1] not in {0, port}


def test_replies_do_not_wait_for_acknowledgements_of_their_heads(tmp_path: Path) -> None:
    with (
        bind_socket(settings(tmp_path)) as listening,
        socket.create_connection(listening.getsockname()),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("host", ["198.51.100.7", "no.such.host.invalid", "x" * 300])
def test_an_address_of_another_machine_is_reported(tmp_path: Path, host: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        bind_socket(settings(tmp_path, host=host))
    problem = str(caught.value)
    assert problem.startswith(f"BUGSLY_HOST: cannot listen on {host}:0 (")
    assert problem.endswith(") → choose an address of this machine with --host")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"host": "127.0.0.1"}, "http://127.0.0.1:{}"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:{}"),
        ({"host": "::1"}, "http://[::1]:{}"),
        ({"public_url": "https://bugs.example.com/"}, "https://bugs.example.com"),
    ],
)
def test_the_url_can_be_opened(tmp_path: Path, given: dict[str, str], shown: str) -> None:
    port = free_port()
    chosen = settings(tmp_path, port=str(port), **given)
    try:
        sock = bind_socket(chosen)
    except Misconfigured as problem:
        pytest.skip(f"{given}: {problem}")
    with sock:
        assert server_url(sock, chosen) == shown.format(port)
