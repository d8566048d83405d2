"""The two wheels as a user gets them: built, looked into, installed into an empty environment."""

import email
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from tests.support.python_versions import ROOT


def test_the_agent_is_a_wheel_without_a_single_dependency(wheels: dict[str, Path]) -> None:
    metadata = _metadata(wheels["bugsly"])
    required = [one for one in metadata.get_all("Requires-Dist") or [] if "extra ==" not in one]
    assert required == []
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT"
    assert "bugsly/inject/sitecustomize.py" in _names(wheels["bugsly"])


def test_the_agent_brings_the_walker_compiled_for_this_python(wheels: dict[str, Path]) -> None:
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert f"-{python}-{python}-" in wheels["bugsly"].name
    walker = f"bugsly/heap/_walker{sysconfig.get_config_var('EXT_SUFFIX')}"
    assert [name for name in _names(wheels["bugsly"]) if "_walker." in name and name != walker] == [
        "bugsly/heap/_walker.pyi"
    ]
    assert walker in _names(wheels["bugsly"])


def test_without_a_compiler_the_agent_is_a_pure_wheel_that_walks_in_python(
    uv: str, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "agent", tmp_path / "agent", ignore=shutil.ignore_patterns("*.so"))
    command = [
        uv,
        "build",
        "--quiet",
        "--wheel",
        "--out-dir",
        str(tmp_path),
        str(tmp_path / "agent"),
    ]
    environ = {**os.environ, "CC": "no-such-compiler"}
    subprocess.run(command, check=True, env=environ)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    python = _environment(uv, tmp_path / "pure", wheel)
    show = "from bugsly.heap.walker_choice import best_walker; print(best_walker().name)"
    told = subprocess.run([python, "-c", show], check=True, capture_output=True, text=True)
    assert told.stdout == "python\n"


def test_the_server_wheel_carries_pages_migrations_and_libraries(wheels: dict[str, Path]) -> None:
    names = _names(wheels["bugsly_server"])
    for name in (
        "web/templates/overview.html",
        "web/static/app.js",
        "web/static/vendor/htmx.min.js",
        "web/static/vendor/uPlot.iife.min.js",
        "web/static/vendor/uPlot.LICENSE.txt",
        "store/migrations/versions/0001_first.py",
    ):
        assert f"bugsly_server/{name}" in names
    assert wheels["bugsly_server"].stat().st_size < 3_000_000


def test_both_work_in_an_empty_environment(
    uv: str, wheels: dict[str, Path], tmp_path: Path
) -> None:
    python = _environment(uv, tmp_path / "server", *wheels.values())
    bugsly = python.with_name("bugsly")
    environ = {**os.environ, "BUGSLY_DATA_DIR": str(tmp_path / "data")}
    shown = subprocess.run([bugsly, "--version"], check=True, capture_output=True, text=True)
    assert shown.stdout == "bugsly 0.1.0\n"
    made = subprocess.run(
        [bugsly, "dsn", "shop"], check=True, capture_output=True, text=True, env=environ
    )
    assert made.stdout.endswith("@127.0.0.1:8420/1\n")


def test_the_agent_alone_says_which_command_brings_the_server(
    uv: str, wheels: dict[str, Path], tmp_path: Path
) -> None:
    python = _environment(uv, tmp_path / "agent", wheels["bugsly"])
    done = subprocess.run(
        [python.with_name("bugsly"), "serve"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "bugsly serve: the server is not installed → pip install 'bugsly[server]'\n"
    )


def _environment(uv: str, folder: Path, *wheels: Path) -> Path:
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [uv, "pip", "install", "--quiet", "--python", str(python), *map(str, wheels)]
    subprocess.run(install, check=True)
    return python


def _metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())
