"""BG601: Gunicorn's configuration recycles no worker."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bugsly_server.check.rule import CheckedCode, CheckRule, Offence, Rewrite
from bugsly_server.check.source_module import SourceModule


def is_gunicorn_configuration(module: SourceModule) -> bool:
    """Return whether *module* configures Gunicorn."""
    return module.path.name in {"gunicorn.conf.py", "gunicorn_conf.py", "gunicorn_config.py"} or (
        "gunicorn" in module.path.name and {"bind", "workers"} & module.bound.keys() != set()
    )


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the configurations without a bound on a worker's life."""
    for module in code.project.modules:
        is_recycled = "max_requests" in module.bound or "bugsly" in module.text
        if is_gunicorn_configuration(module) and not is_recycled:
            first = module.tree.body[0] if module.tree.body else ast.Pass(lineno=1, col_offset=0)
            yield Offence(
                module=module,
                node=first,
                message="no worker is ever recycled: set `max_requests = 10000` and"
                " `max_requests_jitter = 1000`, or let Bugsly recycle workers that grow"
                " (`bugsly run`, `BUGSLY_RECYCLE_AT`)",
                rewrite=Rewrite(added_lines=("max_requests = 10000", "max_requests_jitter = 1000")),
            )


RULE = CheckRule(
    code="BG601",
    name="no-recycling",
    summary="Gunicorn's configuration recycles no worker.",
    why="A leak that nobody knows of yet then ends with the kernel killing the largest process, in the middle of its"
    " requests. Recycling is no fix, but the net below it.",
    bad="""bind = "0.0.0.0:8000"
workers = 4
""",
    good="""bind = "0.0.0.0:8000"
workers = 4
max_requests = 10000
max_requests_jitter = 1000
""",
    find=find,
    file_name="gunicorn.conf.py",
)
