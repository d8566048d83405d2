"""Which modules are requested where a module imports the class of a holder."""

import pytest
from tests.support.leak_evidence import (
    ORDERS,
    gain_per_request,
    holder,
    leak_evidence,
    source,
    worker_history,
)

from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.diagnose.probe_planning import plan_probes
from bugsly_server.model.diagnosis import Diagnosis
from bugsly_server.model.leak_evidence import LeakEvidence

VIEWS = "{}\nsessions = Sessions({})\n\ndef orders():\n    sessions.begin()\n"
STORE = """\
class Sessions:
    def __init__(self, most):
        self.most = most
        self.known = []

    def begin(self):
        self.known.append(1)
        if self.most and len(self.known) > self.most:
            self.known.pop(0)
"""
STORE_SOURCE = source(STORE, module="shop.store", file="/app/shop/store.py")


def sessions_evidence(imported: str, max_sessions: str, *others: object) -> LeakEvidence:
    """Return the evidence of sessions that gain one entry per request."""
    held = holder("shop.views.sessions.known")
    views = source(VIEWS.format(imported, max_sessions))
    facts = {"holders": (held,), "sources": (views, *others)}
    return leak_evidence(worker_history({held.name: gain_per_request(ORDERS)}), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "imported", ["from shop.store import Sessions", "from .store import Sessions"]
)
def test_the_module_of_its_class_is_requested(imported: str) -> None:
    facts = sessions_evidence(imported, "None")
    (found,) = diagnose(facts, [])
    assert found.location.unread_module == "shop.store"
    assert "shop.store" in plan_probes(facts, [found])[0].request.files


@pytest.mark.parametrize(("most", "is_leak"), [("None", True), ("90", True), ("5_000", False)])
def test_its_class_shows_whether_its_bound_is_reached(most: str, is_leak: bool) -> None:  # noqa: FBT001
    found = diagnose(sessions_evidence("from shop.store import Sessions", most, STORE_SOURCE), [])
    assert [(one.is_leak, one.location.site, one.location.unread_module) for one in found] == (
        [(True, "shop/store.py:7", None)] if is_leak else []
    )


@pytest.mark.parametrize("before", ["", "from collections import Sessions\n"])
def test_no_module_is_requested_for_a_class_of_its_own_or_of_python(before: str) -> None:
    found: tuple[Diagnosis, ...] = diagnose(sessions_evidence(before + STORE, "None"), [])
    line = 7 + before.count("\n")
    assert [(one.location.unread_module, one.location.site) for one in found] == [
        (None, f"shop/views.py:{line}")
    ]
