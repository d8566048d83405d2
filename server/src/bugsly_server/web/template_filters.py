"""The template environment, with filters for numbers, times, verdicts and charts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from bugsly_server.clock import DAY, MINUTE, SECOND, Micros
from bugsly_server.model import units
from bugsly_server.model.growth import GrowthAxis, GrowthTrend, GrowthVerdict
from bugsly_server.model.issue import MemoryForecast

PER_REQUESTS = 1_000
VERDICT_TEXTS = {
    GrowthVerdict.EARLY: "too early",
    GrowthVerdict.STEADY: "steady",
    GrowthVerdict.LEVELLED: "levelled off",
    GrowthVerdict.GROWING: "growing",
}
EXIT_TEXTS = {
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
PROBE_TEXTS = {
    "source": "Bugsly reads the source of a module, which costs the app nothing.",
    "window": "Allocations are traced: requests may take twice as long, for a minute at most.",
    "heap": "A copy of the worker walks its heap; making it stops the worker for milliseconds.",
    "trim": "The worker returns free memory to the system once, within milliseconds.",
}
FORECAST_HORIZON: Micros = 100 * DAY
"""How far ahead a forecast names a time rather than a duration."""
SPARK_WIDTH, SPARK_HEIGHT = 96, 24


def template_environment() -> Environment:
    """Return the templates with their filters."""
    templates = Environment(
        loader=PackageLoader("bugsly_server.web"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "size": units.size,
        "count": units.count,
        "duration": lambda micros: units.duration(micros / SECOND),
        "seconds": units.duration,
        "moment": time_element,
        "left": time_left,
        "between": runs_out_between,
        "growth": growth_text,
        "verdict": lambda verdict: VERDICT_TEXTS[verdict],
        "exit": lambda reason: EXIT_TEXTS[reason],
        "spark": sparkline_points,
        "bars": bar_path,
        "prose": code_marked,
        "probing": lambda probe: PROBE_TEXTS.get(probe, ""),
        "rate": rate_text,
        "millis": lambda seconds: f"{seconds * 1000:.1f} ms",
        "sentence": lambda text: text[:1].upper() + text[1:],
    }
    return templates


def code_marked(text: str) -> Markup:
    """Return *text* as markup, with text between backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part
        for index, part in enumerate(parts)
    )


def time_element(at: Micros) -> Markup:
    """Return a `<time>` in UTC, which app.js converts to the reader's time zone."""
    moment = datetime.fromtimestamp(at / SECOND, UTC)
    iso = moment.isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M} UTC</time>').format(iso, moment)


def time_left(forecast: MemoryForecast, seen_at: Micros, now: Micros) -> str:
    """Return in how long from *now* memory runs out, by the *forecast* made at *seen_at*."""
    seconds = forecast.expected - (now - seen_at) / SECOND
    return f"in about {units.duration(seconds)}" if seconds > 0 else "about now"


def runs_out_between(forecast: MemoryForecast, seen_at: Micros) -> Markup:
    """Return the times between which memory runs out, by the *forecast* made at *seen_at*."""
    soonest, latest = (
        _moment_after(seconds, seen_at) for seconds in (forecast.soonest, forecast.latest)
    )
    if soonest is None:
        return Markup("in {} at the soonest").format(units.duration(forecast.soonest))
    if latest is None:
        return Markup("{} at the soonest").format(soonest)
    return Markup("between {} and {}").format(soonest, latest)


def _moment_after(seconds: float | None, since: Micros) -> Markup | None:
    """Return the time to the minute, None if it is beyond the forecast horizon."""
    if seconds is None or seconds * SECOND > FORECAST_HORIZON:
        return None
    return time_element(round((since + seconds * SECOND) / MINUTE) * MINUTE)


def growth_text(growth: GrowthTrend | None) -> str:
    """Return a slope for tables: per 1,000 requests, or per hour."""
    if growth is None:
        return "–"
    if growth.axis is GrowthAxis.TIME:
        return f"{units.size(growth.slope, signed=True)} / h"
    return units.size(growth.slope * PER_REQUESTS, signed=True)


def rate_text(per_second: float) -> str:
    """Return requests per second, such as "2.3/s"."""
    return f"{per_second:.1f}/s" if per_second < units.MAX_WITH_DECIMAL else f"{per_second:,.0f}/s"


def bar_path(values: Sequence[int]) -> str:
    """Return the SVG path of bars, 96 wide and 24 high, to be stroked; "" if all are 0."""
    highest, step = max(values, default=0), SPARK_WIDTH / max(1, len(values))
    return "".join(
        f"M{(index + 0.5) * step:.0f} {SPARK_HEIGHT}"
        f"V{SPARK_HEIGHT - max(2.0, value / highest * SPARK_HEIGHT):.1f}"
        for index, value in enumerate(values)
        if value
    )


def sparkline_points(values: Sequence[int]) -> str:
    """Return the points of an SVG polyline that draws *values* 96 wide and 24 high.

    The full height is at least 2 % of the memory, so that noise looks small.
    """
    if len(values) <= 1:
        return ""
    low, high = min(values), max(values)
    value_range = max(high - low, high * 0.02, 1)
    lowest_drawn = (low + high - value_range) / 2
    step = SPARK_WIDTH / (len(values) - 1)
    heights = (
        SPARK_HEIGHT - 2 - (value - lowest_drawn) / value_range * (SPARK_HEIGHT - 4)
        for value in values
    )
    return " ".join(f"{index * step:.1f},{height:.1f}" for index, height in enumerate(heights))
