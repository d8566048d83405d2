"""The page of a leak: cause, fix, workers and history, with snooze and resolve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly.protocol.evidence import ProbeResult
from bugsly_server.clock import DAY, HOUR, Micros
from bugsly_server.explain.leak_markdown import render_leak_markdown
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.issue import Issue, IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.post_mortem import PostMortem
from bugsly_server.model.probe_status import problem_texts
from bugsly_server.model.recycling import lasting_hindrances
from bugsly_server.model.worker import Worker
from bugsly_server.store import post_mortems
from bugsly_server.store.meta import (
    final_snapshots,
    leak_issues,
    probe_requests,
    sources,
    workers,
)
from bugsly_server.store.meta.leak_issues import RecordedChange
from bugsly_server.web import llm_answer
from bugsly_server.web.issue_history import load_history
from bugsly_server.web.leak_remedies import leak_remedies
from bugsly_server.web.page_context import View, action, form_text

SNOOZE_PERIODS = {"1h": HOUR, "1d": DAY, "7d": 7 * DAY}


def show(view: View, issue: Issue) -> Response:
    """Show one leak."""
    return view.render("leak.html", _page_context(view, issue))


@action
def snooze(view: View, form: FormData) -> Response:
    """Send no alerts of a leak for a period, or end that period."""
    period = SNOOZE_PERIODS.get(form_text(form, "for"))
    issue_id = view.path_number("issue_id")
    with view.server.database.writing() as connection:
        if leak_issues.get(connection, view.current_project.id, issue_id) is not None:
            leak_issues.snooze(connection, issue_id, None if period is None else view.now + period)
    return view.redirect(f"issues/{issue_id}")


@action
def resolve(view: View, _form: FormData) -> Response:
    """Mark a leak as resolved; only a worker that starts later can reopen it."""
    issue_id = view.path_number("issue_id")
    with view.server.database.writing() as connection:
        issue = leak_issues.get(connection, view.current_project.id, issue_id)
        if issue is not None and issue.state is not IssueState.RESOLVED:
            record_leak_change(
                connection,
                view.current_project.id,
                issue,
                _resolution(view, issue),
                view.account.id,
            )
    view.server.live_updates.publish({view.current_project.id})
    return view.redirect(f"issues/{issue_id}")


def _page_context(view: View, issue: Issue) -> dict[str, object]:
    """Return what the template shows."""
    with view.server.database.reading() as connection:
        history = load_history(connection, view.current_project.id, issue.id)
        open_requests = probe_requests.list_open(connection, view.current_project.id)
        suspects = _suspect_workers(connection, issue)
        live_workers = [
            one
            for one in workers.list_living(connection, view.current_project.id)
            if one.is_alive(view.now) and one.environment == issue.finding.environment
        ]
        killed_workers = post_mortems.of_issue(connection, view.server.telemetry, issue, view.now)
        remedies = leak_remedies(connection, view.server.telemetry, issue, view.now)
        recycled_worker, final_snapshot = _last_final_snapshot(connection, issue)
        refusals = _refusals(connection, issue, suspects)
    suspect_ids = {one.worker_id for one in issue.finding.suspects}
    return {
        "issue": issue,
        **history.context,
        "history": _newest_first(history.changes, killed_workers),
        "hindered_nets": lasting_hindrances(live_workers),
        "has_safety_net": any(one.net is not None for one in live_workers),
        "suspect_workers": {one.id: one for one in suspects},
        "open_requests": [one for one in open_requests if one.worker_id in suspect_ids],
        "refusals": refusals,
        "proof": remedies.proof,
        "limits": remedies.limits,
        "snapshot_worker": recycled_worker,
        "final_snapshot": final_snapshot,
        "markdown": _markdown(view, issue),
        "llm_panel": llm_answer.panel_of_leak(view, issue),
        "span": min(7 * DAY, max(HOUR, 2 * (view.now - issue.opened_at))) // 1_000_000,
    }


def _suspect_workers(connection: Connection, issue: Issue) -> list[Worker]:
    """Return the suspects that are still kept."""
    ids = [one.worker_id for one in issue.finding.suspects]
    found = (workers.get(connection, issue.project_id, one) for one in ids)
    return [one for one in found if one is not None]


def _refusals(connection: Connection, issue: Issue, suspects: Sequence[Worker]) -> list[str]:
    """Return what the suspects were asked for and did not give, with their reasons."""
    problems = probe_requests.latest_problems(connection, [one.id for one in suspects])
    refusals = [text for one in suspects for text in problem_texts(one.pid, problems[one.id])]
    diagnosis = issue.finding.diagnosis
    file = None if diagnosis is None else diagnosis.location.file
    source = sources.by_file(connection, issue.project_id).get(file or "")
    if source is not None and source.problem:
        refusals.append(f"the source of {source.file} was not read: {source.problem}")
    return refusals


def _last_final_snapshot(
    connection: Connection, issue: Issue
) -> tuple[Worker | None, ProbeResult | None]:
    """Return the latest final snapshot of the environment of *issue*, and its worker."""
    worker_id = final_snapshots.latest_worker_id(
        connection, issue.project_id, issue.finding.environment
    )
    if worker_id is None:
        return None, None
    worker = workers.get(connection, issue.project_id, worker_id)
    return worker, final_snapshots.of_worker(connection, worker_id)


def _newest_first(
    history: Iterable[RecordedChange], killed_workers: Iterable[PostMortem]
) -> list[RecordedChange | PostMortem]:
    """Return the changes of a leak and the workers killed meanwhile, newest first."""
    entries: list[RecordedChange | PostMortem] = [*history, *killed_workers]
    return sorted(entries, key=_sort_key, reverse=True)


def _sort_key(entry: RecordedChange | PostMortem) -> tuple[Micros, int]:
    """Return the sort key of an entry; changes at the same moment keep their order."""
    if isinstance(entry, PostMortem):
        return entry.worker.ended_at or 0, 0
    return entry.change.at, entry.id


def _markdown(view: View, issue: Issue) -> str:
    finding = issue.finding
    if finding.diagnosis is None or finding.explanation is None:
        return ""
    url = f"{view.base_url}/p/{view.current_project.slug}/issues/{issue.id}"
    return render_leak_markdown(finding.diagnosis, finding.explanation, url)


def _resolution(view: View, issue: Issue) -> IssueChange:
    reason = f"{view.account.name} resolved it"
    return IssueChange(
        kind=IssueChangeKind.RESOLVED, at=view.now, because=reason, finding=issue.finding
    )
