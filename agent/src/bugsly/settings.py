"""The agent's settings, from the environment or from `bugsly.init()`."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from bugsly.protocol.dsn import Dsn, InvalidDsn, parse_dsn
from bugsly.recycle.memory_threshold import MemoryThreshold, parse_memory_threshold
from bugsly.release import find_release
from bugsly.setting_fields import (
    UnusableValue,
    ValueParser,
    list_settings,
    parse_settings,
    setting,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NAME_LENGTH = 200
SWITCH_VALUES = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


def _number_between(minimum: float, maximum: float) -> ValueParser[float]:
    values = f"{minimum:g} to {maximum:g}"

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not minimum <= number <= maximum:
            raise UnusableValue(f"{text!r} is not a number from {values}")
        return number

    return ValueParser(parse, values)


def _count_between(minimum: int, maximum: int) -> ValueParser[int]:
    number = _number_between(minimum, maximum)
    return ValueParser(lambda text: int(number.parse(text)), f"{minimum} to {maximum}")


def _parse_name(text: str) -> str:
    """Return *text* cut to what the server keeps; bytes of the environment may be no text."""
    return text[:MAX_NAME_LENGTH].encode(errors="replace").decode()


def _parse_dsn(text: str) -> Dsn:
    try:
        return parse_dsn(text)
    except InvalidDsn as error:
        raise UnusableValue(
            str(error), "copy the line from the set-up page, or from `bugsly dsn`"
        ) from None


def _parse_threshold(text: str) -> MemoryThreshold | None:
    threshold = parse_memory_threshold(text)
    if text and threshold is None:
        raise UnusableValue(f"{text!r} is not an amount of memory", "set 400 MB, or 80%")
    return threshold


def _parse_switch(text: str) -> bool:
    value = SWITCH_VALUES.get(text.strip().lower())
    if value is None:
        raise UnusableValue(f"{text!r} is neither on nor off", "set on or off")
    return value


class ProbeLevel(Enum):
    """Which probes a worker runs, besides those that every sample needs."""

    OFF = "off"
    CENSUS = "census"
    ALL = "all"


def _parse_probe_level(text: str) -> ProbeLevel:
    try:
        return ProbeLevel(text.strip().lower())
    except ValueError:
        raise UnusableValue(f"{text!r} is none of them", "set off, census or all") from None


NAME = ValueParser(_parse_name)
SWITCH = ValueParser(_parse_switch, "on or off")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """What an agent runs by; each field is a variable and an argument of `bugsly.init()`."""

    dsn: Dsn = setting(
        "",
        ValueParser(_parse_dsn),
        "Where to report to: copy it from the set-up page; if empty, the agent is off",
    )
    release: str = setting(
        "",
        NAME,
        "Version of the app; if empty, what the platform or git says",
        find_default=find_release,
    )
    environment: str = setting(
        "production", ValueParser(_parse_name, "such as staging"), "Where the app runs"
    )
    server_name: str = setting(
        "",
        NAME,
        "Name of this host; if empty, the hostname",
        find_default=lambda _: socket.gethostname(),
    )
    sample_every: float = setting(
        "10", _number_between(0.5, 3600), "Seconds between two samples of a worker"
    )
    errors: bool = setting("on", SWITCH, "Whether to report exceptions")
    send_locals: bool = setting(
        "on", SWITCH, "Whether exceptions carry local variables, without secrets"
    )
    probes: ProbeLevel = setting(
        "all",
        ValueParser(_parse_probe_level, "off, census or all"),
        "What looks for causes of growth: nothing, what counts at every sample, or also what the"
        " server requests, within 0.5 % of the worker's time",
    )
    library_sources: bool = setting(
        "off",
        SWITCH,
        "Whether the server may also read the source of libraries, not only the app's own",
    )
    recycle_at: MemoryThreshold | None = setting(
        "",
        ValueParser(_parse_threshold, "such as 400 MB or 80%"),
        "Private memory at which a worker is recycled; if empty, never",
    )
    recycle_age: float = setting(
        "60", _number_between(1, 86400), "Seconds a worker lives before it may be recycled"
    )
    recycles_per_hour: int = setting(
        "20", _count_between(1, 100_000), "Workers of a host that may be recycled in an hour"
    )


SETTINGS = list_settings(AgentSettings)


def argument_texts(arguments: Mapping[str, object]) -> dict[str, str]:
    """Return the text of each setting among *arguments*, those of `bugsly.init()`."""
    given = {declared.name: arguments[declared.name] for declared in SETTINGS}
    return {name: str(value) for name, value in given.items() if value is not None}


def load_agent_settings(
    arguments: Mapping[str, str], environ: Mapping[str, str]
) -> AgentSettings | None:
    """Return the settings of *arguments* over *environ*, or None when no DSN is set.

    An empty argument hides its variable. Raises `InvalidSetting` for a value that cannot be used.
    """
    texts = {
        declared.name: arguments.get(declared.name, environ.get(declared.variable, ""))
        for declared in SETTINGS
    }
    return parse_settings(AgentSettings, texts, environ) if texts["dsn"] else None
