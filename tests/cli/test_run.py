"""`bugsly run` and `bugsly demo`: everything starts together and ends together."""

import re
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.support.bugsly_command import pids_in, run_bugsly, running_bugsly
from tests.support.ports import free_port
from tests.support.wait import wait_until

SHOP = """
from flask import Flask

app = Flask(__name__)


@app.get("/")
def home():
    return {"open": True}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP)
    return folder


def _gunicorn(port: int) -> list[str]:
    return ["gunicorn", "shop:app", "-w", "2", "-b", f"127.0.0.1:{port}"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_app_the_workers_and_the_server(
    shop: Path, tmp_path: Path, number: signal.Signals
) -> None:
    port = free_port()
    arguments = ["run", "--port", "0", "--data-dir", str(tmp_path / "data"), "--", *_gunicorn(port)]
    with running_bugsly(*arguments, cwd=shop) as command:
        link = command.await_output(r"shows the workers at (\S+)")
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}/"), 20, "the shop answers")
        wait_until(lambda: b"2 workers" in _overview(link), 20, "two workers are on the page")
        command.end(number)
    assert pids_in(shop) == set()
    assert "Traceback" not in command.output
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(link, timeout=2)


def test_the_exit_code_is_that_of_the_app(tmp_path: Path) -> None:
    done = run_bugsly("run", "--port", "0", "--data-dir", str(tmp_path), "--", "sh", "-c", "exit 7")
    assert done.returncode == 7


def test_the_project_is_named_after_the_app(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    run_bugsly("run", "--port", "0", "--data-dir", data, "--", "echo", "shop.views:app")
    assert run_bugsly("status", "--data-dir", data).stdout.startswith("shop-views\n")


def test_an_app_that_ignores_its_signal_is_killed_with_all_it_started(tmp_path: Path) -> None:
    folder = tmp_path / "stubborn"
    folder.mkdir()
    stubborn = "trap '' TERM INT; (trap '' TERM INT; exec sleep 600) & echo begun; wait; sleep 600"
    arguments = ["run", "--port", "0", "--data-dir", str(tmp_path / "data"), "--"]
    with running_bugsly(*arguments, "sh", "-c", stubborn, cwd=folder) as command:
        command.await_output("begun")
        command.end()
    assert pids_in(folder) == set()


def test_the_demo_raises_exactly_one_alert_for_the_worker_that_leaks(tmp_path: Path) -> None:
    done = run_bugsly(
        "demo", "--for", "60s", "--data-dir", str(tmp_path), "--port", "0", seconds=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"issue \d+ \w+", done.stdout) == ["issue 1 opened"]
    alerted = re.search(r"pid (\d+) leaks", done.stdout)
    growing = re.findall(r"^\S+ (\d+) .* growing ", done.stdout, re.MULTILINE)
    assert alerted is not None
    assert set(growing) == {alerted[1]}
    assert "Holder: bugsly_server.demo.shop.delivered_feeds" in done.stdout
    assert re.search(r"Line: \S*demo/shop\.py:\d+ +→ +delivered_feeds\.append\(feed\)", done.stdout)
    assert "Endpoint: GET /partner/feed" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def _answers(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(url, timeout=2).read())
    except OSError:
        return False


_visitors: dict[str, urllib.request.OpenerDirector] = {}


def _overview(link: str) -> bytes:
    """Return the overview as the visitor of the one-time link sees it, again and again."""
    if link not in _visitors:
        _visitors[link] = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        _visitors[link].open(link, timeout=5).read()
    base = link.split("/enter/", maxsplit=1)[0]
    page: bytes = _visitors[link].open(f"{base}/", timeout=5).read()
    return page
