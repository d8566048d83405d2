"""Decides whether an app, a channel, the digest or a backup has stopped, and what to alert."""

from __future__ import annotations

from collections.abc import Sequence

from bugsly.protocol.memory import ExitReason
from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.detect.leak_lifecycle import MIN_ALERT_GAP
from bugsly_server.model.issue import IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.outage import ChannelFailure, Outage, OutageIssue, OutageKind
from bugsly_server.model.units import count, duration
from bugsly_server.model.worker import Worker

MAX_SILENCE_TO_OPEN: Micros = DAY
"""An app that has been silent for longer was left so, or was before this server watched it."""
MAX_DIGEST_LAG: Micros = 5 * MINUTE
"""Longer than a batch takes, and than the store is given to recover."""
UNANNOUNCED_ENDS = frozenset(
    {ExitReason.KILLED, ExitReason.CRASHED, ExitReason.OUT_OF_MEMORY, ExitReason.TIMEOUT}
)
RECOVERIES = {
    OutageKind.APP: "a worker reports, or the app has said goodbye",
    OutageKind.CHANNEL: "the channel accepts alerts again, or was removed",
    OutageKind.DIGEST: "what arrives is digested at once",
    OutageKind.BACKUP: "the backup is recent",
}


def silent_app(
    living: Sequence[Worker],
    ended: Sequence[Worker],
    silence: Micros,
    watched_since: Micros | None,
    now: Micros,
) -> Outage | None:
    """Return that no worker has reported for *silence* although none said goodbye.

    *living* have not ended, *ended* are those that ended last, the latest first. *watched_since*
    says since when this server could have heard of them, None where it is known that the app is
    silent. Processes that only SDKs measure do not count: they report while they are busy.
    """
    known = [one for one in living if one.has_agent] or [
        one for one in ended[:1] if one.has_agent and _ended_unannounced(one)
    ]
    if not known or not silence:
        return None
    last = max(known, key=lambda worker: worker.seen_at)
    quiet_for = now - max(last.seen_at, watched_since or 0)
    is_old = watched_since is not None and now - last.seen_at > MAX_SILENCE_TO_OPEN
    if quiet_for < max(silence, last.silent_after) or is_old:
        return None
    subject = "its worker" if len(known) == 1 else f"none of its {count(len(known))} workers"
    verb = "has not reported" if len(known) == 1 else "has reported"
    return Outage(
        kind=OutageKind.APP,
        title="The app does not report",
        because=f"{subject} {verb} for {duration((now - last.seen_at) / SECOND)},"
        f" and no goodbye came; the last was {last.name}"
        " → see whether the app and its host run, and reach this server",
    )


def failing_channel(failure: ChannelFailure) -> Outage:
    """Return that a channel keeps failing."""
    tries = "once" if failure.attempts == 1 else f"{failure.attempts} times in a row"
    return Outage(
        kind=OutageKind.CHANNEL,
        title=f"Channel {failure.name} fails",
        because=f"it did not accept an alert, tried {tries}: {failure.problem.partition(' → ')[0]}"
        " → fix it, then send a test on the alerts page",
        channel_id=failure.channel_id,
    )


def late_digest(oldest: Micros | None, now: Micros) -> Outage | None:
    """Return that what arrived at *oldest* still waits; None where nothing waits."""
    if oldest is None or now - oldest < MAX_DIGEST_LAG:
        return None
    return Outage(
        kind=OutageKind.DIGEST,
        title="The server lags behind",
        because=f"what arrived {duration((now - oldest) / SECOND)} ago is not digested yet,"
        " so pages and alerts are as old → see the server's log, its CPU and its disk",
    )


def old_backup(made_at: Micros | None, max_age: Micros, now: Micros) -> Outage | None:
    """Return that the newest backup is older than *max_age*; *made_at* is None for none at all."""
    if made_at is not None and now - made_at <= max_age:
        return None
    age = "" if made_at is None else duration((now - made_at) / SECOND)
    fact = f"the newest was made {age} ago" if age else "none is where BUGSLY_BACKUP_FILE points"
    return Outage(
        kind=OutageKind.BACKUP,
        title="There is no recent backup",
        because=f"{fact}, and {max_age // HOUR} h are allowed → see what makes it",
    )


def next_outage_change(
    issue: OutageIssue | None, outage: Outage | None, now: Micros
) -> IssueChange | None:
    """Return the change to record now, if any: it began, or it is over."""
    is_open = issue is not None and issue.state is IssueState.OPEN
    if issue is not None and is_open and outage is None:
        because = RECOVERIES[issue.kind]
        return IssueChange(kind=IssueChangeKind.RESOLVED, at=now, because=because, finding=None)
    if outage is None or is_open or (issue is not None and now - issue.changed_at < MIN_ALERT_GAP):
        return None
    kind = IssueChangeKind.OPENED if issue is None else IssueChangeKind.CAME_BACK
    return IssueChange(kind=kind, at=now, because=outage.because, finding=None)


def _ended_unannounced(worker: Worker) -> bool:
    return worker.fell_silent or worker.exit_reason in UNANNOUNCED_ENDS
