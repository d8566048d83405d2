"""From a diagnosis to its explanation."""

from __future__ import annotations

from collections.abc import Mapping

from bugsly_server.clock import DAY
from bugsly_server.explain.diffs import mend
from bugsly_server.explain.edits import lines_of
from bugsly_server.explain.words import OF_CAUSE, OF_DESCRIPTORS, OF_WEAK, Words
from bugsly_server.model.diagnosis import Cause, Diagnosis, Explanation, is_weak
from bugsly_server.model.dossier import Dossier, Life
from bugsly_server.model.known_leaks import known_leaks
from bugsly_server.model.units import count, size

GIGABYTE = 1_000_000_000
AROUND = 4
"""Lines shown before and after the culprit."""
SUBJECTS = {
    Cause.THREADS: "Threads",
    Cause.HANDLERS_PER_REQUEST: "Handlers",
    Cause.METRIC_LABELS: "Metrics",
    Cause.KEPT_EXCEPTION: "Exceptions",
    Cause.OUTSIDE_WORKERS: "Processes or files",
    Cause.MADE_PER_REQUEST: "Clients, engines or classes are",
}


def explain(diagnosis: Diagnosis, dossier: Dossier) -> Explanation:
    """Return *diagnosis* in words, with the user's own lines where their source is known."""
    words = _words(diagnosis)
    names = _names(diagnosis)
    known = known_leaks().get(diagnosis.known)
    what = f"{_kept(diagnosis)}{words.what.format(**names)}"
    return Explanation(
        title=_title(words.title, names),
        what=_sentence(f"{known.what} {what}" if known else what),
        cost=_cost(diagnosis, dossier),
        fix=_sentence(known.fix if known else words.fix.format(**names)),
        diff="" if known else mend(diagnosis, dossier),
        culprit=_culprit(diagnosis, dossier),
        link=known.link if known else "",
    )


def _words(diagnosis: Diagnosis) -> Words:
    if diagnosis.kind == "descriptor":
        return OF_DESCRIPTORS
    return OF_WEAK if is_weak(diagnosis.kind) else OF_CAUSE[diagnosis.cause]


def _kept(diagnosis: Diagnosis) -> str:
    """Return the sentence on what the heap showed, empty where none was walked."""
    trace = diagnosis.trace
    if trace is None:
        return ""
    if trace.hops:
        return f"{trace.told(f'`{diagnosis.holder}`')}. "
    others = trace.entries - trace.types.get(trace.entry, 0)
    more = f" and {count(others)} other objects" if others else ""
    return f"{trace.kept}{more} are alive, and nothing leads to them. "


def _names(diagnosis: Diagnosis) -> dict[str, str]:
    request = f"{diagnosis.endpoint} request" if diagnosis.endpoint else "request"
    if diagnosis.shares and diagnosis.shares[0].failing and diagnosis.endpoint:
        request = f"failing {request}"
    holder = diagnosis.holder or "something"
    entries = round(diagnosis.entries_per_request)
    subject = holder if diagnosis.holder else SUBJECTS.get(diagnosis.cause, "Objects")
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


def _cost(diagnosis: Diagnosis, dossier: Dossier) -> str:
    """Return what it costs: per request, per day at the pace that was seen, and where it stops."""
    if diagnosis.cause is Cause.BUFFERED_RESPONSE:
        return f"{size(diagnosis.bytes)} for each request in flight."
    if diagnosis.bound_bytes is not None:
        return (
            f"It holds {size(diagnosis.bytes)} and stops at about {size(diagnosis.bound_bytes)}"
            " in each worker."
        )
    each = diagnosis.bytes_per_request
    if each < 1:
        return f"{count(diagnosis.entries_per_request * 1000)} entries in 1,000 requests."
    cost = f"{size(each)} per {_names(diagnosis)['request']}"
    if diagnosis.is_slight:
        return f"{cost}: it takes {count(GIGABYTE / each)} of them to gain 1 GB."
    pace = max((_a_day(life, diagnosis.endpoint) for life in dossier.lives), default=0.0)
    if pace * each < 1:
        return f"{cost}."
    return f"{cost}: at the present pace {size(pace * each)} per day in the busiest worker."


def _a_day(life: Life, endpoint: str) -> float:
    """Return how many requests of *endpoint*, or in all, *life* serves in a day at its pace."""
    steps = life.steps
    if len(steps) < 2 or steps[-1].at <= steps[0].at:
        return 0.0
    served = sum(
        step.served.get(endpoint, 0) if endpoint else sum(step.served.values())
        for step in steps[1:]
    )
    return served * DAY / (steps[-1].at - steps[0].at)


def _culprit(diagnosis: Diagnosis, dossier: Dossier) -> tuple[tuple[int, str], ...]:
    source = dossier.sources.get(diagnosis.file)
    number = diagnosis.site.rpartition(":")[2]
    if source is None or not source.text or not number.isdigit():
        return ()
    lines = lines_of(source.text)
    first = max(1, int(number) - AROUND)
    last = min(len(lines), int(number) + AROUND)
    return tuple((line, lines[line - 1]) for line in range(first, last + 1))


def _title(words: str, names: Mapping[str, str]) -> str:
    """Return the title; a path at its beginning keeps its spelling."""
    title = words.format(**names)
    first, blank, _ = names["holder"].partition(" ")
    is_path = names["subject"] == names["holder"] and (not blank or "." in first)
    return title if words.startswith("{") and is_path else _sentence(title)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
