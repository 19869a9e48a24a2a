"""Files, functions and the runtime stay small enough to be read at once."""

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import ROOT, files, modules

FILE_LINES = 400
FUNCTION_LINES = 50
RUNTIME_LINES = 3_400
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def code() -> list[Path]:
    return [path for path in files() if path.suffix == ".py"]


def test_no_file_is_longer_than_is_read_at_once() -> None:
    lengths = {str(path): len((ROOT / path).read_text().splitlines()) for path in code()}
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES} == {}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_function_is_longer_than_is_read_at_once() -> None:
    long = {
        f"{path}:{function.name}": lines
        for path in code()
        for function in functions(path)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


def statements(path: Path) -> set[int]:
    """Lines that hold code: no blank line, no comment, no docstring."""
    text = (ROOT / path).read_text()
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    spans = ((token.start[0], token.end[0]) for token in tokens if token.type not in LAYOUT)
    written = {line for first, last in spans for line in range(first, last + 1)}
    prose = (
        (node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
    return written - {line for first, last in prose for line in range(first, last + 1)}


def test_the_runtime_stays_thin() -> None:
    lines = {str(path): len(statements(path)) for path in modules("services/runtime")}
    assert sum(lines.values()) <= RUNTIME_LINES, lines
