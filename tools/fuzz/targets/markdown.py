"""Issues as Markdown: text from events and reports acts as markup nowhere in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import strategies as st
from tests.support.diagnoses import diagnosis, leak_explanation
from tests.support.error_events import error_event, frame

from bugsly_server.explain.leak_markdown import render_leak_markdown
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.event import EventRequest
from bugsly_server.model.issue import IssueState
from bugsly_server.web.error_markdown import render_error_markdown
from tools.fuzz.almost_valid import TEXTS, damaged, texts_as_bytes
from tools.fuzz.rendered_markdown import markup_counts

SEPARATOR = "␟"
"""Between the texts of an input; each place of an issue takes the next of them."""
MARKUP = st.sampled_from(
    [
        "# a", "a\n===", "a\n---", "---", "- a", "1. a", "> a", "    code", "```\nb", "~~~", "`a",
        "``", "[a](http://b)", "![a](b)", "[a]: http://b", "[a]", "<http://b>", "<b>", "<!--",
        "</script>", "&lt;b&gt;", "&#60;", "*a*", "__a__", "~~a~~", "a|b\n-|-", "\\", "\\\\`",
        "$x$", "\r", "\u2028",
    ]
)  # fmt: skip
INPUTS = damaged(
    texts_as_bytes(
        st.lists(st.lists(MARKUP | TEXTS, max_size=3).map("".join), max_size=12).map(SEPARATOR.join)
    )
)
HARMLESS = "words"
ISSUE = ErrorIssue(
    id=3, project_id=1, title=HARMLESS, state=IssueState.OPEN, opened_at=1, changed_at=1, seen_at=1,
    resolved_at=None, snoozed_until=None, endpoint="", release="", environment="", place="",
    level="error", count=1, users=1, first_release="", resolved_after=None, ignored_until=None,
    escalated_at=0, merged_into=None,
)  # fmt: skip
URL = "https://bugs.example.com/p/shop/issues/3"


def check(data: bytes) -> None:
    """Render an error and a leak with hostile texts, and with harmless ones: nothing else acts."""
    texts = data.decode("utf-8", "replace").split(SEPARATOR)
    for render in (_error_markdown, _leak_markdown):
        hostile = render(lambda place: texts[place % len(texts)] or HARMLESS)
        expected = markup_counts(render(lambda _place: HARMLESS))
        added = markup_counts(hostile) - expected
        assert not added, f"{dict(added)} acts in\n{hostile}"


def _error_markdown(text: Callable[[int], str]) -> str:
    call = frame(text(0), file=text(1), function=text(2), locals={text(3): text(4)})
    event = replace(
        error_event(text(5), text(6), call, endpoint=text(7), release=text(8)),
        environment=text(9),
        platform=text(10),
        asked=EventRequest(method=text(0), url=text(1)),
    )
    explanation = ErrorExplanation(
        title=text(2),
        what=text(3),
        why=text(4),
        fix=text(5),
        unless=text(6),
        confidence=1.0,
        diff=text(7),
    )
    return render_error_markdown(replace(ISSUE, title=text(8)), event, explanation, URL)


def _leak_markdown(text: Callable[[int], str]) -> str:
    found = diagnosis(
        holder=text(0), library=text(1), site=text(2), endpoint=text(3), reasons=(text(4), text(5))
    )
    explanation = leak_explanation(
        diff=text(6), fix=text(7), title=text(8), what=text(9), cost=text(10)
    )
    return render_leak_markdown(found, explanation, URL)
