"""From diagnoses to a verdict, an exit code and JSON."""

import io
import json

import msgspec
import pytest
from rich.console import Console
from tests.support.diagnoses import diagnosis, leak_explanation, observed_run
from tests.support.recycling_values import max_requests_values

from bugsly_server.cli.doctor.text import print_report
from bugsly_server.doctor.run_verdict import (
    DoctorVerdict,
    build_report,
    early_conclusion,
    needs_more_requests,
)
from bugsly_server.model.diagnosis import Cause, Diagnosis

LEAK = diagnosis()
WASTE = diagnosis(Cause.BUFFERED_RESPONSE)
BOUNDED = diagnosis(Cause.BOUNDED)
RETENTION = diagnosis(Cause.RETENTION)
UNKNOWN = diagnosis(Cause.UNKNOWN)
TABLE = [
    ("a leak", [LEAK], {}, DoctorVerdict.LEAK),
    ("a leak among others", [BOUNDED, WASTE, LEAK], {}, DoctorVerdict.LEAK),
    ("a leak that few requests showed", [LEAK], {"requests": 40}, DoctorVerdict.LEAK),
    ("a response built whole", [WASTE, BOUNDED], {}, DoctorVerdict.WASTEFUL),
    ("a cache that fills", [BOUNDED], {}, DoctorVerdict.NO_LEAK),
    ("a cache that fills, and memory with it", [BOUNDED], {"growing": (7,)}, DoctorVerdict.NO_LEAK),
    ("memory the allocator keeps", [RETENTION], {"growing": (7,)}, DoctorVerdict.NO_LEAK),
    ("nothing", [], {}, DoctorVerdict.NO_LEAK),
    ("nothing, of few requests", [], {"requests": 999}, DoctorVerdict.INCONCLUSIVE),
    ("growth without a cause", [], {"growing": (7,)}, DoctorVerdict.INCONCLUSIVE),
    ("a cause that is not known", [UNKNOWN], {}, DoctorVerdict.INCONCLUSIVE),
    ("not known, whatever it says", [diagnosis(Cause.UNKNOWN, is_leak=True)], {}, "inconclusive"),
    ("a guess", [diagnosis(Cause.NATIVE, confidence=0.5)], {}, DoctorVerdict.INCONCLUSIVE),
    ("not known, beside a bound", [UNKNOWN, BOUNDED], {}, DoctorVerdict.INCONCLUSIVE),
]


@pytest.mark.parametrize(
    ("_what", "diagnoses", "facts", "verdict"), TABLE, ids=[t[0] for t in TABLE]
)
def test_the_verdict(_what: str, diagnoses: list, facts: dict, verdict: DoctorVerdict) -> None:  # type: ignore[type-arg]
    report = build_report([(one, leak_explanation()) for one in diagnoses], observed_run(**facts))
    assert report.verdict == verdict
    assert report.reason


@pytest.mark.parametrize(
    ("verdict", "code"),
    [("no leak", 0), ("leak", 1), ("wasteful", 1), ("inconclusive", 2)],
)
def test_the_exit_code_follows_from_the_verdict(verdict: str, code: int) -> None:
    assert DoctorVerdict(verdict).exit_code == code


def test_findings_come_leaks_first_then_waste_then_the_surest() -> None:
    sure = diagnosis(Cause.THREADS, confidence=0.99)
    report = build_report(
        [(one, leak_explanation()) for one in (BOUNDED, WASTE, LEAK, sure)], observed_run()
    )
    told = [one.cause for one in report.findings]
    assert told == ["threads", "growing-container", "buffered-response", "bounded"]


def test_the_json_is_what_the_contract_says() -> None:
    report = build_report(
        [(LEAK, leak_explanation())], observed_run(notes=("worker 8 was killed",))
    )
    assert json.loads(msgspec.json.encode(report)) == {
        "version": 1,
        "verdict": "leak",
        "reason": "its cause is named below",
        "requests": 4_000,
        "seconds": 20.0,
        "statuses": {"200": 3_990, "404": 10},
        "workers": [
            {
                "pid": 7,
                "requests": 2_000,
                "start_bytes": 30,
                "end_bytes": 40,
                "bytes_per_request": 5.0,
            }
        ],
        "findings": [
            {
                "cause": "growing-container",
                "is_leak": True,
                "holder": "shop.views.request_log",
                "site": "shop/views.py:12",
                "endpoint": "GET /api/orders",
                "bytes_per_request": 812.4,
                "confidence": 0.97,
                "title": "shop.views.request_log grows with every request",
                "explanation": "A list keeps an entry of each request. It costs 812 B per request.",
                "fix": "Bound it.",
                "diff": "-request_log = []\n+request_log = deque(maxlen=1000)\n",
                "evidence": ["it gains one entry per request"],
            }
        ],
        "until": None,
        "notes": ["worker 8 was killed"],
    }


@pytest.mark.parametrize(
    ("found", "requests", "lines"),
    [
        (LEAK, 64_000, ("max_requests = 64000", "max_requests_jitter = 12000")),
        (LEAK, 0, ()),
        (BOUNDED, 64_000, None),
    ],
)
def test_a_stopgap_is_reported_for_a_leak_only(
    found: Diagnosis, requests: int, lines: tuple[str, ...] | None
) -> None:
    report = build_report(
        [(found, leak_explanation())], observed_run(limits=max_requests_values(requests=requests))
    )
    assert (None if report.until is None else report.until.lines) == lines


def test_it_is_printed_with_its_cost() -> None:
    out = Console(file=io.StringIO(), width=200)
    with out.capture() as printed:
        print_report(
            build_report([(LEAK, leak_explanation())], observed_run(limits=max_requests_values())),
            out,
        )
    text = printed.get()
    assert "    max_requests = 64000\n    max_requests_jitter = 12000\n" in text
    assert "on this machine 4 workers below 4 GB may hold 875 MB each" in text
    assert "this restarts 14.3 workers per million requests" in text


def test_a_sure_leak_is_an_opinion_once_enough_was_seen() -> None:
    found = [(LEAK, leak_explanation())]
    assert early_conclusion(found, answered=599, silent_seconds=0.1) is None
    assert early_conclusion(found, answered=600, silent_seconds=0.1) is not None


def test_an_app_that_hangs_needs_no_more_requests() -> None:
    assert (
        early_conclusion([(LEAK, leak_explanation())], answered=30, silent_seconds=6.0) is not None
    )


@pytest.mark.parametrize(
    "found",
    [
        diagnosis(confidence=0.8),
        diagnosis(has_unique_keys=True),
        BOUNDED,
        WASTE,
        UNKNOWN,
        diagnosis(kind="survivor", site=None),
    ],
    ids=lambda found: found.cause,
)
def test_nothing_but_a_sure_leak_ends_a_run(found: Diagnosis) -> None:
    told = (found, leak_explanation())
    assert early_conclusion([told], answered=9_000, silent_seconds=60.0) is None


@pytest.mark.parametrize(
    ("found", "goes_on"),
    [
        (LEAK, False),
        (diagnosis(Cause.NATIVE, holder=None, site=None), True),
        (diagnosis(Cause.NATIVE, holder=None, site="shop/views.py:9"), False),
        (diagnosis(site=None), False),
        (diagnosis(kind="survivor", site=None), True),
        (diagnosis(removes_entries=True), True),
        (UNKNOWN, True),
        (BOUNDED, False),
    ],
)
def test_a_run_goes_on_while_nobody_knows_what_holds_or_makes_it(
    found: Diagnosis,
    goes_on: bool,  # noqa: FBT001
) -> None:
    assert needs_more_requests([(found, leak_explanation())], may_grow=False) is goes_on


def test_what_is_slight_is_reported_and_is_no_leak() -> None:
    slight = diagnosis(is_leak=False, bytes_per_request=130.0, library="redis 6.4")
    told = build_report([(slight, leak_explanation())], observed_run())
    assert (told.verdict, told.reason) == (
        DoctorVerdict.NO_LEAK,
        "what grows for ever is slight, and a library's",
    )


def test_a_run_goes_on_while_memory_may_grow() -> None:
    assert needs_more_requests([], may_grow=True)
    assert not needs_more_requests([(LEAK, leak_explanation())], may_grow=True)


def test_another_holder_is_another_opinion() -> None:
    other = diagnosis(holder="shop.views.audit")
    assert early_conclusion([(LEAK, leak_explanation())], 900, 0) != early_conclusion(
        [(other, leak_explanation())], 900, 0
    )


SYMPTOM = diagnosis(
    Cause.KEPT_EXCEPTION, holder="requests alive after they ended", kind="survivor", site=None
)


@pytest.mark.parametrize(("leak", "goes_on"), [(LEAK, False), (SYMPTOM, True)])
def test_a_run_waits_for_a_probe_that_may_name_the_holder_of_a_symptom(
    leak: Diagnosis, *, goes_on: bool
) -> None:
    found = [(leak, leak_explanation())]
    assert (early_conclusion(found, 900, 0, has_pending_probes=True) is None) is goes_on
    assert needs_more_requests(found, may_grow=False, has_pending_probes=True) is goes_on
    assert (early_conclusion(found, 900, 0) is None) is goes_on, (
        "nobody knows the line of a symptom"
    )
