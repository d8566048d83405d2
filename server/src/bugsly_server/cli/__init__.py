"""The commands of `bugsly`."""

from collections.abc import Sequence


def main(_argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    return 0
