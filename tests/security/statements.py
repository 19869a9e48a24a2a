"""Every SQL constant of the code, and which of them an api process can come to execute.

Modules are imported and their constants read; what an api reaches is followed from its module
through every name that a function mentions, in our own code. That is more than it really executes,
never less.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from tests.architecture.tree import ROOT, modules

SQL = re.compile(r"\s*(select|insert|update|delete|with|merge)\s", re.IGNORECASE)
EXECUTING = {"execute", "executemany", "fetch", "fetchrow", "fetchval", "fetchmany", "prepare"}
EXECUTING |= {"cursor", "copy_from_query", "copy_from_table", "copy_to_table"}
RUN_BY_THE_OWNER = "services.runtime.migrate"


def named(module: ModuleType) -> Iterator[tuple[str, str]]:
    """(`module.NAME`, statement) of the constants that a module itself assigns."""
    tree = ast.parse(inspect.getsource(module))
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in (target.id for target in targets if isinstance(target, ast.Name)):
                value = getattr(module, name, None)
                if isinstance(value, str) and SQL.match(value):
                    yield f"{module.__name__}.{name}", value


@cache
def statements(package: str) -> dict[str, str]:
    """Every SQL constant below `services/<package>`."""
    found: dict[str, str] = {}
    for path in modules(f"services/{package}"):
        dotted = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        found |= dict(named(import_module(dotted)))
    return found


def mentioned(function: FunctionType) -> Iterator[Any]:
    """Whatever of ours a function names: constants, functions, classes, also through modules."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in function.__globals__:
            yield function.__globals__[node.id]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            home = function.__globals__.get(node.value.id)
            if isinstance(home, ModuleType | type):
                yield getattr(home, node.attr, None)


def is_written(function: FunctionType) -> bool:
    """Whether it stands in a file, as what a dataclass makes does not."""
    return not function.__code__.co_filename.startswith("<") and function.__name__ != "<lambda>"


def is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("services.")


def reached_by_api(service: str) -> set[str]:
    """The SQL that the api of a service mentions, itself or through what it calls."""
    api = import_module(f"services.{service}.api")
    waiting: list[Any] = [thing for thing in vars(api).values() if is_ours(thing)]
    passed: set[int] = set()
    texts: set[str] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in passed:
            continue
        passed.add(id(thing))
        if isinstance(thing, str) and SQL.match(thing):
            texts.add(thing)
        elif inspect.isclass(thing) and is_ours(thing):
            waiting += [member for member in vars(thing).values() if inspect.isroutine(member)]
        elif inspect.isroutine(thing) and is_ours(thing):
            function = inspect.unwrap(getattr(thing, "__func__", thing))
            if isinstance(function, FunctionType) and is_written(function):
                waiting += mentioned(function)
    return texts


def of_the_runtime() -> dict[str, str]:
    """The runtime's constants but those of the migrations, which the owner of the tables runs."""
    return {
        name: text
        for name, text in statements("runtime").items()
        if not name.startswith(RUN_BY_THE_OWNER)
    }


def executed_otherwise() -> set[str]:
    """Files that execute on a connection what is no constant with a name in capitals."""
    return {str(path) for path in modules("services") for call in calls(path) if not constant(call)}


def calls(path: Path) -> Iterator[ast.Call]:
    """Calls that execute SQL on a connection or a pool."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            receiver = ast.unparse(node.func.value)
            if node.func.attr in EXECUTING and re.search(r"(connection|pool)$", receiver):
                yield node


def constant(call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    name = first.attr if isinstance(first, ast.Attribute) else getattr(first, "id", "")
    return re.fullmatch(r"[A-Z][A-Z0-9_]*", name) is not None


def formatted() -> list[str]:
    """Constants whose SQL is put together from parts."""
    return [
        f"{path}: {ast.unparse(node)[:60]}"
        for path in modules("services")
        for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.JoinedStr | ast.BinOp | ast.Call)
        and any(
            isinstance(part, ast.Constant) and SQL.match(str(part.value))
            for part in ast.walk(node.value)
        )
    ]
