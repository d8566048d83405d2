"""What README.md says of a first error is what happens to somebody who does as it says."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.ports import free_port
from tests.support.python_versions import ROOT
from tests.support.virtual_environments import virtual_environment
from tests.support.wait import wait_until

SHOP = """\
from flask import Flask

app = Flask(__name__)


@app.get("/pay")
def pay():
    order = {"id": 7, "currency": "EUR"}
    return f"paid in {order['curency']}"
"""
PRINTED_AT_RUNTIME = ("Seen at", "http://")
"""Beginnings of lines that are others each time."""


def blocks() -> list[list[str]]:
    """Return the lines of the blocks below "Watch your own app"."""
    section = (ROOT / "README.md").read_text().partition("## Watch your own app")[2]
    found = re.findall(r"```\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    return [block.splitlines() for block in found]


@contextmanager
def shell(line: str, folder: Path, environ: dict[str, str]) -> Iterator[Path]:
    """Run *line* until the end of the block, and give the file with what it prints."""
    printed = folder / "printed"
    with printed.open("wb") as output:
        running = subprocess.Popen(
            line,
            shell=True,
            cwd=folder,
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield printed
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        running.wait(20)


def http_status(address: str) -> int:
    """Return the status of an answer, 0 where there is none."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as answer:
        return answer.code
    except OSError:
        return 0


def test_a_fresh_app_with_a_bug_shows_an_explained_issue(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    (install, run), box = blocks()
    assert install == "pip install 'bugsly[server]'"
    bin_ = virtual_environment(tmp_path, sys.executable, "flask", *map(str, wheels.values()))
    (tmp_path / "shop.py").write_text(SHOP)
    port = str(free_port())
    environ = {
        "PATH": f"{bin_}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "COLUMNS": "200",
        "FLASK_RUN_PORT": port,
    }
    with shell(run, tmp_path, environ) as printed:
        wait_until(lambda: http_status(f"http://127.0.0.1:{port}/pay") == 500, 60, "the view fails")
        wait_until(lambda: "/issues/1" in printed.read_text(), 60, "the issue")
        said = printed.read_text()
        for line in box[1:-1]:
            told = line.strip("│ ")
            assert told in said or told.startswith(PRINTED_AT_RUNTIME)
        listed = subprocess.run(
            [bin_ / "bugsly", "issues"], env=environ, capture_output=True, text=True, check=True
        )
    assert "the key `curency` of `order`, which does not exist" in listed.stdout
