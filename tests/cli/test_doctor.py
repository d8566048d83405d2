"""`bugsly doctor` from its start to its end, over real apps under a real Gunicorn."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.bugsly_command import pids_in, run_bugsly, running_bugsly
from tests.support.wait import wait_until

from bugsly_server.cli.processes.gunicorn_command import app_environ

APPS = {
    "calm": """
from flask import Flask
app = Flask(__name__)

@app.get("/items/<int:number>")
def item(number):
    return {"number": number}

@app.post("/items")
def add():
    return {}

def make_app():
    return app
""",
    "broken": "import no_such_library",
    "needy": "import socket\nsocket.create_connection(('127.0.0.1', 1))",
    "exiting": "import sys\nsys.exit('the key is missing')",
    "dying": "import os\nos._exit(3)",
    "plain": "def app(environ, start):\n    start('200 OK', [])\n    return [b'']",
    "posts": """
from flask import Flask
app = Flask(__name__)

@app.post("/")
def add():
    return {}
""",
    "lost": """
from flask import Flask
app = Flask(__name__)

@app.get("/")
def home():
    raise ConnectionError("database shop at db:5432 refused the connection")
""",
    "fragile": """
import os, signal
from flask import Flask
app = Flask(__name__)

@app.get("/items/<int:number>")
def item(number):
    if number == 150:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"number": number}
""",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    for name, text in APPS.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def doctor(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run doctor in *folder*; its scratch folder lies in there too."""
    (folder / "tmp").mkdir(exist_ok=True)
    env = {"TMPDIR": str(folder / "tmp"), **env}
    gunicorn = arguments[arguments.index("--") :] if "--" in arguments else ()
    own = arguments[: len(arguments) - len(gunicorn)]
    return run_bugsly("doctor", *own, *(gunicorn or ("--",)), seconds=60, cwd=folder, **env)


def report(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = doctor(folder, *arguments, "--json", "-")
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def test_a_calm_app_is_driven_by_its_own_routes_and_found_to_have_no_leak(shop: Path) -> None:
    code, told = report(shop, "calm:app", "--requests", "1100", "--for", "15s")
    assert (code, told["verdict"], told["findings"]) == (0, "no leak", [])
    assert told["version"] == 1
    assert told["statuses"] == {"200": 1100}
    assert sum(one["requests"] for one in told["workers"]) == 1100
    assert min(one["requests"] for one in told["workers"]) > 0
    assert len(told["workers"]) == 2
    assert list((shop / "tmp").iterdir()) == []
    assert pids_in(shop) == set()


def test_few_requests_are_no_proof(shop: Path) -> None:
    file = shop / "report.json"
    done = doctor(
        shop,
        *("calm:make_app()", "--requests", "40", "--for", "4s", "--json", str(file)),
        *("--request", "POST /items", "--body", "{}", "--request", "GET /items/{i}"),
        *("--", "-k", "gthread", "--threads", "2", "-w", "1"),
    )
    assert done.returncode == 2
    told = re.search(r"inconclusive: (\d+) requests were answered, and it takes", done.stdout)
    assert told is not None
    assert 40 <= int(told[1]) <= 3 * 40
    report = json.loads(file.read_text())
    assert (report["verdict"], len(report["workers"])) == ("inconclusive", 1)
    assert report["statuses"] == {"200": int(told[1])}


def test_a_worker_that_dies_is_told_of_and_the_run_goes_on(shop: Path) -> None:
    code, told = report(shop, "fragile:app", "--requests", "1100", "--for", "15s")
    assert (code, told["verdict"]) == (0, "no leak")
    assert len(told["workers"]) == 3
    killed, unanswered = told["notes"]
    assert "was killed after" in killed
    assert unanswered.startswith("1 of 1,100 requests had no answer (")


def test_the_time_given_ends_a_run(shop: Path) -> None:
    code, told = report(shop, "calm:app", "--requests", "100000", "--for", "3s")
    assert (code, told["verdict"]) in {(2, "inconclusive"), (0, "no leak")}
    assert 0 < told["requests"] < 100_000


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["broken:app"], "broken:app: cannot be imported (ModuleNotFoundError: No module named"),
        (["nowhere:app"], "nowhere:app: cannot be imported (ModuleNotFoundError: No module named"),
        (["calm:other"], "calm:other: cannot be imported (Failed to find attribute"),
        (["needy:app"], "needy:app: cannot be imported (ConnectionRefusedError: [Errno 111] Conn"),
        (["exiting:app"], "exiting:app: exits while it is imported (with the key is missing)"),
        (["dying:app"], "dying:app: ends Python while it is imported (exit code 3)"),
        (["plain:app"], "plain:app: is no Flask app, so its routes are unknown"),
        (["posts:app"], "posts:app: has no GET route to drive"),
        (["lost:app"], "lost:app: it answered all"),
        (["calm:app", "--python", "/no/python"], "--python: /no/python: No such file or directory"),
        (["calm:app", "--request", "x"], "--request: 'x' is none"),
        (["calm:app", "--body", "x"], "--body, --header: no request is given"),
        (["calm:app", "--plan", "none.toml"], "--plan: none.toml: No such file or directory"),
        (["calm:app", "--plan", "a", "--request", "/"], "--plan: it already says what to send"),
        (["calm:app", "--requests", "few"], "--requests: 'few' is no whole number"),
        (["calm:app", "--for", "soon"], "--for: 'soon' is not a length of time"),
        (["calm:app", "--", "-b", ":80"], "--bind: Bugsly chooses the address itself"),
        (["calm:app", "--", "-D"], "--daemon: Bugsly has to watch the app"),
        (["calm:app", "--", "-w"], "gunicorn arguments: argument -w/--workers: expected one"),
        (["calm:app", "--", "--no-such"], "calm:app: Gunicorn ended with exit code 2"),
        (["calm:app", "--", "-k", "none"], "calm:app: Gunicorn ended with exit code 1"),
    ],
)
def test_what_cannot_be_run_is_one_sentence_with_what_to_do(
    shop: Path, arguments: list[str], says: str
) -> None:
    done = doctor(shop, *arguments)
    assert done.stderr.startswith(f"bugsly doctor: {says}"), done.stderr
    assert " → " in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.returncode == 2
    assert pids_in(shop) == set()
    assert list((shop / "tmp").iterdir()) == []


def test_what_the_app_said_is_in_the_sentence(shop: Path) -> None:
    done = doctor(shop, "lost:app")
    assert "ConnectionError: database shop at db:5432 refused the connection" in done.stderr


def test_an_interpreter_without_gunicorn_is_named(shop: Path) -> None:
    bare = shop / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    done = doctor(shop, "calm:app", "--python", str(bare / "bin" / "python"))
    assert "has no gunicorn → install it there" in done.stderr
    assert done.returncode == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_at_once(shop: Path, number: signal.Signals) -> None:
    (shop / "tmp").mkdir()
    arguments = ["doctor", "calm:app", "--requests", "100000"]
    with running_bugsly(*arguments, cwd=shop, TMPDIR=str(shop / "tmp")) as command:
        wait_until(lambda: len(pids_in(shop)) == 4, 20, "doctor, master and workers run")
        command.await_output(r"of 100,000 requests")
        assert command.end(number) == 130
    assert "Traceback" not in command.output
    assert pids_in(shop) == set()
    assert list((shop / "tmp").iterdir()) == []


def test_workers_are_not_recycled_while_they_are_looked_at() -> None:
    assert app_environ({"BUGSLY_RECYCLE_AT": "60 MB"})["BUGSLY_RECYCLE_AT"] == ""
