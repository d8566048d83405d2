"""Sends through Apprise: mail, Slack, Discord, ntfy and some hundred more, each by its URL."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from bugsly_server.alert.address_guard import AddressGuard
from bugsly_server.alert.apprise_child import Message, Outcome, Task
from bugsly_server.alert.apprise_url import masked, scrub
from bugsly_server.alert.message import Alert
from bugsly_server.errors import ChannelError

__all__ = ["check", "masked", "send"]

SECONDS = 20.0
CHILD = "bugsly_server.alert.apprise_child"
KEPT = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "LD_LIBRARY_PATH",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TZ",
)
"""Environment that the child gets: no proxies, no session bus, no secrets of others."""
TONES = {"quieted": "success", "fixed": "success", "resolved": "success", "test": "info"}


def send(url: str, alert: Alert, guard: AddressGuard) -> None:
    """Let a child process send *alert*; it is killed after `SECONDS`."""
    tone = TONES.get(alert.facts["change"], "warning")
    _run(Task(url, _networks(guard), Message(alert.title, alert.text, tone)))


def check(url: str, guard: AddressGuard) -> None:
    """Raise `ChannelError` where Apprise does not know *url*, or may not send there."""
    _run(Task(url, _networks(guard)))


def _networks(guard: AddressGuard) -> list[str]:
    return [str(network) for network in guard.allowed]


def _run(task: Task) -> None:
    command = [sys.executable, "-P", "-B", "-m", CHILD]
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    try:
        ended = subprocess.run(  # noqa: S603 - nothing in it comes from outside
            command,
            input=msgspec.json.encode(task),
            capture_output=True,
            timeout=SECONDS,
            env={**kept, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChannelError(
            f"{masked(task.url)}: no answer within {SECONDS:g} s → see whether it is up"
        ) from None
    outcome = _outcome(ended, task.url)
    if outcome.problem:
        raise ChannelError(outcome.problem, permanent=outcome.permanent)


def _outcome(ended: subprocess.CompletedProcess[bytes], url: str) -> Outcome:
    if ended.returncode == 0:
        return msgspec.json.decode(ended.stdout, type=Outcome)
    last = scrub(ended.stderr.decode(errors="replace").strip().rpartition("\n")[2], url)
    return Outcome(f"{masked(url)}: Apprise broke off ({last}) → see whether it is installed whole")
