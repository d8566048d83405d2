"""Where a project's alerts go: channels, how they fared lately, and a test to send."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.alert.address_guard import AddressGuard
from bugsly_server.alert.channels import KINDS, kind, send_test
from bugsly_server.errors import ChannelError
from bugsly_server.store.meta import channels
from bugsly_server.store.meta.channels import Channel, Delivery
from bugsly_server.web.site import View, action, field, page

LONGEST_URL = 2_000
HINTS = {
    "apprise": "mailtos://user:password@smtp.example.com?to=oncall@example.com",
    "webhook": "https://hooks.example.com/bugsly",
}
LABELS = {"apprise": "Mail, Slack, ntfy … by Apprise URL", "webhook": "JSON webhook"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A channel as the page shows it: its address without secrets, and its latest attempt."""

    channel: Channel
    address: str
    latest: Delivery | None


@page
def show(view: View) -> Response:
    """Show the channels of the project."""
    return _show(view)


@action
def add(view: View, form: FormData) -> Response:
    """Add a channel, if its address can be one."""
    name, kind_name = field(form, "name", 60), field(form, "kind", 20)
    url = field(form, "url", LONGEST_URL)
    try:
        kind(kind_name).check(url, _guard(view))
    except ChannelError as error:
        return _show(view, problem=str(error), tried={"name": name, "kind": kind_name, "url": url})
    with view.site.database.writing() as connection:
        channels.add(connection, view.shown.id, kind_name, name or kind_name, url, view.now)
    return view.redirect("alerts")


@action
def remove(view: View, _form: FormData) -> Response:
    """Forget a channel."""
    with view.site.database.writing() as connection:
        channels.remove(connection, view.shown.id, view.number("channel_id"))
    return view.redirect("alerts")


@action
def test(view: View, _form: FormData) -> Response:
    """Send a test through a channel, now, and say how it went."""
    with view.site.database.reading() as connection:
        found = channels.get(connection, view.number("channel_id"))
    if found is None or found.project_id != view.shown.id:
        return view.redirect("alerts")
    where = f"{view.address}/p/{view.shown.slug}/alerts"
    try:
        send_test(found.kind, found.url, _guard(view), where)
    except ChannelError as error:
        return _show(view, problem=f"{found.name}: {error}")
    return _show(view, good=f"{found.name} took the test. Look whether it arrived.")


def _show(
    view: View, problem: str = "", good: str = "", tried: dict[str, str] | None = None
) -> Response:
    with view.site.database.reading() as connection:
        shown = [
            Shown(one, kind(one.kind).masked(one.url), channels.latest(connection, one.id))
            for one in channels.every(connection, view.shown.id)
        ]
    context = {
        "channels": shown,
        "kinds": [(name, LABELS[name], HINTS[name]) for name in KINDS],
        "problem": problem,
        "good": good,
        "tried": tried or {"name": "", "kind": "", "url": ""},
    }
    return view.render("alerts.html", context, 422 if problem else 200)


def _guard(view: View) -> AddressGuard:
    return AddressGuard(view.site.settings.allow_networks)
