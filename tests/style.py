"""What the eye would complain about in a source file, found by counting."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

LINES_MAX = 400
FUNCTION_LINES_MAX = 70
CELL_FUNCTION_LINES_MAX = 10
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handler"}


def file_faults(path: Path) -> list[str]:
    """Faults of one Python file, one sentence each."""
    text = path.read_text(encoding="utf-8")
    found = []
    if text.count("\n") > LINES_MAX:
        found.append(f"{path}: {text.count(chr(10))} lines; find the second idea and move it out")
    if VAGUE & set(path.stem.lower().split("_")):
        found.append(f"{path}: name it after what it does")
    if text.strip() and not text.lstrip().startswith(('"""', 'r"""')):
        found.append(f"{path}: begin with the sentence that says why this file exists")
    for function in long_functions(text, FUNCTION_LINES_MAX):
        found.append(f"{path}: {function}; a function is under {FUNCTION_LINES_MAX} lines")
    return found


def notebook_faults(path: Path) -> list[str]:
    """Faults of one notebook: a function that should be in a file."""
    found = []
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] != "code":
            continue
        lines = "".join(cell["source"]).splitlines()
        text = "\n".join("" if re.match(r"\s*[%!]", line) else line for line in lines)  # magics are no Python
        for function in long_functions(text, CELL_FUNCTION_LINES_MAX):
            found.append(f"{path}, cell {number}: {function}; move it to a file")
    return found


def long_functions(source: str, lines_max: int) -> Iterator[str]:
    """Functions whose body, without its docstring, is longer than so many lines.

    A strategy class in a notebook is what the notebook is about, so its methods are counted one by one, like others.
    """
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
        lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
        if lines > lines_max:
            yield f"{node.name} has {lines} lines"
