"""From diagnoses to a verdict, an exit code and JSON."""

import io
import json

import msgspec
import pytest
from rich.console import Console
from tests.support.diagnoses import diagnosis, seen, words
from tests.support.recycled import limits

from bugsly_server.cli.doctor_text import show
from bugsly_server.doctor.verdict import Verdict, conclude, is_open, opinion
from bugsly_server.model.diagnosis import Cause, Diagnosis

LEAK = diagnosis()
WASTE = diagnosis(Cause.BUFFERED_RESPONSE)
BOUNDED = diagnosis(Cause.BOUNDED)
RETENTION = diagnosis(Cause.RETENTION)
UNKNOWN = diagnosis(Cause.UNKNOWN)
TABLE = [
    ("a leak", [LEAK], {}, Verdict.LEAK),
    ("a leak among others", [BOUNDED, WASTE, LEAK], {}, Verdict.LEAK),
    ("a leak that few requests showed", [LEAK], {"requests": 40}, Verdict.LEAK),
    ("a response built whole", [WASTE, BOUNDED], {}, Verdict.WASTEFUL),
    ("a cache that fills", [BOUNDED], {}, Verdict.NO_LEAK),
    ("a cache that fills, and memory with it", [BOUNDED], {"growing": (7,)}, Verdict.NO_LEAK),
    ("memory the allocator keeps", [RETENTION], {"growing": (7,)}, Verdict.NO_LEAK),
    ("nothing", [], {}, Verdict.NO_LEAK),
    ("nothing, of few requests", [], {"requests": 999}, Verdict.INCONCLUSIVE),
    ("growth without a cause", [], {"growing": (7,)}, Verdict.INCONCLUSIVE),
    ("a cause that is not known", [UNKNOWN], {}, Verdict.INCONCLUSIVE),
    ("not known, whatever it says", [diagnosis(Cause.UNKNOWN, is_leak=True)], {}, "inconclusive"),
    ("a guess", [diagnosis(Cause.NATIVE, confidence=0.5)], {}, Verdict.INCONCLUSIVE),
    ("not known, beside a bound", [UNKNOWN, BOUNDED], {}, Verdict.INCONCLUSIVE),
]


@pytest.mark.parametrize(
    ("_what", "diagnoses", "facts", "verdict"), TABLE, ids=[t[0] for t in TABLE]
)
def test_the_verdict(_what: str, diagnoses: list, facts: dict, verdict: Verdict) -> None:  # type: ignore[type-arg]
    report = conclude([(one, words()) for one in diagnoses], seen(**facts))
    assert report.verdict == verdict
    assert report.reason


@pytest.mark.parametrize(
    ("verdict", "code"),
    [("no leak", 0), ("leak", 1), ("wasteful", 1), ("inconclusive", 2)],
)
def test_the_exit_code_follows_from_the_verdict(verdict: str, code: int) -> None:
    assert Verdict(verdict).exit_code == code


def test_findings_come_leaks_first_then_waste_then_the_surest() -> None:
    sure = diagnosis(Cause.THREADS, confidence=0.99)
    report = conclude([(one, words()) for one in (BOUNDED, WASTE, LEAK, sure)], seen())
    told = [one.cause for one in report.findings]
    assert told == ["threads", "growing-container", "buffered-response", "bounded"]


def test_the_json_is_what_the_contract_says() -> None:
    report = conclude([(LEAK, words())], seen(notes=("worker 8 was killed",)))
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
def test_what_holds_a_leak_down_is_told_of_a_leak_alone(
    found: Diagnosis, requests: int, lines: tuple[str, ...] | None
) -> None:
    report = conclude([(found, words())], seen(limits=limits(requests=requests)))
    assert (None if report.until is None else report.until.lines) == lines


def test_it_is_printed_with_its_cost() -> None:
    out = Console(file=io.StringIO(), width=200)
    with out.capture() as printed:
        show(conclude([(LEAK, words())], seen(limits=limits())), out)
    text = printed.get()
    assert "    max_requests = 64000\n    max_requests_jitter = 12000\n" in text
    assert "on this machine 4 workers below 4 GB may hold 875 MB each" in text
    assert "it restarts 14.3 workers per million requests" in text


def test_a_sure_leak_is_an_opinion_once_enough_was_seen() -> None:
    found = [(LEAK, words())]
    assert opinion(found, answered=599, quiet=0.1) is None
    assert opinion(found, answered=600, quiet=0.1) is not None


def test_an_app_that_hangs_needs_no_more_requests() -> None:
    assert opinion([(LEAK, words())], answered=30, quiet=6.0) is not None


@pytest.mark.parametrize(
    "found",
    [
        diagnosis(confidence=0.8),
        diagnosis(keyed=True),
        BOUNDED,
        WASTE,
        UNKNOWN,
        diagnosis(kind="survivor", site=""),
    ],
    ids=lambda one: one.cause,
)
def test_nothing_but_a_sure_leak_ends_a_run(found: object) -> None:
    assert opinion([(found, words())], answered=9_000, quiet=60.0) is None  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("found", "goes_on"),
    [
        (LEAK, False),
        (diagnosis(Cause.NATIVE, holder="", site=""), True),
        (diagnosis(Cause.NATIVE, holder="", site="shop/views.py:9"), False),
        (diagnosis(site=""), False),
        (diagnosis(kind="survivor", site=""), True),
        (diagnosis(leaves=True), True),
        (UNKNOWN, True),
        (BOUNDED, False),
    ],
)
def test_a_run_goes_on_while_nobody_knows_what_holds_or_makes_it(
    found: Diagnosis,
    goes_on: bool,  # noqa: FBT001
) -> None:
    assert is_open([(found, words())], maybe=False) is goes_on


def test_what_is_slight_is_told_and_is_no_leak() -> None:
    slight = diagnosis(is_leak=False, bytes_per_request=130.0, library="redis 6.4")
    told = conclude([(slight, words())], seen())
    assert (told.verdict, told.reason) == (
        Verdict.NO_LEAK,
        "what grows for ever is slight, and a library's",
    )


def test_a_run_goes_on_while_memory_may_grow() -> None:
    assert is_open([], maybe=True)
    assert not is_open([(LEAK, words())], maybe=True)


def test_another_holder_is_another_opinion() -> None:
    other = diagnosis(holder="shop.views.audit")
    assert opinion([(LEAK, words())], 900, 0) != opinion([(other, words())], 900, 0)


SYMPTOM = diagnosis(
    Cause.KEPT_EXCEPTION, holder="requests alive after they ended", kind="survivor", site=""
)


@pytest.mark.parametrize(("leak", "goes_on"), [(LEAK, False), (SYMPTOM, True)])
def test_a_run_waits_to_be_told_what_holds_what_is_left_behind(
    leak: Diagnosis, *, goes_on: bool
) -> None:
    found = [(leak, words())]
    assert (opinion(found, 900, 0, waits=True) is None) is goes_on
    assert is_open(found, maybe=False, waits=True) is goes_on
    assert (opinion(found, 900, 0) is None) is goes_on, "nobody knows the line of a symptom"
