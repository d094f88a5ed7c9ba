"""Writes docs/acceptance.md: each item with the tests that prove it, read off the marks `pytest.mark.spec("ID")`.

`python -m tests.docs.acceptance` writes it anew. An item without a test is told as one that is not proven.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.docs.acceptance_items import ITEMS

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "acceptance.md"
HEAD = """# What the platform must do, and the tests that prove it
Made from the marks on the tests by `python -m tests.docs.acceptance`; a test fails when it is out of date. An item with
*not proven* has no test that bears its number: it may be missing, weaker than asked, or simply unmarked.

"""


def marks() -> dict[str, list[str]]:
    """Tests by the items that they bear, in the order of files."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        name = path.relative_to(ROOT / "tests").as_posix()
        for item, test in _of_file(tree):
            found.setdefault(item, []).append(f"{name}::{test}" if test else name)
    return found


def _of_file(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for one in node.decorator_list:
                yield from ((item, node.name) for item in _items(one))
        elif isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "pytestmark" for target in node.targets):
            for one in ast.walk(node.value):
                yield from ((item, "") for item in _items(one))


def _items(node: ast.AST) -> list[str]:
    if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("mark.spec"):
        return []
    return [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def page() -> str:
    """Text of the document."""
    found, parts = marks(), [HEAD]
    for chapter, items in ITEMS.items():
        parts.append(f"## {chapter}\n| item | what | proven by |\n| --- | --- | --- |\n")
        for item, what in items.items():
            tests = ", ".join(f"`{one}`" for one in found.get(item, [])[:4]) or "*not proven*"
            parts.append(f"| {item} | {what} | {tests} |\n")
        parts.append("\n")
    proven = sum(item in found for items in ITEMS.values() for item in items)
    parts.append(f"{proven} of {sum(map(len, ITEMS.values()))} items are proven.\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
