"""Explains requests and setups that Flask and Werkzeug reject."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

from bugsly_server.explain.errors.frame_source import replacement_diff
from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch
from bugsly_server.explain.errors.similar_names import nearest_name


def find_missing_field(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name the field by the line, and what was sent instead."""
    read_keys = dict(_read_keys(raised))
    sent_names = {place: _sent_names(raised, place) for place in read_keys.values()}
    missing = {key: place for key, place in read_keys.items() if key not in sent_names[place]}
    if len(missing) != 1:
        return None
    [(key, place)] = missing.items()
    meant = nearest_name(key, sent_names[place])
    sent_list = ", ".join(f"`{quoted(one, 30)}`" for one in sent_names[place][:6])
    sent_sentence = f" The request had {sent_list}." if sent_list else ""
    meant_sentence = f" `{quoted(meant)}` was sent, which is very similar." if meant else ""
    return RuleMatch(
        {"key": key, "place": place},
        {"sent": meant_sentence or sent_sentence},
        diff=replacement_diff(raised.frame, repr(key), repr(meant))
        or replacement_diff(raised.frame, f'"{key}"', f'"{meant}"')
        if meant
        else "",
        confidence=0.97 if meant else None,
    )


def _read_keys(raised: RaisedException) -> Iterator[tuple[str, str]]:
    """Yield the keys that the line asks for, and of what part of the request."""
    for node in raised.statement_nodes():
        match node:
            case ast.Subscript(value=ast.Attribute(attr=place), slice=ast.Constant(value=str(key))):
                yield key, place


def _sent_names(raised: RaisedException, place: str) -> list[str]:
    request = raised.event.asked
    if request is None:
        return []
    text = request.query if place == "args" else request.body
    return [name for name, _ in parse_qsl(text[:4_000], keep_blank_values=True)][:20]


def suggest_endpoint(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Use the endpoint that Werkzeug suggests, or the value that it misses."""
    missing_values = re.search(
        r"Did you forget to specify values (\[[^\]]*\])", raised.exception.value
    )
    suggested = re.search(r"Did you mean '([^']+)' instead", raised.exception.value)
    if missing_values:
        values = quoted(missing_values[1])
        return RuleMatch(
            phrases={
                "reason": f"The endpoint exists, but its rule has parts without a value: {values}.",
                "advice": f"Give {values} to `url_for`",
            },
            confidence=0.97,
        )
    name = suggested[1] if suggested else ""
    blueprint_hint = " Endpoints of a blueprint begin with its name and a dot: `shop.index`."
    return RuleMatch(
        phrases={
            "reason": f"No view is registered under that name.{'' if '.' in matched['endpoint'] else blueprint_hint}",
            "advice": f"Write `{quoted(name)}`"
            if name
            else "Correct the name (see `flask routes`)",
        },
        diff=replacement_diff(raised.frame, repr(matched["endpoint"]), repr(name))
        or replacement_diff(raised.frame, f'"{matched["endpoint"]}"', f'"{name}"')
        if name
        else "",
    )


RULES = (
    ErrorRule(
        slug="field-not-sent",
        exception_types=("BadRequestKeyError",),
        title="The request came without `{key}` in `request.{place}`",
        what="{line} reads `{key}` from `request.{place}`, which does not contain it; Flask answers with a 400.",
        why="The form or client uses another name or leaves it out (an unticked box sends nothing), or"
        " sends JSON where a form is read.{sent}",
        fix="Compare the `name=` in the form with {at}; use `request.{place}.get('{key}')` if it may be"
        " missing.",
        unless="somebody sends requests by hand: then a 400 is correct.",
        confidence=0.94,
        examine=find_missing_field,
    ),
    ErrorRule(
        slug="field-not-sent-somewhere",
        exception_types=("BadRequestKeyError",),
        title="The request came without a field that {function} reads",
        what="{line} reads a field of the request that was not sent; Flask answers with a 400.",
        why="The form or client uses another name or leaves it out, or sends JSON where a form is read.",
        fix="Compare the names in the form with those that {at} reads; use `.get(…)` if one may be missing.",
        unless="somebody sends requests by hand: then a 400 is correct.",
        confidence=0.7,
    ),
    ErrorRule(
        slug="url-not-built",
        exception_types=("BuildError",),
        pattern=r"^Could not build url for endpoint '(?P<endpoint>[^']+)'",
        title="`url_for` cannot build `{endpoint}`",
        why="{reason}",
        fix="{advice}, at {at} or in the template that calls it.",
        unless="the view is registered later, after this is called.",
        confidence=0.95,
        examine=suggest_endpoint,
    ),
    ErrorRule(
        slug="not-found-by-hand",
        exception_types=("NotFound",),
        title="{function} answers with a 404",
        what="{line} raised NotFound: the requested page or row does not exist.",
        why="A view aborts with a 404, or a link leads to a page or row that no longer exists.",
        fix="None is needed if visitors ask for something that never existed: do not report 404s then. If"
        " one of your pages links there, fix the link.",
        unless="it does exist: then the query at {at} is wrong.",
        confidence=0.75,
    ),
    ErrorRule(
        slug="body-too-large",
        exception_types=("RequestEntityTooLarge",),
        title="A request is larger than the app accepts",
        why="The body exceeds `MAX_CONTENT_LENGTH`, or a form has more parts or memory than"
        " `MAX_FORM_PARTS` / `MAX_FORM_MEMORY_SIZE` (500 kB for fields that are not files) allow.",
        fix="Raise that limit to what users really send, or state the limit on the form; the proxy has one"
        " too. The body was read at {at}.",
        unless="somebody sends garbage: then a 413 is correct.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="body-not-json",
        exception_types=("UnsupportedMediaType",),
        title="`request.json` is read, but the request is not declared as JSON",
        why="The client did not send `Content-Type: application/json`.",
        fix="Set the header in the client (`fetch` needs it in addition to `JSON.stringify`), or use"
        " `request.get_json(force=True)` at {at}.",
        unless="a form was sent: then read `request.form`.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="body-broken-json",
        exception_types=("BadRequest",),
        pattern=r"Failed to decode JSON object|The browser \(or proxy\) sent a request",
        title="The body of the request is not valid JSON or not a valid form",
        why="The client sent broken JSON, or the body was cut short.",
        fix="Check what the client sends; at {at}, `request.get_json(silent=True)` returns None instead.",
        unless="somebody probes the site: then a 400 is right.",
        confidence=0.8,
    ),
    ErrorRule(
        slug="endpoint-twice",
        exception_types=("AssertionError",),
        pattern=r"View function mapping is overwriting an existing endpoint function: (?P<endpoint>\S+)",
        title="Two views have the endpoint `{endpoint}`",
        why="Flask names a view after its function; a decorator without `functools.wraps` gives all of them"
        " the same name.",
        fix="Use `@wraps(function)` in the decorator, or give one view another name or `endpoint=`; the"
        " second is at {at}.",
        unless="the module is imported twice, under two names.",
        confidence=0.97,
    ),
    ErrorRule(
        slug="secret-key-missing",
        exception_types=("RuntimeError",),
        pattern=r"session is unavailable because no secret key was set",
        title="The app has no `SECRET_KEY`, so it cannot use sessions",
        why="Flask signs the session cookie with it, and it is not set in this environment.",
        fix="Set `SECRET_KEY` from the environment: a long random value, the same for all workers.",
        unless="it is set after the app serves its first request.",
        confidence=0.98,
    ),
)
