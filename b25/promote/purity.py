"""What makes a strategy decide differently another time: clocks, dice, the order of sets, state that is shared."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from b25.promote.findings import Finding
from b25.promote.statements import Statement

CLOCKS: Final = frozenset({"time", "time_ns", "perf_counter", "monotonic", "now", "utcnow", "today"})
DICE: Final = frozenset({"random", "uuid", "secrets"})
IN_ORDER: Final = frozenset(
    {"list", "tuple", "enumerate", "iter", "zip", "reversed"}
)  # what is made of a set by these is in its order
MUTABLE: Final = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MADE: Final = frozenset({"list", "dict", "set", "bytearray", "defaultdict", "deque", "array", "zeros", "ones", "empty", "full"})


def sets_named(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Names that are bound to a set somewhere in these."""
    return frozenset(
        target.id
        for top in nodes
        for node in ast.walk(top)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _is_set(node.value, frozenset())
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    )


def impurities(one: Statement, sets: frozenset[str]) -> Iterator[Finding]:
    """Yield what a statement does that another run would not repeat.

    Parameters
    ----------
    sets : frozenset of str
        Names that are bound to sets.
    """
    for node in ast.walk(one.node):
        if isinstance(node, ast.Call):
            yield from _calls(one, node)
            if isinstance(node.func, ast.Name) and node.func.id in IN_ORDER and any(_is_set(arg, sets) for arg in node.args):
                yield one.finding("NONDETERMINISM", f"{node.func.id} of a set has no certain order", node)
        elif isinstance(node, ast.For | ast.comprehension) and _is_set(node.iter, sets):
            yield one.finding("NONDETERMINISM", "a set is gone through, in no certain order", node.iter)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for default in [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]:
                if _is_mutable(default):
                    yield one.finding("MUTABLE_DEFAULT", f"{ast.unparse(default)} is a default", default)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.Assign | ast.AnnAssign) and inner.value is not None and _is_mutable(inner.value):
                    yield one.finding("CLASS_STATE", f"{ast.unparse(inner)} is shared by all instances", inner)


def _calls(one: Statement, node: ast.Call) -> Iterator[Finding]:
    words = ast.unparse(node.func).split(".")
    if len(words) > 1 and words[0] not in ("self", "ctx"):
        if words[-1] in CLOCKS and words[-2] in ("time", "datetime", "date"):
            yield one.finding("NONDETERMINISM", f"{'.'.join(words)} reads a clock", node)
        elif words[0] in DICE or (words[0] in ("np", "numpy") and words[1] == "random"):
            yield one.finding("NONDETERMINISM", f"{'.'.join(words)} throws dice", node)
    elif words == ["hash"] or words == ["id"]:
        yield one.finding("NONDETERMINISM", f"{words[0]} differs between processes", node)


def _is_set(node: ast.expr, sets: frozenset[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp) or (isinstance(node, ast.Name) and node.id in sets):
        return True
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")


def _is_mutable(node: ast.expr) -> bool:
    if isinstance(node, MUTABLE):
        return True
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in MADE
