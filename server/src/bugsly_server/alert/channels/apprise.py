"""Sends through Apprise: mail, Slack, Discord, ntfy and some hundred more, each by its URL."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from bugsly_server.alert.apprise_child import AppriseMessage, AppriseOutcome, AppriseTask
from bugsly_server.alert.apprise_url import masked, scrub
from bugsly_server.alert.leak_message import Alert
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.errors import ChannelError

__all__ = ["check", "masked", "send"]

TIMEOUT_SECONDS = 20.0
CHILD_MODULE = "bugsly_server.alert.apprise_child"
PASSED_VARIABLES = (
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
NOTIFY_TYPES = {"quieted": "success", "fixed": "success", "resolved": "success", "test": "info"}


def send(url: str, alert: Alert, guard: AddressGuard) -> None:
    """Let a child process send *alert*; it is killed after `TIMEOUT_SECONDS`."""
    tone = NOTIFY_TYPES.get(alert.facts["change"], "warning")
    _run_child(AppriseTask(url, _networks(guard), AppriseMessage(alert.title, alert.text, tone)))


def check(url: str, guard: AddressGuard) -> None:
    """Raise `ChannelError` where Apprise does not know *url*, or may not send there."""
    _run_child(AppriseTask(url, _networks(guard)))


def _networks(guard: AddressGuard) -> list[str]:
    return [str(network) for network in guard.allowed]


def _run_child(task: AppriseTask) -> None:
    command = [sys.executable, "-P", "-B", "-m", CHILD_MODULE]
    passed = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    try:
        completed = subprocess.run(  # noqa: S603 - nothing in it comes from outside
            command,
            input=msgspec.json.encode(task),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            env={**passed, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ChannelError(
            f"{masked(task.url)}: no answer within {TIMEOUT_SECONDS:g} s → see whether it is up"
        ) from None
    outcome = _read_outcome(completed, task.url)
    if outcome.problem:
        raise ChannelError(outcome.problem, permanent=outcome.permanent)


def _read_outcome(completed: subprocess.CompletedProcess[bytes], url: str) -> AppriseOutcome:
    if completed.returncode == 0:
        return msgspec.json.decode(completed.stdout, type=AppriseOutcome)
    last_line = scrub(completed.stderr.decode(errors="replace").strip().rpartition("\n")[2], url)
    return AppriseOutcome(
        f"{masked(url)}: Apprise broke off ({last_line}) → see whether it is installed whole"
    )
