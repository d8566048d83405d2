"""A real memory cgroup to start processes in, where this machine lets us make one."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from tools.bench import memory_limit
from tools.bench.memory_limit import Cgroup


@contextmanager
def memory_cgroup(limit: int) -> Iterator[Cgroup]:
    """Give a new cgroup with *limit* bytes, or skip the test with the reason."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(memory_limit.memory_cgroup(limit))
        except (OSError, SystemExit) as error:
            pytest.skip(str(error))
        yield made
