"""Explains errors in Jinja templates."""

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
    hint = f" `{quoted(meant)}` is there, and is very similar." if meant else ""
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
        fix="Pass `{name}=…` to `render_template`, or write `{{% if {name} %}}` or"
        " `{{{{ {name}|default('') }}}}`; the line of the template is {template}.",
        unless="the template sets it inside a block or a loop that ends before that line.",
        confidence=0.95,
        examine=find_meant_variable,
    ),
    ErrorRule(
        slug="template-attribute-undefined",
        exception_types=("UndefinedError",),
        pattern=r"^'(?P<owner>[^']+?)(?: object)?' has no attribute '(?P<name>\w+)'",
        title="The template reads `.{name}` of a `{owner}`, which does not have it",
        why="It is misspelt, or the template got another kind of value: `None` for a row that was not found,"
        " or a dict without that key.",
        fix="Correct the name, or check the value before it is used, at {template}.",
        unless="only some requests have such a value: then handle it in the view.",
        confidence=0.93,
        examine=name_template_line,
    ),
    ErrorRule(
        slug="template-missing",
        exception_types=("TemplateNotFound", "TemplatesNotFound"),
        pattern=r"^(?P<name>[^:]+)",
        title="There is no template `{name}`",
        why="It is not in `templates/` next to the app's module: misspelt, in another case, or not part of"
        " the deployment (package data, Docker).",
        fix="Check that `templates/{name}` exists where it failed, and that `Flask(__name__)` is called in"
        " the package that contains it; {at} uses the template.",
        unless="it belongs to a blueprint without `template_folder=`.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="template-syntax",
        exception_types=("TemplateSyntaxError",),
        pattern=r"^(?P<fault>.+)",
        title="A template cannot be parsed: {fault}",
        why="A block is not closed, or Jinja does not know a tag or filter.",
        fix="Correct the template at {template}: every block needs its `{{% end… %}}`, and expressions"
        " are not Python statements.",
        unless="the text is not meant for Jinja (a JavaScript template): then wrap it in"
        " `{{% raw %}}`.",
        confidence=0.93,
        examine=name_template_line,
    ),
)
