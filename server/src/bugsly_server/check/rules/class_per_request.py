"""BG405: a class or a model is made per request."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.rule import CheckedCode, CheckRule, Offence

MODEL_BASES = re.compile(r"(^|\.)(BaseModel|BaseSettings|Schema|DeclarativeBase|Model|TypedDict)$")
MAKERS = re.compile(
    r"^(pydantic\.create_model|pydantic\.TypeAdapter|collections\.namedtuple|dataclasses\.make_dataclass"
    r"|marshmallow\.(class_registry\.)?Schema\.from_dict|enum\.Enum)$"
)


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the classes that requests make."""
    for reached in code.per_request:
        function = reached.function
        for node in function.nodes:
            found = ""
            match node:
                case ast.ClassDef(bases=bases) if any(
                    MODEL_BASES.search(ast.unparse(one)) for one in bases
                ):
                    found = node.name
                case ast.Call(func=ast.Name(id="type"), args=[_, _, _]):
                    found = "type"
                case ast.Call(func=called) if MAKERS.match(
                    code.project.resolve(called, function.module, function)
                ):
                    found = ast.unparse(called)
            if found:
                yield Offence(
                    module=function.module,
                    node=node,
                    message=f"a class is made with {reached.entry} (`{found}`): make it once, at module level,"
                    " or cache it by what it depends on",
                )


RULE = CheckRule(
    code="BG405",
    name="class-per-request",
    summary="A class or a validation model is made per request.",
    why="A class is some kilobytes in a cycle, and libraries keep classes: registries of models, caches of"
    " `functools.singledispatch` and of serialisers. Validation models compile a validator each time too.",
    bad="""from flask import Flask, request
from pydantic import create_model

app = Flask(__name__)


@app.post("/orders")
def order():
    Order = create_model("Order", amount=(int, ...))
    return {"amount": Order(**request.json).amount}
""",
    good="""from flask import Flask, request
from pydantic import create_model

app = Flask(__name__)
Order = create_model("Order", amount=(int, ...))


@app.post("/orders")
def order():
    return {"amount": Order(**request.json).amount}
""",
    find=find,
)
