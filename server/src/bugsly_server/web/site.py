"""What every page needs, and how a page is asked for: who looks, and at which project."""

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
from bugsly_server.counsel import Counsel
from bugsly_server.settings import Settings
from bugsly_server.store.meta import accounts, issues, projects
from bugsly_server.store.meta.accounts import Account
from bugsly_server.store.meta.database import Database
from bugsly_server.store.meta.projects import Project
from bugsly_server.store.ports import Events, Telemetry
from bugsly_server.web.pulse import Pulse

Handler = Callable[[Request], Awaitable[Response]]
SEE_OTHER = 303


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The server as the pages see it."""

    settings: Settings
    database: Database
    telemetry: Telemetry
    events: Events
    clock: Clock
    pulse: Pulse
    templates: Environment
    counsel: Counsel | None
    """None where no model is configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One request for a page: the site, the visitor, and the project where there is one."""

    site: Site
    request: Request
    account: Account
    project: Project | None
    now: Micros

    @property
    def shown(self) -> Project:
        """Return the project of a page that is about one."""
        assert self.project is not None, "only project pages ask"
        return self.project

    @property
    def address(self) -> str:
        """Return where the visitor sees this server, unless the settings know better."""
        url = self.request.url
        return self.site.settings.public_url or f"{url.scheme}://{url.netloc}"

    def number(self, name: str) -> int:
        """Return a number in the path, as `/workers/{worker_id:int}`."""
        return int(self.request.path_params[name])

    def wants(self, part: str) -> bool:
        """Return whether only *part* of the page is asked for."""
        return self.request.query_params.get("part") == part

    def render(self, template: str, context: Mapping[str, Any], status: int = 200) -> Response:
        """Return the page of *template*."""
        with self.site.database.reading() as connection:
            every = projects.every(connection)
            shown = self.project or (every[0] if every else None)
            badge = issues.count_open(connection, shown.id) if shown else 0
        frame = {
            "account": self.account,
            "project": shown,
            "projects": every,
            "open_issues": badge,
            "now": self.now,
            "path": self.request.url.path,
        }
        return render(self.site, template, {**frame, **context}, status)

    def redirect(self, path: str) -> Response:
        """Return a redirect to a path below the project."""
        return RedirectResponse(f"/p/{self.shown.slug}/{path}", SEE_OTHER)


def render(site: Site, template: str, context: Mapping[str, Any], status: int = 200) -> Response:
    """Return a page for a visitor who need not be known."""
    return HTMLResponse(site.templates.get_template(template).render(context), status)


def site_of(request: Request) -> Site:
    """Return the site a request came to."""
    site: Site = request.app.state.site
    return site


def session_cookie(request: Request) -> str:
    """Return the name of the session cookie; cookies do not tell ports apart, so it does."""
    standard = 443 if request.url.scheme == "https" else 80
    return f"bugsly-{request.url.port or standard}"


def page(show: Callable[[View], Response]) -> Handler:
    """Serve *show* to visitors who are logged in; the rest are sent to where they can."""

    @wraps(show)
    async def handler(request: Request) -> Response:
        return await run_in_threadpool(_show, show, request)

    return handler


def action(act: Callable[[View, FormData], Response]) -> Handler:
    """Let visitors who are logged in post a form to *act*."""

    @wraps(act)
    async def handler(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=50)
        return await run_in_threadpool(_show, lambda view: act(view, form), request)

    return handler


def field(form: FormData, name: str, longest: int = 500) -> str:
    """Return a text field of *form*, trimmed and cut to *longest* characters, or ''."""
    value = form.get(name)
    return value.strip()[:longest] if isinstance(value, str) else ""


def _show(show: Callable[[View], Response], request: Request) -> Response:
    site = site_of(request)
    now = site.clock()
    with site.database.reading() as connection:
        secret = request.cookies.get(session_cookie(request), "")
        account = accounts.of_session(connection, secret, now) if secret else None
        slug = request.path_params.get("slug")
        project = projects.by_slug(connection, slug) if slug else None
        known = account is not None or accounts.exists(connection)
    if account is None:
        return _send_to(request, "/login" if known else "/welcome")
    view = View(site=site, request=request, account=account, project=project, now=now)
    if slug and project is None:
        return view.render("missing.html", {"what": f"no project is called {slug}"}, 404)
    return show(view)


def _send_to(request: Request, path: str) -> Response:
    """Return a redirect for a page, and a plain refusal for what a page fetches by itself."""
    if request.headers.get("hx-request") or request.url.path.endswith((".json", "/live")):
        return Response(status_code=401)
    return RedirectResponse(path, SEE_OTHER)
