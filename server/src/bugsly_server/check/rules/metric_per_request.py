"""BG404: a metric is made per request, or has a label with a value of the request."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.request_data import varies_by_request
from bugsly_server.check.resources import opened_calls
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence

METRICS = re.compile(
    r"^prometheus_client\.(Counter|Gauge|Histogram|Summary|Info|Enum)$|\.get_meter\(\)\.create_\w+$"
)
LABELS = re.compile(r"^prometheus_client\.\w+\(\)\.labels$")
FREE_TEXT = re.compile(
    r"request\.(path|full_path|url|base_url|remote_addr|user_agent|args|form|json|headers)"
)
IDENTITY = re.compile(
    r"(?i)(^|_)(user|customer|account|session|order|request|email|token|ip|path|url)(_?id)?$"
)


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield metrics made per request, and labels that a user chooses."""
    for reached in code.per_request:
        function = reached.function
        for call in opened_calls(METRICS, function, code.project):
            yield Offence(
                function.module,
                call,
                f"a metric is made with {reached.entry}: make it once, at module level",
            )
        for call in opened_calls(LABELS, function, code.project):
            given = [*call.args, *(one.value for one in call.keywords)]
            wide = [one for one in given if _is_wide(one)]
            if any(varies_by_request(one, function, code.project) for one in wide):
                yield Offence(
                    function.module,
                    call,
                    f"`{ast.unparse(wide[0])}` as a label makes a new time series for each value, and none is ever"
                    " dropped: use `request.url_rule`, a status or another name with few values",
                )


def _is_wide(node: ast.expr) -> bool:
    """Return whether *node* has as many values as there are users, paths or requests."""
    text = ast.unparse(node)
    return FREE_TEXT.search(text) is not None or IDENTITY.search(text) is not None


RULE = CheckRule(
    code="BG404",
    name="metric-per-request",
    summary="A metric is made per request, or a label has as many values as there are users or paths.",
    why="A metrics library keeps one time series for each combination of label values until the worker ends. A user's"
    " id or a path as a label makes one for each user or path, here and in the database of metrics.",
    bad="""from flask import Flask, request
from prometheus_client import Counter

app = Flask(__name__)
requests_total = Counter("requests_total", "Requests", ["path"])


@app.get("/<path:anything>")
def page(anything):
    requests_total.labels(request.path).inc()
    return "hello"
""",
    good="""from flask import Flask, request
from prometheus_client import Counter

app = Flask(__name__)
requests_total = Counter("requests_total", "Requests", ["rule"])


@app.get("/<path:anything>")
def page(anything):
    requests_total.labels(str(request.url_rule)).inc()
    return "hello"
""",
    find=find,
)
