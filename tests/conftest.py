"""What holds for every test."""

import os
import signal
from typing import Any

import pytest
from hypothesis import core, settings
from tests.support.exclusive_groups import ExclusiveGroupScheduling

os.environ["BUGSLY_STRICT"] = "1"
os.environ.pop("BUGSLY_DSN", None)
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")
# A shell lets what it starts in the background ignore SIGINT, and so would the servers of tests.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the examples of hypothesis from the seed of pytest-randomly, which a run prints."""
    core.global_force_seed = config.getoption("randomly_seed", 0)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ExclusiveGroupScheduling:
    return ExclusiveGroupScheduling(config, log)
