"""Known leaks of libraries: the entries, and how they are recognised."""

import re
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis
from tests.support.dossiers import dossier, life

from bugsly.protocol.evidence import Line, Window
from bugsly_server.diagnose.known import recognise
from bugsly_server.model.diagnosis import Cause
from bugsly_server.model.known_leaks import KnownLeak, known_leaks

REGISTRY = "marshmallow.class_registry._registry"
LEAKS = known_leaks()


def known(**facts: Any) -> str:
    return recognise(diagnosis(**facts), dossier()).known


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
        ("marshmallow 2.16.3", ""),
        ("marshmallow 3.0", ""),
        ("marshmallow 2.16.10", ""),
        ("", "marshmallow-class-registry"),
    ],
)
def test_a_version_that_mends_it_is_not_blamed(library: str, slug: str) -> None:
    assert known(holder=REGISTRY, library=library) == slug


def test_a_known_leak_brings_its_cause_along() -> None:
    found = recognise(diagnosis(holder=REGISTRY), dossier())
    assert found.cause is LEAKS["marshmallow-class-registry"].cause


def test_what_stops_by_itself_is_no_known_leak() -> None:
    assert known(cause=Cause.BOUNDED, holder=REGISTRY) == ""


def test_a_holder_nobody_knows_stays_what_it_is() -> None:
    found = diagnosis()
    assert recognise(found, dossier()) == found


def test_a_line_inside_a_library_is_recognised_where_no_holder_was_found() -> None:
    inner = next(leak for leak in LEAKS.values() if leak.slug == "dateparser-settings")
    line = Line(site="app.py:3", bytes=9, count=1, inner="dateparser.conf.py:8")
    window = Window(method="memray", requests=9, seconds=1.0, grown=9, lines=(line,))
    told = dossier(life(windows=(window,)))
    native = diagnosis(Cause.NATIVE, holder="")
    assert recognise(native, told).known == inner.slug
    assert recognise(diagnosis(holder="shop.log"), told).known == ""
