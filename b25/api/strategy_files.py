"""Strategies as their files say, read and never run: classes, what they are for, parameters with their bounds, and a version."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

BYTES_MAX: Final = 2**20
FILES_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class StrategyFile:
    """One strategy class of one file.

    Attributes
    ----------
    version : str
        SHA-256 of the file.
    parameters : list of dict
        `name`, `type`, `default` and the bounds that the file writes out; None for what is no plain value there.
    """

    name: str
    file: str
    doc: str
    version: str
    parameters: list[dict[str, Any]]


def read_strategies(folder: Path) -> list[StrategyFile]:
    """Return every strategy of a folder, in the order of its files. One that cannot be read is left out."""
    found: list[StrategyFile] = []
    for path in sorted(folder.glob("*.py"))[:FILES_MAX]:
        if path.stat().st_size <= BYTES_MAX:
            found += _classes(path)
    return found


def _classes(path: Path) -> list[StrategyFile]:
    text = path.read_bytes()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    version = hashlib.sha256(text).hexdigest()
    return [
        StrategyFile(node.name, path.name, ast.get_docstring(node) or "", version, _parameters(node))
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any(_last(base) == "Strategy" for base in node.bases)
    ]


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _parameters(node: ast.ClassDef) -> list[dict[str, Any]]:
    found = []
    for line in node.body:
        if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and isinstance(line.value, ast.Call)):
            continue
        if _last(line.value.func) != "param":
            continue
        bounds = {word.arg: _plain(word.value) for word in line.value.keywords if word.arg}
        default = _plain(line.value.args[0]) if line.value.args else bounds.pop("default", None)
        found.append({"name": line.target.id, "type": ast.unparse(line.annotation), "default": default, "bounds": bounds})
    return found


def _plain(node: ast.expr) -> Any:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)
