"""The agent's settings: one line each, from the environment or from `bugsly.init()`."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bugsly.protocol.dsn import Dsn, InvalidDsn, parse_dsn
from bugsly.recycle.memory_threshold import MemoryThreshold, parse_memory_threshold

if TYPE_CHECKING:
    from collections.abc import Mapping


class AgentSetting(NamedTuple):
    """One setting; its variable is `BUGSLY_` and the name in capitals."""

    name: str
    default: str
    help: str

    @property
    def variable(self) -> str:
        """Return the name of the environment variable."""
        return f"BUGSLY_{self.name.upper()}"


SETTINGS = (
    AgentSetting(
        "dsn", "", "Where to send, as the set-up page shows it; empty keeps the agent off"
    ),
    AgentSetting("release", "", "Version of the app; default: what the platform or git says"),
    AgentSetting("environment", "production", "Where the app runs, as production or staging"),
    AgentSetting("server_name", "", "Name of this host; default: the hostname"),
    AgentSetting("sample_every", "10", "Seconds between two samples of a worker, 0.5 to 3600"),
    AgentSetting("errors", "on", "Whether exceptions are reported: on or off"),
    AgentSetting(
        "send_locals", "on", "Whether they carry local variables, secrets taken out: on or off"
    ),
    AgentSetting(
        "recycle_at", "", "Private memory to recycle a worker at, as 400 MB or 80%; empty: never"
    ),
    AgentSetting(
        "recycle_age", "60", "Seconds a worker lives before it may be recycled, 1 to 86400"
    ),
    AgentSetting("recycles_per_hour", "20", "Workers of a host that may be recycled in an hour"),
)

RELEASE_VARIABLES = (
    "SENTRY_RELEASE",
    "HEROKU_SLUG_COMMIT",
    "RENDER_GIT_COMMIT",
    "RAILWAY_GIT_COMMIT_SHA",
    "SOURCE_VERSION",
    "GIT_COMMIT",
)
MAX_NAME_LENGTH = 200
SWITCH_VALUES = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


class InvalidSetting(ValueError):
    """A setting that cannot be used: *subject: fact → what to do*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """What an agent runs by."""

    dsn: Dsn
    release: str
    environment: str
    server_name: str
    sample_every: float
    errors: bool
    send_locals: bool
    recycle_at: MemoryThreshold | None
    recycle_age: float
    recycles_per_hour: int


def load_agent_settings(
    arguments: Mapping[str, str], environ: Mapping[str, str]
) -> AgentSettings | None:
    """Return the options of *arguments* over *environ*, or None when no DSN is set.

    Raises `InvalidSetting` for a value that cannot be used.
    """
    chosen = {
        setting.name: arguments.get(setting.name, environ.get(setting.variable, ""))
        or setting.default
        for setting in SETTINGS
    }
    if not chosen["dsn"]:
        return None
    return AgentSettings(
        dsn=_load_dsn(chosen["dsn"]),
        release=_clip_name(chosen["release"] or _find_release(environ)),
        environment=_clip_name(chosen["environment"]),
        server_name=_clip_name(chosen["server_name"] or socket.gethostname()),
        sample_every=_parse_number("sample_every", chosen, 0.5, 3600),
        errors=_parse_switch("errors", chosen),
        send_locals=_parse_switch("send_locals", chosen),
        recycle_at=_load_threshold(chosen["recycle_at"]),
        recycle_age=_parse_number("recycle_age", chosen, 1, 86400),
        recycles_per_hour=int(_parse_number("recycles_per_hour", chosen, 1, 100_000)),
    )


def _clip_name(text: str) -> str:
    """Return *text* cut to what the server keeps; bytes of the environment may be no text."""
    return text[:MAX_NAME_LENGTH].encode(errors="replace").decode()


def _load_dsn(text: str) -> Dsn:
    try:
        return parse_dsn(text)
    except InvalidDsn as error:
        raise InvalidSetting(
            f"BUGSLY_DSN: {error} → copy the line from the set-up page, or from `bugsly dsn`"
        ) from None


def _parse_number(name: str, chosen: Mapping[str, str], minimum: float, maximum: float) -> float:
    try:
        number = float(chosen[name])
    except ValueError:
        number = -1.0
    if not minimum <= number <= maximum:
        default = next(one.default for one in SETTINGS if one.name == name)
        raise InvalidSetting(
            f"BUGSLY_{name.upper()}: {chosen[name]!r} is no number from {minimum:g} to {maximum:g}"
            f" → set {default}"
        )
    return number


def _load_threshold(text: str) -> MemoryThreshold | None:
    threshold = parse_memory_threshold(text)
    if text and threshold is None:
        raise InvalidSetting(
            f"BUGSLY_RECYCLE_AT: {text!r} is no amount of memory → set 400 MB, or 80%"
        )
    return threshold


def _parse_switch(name: str, chosen: Mapping[str, str]) -> bool:
    text = chosen[name].strip().lower()
    if text not in SWITCH_VALUES:
        raise InvalidSetting(
            f"BUGSLY_{name.upper()}: {chosen[name]!r} is neither on nor off → set on or off"
        )
    return SWITCH_VALUES[text]


def _find_release(environ: Mapping[str, str]) -> str:
    for variable in RELEASE_VARIABLES:
        if environ.get(variable):
            return environ[variable]
    try:
        return _git_head(Path.cwd())
    except (OSError, ValueError):
        return ""


def _git_head(folder: Path) -> str:
    """Return the commit checked out in *folder* or above it, shortened to 12 digits, else ''."""
    repositories = (parent / ".git" for parent in (folder, *folder.parents))
    git = next((one for one in repositories if one.exists()), None)
    if git is None:
        return ""
    if git.is_file():
        git = git.parent / _read_line(git).removeprefix("gitdir: ")
    head = _read_line(git / "HEAD")
    return (_resolve_ref(git, head[5:]) if head.startswith("ref: ") else head)[:12]


def _resolve_ref(git: Path, ref: str) -> str:
    """Return the commit of *ref*; a linked worktree says in `commondir` where refs are kept."""
    ref_folder = git / _read_line(git / "commondir") if (git / "commondir").exists() else git
    if (ref_folder / ref).exists():
        return _read_line(ref_folder / ref)
    for line in (ref_folder / "packed-refs").read_text(encoding="utf-8").splitlines():
        if line.endswith(f" {ref}"):
            return line.split()[0]
    return ""


def _read_line(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()
