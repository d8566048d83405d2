"""Explains errors of contexts, event loops, threads, recursion and assertions."""

from __future__ import annotations

import ast
import re
from collections import Counter

from bugsly_server.explain.errors.frame_source import replacement_diff
from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch


def name_recursive_functions(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name the functions that call each other."""
    calls = Counter(frame.function for frame in raised.exception.frames[-60:] if frame.function)
    repeated = [name for name, times in calls.most_common(3) if times > 2]
    if not repeated:
        return None
    ring = " and ".join(f"`{quoted(name, 60)}`" for name in repeated)
    calls_what = "calls itself" if len(repeated) == 1 else "call each other"
    return RuleMatch(phrases={"ring": ring, "calls": calls_what})


def loop_over_copy(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Loop over a copy of what is changed."""
    for node in raised.statement_nodes():
        match node:
            case ast.For(iter=source):
                text = ast.unparse(source)
                diff = replacement_diff(raised.frame, f"in {text}:", f"in list({text}):")
                return RuleMatch({"source": text}, diff=diff)
    return None


def notice_generator(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Notice that it left a generator, which turned it into another exception."""
    if raised.exception_index == 0:
        return None
    became = raised.event.exceptions[raised.exception_index - 1]
    return RuleMatch() if became.value == "generator raised StopIteration" else None


RULES = (
    ErrorRule(
        slug="outside-app-context",
        exception_types=("RuntimeError",),
        pattern=r"^Working outside of application context",
        title="`current_app` or the database is used outside an app context",
        why="Flask knows its app only while it handles a request or a CLI command; threads, jobs and"
        " code that runs at import have no app.",
        fix="Wrap what {at} does in `with app.app_context():`; hand a thread the app object itself"
        " (`current_app._get_current_object()`) and open the context inside it.",
        unless="it is called in a request: then it runs in a thread or greenlet that was started there.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="outside-request-context",
        exception_types=("RuntimeError",),
        pattern=r"^Working outside of request context",
        title="`request`, `session` or `url_for` is used outside a request",
        why="They exist only while a request is handled; here a thread, a job, a test or a generator"
        " that streams later uses them.",
        fix="Read what is needed from `request` in the view and pass it on as arguments to {function};"
        " for a streamed response use `stream_with_context`; in a test, `app.test_request_context()`.",
        unless="the view itself failed: then its code runs after the response.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="changed-while-iterating",
        exception_types=("RuntimeError",),
        pattern=r"(?P<kind>dictionary|Set|deque|OrderedDict|dictionary keys) (?:changed|mutated)"
        r"(?: size)? during iteration",
        title="`{source}` is changed while it is looped over",
        why="The loop itself or another thread adds or removes entries during the loop.",
        fix="Loop over a copy at {at}: `for … in list({source}):`; if threads share it, hold a lock"
        " around the loop and around the change.",
        unless="the change happens in another thread: then a copy may fail too, and a lock is needed.",
        confidence=0.94,
        examine=loop_over_copy,
    ),
    ErrorRule(
        slug="loop-already-running",
        exception_types=("RuntimeError",),
        pattern=r"event loop is already running|asyncio\.run\(\) cannot be called from a running",
        title="An event loop is started inside a running one",
        why="`asyncio.run` and `run_until_complete` start a loop; inside `async def` one is running already.",
        fix="Use `await` at {at} instead.",
        unless="the code runs in a notebook.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="no-event-loop",
        exception_types=("RuntimeError",),
        pattern=r"no (?:running|current) event loop|Event loop is closed|attached to a different loop",
        title="Async code runs without its event loop",
        why="A loop belongs to one thread. Flask views run without one, and a client made in one"
        " `asyncio.run` cannot be used in the next.",
        fix="Make the client inside the coroutine that uses it, and run the whole coroutine with"
        " `asyncio.run(…)`; at {at}.",
        unless="the worker is async: then the loop was closed too early, at exit.",
        confidence=0.88,
    ),
    ErrorRule(
        slug="no-more-threads",
        exception_types=("RuntimeError",),
        pattern=r"can't start new thread",
        title="The worker cannot start another thread",
        why="The limit on threads or memory is reached: threads are started and do not end.",
        fix="At {at}, use one module-level `ThreadPoolExecutor` instead of a thread for each request.",
        unless="the container's limit (`pids.max`) is far too low.",
        confidence=0.93,
    ),
    ErrorRule(
        slug="generator-raised-stop",
        exception_types=("StopIteration",),
        title="A `next(…)` inside a generator found nothing",
        why="Inside a generator, a `StopIteration` that escapes becomes this error.",
        fix="Use `next(…, None)` or catch `StopIteration` and `return`, at {at}.",
        unless="the code raises it explicitly there: then `return` instead.",
        confidence=0.99,
        examine=notice_generator,
    ),
    ErrorRule(
        slug="setup-after-first-request",
        exception_types=("AssertionError",),
        pattern=r"^The setup method '(?P<name>\w+)' can no longer be called",
        title="`{name}` is called after the app served its first request",
        why="Routes, blueprints and hooks must be registered before the app serves requests.",
        fix="Move `{name}` from {function} to where the app is created.",
        unless="a module with routes is imported late: then import it where the app is made.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="endless-recursion",
        exception_types=("RecursionError",),
        title="{ring} {calls} endlessly",
        why="Each call makes another one before it returns; the condition that ends the recursion is missing"
        " or never met. A cycle in the data (a parent that is its own child) has the same effect.",
        fix="Find what ends the recursion at {at}, and why it is not met; for deep data, use a loop.",
        unless="the data is just very deep: then use a loop.",
        confidence=0.92,
        examine=name_recursive_functions,
    ),
    ErrorRule(
        slug="recursion-somewhere",
        exception_types=("RecursionError",),
        title="Function calls are nested too deeply",
        why="Functions call each other endlessly, or data refers to itself.",
        fix="Look for the calls that repeat in the stack, and for the condition that should end them.",
        unless="the data is just very deep.",
        confidence=0.6,
    ),
    ErrorRule(
        slug="assertion",
        exception_types=("AssertionError",),
        pattern=r"^(?P<said>.*)$",
        title="An assertion in {function} does not hold",
        what="The assertion {line} failed{says}.",
        why="The code relies on it, but it is not true for the values of this request.",
        fix="Look at the locals at {at}. If input can cause it, answer with a 400 instead of `assert`, which"
        " `python -O` removes.",
        unless="the assertion itself is wrong.",
        confidence=0.7,
    ),
    ErrorRule(
        slug="not-implemented",
        exception_types=("NotImplementedError",),
        title="{function} is not implemented",
        why="A base class leaves it to its subclasses, and this one does not define it.",
        fix="Define it in the subclass, or do not call it; it is raised at {at}.",
        unless="this platform does not support it.",
        confidence=0.85,
    ),
)
