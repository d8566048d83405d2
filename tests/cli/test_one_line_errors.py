"""What cannot be done is said in one line that names the fix, with exit code 2."""

import socket
from pathlib import Path

import pytest
from tests.support.bugsly_command import run_bugsly, running_bugsly
from tests.support.ports import free_port

CASES = [
    (["serve", "--port", "http"], "BUGSLY_PORT: 'http' is not a whole number from 0 to 65535"),
    (["serve", "--keep-days", "1"], "BUGSLY_KEEP_DAYS: '1' is not a whole number from 2 to 3650"),
    (["serve", "--public-url", "bugs.example"], "BUGSLY_PUBLIC_URL: 'bugs.example' is not a URL"),
    (
        ["serve", "--allow-networks", "10.0.0.1/8"],
        "BUGSLY_ALLOW_NETWORKS: 10.0.0.1/8 has host bits",
    ),
    (
        ["serve", "--port", "0", "--data-dir", "/proc/nowhere"],
        "BUGSLY_DATA_DIR: /proc/nowhere cannot be written to",
    ),
    (["dsn", "My Shop!"], "project: 'My Shop!' is no name for one"),
    (["run"], "command: it is missing"),
    (["run", "--", "no-such-program"], "no-such-program: no such program here"),
    (["demo", "--for", "soon"], "--for: 'soon' is not a length of time"),
    (["status", "--url", "http://127.0.0.1:9"], "http://127.0.0.1:9: "),
    (["status", "--url", "nonsense"], "nonsense: "),
]


@pytest.mark.parametrize(("arguments", "says"), CASES, ids=[" ".join(one) for one, _ in CASES])
def test_a_wrong_setting_is_one_line_with_the_fix(
    arguments: list[str], says: str, tmp_path: Path
) -> None:
    done = run_bugsly(*arguments, BUGSLY_DATA_DIR=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"bugsly {arguments[0]}: {says}")
    assert " → " in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_empty_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    done = run_bugsly("status", "--data-dir", str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert "holds no data of Bugsly → name another folder with --data-dir" in done.stderr


def test_a_taken_port_names_the_port_and_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_bugsly("serve", "--port", str(port), "--data-dir", str(tmp_path))
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert f"--port {port + 1}" in done.stderr


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with running_bugsly("serve", "--port", "0", "--data-dir", str(tmp_path)) as first:
        first.await_output(r"serves at (\S+)")
        done = run_bugsly("serve", "--port", str(free_port()), "--data-dir", str(tmp_path))
    assert done.returncode == 2
    assert f"a server with pid {first.process.pid} uses {tmp_path} already" in done.stderr
