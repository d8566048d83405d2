"""How known leaks of libraries are recognised, and that each entry is complete."""

import re
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis
from tests.support.leak_evidence import leak_evidence, worker_history

from bugsly.protocol.evidence import AllocationSite, AllocationWindow
from bugsly_server.diagnose.known_leaks import recognise_known_leak
from bugsly_server.model.diagnosis import Cause
from bugsly_server.model.known_leaks import KnownLeak, known_leaks

REGISTRY = "marshmallow.class_registry._registry"
LEAKS = known_leaks()


def known_leak(**facts: Any) -> str | None:
    return recognise_known_leak(diagnosis(**facts), leak_evidence()).known_leak


@pytest.mark.parametrize("leak", LEAKS.values(), ids=list(LEAKS))
def test_an_entry_is_whole(leak: KnownLeak) -> None:
    re.compile(leak.pattern)
    assert leak.link.startswith("https://")
    assert leak.library == leak.library.lower()
    assert not leak.fixed_in or re.match(r"\d+(\.\d+)+", leak.fixed_in)
    assert leak.what.endswith(".")
    assert leak.fix.endswith(".")
    assert re.search(leak.pattern, "") is None


@pytest.mark.parametrize(
    ("library", "slug"),
    [
        ("marshmallow 2.16.2", "marshmallow-class-registry"),
        ("marshmallow 2.9", "marshmallow-class-registry"),
        ("marshmallow 2.16.3", None),
        ("marshmallow 3.0", None),
        ("marshmallow 2.16.10", None),
        (None, "marshmallow-class-registry"),
    ],
)
def test_a_version_with_the_fix_is_not_affected(library: str | None, slug: str | None) -> None:
    assert known_leak(holder=REGISTRY, library=library) == slug


def test_a_known_leak_sets_the_cause() -> None:
    found = recognise_known_leak(diagnosis(holder=REGISTRY), leak_evidence())
    assert found.cause is LEAKS["marshmallow-class-registry"].cause


def test_what_stops_by_itself_is_no_known_leak() -> None:
    assert known_leak(cause=Cause.BOUNDED, holder=REGISTRY) is None


def test_an_unknown_holder_is_left_unchanged() -> None:
    found = diagnosis()
    assert recognise_known_leak(found, leak_evidence()) == found


def test_a_line_inside_a_library_is_recognised_where_no_holder_was_found() -> None:
    inner = next(leak for leak in LEAKS.values() if leak.slug == "dateparser-settings")
    line = AllocationSite(site="app.py:3", bytes=9, count=1, inner="dateparser.conf.py:8")
    window = AllocationWindow(method="memray", requests=9, seconds=1.0, grown=9, lines=(line,))
    evidence = leak_evidence(worker_history(allocation_windows=(window,)))
    native = diagnosis(Cause.NATIVE, holder=None)
    assert recognise_known_leak(native, evidence).known_leak == inner.slug
    assert recognise_known_leak(diagnosis(holder="shop.log"), evidence).known_leak is None
