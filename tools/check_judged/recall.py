"""Says how many of the known leaks of the labs and of the zoo `bugsly check` finds."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bugsly_server.check.analysis import check_files
from bugsly_server.check.rules import check_rules
from tools.check_judged.app_packages import ROOT

HIDDEN_FILE = Path(__file__).with_name("hidden_leaks.toml")
LABS = ROOT / "labs"


@dataclass(frozen=True, slots=True)
class LeakCase:
    """An app with a known leak, or without one, and what the check says of it."""

    name: str
    story: str
    is_leak: bool
    codes: tuple[str, ...]
    """Of the rules that find something in it."""
    hidden_because: str
    """Why its source does not show the leak; empty if it does."""


def lab_cases() -> Iterator[LeakCase]:
    """Yield the labs."""
    hidden = tomllib.loads(HIDDEN_FILE.read_text(encoding="utf-8"))["labs"]
    for name, facts in tomllib.loads((LABS / "cases.toml").read_text(encoding="utf-8")).items():
        is_leak = facts["verdict"] != "no leak"
        yield _case(name, facts["story"], LABS / f"{name}.py", hidden, is_leak=is_leak)


def zoo_cases(zoo: Path) -> Iterator[LeakCase]:
    """Yield the cases of the zoo in the folder *zoo*."""
    hidden = tomllib.loads(HIDDEN_FILE.read_text(encoding="utf-8"))["zoo"]
    for file in sorted(zoo.glob("*/case.toml")):
        facts = tomllib.loads(file.read_text(encoding="utf-8"))
        story, is_leak = facts.get("mechanism", ""), facts["kind"] == "leak"
        yield _case(file.parent.name, story, file.with_name("app.py"), hidden, is_leak=is_leak)


def _case(name: str, story: str, path: Path, hidden: dict[str, str], *, is_leak: bool) -> LeakCase:
    result = check_files([path], check_rules())
    codes = tuple(sorted({finding.code for finding in result.findings}))
    return LeakCase(name, story, is_leak, codes, hidden.get(name, ""))
