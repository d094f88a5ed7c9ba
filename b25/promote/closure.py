"""Everything that a class needs, found by walking back from it over the names that are read."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from b25.promote.cells import NOT_THIS, THIS
from b25.promote.findings import Finding
from b25.promote.statements import Statement

MADE_OF_LITERALS: Final = frozenset({"Decimal", "frozenset", "timedelta", "TypeVar"})


@dataclass(frozen=True, slots=True)
class Closure:
    """What is cut out.

    Attributes
    ----------
    needed : tuple of Statement
        In the order of the file.
    defined : dict
        Statement by the name that it binds.
    """

    root: str
    needed: tuple[Statement, ...]
    defined: dict[str, Statement]


def closure(root: str, every: Iterable[Statement]) -> tuple[Closure, list[Finding]]:
    """Return what a class needs, and why that is not enough or not clear.

    Parameters
    ----------
    root : str
        Name of the class.
    """
    usable = [one for one in every if NOT_THIS not in one.cell.tags]
    by_name: dict[str, list[Statement]] = {}
    for one in usable:
        for name in one.binds:
            by_name.setdefault(name, []).append(one)
    found: list[Finding] = []
    defined: dict[str, Statement] = {}
    needed: dict[int, Statement] = {id(one): one for one in usable if THIS in one.cell.tags}
    waiting = [(root, None), *((name, one) for one in needed.values() for name in sorted(one.reads))]
    seen: set[str] = set()
    while waiting:
        name, reader = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        bound = by_name.get(name, [])
        if not bound:
            found.append(_undefined(name, reader, root, by_name))
            continue
        if len({ast.dump(one.node) for one in bound}) > 1:
            cells = ", ".join(dict.fromkeys(one.cell.id for one in bound))
            found.append(bound[-1].finding("REDEFINED", f"{name} is bound {len(bound)} times, in cells {cells}"))
        one = defined[name] = bound[-1]
        needed[id(one)] = one
        if not _is_definition(one.node, defined, by_name):
            what = f"{reader.cell.id} reads {name}" if reader is not None else f"{name} is needed"
            found.append(one.finding("RUNTIME_GLOBAL", f"{what}, which is computed here"))
            continue  # what it is computed from is no part of the strategy
        waiting += [(other, one) for other in sorted(one.reads)]
    found += _changed_later(usable, defined)
    chosen = [one for one in usable if id(one) in needed]
    return Closure(root, tuple(chosen), defined), found


def is_literal(node: ast.AST | None) -> bool:
    """Whether a value is written as it is: numbers, texts, and tuples, lists, sets, dicts of those."""
    if node is None:
        return True
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return False
    return True


def _is_definition(node: ast.stmt, defined: dict[str, Statement], by_name: dict[str, list[Statement]]) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
        return True
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) for target in node.targets) and _is_constant(node.value, by_name)
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and _is_constant(node.value, by_name)


def _is_constant(node: ast.expr | None, by_name: dict[str, list[Statement]]) -> bool:
    """Literals, what is made of them, names of b25, and arithmetic of all these."""
    if is_literal(node):
        return True
    if isinstance(node, ast.Call) and not node.keywords:
        name = ast.unparse(node.func).rpartition(".")[2]
        return name in MADE_OF_LITERALS and all(_is_constant(one, by_name) for one in node.args)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return all(isinstance(one.node, ast.Import) for one in by_name.get(node.value.id, ())) and node.value.id in by_name
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left, by_name) and _is_constant(node.right, by_name)
    if isinstance(node, ast.UnaryOp):
        return _is_constant(node.operand, by_name)
    if isinstance(node, ast.Name):
        bound = by_name.get(node.id, ())
        return bool(bound) and all(isinstance(one.node, ast.Assign) and is_literal(one.node.value) for one in bound)
    return False


def _undefined(name: str, reader: Statement | None, root: str, by_name: dict[str, list[Statement]]) -> Finding:
    near = difflib.get_close_matches(name, by_name, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    if reader is None:
        return Finding(code="BAD_ROOT", cell="", line=0, text=f"no cell defines {root}{hint}")
    node = next((one for one in ast.walk(reader.node) if isinstance(one, ast.Name) and one.id == name), None)
    return reader.finding("UNDEFINED", f"{name} is read, and no cell binds it{hint}", node)


def _changed_later(usable: list[Statement], defined: dict[str, Statement]) -> list[Finding]:
    """What is defined and then changed in place: `Class.x = 3`, `table["a"] = 1`."""
    found = []
    for one in usable:
        targets = getattr(one.node, "targets", None) or [getattr(one.node, "target", None)]
        for target in targets:
            base = target
            while isinstance(base, ast.Attribute | ast.Subscript):
                base = base.value
            if base is not target and isinstance(base, ast.Name) and base.id in defined:
                found.append(one.finding("REDEFINED", f"{base.id} is changed after its definition"))
    return found
