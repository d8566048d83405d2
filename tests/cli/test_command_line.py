"""Commands say what they take, and accept the flags of settings that their help leaves out."""

import subprocess
import sys

import pytest
from tests.support.bugsly_command import run_bugsly

from bugsly_server.cli import build_parser, load_commands
from bugsly_server.cli.options.command import Command
from bugsly_server.settings import SETTINGS

ARGUMENTS = {"erase-user": ["ada"], "heap": ["7"], "user": ["reset"]}
COMMANDS = load_commands()
WITH_SETTINGS = [command for command in COMMANDS if command.settings is not None]


@pytest.mark.parametrize("command", WITH_SETTINGS, ids=lambda command: command.name)
def test_a_command_with_settings_accepts_the_flag_of_each(command: Command) -> None:
    flags = [word for declared in SETTINGS for word in (declared.flag, "some")]
    parsed = build_parser().parse_args([command.name, *ARGUMENTS.get(command.name, []), *flags])
    assert {getattr(parsed, declared.name) for declared in SETTINGS} == {"some"}


def test_only_check_and_doctor_take_no_settings() -> None:
    without = [command.name for command in COMMANDS if command.settings is None]
    assert without == ["check", "doctor"]


def test_check_starts_without_importing_the_server() -> None:
    code = (
        "import sys; from bugsly_server.cli import main; main(['check', '--explain']);"
        "print({'sqlalchemy', 'starlette'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_help_shows_the_settings_that_the_command_uses() -> None:
    shown = run_bugsly("status", "--help").stdout
    assert "BUGSLY_DATA_DIR" in shown
    assert "BUGSLY_PORT" not in shown
    served = run_bugsly("serve", "--help").stdout
    assert [declared.variable for declared in SETTINGS if declared.variable not in served] == []


def test_a_wrong_flag_is_answered_with_the_usage_of_its_command() -> None:
    done = run_bugsly("status", "--porject", "shop")
    assert done.returncode == 2
    assert done.stderr.startswith("usage: bugsly status ")
    assert "bugsly status: error: unrecognized arguments: --porject shop" in done.stderr


def test_no_command_at_all_is_answered_with_the_help() -> None:
    done = run_bugsly()
    assert (done.returncode, done.stdout) == (2, "")
    assert "Run the server" in done.stderr
