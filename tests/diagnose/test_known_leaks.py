"""How known leaks of libraries are recognised, and that each entry is complete."""

import re
from dataclasses import replace
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version
from tests.support.diagnoses import diagnosis
from tests.support.leak_evidence import leak_evidence, worker_history

from bugsly.protocol.evidence import AllocationSite, AllocationWindow
from bugsly_server.diagnose import known_leaks as known_leaks_module
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
    assert leak.library == canonicalize_name(leak.library)
    assert not leak.fixed_in or str(Version(leak.fixed_in)) == leak.fixed_in
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
        ("marshmallow 2.16.3.0", None),
        ("marshmallow 2.16.3rc1", None),
        ("marshmallow 2.16.3.dev20190101", None),
        ("marshmallow 2.16.3.post1", None),
        ("marshmallow 2.16.3+debian.1", None),
        ("marshmallow 1!1.0", None),
        ("marshmallow 2.16.2.post1", "marshmallow-class-registry"),
        ("marshmallow 2.16.2+debian.1", "marshmallow-class-registry"),
        ("marshmallow 2.16.2rc1", "marshmallow-class-registry"),
        ("marshmallow 2.0.0b5", "marshmallow-class-registry"),
        ("Marshmallow 2.16", "marshmallow-class-registry"),
        ("marshmallow", "marshmallow-class-registry"),
        (None, "marshmallow-class-registry"),
    ],
)
def test_a_version_with_the_fix_is_not_affected(library: str | None, slug: str | None) -> None:
    assert known_leak(holder=REGISTRY, library=library) == slug


@pytest.mark.parametrize("version", ["2.16.2_patched", "master", "2.16.2-3-gabc1234"])
def test_a_version_that_nobody_can_order_is_not_blamed(version: str) -> None:
    assert known_leak(holder=REGISTRY, library=f"marshmallow {version}") is None


@pytest.mark.parametrize(
    ("fixed_in", "version", "is_affected"),
    [
        ("1.0.0", "1.0", False),
        ("1.0", "1.0.0", False),
        ("1.0.0", "0.9", True),
        ("0.50b0", "0.49b2", True),
        ("0.50b0", "0.50b0", False),
        ("0.50b0", "0.50b1", False),
        ("2.0.post1", "2.0", True),
        ("2.0.post1", "2.0.post1", False),
        ("1!0.5", "2.0", True),
    ],
)
def test_versions_are_ordered_as_pip_orders_them(
    fixed_in: str, version: str, *, is_affected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = "marshmallow-class-registry"
    leak = replace(LEAKS[slug], fixed_in=fixed_in)
    monkeypatch.setattr(known_leaks_module, "known_leaks", lambda: {slug: leak})
    found = known_leak(holder=REGISTRY, library=f"marshmallow {version}")
    assert (found == slug) is is_affected


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
