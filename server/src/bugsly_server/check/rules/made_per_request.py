"""BG401: an engine, a client or a pool is made for each request instead of once."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from bugsly_server.check.once import happens_once
from bugsly_server.check.resources import opened_calls
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.source_module import SourceFunction

REUSABLE = re.compile(
    r"^(sqlalchemy\.(create_engine|engine\.create_engine)|sqlalchemy\.ext\.asyncio\.create_async_engine"
    r"|redis\.(Redis|StrictRedis|from_url|Redis\.from_url|ConnectionPool)|pymongo\.MongoClient"
    r"|boto3\.(client|resource|Session|session\.Session)|elasticsearch\.Elasticsearch|opensearchpy\.OpenSearch"
    r"|concurrent\.futures\.(ThreadPoolExecutor|ProcessPoolExecutor)|multiprocessing\.Pool"
    r"|multiprocessing\.pool\.(ThreadPool|Pool)|kafka\.Kafka(Producer|Consumer)|pika\.BlockingConnection"
    r"|openai\.(Async)?OpenAI|anthropic\.(Async)?Anthropic|google\.cloud\.\w+\.Client|celery\.Celery"
    r"|posthog\.(Posthog|Client)|sentry_sdk\.init|opentelemetry\.sdk\.(trace\.Tracer|metrics\.Meter)Provider"
    r"|opentelemetry\.sdk\.(trace|_logs)\.export\.Batch\w+Processor"
    r"|opentelemetry\.sdk\.metrics\.export\.PeriodicExportingMetricReader"
    r"|flask\.Flask|apscheduler\.schedulers\.background\.BackgroundScheduler)$"
)
MEMOISING = re.compile(r"(^|\.)(cache|lru_cache|cached_property|memoize|singleton)\b")


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield what views make again with every request."""
    callers: dict[int, list[SourceFunction]] = defaultdict(list)
    for reached in code.per_request:
        for call in reached.calls:
            callers[id(call.callee)].append(reached.function)
    for reached in code.per_request:
        function = reached.function
        around = callers[id(function)]
        if _keeps(function) or (around and all(_keeps(caller) for caller in around)):
            continue
        for made in opened_calls(REUSABLE, function, code.project):
            if _is_kept_or_closed(made, function) or happens_once(made, function, code.project):
                continue
            yield Offence(
                module=function.module,
                node=made,
                message=f"`{ast.unparse(made.func)}` is called again with {reached.entry}: call it once, at module"
                " level or in the application factory, and use it in all requests",
            )


def _keeps(function: SourceFunction) -> bool:
    """Return whether the function keeps what it makes or has made, and gives the same again."""
    return _is_made_once(function) or _is_looked_up_first(function)


def _is_made_once(function: SourceFunction) -> bool:
    return any(MEMOISING.search(ast.unparse(one)) for one in function.node.decorator_list)


def _is_looked_up_first(function: SourceFunction) -> bool:
    """Return whether the function keeps what it makes in a container, and looks there first."""
    stored, asked = set(), set()
    for node in function.nodes:
        match node:
            case ast.Subscript(value=container, ctx=ast.Store()):
                stored.add(ast.unparse(container))
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[container]):
                asked.add(ast.unparse(container))
            case ast.Call(func=ast.Attribute(value=container, attr="get")):
                asked.add(ast.unparse(container))
    return bool(stored & asked)


def _is_kept_or_closed(call: ast.Call, function: SourceFunction) -> bool:
    """Return whether *call* is made in a `with` block, only where something fails, or kept for the next requests."""
    for around in function.ancestors(call):
        match around:
            case ast.withitem() | ast.ExceptHandler():
                return True
            case ast.Assign(targets=[ast.Name(id=name)]):
                if name in function.global_names or _is_closed(name, function):
                    return True
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                return True
            case ast.NamedExpr():
                return False
    return False


def _is_closed(name: str, function: SourceFunction) -> bool:
    """Return whether the function itself ends what it made."""
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        and node.attr in {"dispose", "shutdown", "close", "terminate", "stop"}
        for node in function.nodes
    ) or any(
        isinstance(node, ast.withitem)
        and isinstance(node.context_expr, ast.Name)
        and node.context_expr.id == name
        for node in function.nodes
    )


RULE = CheckRule(
    code="BG401",
    name="made-per-request",
    summary="An engine, a client or a pool is made for each request instead of once.",
    why="An engine has a pool, a client has connections and TLS contexts, an executor has threads. Made for each"
    " request, they are never reused, and what registers itself somewhere is never freed.",
    bad="""from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)


@app.get("/total")
def total():
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        return {"total": connection.execute(text("SELECT 1")).scalar()}
""",
    good="""from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine("sqlite://")


@app.get("/total")
def total():
    with engine.connect() as connection:
        return {"total": connection.execute(text("SELECT 1")).scalar()}
""",
    find=find,
)
