"""The labs: each is there, answers, and has a ground truth that points at its own lines."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bugsly_server.model.diagnosis import Cause

LABS = Path(__file__).parents[2] / "labs"
CASES: dict[str, dict[str, Any]] = tomllib.loads((LABS / "cases.toml").read_text())
KEYS = {
    *("story", "verdict", "causes", "holders", "lines", "endpoints"),
    *("requests", "endpoint", "worker_class", "threads"),
}
DRIVE_ALL = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
answers = {}
for name, paths in json.load(sys.stdin).items():
    client = importlib.import_module(name).app.test_client()
    answers[name] = [client.get(path).status_code for path in paths]
json.dump(answers, sys.stdout)
import os
sys.stdout.flush()
os._exit(0)
"""


def test_every_app_has_a_case_and_every_case_an_app() -> None:
    assert {path.stem for path in LABS.glob("*.py")} == set(CASES)


def test_at_least_half_of_the_apps_are_honest() -> None:
    honest = [case for case in CASES.values() if case["verdict"] == "no leak"]
    assert len(honest) * 2 >= len(CASES)


def test_the_leaks_cover_the_causes() -> None:
    named = {cause for case in CASES.values() for cause in case.get("causes", ())}
    no_leak = {Cause.RETENTION, Cause.BOUNDED, Cause.UNKNOWN}
    assert {Cause(cause) for cause in named} == set(Cause) - no_leak


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_told_in_known_words(name: str) -> None:
    case = CASES[name]
    assert case.keys() <= KEYS
    assert case["verdict"] in {"leak", "wasteful", "no leak"}
    assert bool(case.get("causes")) == bool(case.get("lines")) == (case["verdict"] != "no leak")


@pytest.mark.parametrize("name", CASES)
def test_the_lines_of_a_case_stand_once_in_its_app(name: str) -> None:
    source = [line.strip() for line in (LABS / f"{name}.py").read_text().splitlines()]
    for line in CASES[name].get("lines", ()):
        assert source.count(line) == 1, line


def test_every_app_answers_what_its_plan_asks(tmp_path: Path) -> None:
    plan = {
        name: [one["path"].replace("{i}", "3") for one in case["endpoint"]]
        for name, case in CASES.items()
    }
    told = tmp_path / "answers.json"
    with told.open("w") as answered:
        driver = subprocess.Popen(
            [sys.executable, "-c", DRIVE_ALL],
            stdin=subprocess.PIPE,
            stdout=answered,
            cwd=LABS,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            start_new_session=True,
            text=True,
        )
        driver.communicate(json.dumps(plan))
        with suppress(ProcessLookupError):  # what an app starts outlives it
            os.killpg(driver.pid, signal.SIGKILL)
    assert driver.returncode == 0
    answers = json.loads(told.read_text())
    assert answers.keys() == CASES.keys()
    failed = {name: codes for name, codes in answers.items() if max(codes) >= 405}
    assert not failed
