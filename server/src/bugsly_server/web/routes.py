"""Maps URLs to pages, actions and program endpoints."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from bugsly_server.web import (
    account,
    alerts,
    api,
    charts,
    erase_api,
    event_stream,
    health,
    issues,
    keys,
    leak_page,
    llm_answer,
    login,
    metrics,
    overview_page,
    path_numbers,
    releases,
    setup,
    triage,
    usage_page,
    welcome,
    worker_page,
)
from bugsly_server.web.mcp.endpoint import McpEndpoint
from bugsly_server.web.page_context import render, server_of

LOG = logging.getLogger("bugsly")
STATIC = Path(__file__).with_name("static")
PROJECT = "/p/{slug}"
SEE_LOG = "The server's log says why. Reports from agents are still accepted."


class CachedStaticFiles(StaticFiles):
    """Serves style sheets and scripts, cached by browsers for an hour."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return one file."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "public, max-age=3600"
        return response


def routes() -> list[BaseRoute]:
    """Return all routes but that of the ingest endpoint."""
    path_numbers.register()
    return [
        Route("/", overview_page.home),
        Route("/welcome", welcome.show_or_claim, methods=["GET", "POST"]),
        Route("/login", login.login, methods=["GET", "POST"]),
        Route("/logout", login.logout, methods=["POST"]),
        Route("/enter/{secret}", login.open_login_link),
        Route("/account", account.show),
        Route("/account/password", account.set_password, methods=["POST"]),
        Route("/account/tokens", account.make_token, methods=["POST"]),
        Route("/account/tokens/{token_id:int}/revoke", account.revoke_token, methods=["POST"]),
        Route("/account/projects", account.make_project, methods=["POST"]),
        Route(PROJECT, overview_page.overview),
        Route(f"{PROJECT}/", overview_page.overview),
        Route(f"{PROJECT}/live", event_stream.stream_updates),
        Route(f"{PROJECT}/chart.json", charts.project_chart),
        Route(f"{PROJECT}/workers/{{worker_id:int}}", worker_page.show),
        Route(f"{PROJECT}/workers/{{worker_id:int}}/chart.json", charts.worker_chart),
        Route(f"{PROJECT}/issues", issues.list_page),
        *_leak_routes(),
        *_triage_routes(),
        Route(f"{PROJECT}/releases", releases.show),
        *_alert_routes(),
        Route(f"{PROJECT}/usage", usage_page.show),
        Route(f"{PROJECT}/usage/erase", usage_page.erase, methods=["POST"]),
        Route(f"{PROJECT}/setup", setup.show),
        Route(f"{PROJECT}/secrets", setup.set_secrets, methods=["POST"]),
        *_key_routes(),
        *_program_routes(),
        Mount("/static", CachedStaticFiles(directory=STATIC)),
    ]


def _leak_routes() -> list[BaseRoute]:
    """Return the page of an issue, and the actions on a leak."""
    path = f"{PROJECT}/issues/{{issue_id:int}}"
    return [
        Route(path, issues.show),
        Route(f"{path}/holder.json", charts.holder_chart),
        Route(f"{path}/snooze", leak_page.snooze, methods=["POST"]),
        Route(f"{path}/resolve", leak_page.resolve, methods=["POST"]),
        Route(f"{path}/advice", llm_answer.ask_model, methods=["POST"]),
        Route(f"{path}/advice/live", llm_answer.stream_progress),
    ]


def _triage_routes() -> list[BaseRoute]:
    """Return the actions on an error."""
    issue_path = f"{PROJECT}/errors/{{issue_id:int}}"
    handlers = {
        "resolve": triage.resolve,
        "ignore": triage.ignore,
        "reopen": triage.reopen,
        "merge": triage.merge,
        "split": triage.split,
    }
    return [Route(f"{issue_path}/{name}", act, methods=["POST"]) for name, act in handlers.items()]


def _alert_routes() -> list[BaseRoute]:
    """Return the page of alerts and its actions."""
    channel = f"{PROJECT}/alerts/{{channel_id:int}}"
    return [
        Route(f"{PROJECT}/alerts", alerts.show),
        Route(f"{PROJECT}/alerts", alerts.add, methods=["POST"]),
        Route(f"{PROJECT}/alerts/silence", alerts.set_silence, methods=["POST"]),
        Route(f"{channel}/test", alerts.try_channel, methods=["POST"]),
        Route(f"{channel}/remove", alerts.remove, methods=["POST"]),
    ]


def _key_routes() -> list[BaseRoute]:
    """Return the page of keys, and the actions on one."""
    path = f"{PROJECT}/keys"
    return [
        Route(path, keys.show),
        Route(path, keys.add, methods=["POST"]),
        Route(f"{path}/change", keys.change, methods=["POST"]),
        Route(f"{path}/rotate", keys.rotate, methods=["POST"]),
        Route(f"{path}/revoke", keys.revoke, methods=["POST"]),
    ]


def _program_routes() -> list[BaseRoute]:
    """Return the endpoints of programs, which need a token instead of a session, or nothing."""
    return [
        Route("/api/v1/workers", api.list_workers),
        Route("/api/v1/issues", api.list_issues),
        Route("/api/v1/workers/{worker_id:int}/heap", api.request_heap_walk, methods=["POST"]),
        Route("/api/v1/asks/{ask_id:int}", api.show_probe_request),
        Route("/api/v1/erase", erase_api.erase_user, methods=["POST"]),
        Route("/metrics", metrics.show),
        Route("/healthz", health.show_alive),
        Route("/readyz", health.show_ready),
        Route("/openapi.json", api.describe),
        Route("/mcp", McpEndpoint()),
    ]


async def not_found(request: Request, _error: Exception) -> Response:
    """Answer a request for an unknown URL."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": "address: does not exist → see /openapi.json"}, 404)
    return render(server_of(request), "not_found.html", {}, 404)


async def client_gone(_request: Request, _error: Exception) -> Response:
    """Answer nobody: the client closed the connection before the end of its request."""
    return Response(status_code=400)


async def unreadable_record(request: Request, error: Exception) -> Response:
    """Answer for a page whose stored data cannot be read; log the reason in one line."""
    LOG.error("%s: %s", request.url.path, error)
    return render(server_of(request), "failed.html", {"because": SEE_LOG}, 500)


async def store_failed(request: Request, error: Exception) -> Response:
    """Answer for a page whose store takes or gives nothing now; log the reason in one line."""
    reason = error.orig if isinstance(error, DBAPIError) else error
    LOG.error("%s: %s", request.url.path, reason)
    if request.url.path.startswith(("/api/", "/metrics")):
        return JSONResponse({"detail": f"store: {reason} → try again later"}, 503)
    because = f"The server's store says: {reason}. What was saved before is kept."
    return render(server_of(request), "failed.html", {"because": because}, 503)


async def server_error(request: Request, _error: Exception) -> Response:
    """Answer for a page that failed, without the reason, which is in the server's log."""
    return render(server_of(request), "failed.html", {"because": SEE_LOG}, 500)
