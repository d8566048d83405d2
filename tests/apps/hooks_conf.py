"""Configuration of a Gunicorn whose hooks write down that they were called, and where.

HOOKS names the file they write to. RAISING names a hook that raises after it has written.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def note(name: str, worker: Any) -> None:
    where = "master" if worker is None or os.getpid() == worker.ppid else "worker"
    number = "" if worker is None else worker.age
    with Path(os.environ["HOOKS"]).open("a", encoding="utf-8") as file:
        file.write(f"{name} of {number} in {where}\n")
    if os.environ.get("RAISING") == name:
        raise RuntimeError(f"{name} of the user")


def of_server(name: str) -> Callable[[Any], None]:
    def hook(_server: Any) -> None:
        note(name, None)

    return hook


def of_worker(name: str) -> Callable[[Any], None]:
    def hook(worker: Any) -> None:
        note(name, worker)

    return hook


def of_both(name: str) -> Callable[[Any, Any], None]:
    def hook(_server: Any, worker: Any) -> None:
        note(name, worker)

    return hook


on_starting = of_server("on_starting")
on_reload = of_server("on_reload")
when_ready = of_server("when_ready")
pre_fork = of_both("pre_fork")
post_fork = of_both("post_fork")
post_worker_init = of_worker("post_worker_init")
worker_int = of_worker("worker_int")
worker_abort = of_worker("worker_abort")
worker_exit = of_both("worker_exit")
child_exit = of_both("child_exit")
on_exit = of_server("on_exit")
