"""The alerts page: the channels of a project, their latest delivery, and a test button."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.alert.channels import CHANNEL_KINDS, channel_kind, send_test
from bugsly_server.egress.address_guard import AddressGuard
from bugsly_server.errors import ChannelError
from bugsly_server.store.meta import channels, projects
from bugsly_server.store.meta.channels import Channel, Delivery
from bugsly_server.web.page_context import View, action, form_text, page

MAX_URL_LENGTH = 2_000
MAX_SILENCE_MINUTES = 1_440
SILENCE_PROBLEM = (
    f"minutes: not a whole number from 0 to {MAX_SILENCE_MINUTES} → write 10, or 0 for no alert"
)
URL_EXAMPLES = {
    "apprise": "mailtos://user:password@smtp.example.com?to=oncall@example.com",
    "webhook": "https://hooks.example.com/bugsly",
}
KIND_LABELS = {"apprise": "Mail, Slack, ntfy … by Apprise URL", "webhook": "JSON webhook"}


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as the page shows it: its masked address and its latest delivery."""

    channel: Channel
    address: str
    latest: Delivery | None


@page
def show(view: View) -> Response:
    """Show the channels of the project."""
    return _render_page(view)


@action
def add(view: View, form: FormData) -> Response:
    """Add a channel if its address is valid."""
    name, kind_name = form_text(form, "name", 60), form_text(form, "kind", 20)
    url = form_text(form, "url", MAX_URL_LENGTH)
    try:
        channel_kind(kind_name).check(url, _address_guard(view))
    except ChannelError as error:
        return _render_page(
            view, problem=str(error), entered={"name": name, "kind": kind_name, "url": url}
        )
    with view.server.database.writing() as connection:
        channels.add(
            connection, view.current_project.id, kind_name, name or kind_name, url, view.now
        )
    return view.redirect("alerts")


@action
def set_silence(view: View, form: FormData) -> Response:
    """Set after how many minutes without a report the app is called silent; 0 for never."""
    text = form_text(form, "minutes", 6)
    minutes = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= minutes <= MAX_SILENCE_MINUTES:
        return _render_page(view, problem=SILENCE_PROBLEM)
    with view.server.database.writing() as connection:
        projects.set_silence(connection, view.current_project.id, minutes)
    return view.redirect("alerts")


@action
def remove(view: View, _form: FormData) -> Response:
    """Remove a channel."""
    with view.server.database.writing() as connection:
        channels.remove(connection, view.current_project.id, view.path_number("channel_id"))
    return view.redirect("alerts")


@action
def try_channel(view: View, _form: FormData) -> Response:
    """Send a test through a channel now, and show the result."""
    with view.server.database.reading() as connection:
        channel = channels.get(connection, view.path_number("channel_id"))
    if channel is None or channel.project_id != view.current_project.id:
        return view.redirect("alerts")
    page_url = f"{view.base_url}/p/{view.current_project.slug}/alerts"
    try:
        send_test(channel.kind, channel.url, _address_guard(view), page_url)
    except ChannelError as error:
        return _render_page(view, problem=f"{channel.name}: {error}")
    with view.server.database.writing() as connection:
        channels.note_accepted(connection, channel.id, view.now)
    return _render_page(view, success=f"{channel.name} accepted the test. Check that it arrived.")


def _render_page(
    view: View, problem: str = "", success: str = "", entered: dict[str, str] | None = None
) -> Response:
    with view.server.database.reading() as connection:
        rows = [
            ChannelRow(
                one,
                channel_kind(one.kind).masked(one.url),
                channels.latest_attempted(connection, one.id),
            )
            for one in channels.list_all(connection, view.current_project.id)
        ]
    context = {
        "channels": rows,
        "kinds": [(name, KIND_LABELS[name], URL_EXAMPLES[name]) for name in CHANNEL_KINDS],
        "problem": problem,
        "success": success,
        "entered": entered or {"name": "", "kind": "", "url": ""},
    }
    return view.render("alerts.html", context, 422 if problem else 200)


def _address_guard(view: View) -> AddressGuard:
    return AddressGuard(view.server.settings.allow_networks)
