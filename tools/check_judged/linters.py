"""Runs other tools over the same source, with the rules of theirs that are nearest to ours."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tools.check_judged.app_packages import SOURCES_FOLDER, AppPackage, run_tool

RUFF_RULES = "B006,B019,RUF006,SIM115"
PYLINT = "pylint==4.1.4"
PYLINT_RULES = "R1732,W1518"
PYLINT_SUBJECTS = re.compile(
    rb"open\(|NamedTemporaryFile|TemporaryDirectory|TemporaryFile|ZipFile|TarFile|Popen|Executor"
    rb"|Pool\(|Manager\(|\.acquire\(|lru_cache|import cache\b|functools\.cache\b"
)
BANDIT = "bandit==1.9.4"
SEMGREP = "semgrep==1.185.0"
SEMGREP_RULES = (
    "python/correctness/socket-shutdown-close.yaml",
    "python/lang/best-practice/open-never-closed.yaml",
    "python/lang/correctness/cannot-cache-generators.yaml",
    "python/lang/correctness/file-object-redefined-before-close.yaml",
)


class LinterFinding(NamedTuple):
    """A line that another tool objects to."""

    path: Path
    line: int
    code: str


Linter = Callable[[AppPackage], Iterator[LinterFinding]]


def kept(name: str, find: Linter, package: AppPackage) -> list[LinterFinding]:
    """Return what the tool *name* finds, from the last time if it ran over *package* before."""
    file = SOURCES_FOLDER / "results" / name / f"{package.folder.name}.json"
    if not file.exists():
        print(f"running {name} over {package.name}", flush=True)
        found = [(str(path), line, code) for path, line, code in find(package)]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found), encoding="utf-8")
    read = json.loads(file.read_text(encoding="utf-8"))
    return [LinterFinding(Path(path), line, code) for path, line, code in read]


def ruff_findings(package: AppPackage) -> Iterator[LinterFinding]:
    """Yield what ruff finds."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--exit-zero"),
            *("--select", RUFF_RULES, "--output-format", "json", str(package.folder)),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    for found in json.loads(done.stdout):
        yield LinterFinding(Path(found["filename"]), found["location"]["row"], found["code"])


def pylint_findings(package: AppPackage) -> Iterator[LinterFinding]:
    """Yield what pylint finds; it takes minutes, so it reads only what its rules may be about."""
    files = [str(path) for path in package.files if PYLINT_SUBJECTS.search(path.read_bytes())]
    if not files:
        return
    done = run_tool(
        PYLINT,
        *("pylint", "--disable=all", f"--enable={PYLINT_RULES}", "--output-format=json"),
        *("--jobs=2", *files),
    )
    for found in json.loads(done.stdout or "[]"):
        if found["message-id"] in PYLINT_RULES:
            yield LinterFinding(Path(found["path"]).absolute(), found["line"], found["message-id"])


def bandit_findings(package: AppPackage) -> Iterator[LinterFinding]:
    """Yield what bandit finds: it has no rule about memory or resources, so all of them."""
    done = run_tool(BANDIT, "bandit", "--quiet", "--format", "json", "-r", str(package.folder))
    for found in json.loads(done.stdout)["results"]:
        yield LinterFinding(Path(found["filename"]), found["line_number"], found["test_id"])


def semgrep_findings(rules: Path) -> Linter:
    """Return what runs Semgrep with its published rules, a checkout of which is at *rules*."""
    options = [part for rule in SEMGREP_RULES for part in ("--config", str(rules / rule))]

    def find(package: AppPackage) -> Iterator[LinterFinding]:
        done = run_tool(
            SEMGREP,
            *("semgrep", "scan", "--metrics", "off", "--disable-version-check", "--quiet"),
            *("--no-git-ignore", "--json", *options, str(package.folder)),
        )
        for found in json.loads(done.stdout)["results"]:
            code = found["check_id"].rpartition(".")[2]
            yield LinterFinding(Path(found["path"]), found["start"]["line"], code)

    return find
