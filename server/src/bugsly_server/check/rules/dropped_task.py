"""BG104: an asyncio task is started and nothing refers to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.rule import CheckedCode, CheckRule, Offence

STARTERS = re.compile(
    r"(^|\.)asyncio\.(create_task|ensure_future)$|get_(running|event)_loop\(\)\.create_task$"
)


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the tasks whose result is dropped."""
    for reached in code.per_request:
        function = reached.function
        for node in function.nodes:
            match node:
                case ast.Expr(value=ast.Call(func=called) as call) if STARTERS.search(
                    code.project.resolve(called, function.module, function)
                ):
                    yield Offence(
                        module=function.module,
                        node=call,
                        message=f"the task started with {reached.entry} is kept by nothing, so it may be collected"
                        " before it ends, and its exception is lost: keep it in a set and"
                        " `task.add_done_callback(tasks.discard)`",
                    )


RULE = CheckRule(
    code="BG104",
    name="dropped-task",
    summary="An asyncio task is started and nothing refers to it.",
    why="The event loop keeps only weak references to tasks. One that nothing else refers to may disappear in the"
    " middle of its work; one that waits for ever is never noticed.",
    bad="""import asyncio

from fastapi import FastAPI

app = FastAPI()


async def notify():
    await asyncio.sleep(1)


@app.post("/orders")
async def order():
    asyncio.create_task(notify())
    return {"ok": True}
""",
    good="""import asyncio

from fastapi import FastAPI

app = FastAPI()
tasks = set()


async def notify():
    await asyncio.sleep(1)


@app.post("/orders")
async def order():
    task = asyncio.create_task(notify())
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return {"ok": True}
""",
    find=find,
)
