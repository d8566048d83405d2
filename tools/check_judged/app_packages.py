"""Fetches the source of applications from the package index, and unpacks it. None of it is run."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES_FILE = Path(__file__).with_name("packages.toml")
SOURCES_FOLDER = ROOT / ".check_judged"
LOCAL_UV = ROOT / ".tools" / "bin" / "uv"
TEST_NAMES = frozenset({"test", "tests", "testing"})


@dataclass(frozen=True, slots=True)
class AppPackage:
    """One application in one version."""

    name: str
    version: str

    @property
    def folder(self) -> Path:
        """Return where its source is."""
        return SOURCES_FOLDER / f"{self.name}-{self.version}"

    @property
    def files(self) -> list[Path]:
        """Return its modules without its tests."""
        return sorted(path for path in self.folder.rglob("*.py") if not self._is_test(path))

    def _is_test(self, path: Path) -> bool:
        parts = path.relative_to(self.folder).parts
        return not TEST_NAMES.isdisjoint(parts) or path.name.startswith("test_")


@dataclass(frozen=True, slots=True)
class AppRound:
    """Applications that were checked for the first time together."""

    name: str
    packages: tuple[AppPackage, ...]
    true_before: int | None
    """How many findings were true before anybody had read the code; None if nobody counted."""
    all_before: int | None


def app_rounds() -> Iterator[AppRound]:
    """Yield the rounds of `packages.toml`."""
    for name, facts in tomllib.loads(PACKAGES_FILE.read_text(encoding="utf-8")).items():
        packages = [AppPackage(*pair) for pair in facts["packages"].items()]
        true_before, all_before = facts.get("before", (None, None))
        yield AppRound(name, tuple(packages), true_before, all_before)


def fetch(package: AppPackage) -> None:
    """Download the wheel of *package* and unpack it, unless that was done before."""
    if package.folder.is_dir():
        return
    print(f"fetching {package.name} {package.version}", flush=True)
    downloads = SOURCES_FOLDER / "wheels" / package.name
    run_tool(
        *("pip", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--only-binary", ":all:", "--dest", str(downloads), f"{package.name}=={package.version}"),
    )
    (wheel,) = downloads.glob("*.whl")
    unfinished = package.folder.with_suffix(".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    zipfile.ZipFile(wheel).extractall(unfinished)
    unfinished.rename(package.folder)


def run_tool(requirement: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run *command* in an environment of its own, with *requirement* in it."""
    uv = shutil.which("uv") or str(LOCAL_UV)
    whole = [uv, "tool", "run", "--quiet", "--from", requirement, *command]
    return subprocess.run(
        whole,
        capture_output=True,
        text=True,
        check=False,
    )
