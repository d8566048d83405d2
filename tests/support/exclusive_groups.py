"""Runs tests that would disturb each other one after another, when pytest-xdist runs several.

The mark `xdist_group` of pytest-xdist 3.8 has no effect with pytest 9.2, whose node ids it cannot
change.
"""

from xdist.scheduler import LoadScopeScheduling

EXCLUSIVE_GROUPS = {
    "tests/browser/": "browser",
    "tests/sdk/test_browser.py": "browser",
    "tests/fuzz/test_http.py": "fuzzed server",
    "tests/e2e/test_recycling.py": "recycling",
    "tests/e2e/test_recycling_environments.py": "recycling",
    "tests/e2e/test_other_environments.py::test_workers_of_every_gunicorn": "recycling",
}
"""The group of all tests whose node ids begin so; each takes a whole core."""


def group_of(nodeid: str) -> str:
    """Return the group of a test; a test in none is a group of its own."""
    groups = (group for start, group in EXCLUSIVE_GROUPS.items() if nodeid.startswith(start))
    return next(groups, nodeid)


class ExclusiveGroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives each group to one worker, the largest groups first."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
