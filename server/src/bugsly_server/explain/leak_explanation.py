"""Explains a diagnosed leak in sentences, with the user's own lines and a fix."""

from __future__ import annotations

from collections.abc import Mapping

from bugsly_server.clock import DAY
from bugsly_server.explain.cause_texts import (
    CAUSE_TEXTS,
    DESCRIPTOR_TEXTS,
    WEAK_CONTAINER_TEXTS,
    CauseTexts,
)
from bugsly_server.explain.fixes.fix_diff import fix_diff
from bugsly_server.explain.fixes.source_edits import split_lines
from bugsly_server.model.diagnosis import Cause, Diagnosis, Explanation, is_weak_kind
from bugsly_server.model.known_leaks import known_leaks
from bugsly_server.model.leak_evidence import LeakEvidence, WorkerHistory
from bugsly_server.model.units import count, size

GIGABYTE = 1_000_000_000
CONTEXT_LINES = 4
"""Lines shown before and after the leaking line."""
SUBJECT_OF_CAUSE = {
    Cause.THREADS: "Threads",
    Cause.HANDLERS_PER_REQUEST: "Handlers",
    Cause.METRIC_LABELS: "Metrics",
    Cause.KEPT_EXCEPTION: "Exceptions",
    Cause.OUTSIDE_WORKERS: "Processes or files",
    Cause.MADE_PER_REQUEST: "Clients, engines or classes are",
}


def explain_leak(diagnosis: Diagnosis, evidence: LeakEvidence) -> Explanation:
    """Return the explanation of *diagnosis*, with the user's own lines if their source is known."""
    texts = _texts(diagnosis)
    placeholders = _placeholders(diagnosis)
    known_leak = known_leaks().get(diagnosis.known)
    what = f"{_heap_sentence(diagnosis)}{texts.what.format(**placeholders)}"
    return Explanation(
        title=_title(texts.title, placeholders),
        what=_sentence(f"{known_leak.what} {what}" if known_leak else what),
        cost=_cost(diagnosis, evidence),
        fix=_sentence(known_leak.fix if known_leak else texts.fix.format(**placeholders)),
        diff="" if known_leak else fix_diff(diagnosis, evidence),
        culprit=_site_lines(diagnosis, evidence),
        link=known_leak.link if known_leak else "",
    )


def _texts(diagnosis: Diagnosis) -> CauseTexts:
    if diagnosis.kind == "descriptor":
        return DESCRIPTOR_TEXTS
    return WEAK_CONTAINER_TEXTS if is_weak_kind(diagnosis.kind) else CAUSE_TEXTS[diagnosis.cause]


def _heap_sentence(diagnosis: Diagnosis) -> str:
    """Return the sentence on what the heap showed, empty if no heap was walked."""
    trace = diagnosis.trace
    if trace is None:
        return ""
    if trace.hops:
        return f"{trace.describe(f'`{diagnosis.holder}`')}. "
    others = trace.entries - trace.types.get(trace.entry, 0)
    more = f" and {count(others)} other objects" if others else ""
    return f"{trace.kept}{more} are alive, and no root leads to them. "


def _placeholders(diagnosis: Diagnosis) -> dict[str, str]:
    request = f"{diagnosis.endpoint} request" if diagnosis.endpoint else "request"
    if diagnosis.shares and diagnosis.shares[0].failing and diagnosis.endpoint:
        request = f"failing {request}"
    holder = diagnosis.holder or "something"
    entries = round(diagnosis.entries_per_request)
    subject = holder if diagnosis.holder else SUBJECT_OF_CAUSE.get(diagnosis.cause, "Objects")
    return {
        "holder": holder,
        "subject": subject,
        "request": request,
        "Each": f"Each {request}",
        "entries": "an entry" if entries <= 1 else f"{count(entries)} entries",
        "site": diagnosis.site or "an unknown line",
        "at": f" at {diagnosis.site}" if diagnosis.site else "",
        "by": f"at {diagnosis.site}" if diagnosis.site else "by native code",
        "endpoint": diagnosis.endpoint or "An endpoint",
        "size": size(diagnosis.bytes),
    }


def _cost(diagnosis: Diagnosis, evidence: LeakEvidence) -> str:
    """Return the cost: per request, per day at the measured pace, and where it stops."""
    if diagnosis.cause is Cause.BUFFERED_RESPONSE:
        return f"{size(diagnosis.bytes)} for each request in flight."
    if diagnosis.bound_bytes is not None:
        return (
            f"It holds {size(diagnosis.bytes)} and stops at about {size(diagnosis.bound_bytes)}"
            " in each worker."
        )
    bytes_each = diagnosis.bytes_per_request
    if bytes_each < 1:
        return f"{count(diagnosis.entries_per_request * 1000)} entries in 1,000 requests."
    cost = f"{size(bytes_each)} per {_placeholders(diagnosis)['request']}"
    if diagnosis.is_slight:
        return f"{cost}: it takes {count(GIGABYTE / bytes_each)} of them to gain 1 GB."
    pace = max(
        (_requests_per_day(history, diagnosis.endpoint) for history in evidence.histories),
        default=0.0,
    )
    if pace * bytes_each < 1:
        return f"{cost}."
    return f"{cost}: at the current pace {size(pace * bytes_each)} per day in the busiest worker."


def _requests_per_day(history: WorkerHistory, endpoint: str) -> float:
    """Return how many requests *history* serves per day: of *endpoint*, or in all if it is ''."""
    buckets = history.buckets
    if len(buckets) < 2 or buckets[-1].at <= buckets[0].at:
        return 0.0
    served = sum(
        bucket.served.get(endpoint, 0) if endpoint else sum(bucket.served.values())
        for bucket in buckets[1:]
    )
    return served * DAY / (buckets[-1].at - buckets[0].at)


def _site_lines(diagnosis: Diagnosis, evidence: LeakEvidence) -> tuple[tuple[int, str], ...]:
    source = evidence.sources.get(diagnosis.file)
    number = diagnosis.site.rpartition(":")[2]
    if source is None or not source.text or not number.isdigit():
        return ()
    lines = split_lines(source.text)
    first = max(1, int(number) - CONTEXT_LINES)
    last = min(len(lines), int(number) + CONTEXT_LINES)
    return tuple((line, lines[line - 1]) for line in range(first, last + 1))


def _title(template: str, placeholders: Mapping[str, str]) -> str:
    """Return the title with a capital, except that a path at its start keeps its spelling."""
    title = template.format(**placeholders)
    first, blank, _ = placeholders["holder"].partition(" ")
    is_path = placeholders["subject"] == placeholders["holder"] and (not blank or "." in first)
    return title if template.startswith("{") and is_path else _sentence(title)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
