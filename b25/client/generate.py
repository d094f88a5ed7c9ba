"""Writes the table of operations from the server's own description: `python -m b25.client.generate`.

The server is asked as a program, for the client knows nothing of how it is made: `python -m b25.api.describe`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

OUTPUT: Final = Path(__file__).with_name("operations.py")
METHODS: Final = ("get", "post", "put", "patch", "delete")
LINE_MAX: Final = 130
HEAD: Final = '''"""Every operation of the API, written by `python -m b25.client.generate`: change the routes, not this file."""

from __future__ import annotations

from typing import Final

# name, method, path, parameters of the query after a question mark, and how the body is sent
TABLE: Final = """\\
'''
TAIL: Final = '"""\n'


def described() -> dict[str, Any]:
    """Ask the server for its description."""
    asked = [sys.executable, "-m", "b25.api.describe"]
    told = subprocess.run(asked, capture_output=True, check=True)  # noqa: S603 - our own words
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def written(document: Mapping[str, Any]) -> str:
    """Return the text of the module for a description."""
    found = sorted(_operations(document))
    doubles = {name for name, count in Counter(name for name, _, _, _ in found).items() if count > 1}
    lines = []
    for name, method, path, rest in found:
        whole = f"{_other_name(method, path)} {method} {path}{rest}" if name in doubles else f"{name} {method} {path}{rest}"
        lines += _folded(whole)
    return HEAD + "\n".join(lines) + "\n" + TAIL


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method not in methods:
                continue
            told = methods[method]
            query = [one["name"] for one in told.get("parameters", ()) if one["in"] == "query"]
            content = told.get("requestBody", {}).get("content", {})
            kind = "json" if "application/json" in content or any(one.endswith("+json") for one in content) else ""
            body = f" {kind or next(iter(content))}" if content else ""
            rest = (f" ?{','.join(query)}" if query else "") + body
            yield _name(told["operationId"], method, path), method.upper(), path, rest


def _name(operation: str, method: str, path: str) -> str:
    """Return the name of the route's function: what is left of FastAPI's id without path and method."""
    tail = re.sub(r"\W", "_", f"{path}_{method}")
    return operation.removesuffix(tail) if operation.endswith(tail) else operation


def _other_name(method: str, path: str) -> str:
    """Return a name for one of several routes whose functions are called the same."""
    words = re.sub(r"\W+", "_", path.removeprefix("/api/v1")).strip("_")
    return f"{method.lower()}_{words}"


def _folded(line: str) -> list[str]:
    """Break a line that is too long; what goes on begins with a space."""
    lines = [""]
    for piece in re.split(r"(?<=[ ,])", line):
        if len(lines[-1]) + len(piece) > LINE_MAX and lines[-1].strip():
            lines.append("  ")
        lines[-1] += piece
    return [one.rstrip() if number == len(lines) - 1 else one.rstrip(" ") for number, one in enumerate(lines)]


if __name__ == "__main__":
    OUTPUT.write_text(written(described()), encoding="utf-8")
