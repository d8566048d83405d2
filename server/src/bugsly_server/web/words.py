"""How templates write numbers, moments and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from bugsly_server.clock import DAY, MINUTE, SECOND, Micros
from bugsly_server.model import units
from bugsly_server.model.growth import Axis, Growth, Verdict
from bugsly_server.model.issue import Forecast

PER = 1_000
VERDICTS = {
    Verdict.EARLY: "too early",
    Verdict.STEADY: "steady",
    Verdict.LEVELLED: "levelled off",
    Verdict.GROWING: "growing",
}
EXITS = {
    "max_requests": "reached max_requests",
    "recycled": "recycled by the safety net",
    "reload": "replaced by a reload",
    "terminated": "terminated",
    "quit": "stopped",
    "timeout": "timed out, killed by Gunicorn",
    "out_of_memory": "killed: out of memory",
    "killed": "killed",
    "crashed": "crashed",
    "orphaned": "lost its master",
    "finished": "finished",
    "vanished": "vanished",
}
PROBING = {
    "source": "It reads the source of a module, which costs the app nothing.",
    "window": "Allocations are traced: its requests may take twice as long, for a minute at most.",
    "heap": "Its heap is walked in a copy of it, which stops the worker for some milliseconds.",
    "trim": "It gives free memory back to the system once, within milliseconds.",
}
BELIEVED: Micros = 100 * DAY
"""How far ahead a forecast names a moment."""
SPARK_WIDTH, SPARK_HEIGHT = 96, 24


def environment() -> Environment:
    """Return the templates with our words in them."""
    made = Environment(
        loader=PackageLoader("bugsly_server.web"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "size": units.size,
        "count": units.count,
        "duration": lambda micros: units.duration(micros / SECOND),
        "seconds": units.duration,
        "moment": moment,
        "left": left,
        "between": between,
        "growth": growth,
        "verdict": lambda verdict: VERDICTS[verdict],
        "exit": lambda reason: EXITS[reason],
        "spark": spark,
        "bars": bars,
        "prose": prose,
        "probing": lambda probe: PROBING.get(probe, ""),
        "rate": rate,
        "millis": lambda seconds: f"{seconds * 1000:.1f} ms",
        "sentence": lambda text: text[:1].upper() + text[1:],
    }
    return made


def prose(text: str) -> Markup:
    """Return *text* with what stands between backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part
        for index, part in enumerate(parts)
    )


def moment(at: Micros) -> Markup:
    """Return a `<time>` that app.js turns into the reader's own time zone."""
    when = datetime.fromtimestamp(at / SECOND, UTC)
    iso = when.isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M} UTC</time>').format(iso, when)


def left(told: Forecast, seen_at: Micros, now: Micros) -> str:
    """Return how long memory lasts from *now* on, by what was *told* at *seen_at*."""
    seconds = told.expected - (now - seen_at) / SECOND
    return f"in about {units.duration(seconds)}" if seconds > 0 else "about now"


def between(told: Forecast, seen_at: Micros) -> Markup:
    """Return the moments between which memory runs out, by what was *told* at *seen_at*."""
    soonest, latest = (_after(seconds, seen_at) for seconds in (told.soonest, told.latest))
    if soonest is None:
        return Markup("in {} at the soonest").format(units.duration(told.soonest))
    if latest is None:
        return Markup("{} at the soonest").format(soonest)
    return Markup("between {} and {}").format(soonest, latest)


def _after(seconds: float | None, since: Micros) -> Markup | None:
    """Return the moment to the minute, None where it is too far away to be believed."""
    if seconds is None or seconds * SECOND > BELIEVED:
        return None
    return moment(round((since + seconds * SECOND) / MINUTE) * MINUTE)


def growth(found: Growth | None) -> str:
    """Return a slope as tables show it: per 1,000 requests, or per hour."""
    if found is None:
        return "–"
    if found.axis is Axis.TIME:
        return f"{units.size(found.slope, signed=True)} / h"
    return units.size(found.slope * PER, signed=True)


def rate(per_second: float) -> str:
    """Return a rate of requests."""
    return f"{per_second:.1f}/s" if per_second < units.PLAIN else f"{per_second:,.0f}/s"


def bars(values: Sequence[int]) -> str:
    """Return the SVG path of bars, 96 wide and 24 high, to be stroked; empty where all are 0."""
    highest, step = max(values, default=0), SPARK_WIDTH / max(1, len(values))
    return "".join(
        f"M{(index + 0.5) * step:.0f} {SPARK_HEIGHT}"
        f"V{SPARK_HEIGHT - max(2.0, value / highest * SPARK_HEIGHT):.1f}"
        for index, value in enumerate(values)
        if value
    )


def spark(values: Sequence[int]) -> str:
    """Return the points of an SVG polyline that draws *values* 96 wide and 24 high.

    It never magnifies less than 2 % of the memory to the full height: noise should look like it.
    """
    if len(values) <= 1:
        return ""
    low, high = min(values), max(values)
    reach = max(high - low, high * 0.02, 1)
    floor = (low + high - reach) / 2
    step = SPARK_WIDTH / (len(values) - 1)
    heights = (SPARK_HEIGHT - 2 - (value - floor) / reach * (SPARK_HEIGHT - 4) for value in values)
    return " ".join(f"{index * step:.1f},{height:.1f}" for index, height in enumerate(heights))
