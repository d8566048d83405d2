import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.python_versions import (
    AGENT_SOURCES,
    SUPPORTED_VERSIONS,
    UNSUPPORTED_VERSIONS,
    python_interpreter,
)

from bugsly.autostart import UnknownCommand, environment_with_agent, find_program

DSN = "http://0123456789abcdef@127.0.0.1:9/1"
INJECT = str(AGENT_SOURCES / "bugsly/inject")
WATCHERS = "[type(f).__name__ for f in sys.meta_path].count('_ImportWatcher')"
EXPENSIVE_MODULES = {
    "asyncio",
    "dataclasses",
    "http",
    "inspect",
    "logging",
    "pathlib",
    "socket",
    "typing",
}


def run(interpreter: str, code: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run *code* as `bugsly run` does, in an interpreter that need not have Bugsly."""
    clean = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [interpreter, "-c", code],
        env=environment_with_agent({"BUGSLY_DSN": DSN, **clean, **environ}),
        capture_output=True,
        text=True,
        check=True,
    )


def bugsly(*arguments: str, environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run the command with the agent alone installed."""
    code = "import sys; from bugsly.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments],
        env={"PYTHONPATH": str(AGENT_SOURCES), "PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, [INJECT]),
        ("", [INJECT]),
        ("/shop", [INJECT, "/shop"]),
        (":/shop", [INJECT, "", "/shop"]),
        ("/a:/b:", [INJECT, "/a", "/b", ""]),
        (f"/a:{INJECT}:/b", [INJECT, "/a", "/b"]),
    ],
)
def test_the_agent_goes_ahead_of_the_path_and_changes_nothing_of_it(
    before: str | None, after: list[str]
) -> None:
    environ = {"LANG": "C"} | ({} if before is None else {"PYTHONPATH": before})
    assert environment_with_agent(environ) == {"LANG": "C", "PYTHONPATH": ":".join(after)}


def test_a_program_is_found_on_the_path() -> None:
    assert Path(find_program(["sh", "-c", "true"])).name == "sh"
    with pytest.raises(UnknownCommand) as raised:
        find_program(["no-such-program"])
    assert str(raised.value) == (
        "no-such-program: no such program here → install it, or activate its environment"
    )


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_any_python_below_is_ready_to_watch(version: str) -> None:
    code = f"import sys; print({WATCHERS}, sorted({EXPENSIVE_MODULES} & set(sys.modules)))"
    ran = run(python_interpreter(version), code)
    assert ran.stderr == ""
    count, _, loaded = ran.stdout.strip().partition(" ")
    assert count == "2"
    assert loaded == "[]"


@pytest.mark.parametrize("version", UNSUPPORTED_VERSIONS)
def test_a_python_too_old_runs_unwatched_and_says_so_in_one_line(version: str) -> None:
    ran = run(python_interpreter(version), "print('hello')")
    assert ran.stdout == "hello\n"
    assert ran.stderr == f"bugsly: Python {version} is older than 3.10 -> the app runs unwatched\n"


def test_without_a_dsn_nothing_is_watched() -> None:
    ran = run(sys.executable, f"import sys; print({WATCHERS})", BUGSLY_DSN="")
    assert (ran.stdout, ran.stderr) == ("0\n", "")


@pytest.mark.parametrize("version", ["2.7", "3.6", *SUPPORTED_VERSIONS])
def test_the_sitecustomize_of_the_app_is_still_run(version: str, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/extra.py").write_text("WHO = 'extra'\n")
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "HERE = os.path.dirname(os.path.abspath(__file__))\n"
        "sys.path.append(os.path.join(HERE, 'more'))\n"
        "sys.stdout.write('customized\\n')\n"
    )
    code = "import extra, sitecustomize; print(extra.WHO + ' ' + sitecustomize.__file__)"
    ran = run(python_interpreter(version), code, PYTHONPATH=str(tmp_path))
    assert ran.stdout.startswith(f"customized\nextra {tmp_path}/sitecustomize.py")


def test_a_sitecustomize_that_fails_is_named_as_without_us(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import no_such_module\n")
    code = "print('hello')"
    alone = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    ran = run(sys.executable, code, PYTHONPATH=str(tmp_path))
    assert (ran.stdout, ran.stderr) == (alone.stdout, alone.stderr)
    assert "no_such_module" in ran.stderr


def test_an_agent_that_cannot_begin_leaves_the_app_running(tmp_path: Path) -> None:
    (tmp_path / "bugsly").mkdir()
    (tmp_path / "bugsly/__init__.py").write_text("")
    (tmp_path / "sitecustomize.py").write_text("print('customized')\n")
    ran = run(sys.executable, "print('hello')", PYTHONPATH=str(tmp_path))
    assert ran.stdout == "customized\nhello\n"
    assert "No module named 'bugsly.autostart'" in ran.stderr


def test_a_folder_named_bugsly_is_not_taken_for_the_agent(tmp_path: Path) -> None:
    (tmp_path / "bugsly").mkdir()
    code = f"import sys, bugsly; print({WATCHERS}, bugsly.__file__)"
    ran = run(sys.executable, code, PYTHONPATH=str(tmp_path))
    assert ran.stdout == f"2 {AGENT_SOURCES}/bugsly/__init__.py\n"


def test_the_command_is_replaced_and_keeps_its_exit_code(tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['PYTHONPATH']); sys.exit(7)"
    ran = bugsly("run", "--", sys.executable, "-c", code, environ={"BUGSLY_DSN": DSN})
    assert ran.returncode == 7
    assert ran.stdout == f"{INJECT}:{AGENT_SOURCES}\n"
    program = tmp_path / "program"
    program.write_text("no shebang\n")
    program.chmod(0o755)
    ran = bugsly("run", "--", str(program), environ={"BUGSLY_DSN": DSN})
    assert ran.returncode == 126
    assert ran.stderr == (
        f"bugsly run: {program}: Exec format error → check that it is a program\n"
    )


NOWHERE = "no such program here → install it, or activate its environment"
NO_COMMAND = "no command follows -- → write bugsly run -- gunicorn shop:app"
NO_DSN = "BUGSLY_DSN is not set → set it, or pip install 'bugsly[server]' for a local server"
NO_SERVER = "the server is not installed → pip install 'bugsly[server]'"


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "complaint"),
    [
        (["run", "--", "shopd"], {"BUGSLY_DSN": DSN}, 127, f"run: shopd: {NOWHERE}"),
        (["run", "--"], {"BUGSLY_DSN": DSN}, 2, f"run: {NO_COMMAND}"),
        (["run", "gunicorn"], {"BUGSLY_DSN": DSN}, 2, f"run: {NO_COMMAND}"),
        (["run", "--", "gunicorn"], {}, 2, f"run: {NO_DSN}"),
        (["serve"], {}, 2, f"serve: {NO_SERVER}"),
    ],
)
def test_what_cannot_be_run_is_one_line_on_stderr(
    arguments: list[str], environ: dict[str, str], code: int, complaint: str
) -> None:
    ran = bugsly(*arguments, environ=environ)
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, "", f"bugsly {complaint}\n")


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [([], "usage: bugsly run"), (["--help"], "usage: bugsly run"), (["--version"], "bugsly 0.")],
)
def test_help_and_version_need_no_server(arguments: list[str], beginning: str) -> None:
    ran = bugsly(*arguments, environ={})
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(beginning)
