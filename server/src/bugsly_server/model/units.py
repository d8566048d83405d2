"""Numbers as a person reads them: MB, per 1,000 requests, 3 h."""

from __future__ import annotations

SIZE_UNITS = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
TIME_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
MAX_WITH_DECIMAL = 9.95


def size(amount: float, *, signed: bool = False) -> str:
    """Return *amount* bytes as `12.3 MB`; with a plus in front where *signed* asks for it."""
    sign = "-" if amount < 0 else "+" if signed and amount > 0 else ""
    amount = abs(amount)
    for unit, name in SIZE_UNITS:
        if amount >= unit * 0.9995:
            return f"{sign}{_short(amount / unit)} {name}"
    return f"{sign}{amount:.0f} B"


def count(number: float) -> str:
    """Return *number* with its thousands apart."""
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """Return a span of time as `3 h`, `45 s` or `1.5 d`."""
    for unit, name in TIME_UNITS:
        if seconds >= unit:
            return f"{_short(seconds / unit)} {name}"
    return f"{seconds:.0f} s"


def slope(amount: float, axis: str) -> str:
    """Return a growth as `21 kB per request` or `3.1 MB per hour`."""
    return f"{size(amount, signed=True)} per {axis}"


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value < MAX_WITH_DECIMAL else f"{value:.0f}"
