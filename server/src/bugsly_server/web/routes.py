"""Which address leads to which page."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bugsly_server.web import (
    account,
    advice,
    alerts,
    api,
    charts,
    issues,
    live,
    login,
    metrics,
    releases,
    setup,
    triage,
    worker,
    workers,
)
from bugsly_server.web.mcp.endpoint import McpEndpoint
from bugsly_server.web.site import render, site_of

STATIC = Path(__file__).with_name("static")
PROJECT = "/p/{slug}"


class Assets(StaticFiles):
    """Style sheets and scripts, which browsers ask about again after an hour."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return one file."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=3600"
        return response


def routes() -> list[BaseRoute]:
    """Return all but the address that envelopes are posted to."""
    return [
        Route("/", workers.home),
        Route("/welcome", login.welcome, methods=["GET", "POST"]),
        Route("/login", login.login, methods=["GET", "POST"]),
        Route("/logout", login.logout, methods=["POST"]),
        Route("/enter/{secret}", login.enter),
        Route("/account", account.show),
        Route("/account/password", account.set_password, methods=["POST"]),
        Route("/account/tokens", account.make_token, methods=["POST"]),
        Route("/account/tokens/{token_id:int}/revoke", account.revoke_token, methods=["POST"]),
        Route("/account/projects", account.make_project, methods=["POST"]),
        Route(f"{PROJECT}/", workers.overview),
        Route(f"{PROJECT}/live", live.stream),
        Route(f"{PROJECT}/chart.json", charts.fleet),
        Route(f"{PROJECT}/workers/{{worker_id:int}}", worker.show),
        Route(f"{PROJECT}/workers/{{worker_id:int}}/chart.json", charts.worker),
        Route(f"{PROJECT}/issues", issues.listing),
        Route(f"{PROJECT}/issues/{{issue_id:int}}", issues.show),
        Route(f"{PROJECT}/issues/{{issue_id:int}}/holder.json", charts.holder),
        Route(f"{PROJECT}/issues/{{issue_id:int}}/snooze", issues.snooze, methods=["POST"]),
        Route(f"{PROJECT}/issues/{{issue_id:int}}/resolve", issues.resolve, methods=["POST"]),
        Route(f"{PROJECT}/issues/{{issue_id:int}}/advice", advice.ask, methods=["POST"]),
        Route(f"{PROJECT}/issues/{{issue_id:int}}/advice/live", advice.follow),
        *_errors(),
        Route(f"{PROJECT}/releases", releases.show),
        Route(f"{PROJECT}/alerts", alerts.show),
        Route(f"{PROJECT}/alerts", alerts.add, methods=["POST"]),
        Route(f"{PROJECT}/alerts/{{channel_id:int}}/test", alerts.test, methods=["POST"]),
        Route(f"{PROJECT}/alerts/{{channel_id:int}}/remove", alerts.remove, methods=["POST"]),
        Route(f"{PROJECT}/setup", setup.show),
        Route(f"{PROJECT}/secrets", setup.set_secrets, methods=["POST"]),
        *_for_programs(),
        Route("/healthz", api.health),
        Mount("/static", Assets(directory=STATIC)),
    ]


def _errors() -> list[BaseRoute]:
    """Return what can be done about an error."""
    of_one = f"{PROJECT}/errors/{{issue_id:int}}"
    acts = {
        "resolve": triage.resolve,
        "ignore": triage.ignore,
        "reopen": triage.reopen,
        "merge": triage.merge,
        "split": triage.split,
    }
    return [Route(f"{of_one}/{name}", act, methods=["POST"]) for name, act in acts.items()]


def _for_programs() -> list[BaseRoute]:
    """Return what asks for a token instead of a session."""
    return [
        Route("/api/v1/workers", api.list_workers),
        Route("/api/v1/issues", api.list_issues),
        Route("/api/v1/workers/{worker_id:int}/heap", api.ask_for_heap, methods=["POST"]),
        Route("/api/v1/asks/{ask_id:int}", api.show_ask),
        Route("/metrics", metrics.show),
        Route("/mcp", McpEndpoint()),
    ]


async def missing(request: Request, _error: Exception) -> Response:
    """Answer for an address that leads nowhere."""
    if request.url.path.startswith("/api/"):
        return PlainTextResponse("address: leads nowhere here → see docs/protocol.md", 404)
    return render(site_of(request), "lost.html", {}, 404)


async def failed(request: Request, _error: Exception) -> Response:
    """Answer for a page that failed, without a word of why: that is in the server's log."""
    return render(site_of(request), "failed.html", {}, 500)
