"""What the rules promise: surroundings, silence where nothing is known, and hostile events."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.error_events import error_event, explained, frame
from tests.support.failures.database import CASES as DATABASE
from tests.support.failures.none import CASES

from bugsly_server.explain.errors.rule import LOG_MESSAGE_TYPE, ErrorRule
from bugsly_server.explain.errors.rule_engine import NEW_RELEASE_HINT, explain_error
from bugsly_server.explain.errors.rules import RULE_MODULES, rules_by_exception
from bugsly_server.model.diagnosis import Cause
from bugsly_server.model.error_explanation import ErrorContext, OpenLeak
from bugsly_server.model.event import ErrorEvent, EventException, EventRequest, StackFrame

GB = 1_000_000_000
LEAK = OpenLeak(
    issue=12,
    cause=Cause.UNRETURNED_CONNECTION,
    site="shop/views.py:40",
    endpoint="GET /orders",
)
ALL_RULES = [rule for some in rules_by_exception().values() for rule in some]


def test_forty_python_exceptions_and_more_have_rules_of_their_own() -> None:
    assert len(rules_by_exception()) >= 80
    assert len(RULE_MODULES) >= 20


def test_every_slug_is_given_once() -> None:
    slugs = {rule.slug: rule for rule in ALL_RULES}
    assert len(slugs) == len({id(rule) for rule in ALL_RULES})


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.slug)
def test_every_rule_says_what_would_prove_it_wrong(rule: ErrorRule) -> None:
    assert all((rule.title, rule.why, rule.fix, rule.unless))
    assert 0 < rule.confidence < 1
    assert not rule.title.endswith(".")


@pytest.mark.parametrize(
    ("kind", "value"), [("ShopError", "closed"), ("TypeError", "no"), ("AttributeError", "x")]
)
def test_what_no_rule_knows_is_not_explained(kind: str, value: str) -> None:
    assert explain_error(error_event(kind, value, frame("shop.open()")), ErrorContext()) is None


def test_without_an_exception_or_a_message_nothing_is_said() -> None:
    assert explain_error(ErrorEvent(id="0" * 32, at=1), ErrorContext()) is None


def test_an_empty_pool_is_tied_to_the_open_leak_of_its_connections() -> None:
    case = next(one for one in DATABASE if one.rule == "pool-exhausted")
    event = case.event()
    alone, tied = explained(event), explained(event, leaks=(LEAK,))
    assert "shop/views.py:40" in tied.why
    assert "issue 12" in tied.why
    assert "`GET /orders`" in tied.why
    assert tied.confidence > alone.confidence
    assert "issue" not in alone.why


def test_memory_that_ran_out_is_tied_to_the_series_and_the_leak() -> None:
    event = error_event("MemoryError", "", frame("rows = list(every())"), memory=950_000_000)
    holder = OpenLeak(issue=3, cause=Cause.GROWING_CONTAINER, holder="shop.views.log")
    full = explained(event, limit=GB, leaks=(holder,))
    assert "950 MB then, of a limit of 1 GB" in full.what
    assert "Issue 3 is open: a leak in `shop.views.log`, which may" in full.why
    far = explained(replace(event, memory=100_000_000), limit=GB)
    assert "One huge allocation" in far.why
    assert full.confidence > far.confidence


def test_an_aborted_worker_is_told_by_the_line_it_was_at() -> None:
    abort = StackFrame(module="gunicorn.workers.base", function="handle_abort", code="sys.exit(1)")
    event = error_event("SystemExit", "1", frame("time.sleep(60)"), abort)
    found = explained(event, timeouts=4)
    assert (found.rule, found.where[0].line) == ("worker-timeout", "shop/views.py:9")
    assert "4 workers were aborted" in found.why
    assert explain_error(error_event("SystemExit", "1", frame("exit(1)")), ErrorContext()) is None


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        ("[CRITICAL] WORKER TIMEOUT (pid:4711)", "worker-timeout-in-the-log"),
        ("Worker (pid:4711) was sent SIGKILL! Perhaps out of memory?", "worker-killed"),
    ],
)
def test_what_gunicorn_logs_is_explained(message: str, rule: str) -> None:
    event = ErrorEvent(id="0" * 32, at=1, message=message)
    found = explained(event)
    assert found.rule == rule
    assert "4711" in found.title
    assert "3 workers were killed" in explained(event, kills=3).why or rule != "worker-killed"
    assert found.where == ()


def test_a_new_release_is_named() -> None:
    assert explained(CASES[0].event(), new_release=True).why.endswith(NEW_RELEASE_HINT)


def test_what_was_caught_first_speaks_before_what_led_to_it() -> None:
    first = EventException(type="ZeroDivisionError", frames=(frame("a / b", locals={"b": "0"}),))
    cause = EventException(
        type="KeyError", value="'x'", frames=(frame('d["x"]'),), relation="cause"
    )
    event = replace(error_event("X", ""), exceptions=(first, cause))
    assert explained(event).rule == "division-by-zero"
    unknown = replace(event, exceptions=(EventException(type="ShopError"), cause))
    assert (explained(unknown).rule, explained(unknown).where[0].exception) == ("key-missing", 1)


def test_javascript_is_fixed_with_a_question_mark() -> None:
    event = error_event(
        "TypeError",
        "Cannot read properties of undefined (reading 'name')",
        frame("  const name = user.name;"),
    )
    assert explained(event).diff.splitlines()[-1] == "+  const name = user?.name;"


def test_a_field_that_was_sent_under_another_name_is_seen() -> None:
    event = error_event(
        "BadRequestKeyError",
        "400 Bad Request",
        frame('    email = request.form["email"]'),
        asked=EventRequest(body="emial=ada%40example.com&x=1"),
    )
    found = explained(event)
    assert "`emial` was sent" in found.why
    assert '+    email = request.form["emial"]' in found.diff


@pytest.mark.parametrize(
    ("before", "given_at"),
    [
        (("def f():", "    user = find(1)"), "line 8"),
        (("def f():", "    if x:", "        user = find(1)"), ""),
        (("    user = find(1)", "    if x:", "        user = None"), ""),
        (("    user = None", "def g():", "    pass"), ""),
        (("    user = find(", "        1,", "    )"), "line 6"),
        (("    user = find(1)", "    user, other = both()"), ""),
        (("    user = find(1)", "    for user in users:"), ""),
        (("    user = find(1)", "    with made() as user:"), ""),
        (("    user = find(1)", "    if other == user:"), "line 7"),
    ],
)
def test_a_value_is_traced_only_where_one_line_alone_can_have_given_it(
    before: tuple[str, ...], given_at: str
) -> None:
    failing_frame = frame("    return user.name", before=before, locals={"user": "None"})
    found = explained(
        error_event("AttributeError", "'NoneType' object has no attribute 'name'", failing_frame)
    )
    assert ("was set at" in found.why) == bool(given_at)
    assert given_at in found.why


def test_a_value_that_a_loop_sets_again_below_is_not_traced() -> None:
    failing_frame = frame(
        "    print(user.name)",
        before=("user = find(1)", "while True:"),
        after=("    user = user.parent",),
        locals={"user": "None"},
    )
    found = explained(
        error_event("AttributeError", "'NoneType' object has no attribute 'name'", failing_frame)
    )
    assert "was set at" not in found.why


def test_of_two_that_may_be_none_the_locals_tell_which() -> None:
    failing_frame = frame("return a.name + b.name", locals={"a": "<User 1>", "b": "None"})
    found = explained(
        error_event("AttributeError", "'NoneType' object has no attribute 'name'", failing_frame)
    )
    assert found.title.startswith("`b` is None")
    blind = frame("return a.name + b.name")
    found = explained(
        error_event("AttributeError", "'NoneType' object has no attribute 'name'", blind)
    )
    assert found.title.startswith("`a` or `b` is None")
    assert found.confidence < 0.6


@pytest.mark.parametrize(
    ("kind", "value", "code", "rule"),
    [
        ("TypeError", "'int' object is not callable", "show(count())", "types-somewhere"),
        ("TypeError", "'int' object is not callable", "count()", "not-able"),
        ("TypeError", 'can only concatenate str (not "int") to str', "a + b + c",
         "types-somewhere"),
        ("TypeError", 'can only concatenate str (not "int") to str', "a + b * c", "operands"),
        ("KeyError", "'HTTP_HOST'", 'environ["HTTP_HOST"]', "key-missing"),
        ("BadRequestKeyError", "400", 'f(request.form["a"], request.form["b"])',
         "field-not-sent-somewhere"),
        ("IndexError", "list index out of range", 'order["lines"][3]', "index-outside"),
        ("IndexError", "list index out of range", "a[1] + b[1]", "index-somewhere"),
        ("TimeoutError", "", "lock.acquire()", "answer-too-late"),
    ],
)  # fmt: skip
def test_where_a_line_leaves_room_for_doubt_nothing_is_named(
    kind: str, value: str, code: str, rule: str
) -> None:
    assert explained(error_event(kind, value, frame(code))).rule == rule


HOSTILE = "`{value}` \x1b[31m<script>\u202e\n\n# h [a](http://x) %s {0.__class__}"


@pytest.mark.parametrize("rule", ALL_RULES, ids=lambda rule: rule.slug)
def test_hostile_text_is_shown_plain_or_not_at_all(rule: ErrorRule) -> None:
    name = rule.exception_types[0].rpartition(".")[2]
    hostile_frame = frame(HOSTILE, file=HOSTILE, function=HOSTILE, locals={HOSTILE: HOSTILE})
    event = error_event(name, HOSTILE, hostile_frame)
    if name == LOG_MESSAGE_TYPE:
        event = ErrorEvent(id="0" * 32, at=1, message=HOSTILE)
    found = explain_error(event, ErrorContext())
    for text in (found.title, found.what, found.why, found.fix) if found else ():
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\n" not in text
        assert text.count("`") % 2 == 0


TEXT = st.text(max_size=80) | st.sampled_from(
    [
        "'NoneType' object has no attribute 'x'",
        "name 'x' is not defined",
        "unhashable type: 'list'",
        "'x'",
        "for a in x:",
        "x.x[x](x)",
        "(" * 300,
        "-" * 5_000,
        "lambda: " * 200,
    ]
)


@given(
    kind=st.sampled_from(sorted(rules_by_exception())),
    value=TEXT,
    code=TEXT,
    before=st.lists(TEXT, max_size=3),
    line=st.integers(-3, 2**40),
)
def test_no_event_makes_it_raise(
    kind: str, value: str, code: str, before: list[str], line: int
) -> None:
    failing_frame = frame(code, before=tuple(before), line=line, locals={"x": value})
    event = error_event(kind, value, failing_frame)
    found = explain_error(event, ErrorContext(leaks=(LEAK,)))
    assert found is None or found.title
