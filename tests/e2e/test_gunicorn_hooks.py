import os
import signal
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import AgentInstall, agent_environ, plain_command, watched_command
from tests.support.running_program import Program, running_program
from tests.support.wait import wait_until

CONFIG = ("-c", "hooks_conf.py", "--timeout", "2")
GunicornStory = Callable[[Program], None]


StoryOutcome = tuple[int, Counter[str]]
"""Exit code of the master, and how often each hook was called, of which worker and where."""


def run_story(
    story: GunicornStory, line: list[str], folder: Path, environ: dict[str, str]
) -> StoryOutcome:
    folder.mkdir()
    notes = folder / "hooks"
    with running_program(line, folder, {"HOOKS": str(notes), **environ}, troubled=True) as running:
        story(running)
        if not running.ended:
            running.signal(signal.SIGTERM)
        code = running.wait()
    return code, Counter(notes.read_text().splitlines())


def end(running: Program) -> None:
    wait_until(lambda: running.ended, 20, "it has ended by itself")


def await_boot(running: Program) -> None:
    """Have a request answered."""
    wait_until(lambda: running.children, 20, "a worker is there")
    running.get("/")


def kill(running: Program, number: signal.Signals) -> int:
    """Send *number* to the one worker, and return its pid."""
    await_boot(running)
    (pid,) = running.children
    os.kill(pid, number)
    return pid


def kill_and_await_next(running: Program, number: signal.Signals) -> None:
    """Send *number* to the one worker, and wait for the next one."""
    pid = kill(running, number)
    wait_until(lambda: [pid] != running.children != [], 20, "another worker is there")
    await_boot(running)


def kill_and_end(running: Program) -> None:
    kill(running, signal.SIGKILL)
    end(running)


def reload(running: Program) -> None:
    before = running.children
    running.signal(signal.SIGHUP)
    wait_until(
        lambda: len(running.children) == 1 and running.children != before, 20, "the reload is done"
    )
    await_boot(running)


def run_everything(running: Program) -> None:
    """Have workers killed, interrupted, aborted and reloaded."""
    kill_and_await_next(running, signal.SIGKILL)
    kill_and_await_next(running, signal.SIGINT)
    kill_and_await_next(running, signal.SIGABRT)
    reload(running)
    kill_and_await_next(running, signal.SIGTERM)


STORIES: dict[str, GunicornStory] = {
    "pre_fork": end,
    "post_fork": end,
    "post_worker_init": end,
    "worker_int": partial(kill_and_await_next, number=signal.SIGINT),
    "worker_abort": partial(kill_and_await_next, number=signal.SIGABRT),
    "worker_exit": partial(kill_and_await_next, number=signal.SIGTERM),
    "child_exit": kill_and_end,
}


@pytest.mark.parametrize("way", [AgentInstall.RUN, AgentInstall.INIT])
@pytest.mark.parametrize("loaded", [(), ("--preload",)], ids=["in the worker", "before the fork"])
def test_the_users_hooks_are_called_as_without_us(
    way: AgentInstall, loaded: tuple[str, ...], server: FakeServer, tmp_path: Path
) -> None:
    options = (*CONFIG, *loaded)
    without = run_story(run_everything, plain_command(*options), tmp_path / "without", {})
    line = watched_command(way, options, "shop:app")
    assert run_story(run_everything, line, tmp_path / "with", agent_environ(server)) == without
    assert {line.split()[0] for line in without[1]} >= set(STORIES)
    assert server.reports


@pytest.mark.parametrize("raising", STORIES)
def test_a_users_hook_that_raises_does_what_it_does_without_us(
    raising: str, server: FakeServer, tmp_path: Path
) -> None:
    environ = {"RAISING": raising}
    without = run_story(STORIES[raising], plain_command(*CONFIG), tmp_path / "without", environ)
    line = watched_command(AgentInstall.RUN, CONFIG, "shop:app")
    with_us = run_story(STORIES[raising], line, tmp_path / "with", agent_environ(server, **environ))
    assert with_us == without
    assert any(line.startswith(raising) for line in without[1])
