"""The server's settings, from the command line or from the environment."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bugsly.setting_fields import (
    InvalidSetting,
    UnusableValue,
    ValueParser,
    list_settings,
    parse_settings,
    setting,
)
from bugsly_server.errors import Misconfigured
from bugsly_server.model.project_limits import (
    OTHER_ENVIRONMENTS,
    STARTS_PER_WORKER,
    ProjectLimits,
)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
HOST_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")
DEFAULT_DATA_DIR = "~/.local/share/bugsly"


def _whole_number_between(minimum: int, maximum: int) -> ValueParser[int]:
    values = f"{minimum} to {maximum}"

    def parse(text: str) -> int:
        if text.isascii() and text.isdigit() and minimum <= int(text) <= maximum:
            return int(text)
        raise UnusableValue(f"{text!r} is not a whole number from {values}")

    return ValueParser(parse, values)


def _parse_folder(text: str) -> Path:
    return Path(os.path.expanduser(text)).absolute()  # noqa: PTH111 - Path.expanduser raises without a home


def _find_data_dir(environ: Mapping[str, str]) -> str:
    data_home = environ.get("XDG_DATA_HOME")
    return f"{data_home}/bugsly" if data_home else DEFAULT_DATA_DIR


def _parse_url(text: str) -> str:
    if text and not _is_url(text):
        raise UnusableValue(f"{text!r} is not a URL", "write it as https://bugs.example.com")
    return text.rstrip("/")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    extra_parts = parts.query or parts.fragment or parts.username
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not extra_parts


def _parse_networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise UnusableValue(str(error), "write networks as 10.0.0.0/8,127.0.0.1/32") from None


def _parse_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if not HOST_NAME.fullmatch(name):
            raise UnusableValue(f"{name!r} is not a host name", "write names as bugs,bugs.lan")
    return names


def _parse_optional_path(text: str) -> Path | None:
    return _parse_folder(text) if text else None


def _parse_size(text: str) -> int:
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)\s*([kMGT])B", text.strip())
    if match is None or not float(match[1]):
        raise UnusableValue(f"{text!r} is not a size", "write it as 500 MB or 20 GB")
    return round(float(match[1]) * BYTES_PER_UNIT[match[2]])


TEXT = ValueParser(str)
BYTES_PER_UNIT = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
SIZE = ValueParser(_parse_size, "such as 500 MB or 20 GB")
DEFAULT_LIMITS = ProjectLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a server runs by; each field is a variable, and a flag of the commands that use it."""

    host: str = setting("127.0.0.1", TEXT, "Address to listen on; 0.0.0.0 for every interface")
    port: int = setting(
        "8420", _whole_number_between(0, 65535), "Port to listen on; 0 takes a free one"
    )
    data_dir: Path = setting(
        DEFAULT_DATA_DIR,
        ValueParser(_parse_folder),
        "Folder where the server keeps its data",
        find_default=_find_data_dir,
    )
    public_url: str = setting(
        "",
        ValueParser(_parse_url, "such as https://bugs.example.com"),
        "URL at which people and agents reach the server",
    )
    allowed_hosts: tuple[str, ...] = setting(
        "",
        ValueParser(_parse_names, "such as bugs,bugs.lan"),
        "Further host names under which people and programs open the server",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        "127.0.0.1,::1",
        ValueParser(_parse_networks, "such as 172.18.0.2"),
        "Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed",
    )
    hsts_days: int = setting(
        "0",
        _whole_number_between(0, 3650),
        "Days for which browsers are told to use https only, where the public URL is https",
    )
    max_connections: int = setting(
        "1000",
        _whole_number_between(16, 100_000),
        "Connections that may be open, half of them from one address that is no proxy's;"
        " at most half of the files that the process may open",
    )
    keep_days: int = setting(
        "90", _whole_number_between(2, 3650), "Days to keep samples and ended workers"
    )
    events_per_minute: int = setting(
        "6000", _whole_number_between(1, 10**6), "Events a project may send in a minute"
    )
    events_per_day: int = setting(
        "1000000", _whole_number_between(1, 10**9), "Events a project may send in a day"
    )
    bytes_per_day: int = setting(
        "2 GB",
        SIZE,
        "What a project may send in a day, unpacked; it is asked to pause until midnight UTC then",
    )
    reports_per_minute: int = setting(
        "12000",
        _whole_number_between(1, 10**6),
        "Memory reports a key may send in a minute",
    )
    most_errors: int = setting(
        str(DEFAULT_LIMITS.errors),
        _whole_number_between(10, 10**6),
        "Error issues a project may have; further errors share one issue",
    )
    keep_free_mb: int = setting(
        "64",
        _whole_number_between(0, 10**6),
        "Megabytes of the disk to leave free; with less, reports are refused until there is room",
    )
    most_leaks: int = setting(
        str(DEFAULT_LIMITS.leaks),
        _whole_number_between(10, 10**4),
        "Leak issues a project may have; further leaks share one issue",
    )
    most_workers: int = setting(
        str(DEFAULT_LIMITS.workers),
        _whole_number_between(1, 10**5),
        f"Workers of a project that may be alive at once; {STARTS_PER_WORKER} times as many"
        " may start in a day",
    )
    most_releases: int = setting(
        str(DEFAULT_LIMITS.releases),
        _whole_number_between(10, 10**6),
        "Releases a project may have; further ones are not listed",
    )
    most_environments: int = setting(
        str(DEFAULT_LIMITS.environments),
        _whole_number_between(1, 10**4),
        f"Environments a project may have; further ones are one, called {OTHER_ENVIRONMENTS}",
    )
    most_tags: int = setting(
        str(DEFAULT_LIMITS.tags),
        _whole_number_between(1_000, 10**8),
        "Releases, environments and users of all errors of a project together",
    )
    keep_bytes: int = setting(
        "20 GB",
        SIZE,
        "Size of the data folder beyond which the oldest days of samples and events are deleted;"
        " the last two days never are",
    )
    backup_file: Path | None = setting(
        "",
        ValueParser(_parse_optional_path, "such as /backups/bugsly.tar"),
        "File or folder of your backup; an alert goes out when nothing in it is recent",
    )
    backup_hours: int = setting(
        "26", _whole_number_between(1, 8_760), "Hours after which that backup is old"
    )
    allow_networks: tuple[Network, ...] = setting(
        "",
        ValueParser(_parse_networks, "such as 10.0.0.0/8,127.0.0.1/32"),
        "Private networks that alerts may be sent to",
    )
    model_url: str = setting(
        "",
        ValueParser(_parse_url, "such as http://127.0.0.1:11434/v1 for Ollama"),
        "API of a language model that adds explanations",
    )
    model_name: str = setting(
        "", ValueParser(str, "such as qwen2.5-coder:7b"), "Name of that language model"
    )
    model_key: str = setting(
        "",
        TEXT,
        "API key for that model; set the variable instead of the flag, which other users can read",
        secret=True,
    )

    @property
    def has_https_url(self) -> bool:
        """Return whether people reach the server by https, possibly through a proxy."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def project_limits(self) -> ProjectLimits:
        """Return how much each project may have."""
        return ProjectLimits(
            errors=self.most_errors,
            leaks=self.most_leaks,
            releases=self.most_releases,
            environments=self.most_environments,
            workers=self.most_workers,
            tags=self.most_tags,
        )


SETTINGS = list_settings(ServerSettings)


def load_settings(given: Mapping[str, str | None], environ: Mapping[str, str]) -> ServerSettings:
    """Return the settings of *given* over *environ*; raise `Misconfigured` for an unusable one."""
    texts = {
        declared.name: given.get(declared.name) or environ.get(declared.variable, "")
        for declared in SETTINGS
    }
    try:
        return parse_settings(ServerSettings, texts, environ)
    except InvalidSetting as error:
        raise Misconfigured(str(error)) from None
