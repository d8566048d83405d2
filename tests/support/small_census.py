"""Modules made of a few lines, and a census that looks at them alone."""

import sys
import textwrap
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from bugsly.probes.census import Census
from bugsly.protocol.evidence import Holder

APP_FILE = "/srv/app/{}.py"
LIBRARY_FILE = "/srv/venv/lib/python3.11/site-packages/{}.py"


def module(name: str, source: str = "", file: str = APP_FILE, **names: object) -> ModuleType:
    """Return an imported module of *source*, which a test takes out of `sys.modules` again."""
    made = ModuleType(name)
    made.__file__ = file.format(name.replace(".", "/"))
    sys.modules[name] = made
    vars(made).update(names)
    if source:  # which brings the builtins with it, and they lead to all that pytest keeps
        exec(textwrap.dedent(source), vars(made))
    return made


class SmallCensus:
    """A census of a few modules, and of applications."""

    def __init__(self, *modules: ModuleType, served: Iterable[object] = ()) -> None:
        self.served = list(served)
        found: dict[str, Any] = {one.__name__: one for one in modules}
        self.census = Census(lambda: self.served, found)
        self.slices = 0

    def run_passes(self, passes: int = 1) -> None:
        for _ in range(passes):
            while not self.census.work(0.001):
                self.slices += 1

    @property
    def levels(self) -> dict[str, int]:
        return {level.holder: level.count for level in self.census.count_holders()}

    @property
    def holders(self) -> dict[str, Holder]:
        return {holder.name: holder for holder in self.census.describe_holders()}


def census_of_growth(
    made: ModuleType, step: str, *, passes: int = 3, times: int = 20
) -> SmallCensus:
    """Run *step* in the module *times* before each of some passes, `i` counting from 0."""
    small_census = SmallCensus(made)
    for number in range(passes):
        for i in range(number * times, (number + 1) * times):
            exec(step, vars(made), {"i": i})
        small_census.run_passes()
    return small_census
