"""The server's settings: one line each; environment, command line, checks and docs follow."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from bugsly_server.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ServerSetting(NamedTuple):
    """One setting; its variable is `BUGSLY_` and the name in capitals, its flag `--name`."""

    name: str
    default: str
    help: str

    @property
    def variable(self) -> str:
        """Return the name of the environment variable."""
        return f"BUGSLY_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """Return the command-line flag."""
        return "--" + self.name.replace("_", "-")


SETTINGS = (
    ServerSetting("host", "127.0.0.1", "Address to listen on; 0.0.0.0 for every interface"),
    ServerSetting("port", "8420", "Port to listen on; 0 takes a free one"),
    ServerSetting(
        "data_dir", "~/.local/share/bugsly", "Folder that holds everything the server keeps"
    ),
    ServerSetting("public_url", "", "Address under which people and agents reach this server"),
    ServerSetting(
        "keep_days", "90", "Forget samples and ended workers after this many days, 2 to 3650"
    ),
    ServerSetting(
        "events_per_minute", "6000", "Events a project may send in a minute, 1 to 1000000"
    ),
    ServerSetting(
        "events_per_day", "1000000", "Events a project may send in a day, 1 to 1000000000"
    ),
    ServerSetting(
        "most_errors", "10000", "Error issues of a project, 10 to 1000000; later ones share one"
    ),
    ServerSetting(
        "allow_networks",
        "",
        "Private networks that alerts may be sent to, as 10.0.0.0/8,127.0.0.1/32",
    ),
    ServerSetting(
        "model_url", "", "Model that explains too, as http://127.0.0.1:11434/v1 for Ollama"
    ),
    ServerSetting("model_name", "", "Name of that model, as qwen2.5-coder:7b"),
    ServerSetting("model_key", "", "Its API key; give it as a variable, not as a flag"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a server runs by."""

    host: str
    port: int
    data_dir: Path
    public_url: str
    keep_days: int
    events_per_minute: int
    events_per_day: int
    most_errors: int
    allow_networks: tuple[Network, ...]
    model_url: str = ""
    model_name: str = ""
    model_key: str = field(default="", repr=False)


def load_settings(given: Mapping[str, str | None], environ: Mapping[str, str]) -> ServerSettings:
    """Return the settings of *given* over *environ*; raise `Misconfigured` for an unusable one."""
    chosen = {
        setting.name: given.get(setting.name) or environ.get(setting.variable) or setting.default
        for setting in SETTINGS
    }
    return ServerSettings(
        host=chosen["host"],
        port=_number("port", chosen["port"], 0, 65535),
        data_dir=_folder(chosen["data_dir"], environ),
        public_url=_address("public_url", chosen["public_url"]),
        keep_days=_number("keep_days", chosen["keep_days"], 2, 3650),
        events_per_minute=_number("events_per_minute", chosen["events_per_minute"], 1, 10**6),
        events_per_day=_number("events_per_day", chosen["events_per_day"], 1, 10**9),
        most_errors=_number("most_errors", chosen["most_errors"], 10, 10**6),
        allow_networks=_networks(chosen["allow_networks"]),
        model_url=_address("model_url", chosen["model_url"]),
        model_name=chosen["model_name"],
        model_key=chosen["model_key"],
    )


def _variable(name: str) -> str:
    return next(setting.variable for setting in SETTINGS if setting.name == name)


def _number(name: str, value: str, minimum: int, maximum: int) -> int:
    if value.isascii() and value.isdigit() and minimum <= int(value) <= maximum:
        return int(value)
    raise Misconfigured(
        f"{_variable(name)}: {value!r} is no number from {minimum} to {maximum} → correct it"
    )


def _folder(text: str, environ: Mapping[str, str]) -> Path:
    data_home = environ.get("XDG_DATA_HOME")
    if text == "~/.local/share/bugsly" and data_home:
        return Path(data_home) / "bugsly"
    return Path(os.path.expanduser(text)).absolute()  # noqa: PTH111 - Path.expanduser raises without a home


def _address(name: str, text: str) -> str:
    if text and not _is_address(text):
        raise Misconfigured(
            f"{_variable(name)}: {text!r} is no address → write it as https://bugs.example.com"
        )
    return text.rstrip("/")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    extra_parts = parts.query or parts.fragment or parts.username
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not extra_parts


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise Misconfigured(
            f"BUGSLY_ALLOW_NETWORKS: {error} → write networks as 10.0.0.0/8,127.0.0.1/32"
        ) from None
