"""BG405: a class or a model is made per request."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from bugsly_server.check.once import happens_once
from bugsly_server.check.project import SourceProject
from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.source_module import SourceFunction

MODEL_BASES = re.compile(
    r"(^|\.)(BaseModel|BaseSettings|RootModel|Schema|DeclarativeBase|SQLModel|declarative_base\(\))$"
    r"|SQLAlchemy\(\)\.Model$"
)
"""What keeps its subclasses, or compiles a validator for each."""
MAKERS = re.compile(
    r"^(pydantic\.(create_model|TypeAdapter)|attrs?\.make_class|dataclasses\.make_dataclass"
    r"|marshmallow\.(class_registry\.|schema\.)?Schema\.from_dict)$|\.model_rebuild$"
)
COMPILING = re.compile(
    r"^(attrs?\.(s|attrs|define|frozen|mutable|dataclass)|dataclasses\.dataclass|pydantic\.dataclasses\.dataclass)$"
)


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the classes that requests make and that are kept or costly."""
    for reached in code.per_request:
        function = reached.function
        for node in function.nodes:
            made = _made_class(node, function, code.project)
            if made and not (
                _is_kept(node, function) or happens_once(node, function, code.project)
            ):
                yield Offence(
                    module=function.module,
                    node=node,
                    message=f"a class is made with {reached.entry} (`{made}`): make it once, at module level,"
                    " or cache it by what it depends on",
                )


def _made_class(node: ast.AST, function: SourceFunction, project: SourceProject) -> str:
    """Return what makes a class that something keeps, or that is compiled; empty for others."""
    match node:
        case ast.ClassDef(name=name, bases=bases, decorator_list=decorators):
            is_compiled = any(
                COMPILING.match(project.resolve(_called(one), function.module, function))
                for one in decorators
            )
            return name if is_compiled or _is_model(bases, function, project) else ""
        case ast.Call(func=ast.Name(id="type"), args=[_, ast.Tuple(elts=bases), _]):
            return "type" if _is_model(bases, function, project) else ""
        case ast.Call(func=called):
            found = project.resolve(called, function.module, function) or ast.unparse(called)
            return ast.unparse(called) if MAKERS.search(found) else ""
    return ""


def _called(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _is_model(
    bases: list[ast.expr], function: SourceFunction, project: SourceProject, depth: int = 3
) -> bool:
    for base in bases:
        found = project.resolve(base, function.module, function) or ast.unparse(base)
        if MODEL_BASES.search(found):
            return True
        known = project.class_at(found)
        if (
            known is not None
            and depth
            and _is_model(known[1].node.bases, function, project, depth - 1)
        ):
            return True
    return False


def _is_kept(node: ast.AST, function: SourceFunction) -> bool:
    """Return whether the class goes into a container or an attribute, where it is found again."""
    around = next(function.ancestors(node), None)
    match around:
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return True
        case _:
            return False


RULE = CheckRule(
    code="BG405",
    name="class-per-request",
    summary="A class or a validation model is made per request.",
    why="Libraries keep classes: registries of models and schemas, mappers, caches of serialisers. Validation models"
    " compile a validator each time too, and attrs and dataclasses compile methods; some of it is never freed.",
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
