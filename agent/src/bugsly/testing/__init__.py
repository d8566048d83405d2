"""Fails a test whose requests leave something behind: `no_leak(client, "/api/data")`.

The pytest plugin of this package offers the same as a fixture and as a marker.
"""

from bugsly.testing.client_check import no_leak
from bugsly.testing.growth_check import LeakFound, NothingMeasured, call_without_leak

__all__ = ["LeakFound", "NothingMeasured", "call_without_leak", "no_leak"]
