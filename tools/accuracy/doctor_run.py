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

from tools.accuracy.case_catalog import ROOT, AccuracyCase
from tools.accuracy.environments import EnvironmentNotBuilt, python_for
from tools.accuracy.rss_series import RssSeries, RssWatcher
from tools.accuracy.sidecar import SidecarNotStarted, running_sidecar

RESULTS_FOLDER = ROOT / ".accuracy" / "results"
RUN_DURATION = "50s"
DOCTOR_TIMEOUT_SECONDS = 150.0
"""Seconds after which doctor itself is taken to hang."""
NOT_RUN = -1
CODE_FOLDERS = ("agent/src", "server/src")
CODE_SUFFIXES = {".py", ".toml", ".sql"}


class DoctorResult(msgspec.Struct, kw_only=True):
    """What came of one run."""

    exit_code: int = NOT_RUN
    report: dict[str, Any] | None = None
    """The JSON of doctor."""
    problem: str = ""
    """Why there is none."""
    series: RssSeries = {}
    """Resident memory of each worker."""


def code_version() -> str:
    """Return a hash of the code that is judged."""
    digest = hashlib.sha256()
    for root in CODE_FOLDERS:
        for file in sorted((ROOT / root).rglob("*")):
            if file.suffix in CODE_SUFFIXES:
                digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def result_path(case: AccuracyCase, code: str) -> Path:
    """Return where the result of a case is kept; another app or plan is another place."""
    digest = hashlib.sha256(repr((case.plan, case.gunicorn)).encode())
    for file in sorted(case.folder.glob(f"{case.target.partition(':')[0]}.py")):
        digest.update(file.read_bytes())
    return RESULTS_FOLDER / code / f"{case.key}-{digest.hexdigest()[:8]}.json"


def load_result(case: AccuracyCase, code: str) -> DoctorResult | None:
    """Return the result of an earlier run."""
    try:
        return msgspec.json.decode(result_path(case, code).read_bytes(), type=DoctorResult)
    except (OSError, msgspec.DecodeError):
        return None


def run_case(case: AccuracyCase, code: str) -> DoctorResult:
    """Run doctor on *case* and keep the result."""
    try:
        result = _run_doctor(case)
    except (EnvironmentNotBuilt, SidecarNotStarted) as error:
        return DoctorResult(problem=str(error))
    file = result_path(case, code)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.encode(result))
    return result


@contextlib.contextmanager
def prepared_environment(
    case: AccuracyCase, *extra: str
) -> Iterator[tuple[str, dict[str, str], Path]]:
    """Give interpreter, environment and a scratch folder for a run, its sidecar running."""
    python = python_for(case.requirements, *extra)
    with tempfile.TemporaryDirectory(prefix="accuracy-") as folder:
        scratch = Path(folder)
        with running_sidecar(case.sidecar, python, case.folder, scratch) as sidecar_environ:
            own = {name: text for name, text in os.environ.items() if not name.startswith("BUGSLY")}
            environ = {
                **own,
                **case.environ,
                **sidecar_environ,
                "ZOO_TMP": folder,
                "TMPDIR": folder,
            }
            yield python, {**environ, "PYTHONDONTWRITEBYTECODE": "1"}, scratch


def _run_doctor(case: AccuracyCase) -> DoctorResult:
    with prepared_environment(case) as (python, environ, scratch):
        plan = scratch / "plan.toml"
        plan.write_text(plan_as_toml(case.plan), encoding="utf-8")
        report = scratch / "report.json"
        arguments = [
            "--plan",
            str(plan),
            "--json",
            str(report),
            "--for",
            RUN_DURATION,
            "--python",
            python,
        ]
        command = [sys.executable, "-m", "bugsly", "doctor", case.target, *arguments]
        process = subprocess.Popen(
            [*command, "--", *case.gunicorn],
            cwd=case.folder,
            env=environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with RssWatcher(process.pid) as watcher:
            stderr = _await_stderr(process)
        result = DoctorResult(exit_code=process.returncode, series=watcher.series)
        if report.exists():
            result.report = msgspec.json.decode(report.read_bytes())
        else:
            result.problem = (stderr.strip().splitlines() or ["it said nothing"])[-1]
        return result


def _await_stderr(process: subprocess.Popen[bytes]) -> str:
    try:
        said = process.communicate(timeout=DOCTOR_TIMEOUT_SECONDS)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"doctor: did not end within {DOCTOR_TIMEOUT_SECONDS:.0f} s"
    return said.decode(errors="replace")


def plan_as_toml(plan: Mapping[str, Any]) -> str:
    """Return a plan as TOML; JSON's strings and numbers are TOML's."""

    def line(name: str, value: object) -> str:
        return f"{name} = {msgspec.json.encode(value).decode()}"

    head = [line(name, value) for name, value in plan.items() if name != "endpoint"]
    for endpoint in plan["endpoint"]:
        head += ["", "[[endpoint]]", *(line(name, value) for name, value in endpoint.items())]
    return "\n".join(head) + "\n"
