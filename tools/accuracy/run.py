"""Runs doctor on a case, and keeps what it said by case and version of the code."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tools.accuracy.case import ROOT, Case
from tools.accuracy.environments import NotBuilt, python_for
from tools.accuracy.series import Series, Watcher
from tools.accuracy.sidecar import NotStarted, sidecar

KEPT = ROOT / ".accuracy" / "results"
LENGTH = "50s"
PATIENCE = 150.0
"""Seconds after which doctor itself is taken to hang."""
NOT_RUN = -1
CODE = ("agent/src", "server/src")
CODE_KINDS = {".py", ".toml", ".sql"}


class Result(msgspec.Struct, kw_only=True):
    """What came of one run."""

    exit_code: int = NOT_RUN
    report: dict[str, Any] | None = None
    """The JSON of doctor."""
    problem: str = ""
    """Why there is none."""
    series: Series = {}
    """Resident memory of each worker."""


def version() -> str:
    """Return a hash of the code that is judged."""
    digest = hashlib.sha256()
    for root in CODE:
        for file in sorted((ROOT / root).rglob("*")):
            if file.suffix in CODE_KINDS:
                digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def place(case: Case, code: str) -> Path:
    """Return where the result of a case is kept; another app or plan is another place."""
    digest = hashlib.sha256(repr((case.plan, case.gunicorn)).encode())
    for file in sorted(case.folder.glob(f"{case.target.partition(':')[0]}.py")):
        digest.update(file.read_bytes())
    return KEPT / code / f"{case.key}-{digest.hexdigest()[:8]}.json"


def kept(case: Case, code: str) -> Result | None:
    """Return the result of an earlier run."""
    try:
        return msgspec.json.decode(place(case, code).read_bytes(), type=Result)
    except (OSError, msgspec.DecodeError):
        return None


def run(case: Case, code: str) -> Result:
    """Run doctor on *case* and keep the result."""
    try:
        result = _run(case)
    except (NotBuilt, NotStarted) as error:
        return Result(problem=str(error))
    file = place(case, code)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.encode(result))
    return result


@contextlib.contextmanager
def prepared(case: Case, *extra: str) -> Iterator[tuple[str, dict[str, str], Path]]:
    """Give interpreter, environment and a scratch folder for a run, its sidecar running."""
    python = python_for(case.requirements, *extra)
    with tempfile.TemporaryDirectory(prefix="accuracy-") as folder:
        scratch = Path(folder)
        with sidecar(case.sidecar, python, case.folder, scratch) as more:
            own = {name: text for name, text in os.environ.items() if not name.startswith("BUGSLY")}
            environ = {**own, **case.environ, **more, "ZOO_TMP": folder, "TMPDIR": folder}
            yield python, {**environ, "PYTHONDONTWRITEBYTECODE": "1"}, scratch


def _run(case: Case) -> Result:
    with prepared(case) as (python, environ, scratch):
        plan = scratch / "plan.toml"
        plan.write_text(toml(case.plan), encoding="utf-8")
        report = scratch / "report.json"
        words = ["--plan", str(plan), "--json", str(report), "--for", LENGTH, "--python", python]
        command = [sys.executable, "-m", "bugsly", "doctor", case.target, *words]
        process = subprocess.Popen(
            [*command, "--", *case.gunicorn],
            cwd=case.folder,
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with Watcher(process.pid) as watcher:
            said = _wait(process)
        result = Result(exit_code=process.returncode, series=watcher.series)
        if report.exists():
            result.report = msgspec.json.decode(report.read_bytes())
        else:
            result.problem = (said.strip().splitlines() or ["it said nothing"])[-1]
        return result


def _wait(process: subprocess.Popen[bytes]) -> str:
    try:
        said = process.communicate(timeout=PATIENCE)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"doctor: did not end within {PATIENCE:.0f} s"
    return said.decode(errors="replace")


def toml(plan: Mapping[str, Any]) -> str:
    """Return a plan as TOML; JSON's strings and numbers are TOML's."""

    def line(name: str, value: object) -> str:
        return f"{name} = {msgspec.json.encode(value).decode()}"

    head = [line(name, value) for name, value in plan.items() if name != "endpoint"]
    for endpoint in plan["endpoint"]:
        head += ["", "[[endpoint]]", *(line(name, value) for name, value in endpoint.items())]
    return "\n".join(head) + "\n"
