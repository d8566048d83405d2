"""Jinja's templates."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.raised_exception import RaisedException, frame_location, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch
from bugsly_server.explain.errors.similar_names import nearest_name
from bugsly_server.model.event import StackFrame

TEMPLATE_PATTERN = re.compile(
    r"^<(?:template|unknown)>|[/\\]templates[/\\]|\.(?:html?|jinja2?|j2|txt|xml)$"
)


def _template_frame(raised: RaisedException) -> StackFrame:
    """Return the innermost frame that is a template's, as Jinja shows it."""
    frames = [
        one for one in raised.exception.frames if TEMPLATE_PATTERN.search(one.path or one.file)
    ]
    return frames[-1] if frames else raised.frame


def find_meant_variable(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Look for a name alike among what the template was given."""
    frame = _template_frame(raised)
    meant = nearest_name(matched["name"], frame.locals)
    hint = f" `{quoted(meant)}` is there, and looks much alike." if meant else ""
    return RuleMatch({"template": frame_location(frame)}, {"hint": hint})


def name_template_line(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name the line of the template."""
    frame = _template_frame(raised)
    return RuleMatch({"template": frame_location(frame)})


RULES = (
    ErrorRule(
        slug="template-name-undefined",
        exception_types=("UndefinedError",),
        pattern=r"^'(?P<name>\w+)' is undefined",
        title="The template uses `{name}`, which it was not given",
        why="`render_template` was called without `{name}`, or it is misspelt in the template.{hint}",
        fix="Give `{name}=…` to `render_template`, or write `{{% if {name} %}}` or"
        " `{{{{ {name}|default('') }}}}`; the template's line is {template}.",
        unless="it is set inside a block or a loop of the template, which ends there.",
        confidence=0.95,
        examine=find_meant_variable,
    ),
    ErrorRule(
        slug="template-attribute-undefined",
        exception_types=("UndefinedError",),
        pattern=r"^'(?P<owner>[^']+?)(?: object)?' has no attribute '(?P<name>\w+)'",
        title="The template reads `.{name}` of a `{owner}`, which has none",
        why="It is misspelt, or another kind of value was given: `None` where a row was not found, a dict"
        " without that key.",
        fix="Mend the name, or test the value before it is used, at {template}.",
        unless="the value is only sometimes of that kind: then the view should make sure.",
        confidence=0.93,
        examine=name_template_line,
    ),
    ErrorRule(
        slug="template-missing",
        exception_types=("TemplateNotFound", "TemplatesNotFound"),
        pattern=r"^(?P<name>[^:]+)",
        title="There is no template `{name}`",
        why="It is not in `templates/` beside the app's module: misspelt, in another case, or left out of"
        " what was deployed (package data, Docker).",
        fix="See that `templates/{name}` is there where it failed, and that `Flask(__name__)` is made in"
        " the package that holds it; it is asked for at {at}.",
        unless="it belongs to a blueprint without `template_folder=`.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="template-syntax",
        exception_types=("TemplateSyntaxError",),
        pattern=r"^(?P<fault>.+)",
        title="A template cannot be read: {fault}",
        why="A block is not closed, or a name or filter is not known to Jinja.",
        fix="Mend the template at the innermost frame, {template}: each `{{% … %}}` needs its end, expressions"
        " are no Python statements.",
        unless="the text is not for Jinja (a template of JavaScript): then wrap it in"
        " `{{% raw %}}`.",
        confidence=0.93,
        examine=name_template_line,
    ),
)
