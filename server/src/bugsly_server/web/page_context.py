"""Serves pages to visitors who are logged in, with what every page needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bugsly_server.clock import Clock, Micros
from bugsly_server.erasure import ErasedRows, Eraser
from bugsly_server.health import Health
from bugsly_server.ingest.quota import Quota
from bugsly_server.llm_jobs import LlmJobs
from bugsly_server.model.identity import Identity
from bugsly_server.settings import ServerSettings
from bugsly_server.store.meta import accounts, leak_issues, outage_issues, projects
from bugsly_server.store.meta.accounts import Account
from bugsly_server.store.meta.database import Database
from bugsly_server.store.meta.projects import Project
from bugsly_server.store.ports import EventStore, Telemetry
from bugsly_server.web.cookies import VisitorCookies
from bugsly_server.web.live_updates import LiveUpdates
from bugsly_server.web.sessions import Sessions

Handler = Callable[[Request], Awaitable[Response]]
SEE_OTHER = 303


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """What pages use of the server."""

    settings: ServerSettings
    database: Database
    telemetry: Telemetry
    events: EventStore
    clock: Clock
    live_updates: LiveUpdates
    templates: Environment
    health: Health
    sessions: Sessions
    llm_jobs: LlmJobs | None
    """None where no model is configured."""
    eraser: Eraser
    quota: Quota

    def erase(self, project_id: int, identity: Identity) -> ErasedRows:
        """Erase a person from a project, and forget what pages have shown of them."""
        erased = self.eraser.erase(project_id, identity)
        if self.llm_jobs is not None:
            self.llm_jobs.forget_questions()
        return erased


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A request for a page, with its account and, on project pages, its project."""

    server: ServerContext
    request: Request
    account: Account
    project: Project | None
    now: Micros

    @property
    def current_project(self) -> Project:
        """Return the project of a project page."""
        assert self.project is not None, "only project pages ask"
        return self.project

    @property
    def base_url(self) -> str:
        """Return the public URL: from the settings, else as the visitor sees the server."""
        url = self.request.url
        return self.server.settings.public_url or f"{url.scheme}://{url.netloc}"

    def path_number(self, name: str) -> int:
        """Return a number in the path, such as `worker_id` of `/workers/{worker_id:int}`."""
        return int(self.request.path_params[name])

    def is_part_requested(self, part: str) -> bool:
        """Return whether only *part* of the page is requested."""
        return self.request.query_params.get("part") == part

    def render(self, template: str, context: Mapping[str, Any], status: int = 200) -> Response:
        """Return the page of *template*."""
        with self.server.database.reading() as connection:
            all_projects = projects.list_all(connection)
            project = self.project or (all_projects[0] if all_projects else None)
            open_issues = leak_issues.count_open(connection, project.id) if project else 0
            outages = outage_issues.list_open(connection, project.id) if project else []
        layout = {
            "account": self.account,
            "project": project,
            "projects": all_projects,
            "open_issues": open_issues,
            "outages": outages,
            "now": self.now,
            "path": self.request.url.path,
            "problems": self.server.health.problems(),
        }
        return render(self.server, template, {**layout, **context}, status)

    def redirect(self, path: str) -> Response:
        """Return a redirect to a path below the project."""
        return RedirectResponse(f"/p/{self.current_project.slug}/{path}", SEE_OTHER)


def render(
    server: ServerContext, template: str, context: Mapping[str, Any], status: int = 200
) -> Response:
    """Return a page that needs no account."""
    return HTMLResponse(server.templates.get_template(template).render(context), status)


def server_of(request: Request) -> ServerContext:
    """Return the server that a request came to."""
    server: ServerContext = request.app.state.server_context
    return server


def visitor_cookies(request: Request) -> VisitorCookies:
    """Return the cookies of the visitor who sent *request*."""
    return VisitorCookies(request, server_of(request).settings)


def page(render_page: Callable[[View], Response]) -> Handler:
    """Serve *render_page* to visitors who are logged in; redirect others to the login."""

    @wraps(render_page)
    async def handler(request: Request) -> Response:
        return await run_in_threadpool(_serve_view, render_page, request)

    return handler


def action(handle_form: Callable[[View, FormData], Response]) -> Handler:
    """Accept a form for *handle_form* from visitors who are logged in."""

    @wraps(handle_form)
    async def handler(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=50)
        return await run_in_threadpool(_serve_view, lambda view: handle_form(view, form), request)

    return handler


def form_text(form: FormData, name: str, max_length: int = 500) -> str:
    """Return a text field of *form*, trimmed and cut to *max_length*; "" if missing."""
    value = form.get(name)
    text = value.strip()[:max_length] if isinstance(value, str) else ""
    return text.encode(errors="replace").decode()  # a charset may have let surrogates in


def _serve_view(respond: Callable[[View], Response], request: Request) -> Response:
    server = server_of(request)
    now = server.clock()
    with server.database.reading() as connection:
        secret = visitor_cookies(request).session
        account = server.sessions.find(connection, secret, now) if secret else None
        slug = request.path_params.get("slug")
        project = projects.by_slug(connection, slug) if slug else None
        has_accounts = account is not None or accounts.has_any(connection)
    if account is None:
        return _redirect_or_refuse(request, "/login" if has_accounts else "/welcome")
    view = View(server=server, request=request, account=account, project=project, now=now)
    if slug and project is None:
        return view.render("missing.html", {"what": f"no project is called {slug}"}, 404)
    return respond(view)


def _redirect_or_refuse(request: Request, path: str) -> Response:
    """Return a redirect for a page, and status 401 for what a page fetches by itself."""
    if request.headers.get("hx-request") or request.url.path.endswith((".json", "/live")):
        return Response(status_code=401)
    return RedirectResponse(path, SEE_OTHER)
