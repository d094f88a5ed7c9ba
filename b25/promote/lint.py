"""Judges the saved notebook and what was cut out of it. It guides; it is no sandbox."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Final

from b25.promote.cells import Saved
from b25.promote.closure import Closure, is_literal
from b25.promote.findings import Finding
from b25.promote.purity import impurities, sets_named
from b25.promote.statements import Statement, is_magic

ALLOWED: Final = frozenset({"__future__", "b25", "dataclasses", "enum", "math", "numpy", "typing"})
ALLOWED_PLAIN: Final = ALLOWED | {
    "collections",
    "decimal",
    "functools",
    "itertools",
    "onnxruntime",
    "pandas",
    "polars",
    "sklearn",
}
ONLY_HERE: Final = frozenset(
    {
        "__import__",
        "breakpoint",
        "compile",
        "display",
        "eval",
        "exec",
        "get_ipython",
        "globals",
        "input",
        "locals",
        "open",
        "vars",
    }
)
LINES_MAX: Final = 60
SECRET: Final = re.compile(
    r"-----BEGIN (?:\w+ )?PRIVATE KEY-----"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|\bb25_[A-Za-z0-9]{4,}_[A-Za-z0-9_-]{20,}"
    r"|(?i:api_?key|api_?secret|secret|password|passwd|token)['\"]?\s*[:=]\s*['\"][^'\"\s]{12,}['\"]"
    r"|(?<![A-Za-z0-9/+=_-])(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[a-z])[A-Za-z0-9]{64}(?![A-Za-z0-9/+=_-])"
)
AUTORELOAD: Final = re.compile(
    r"""^\s*%autoreload\s+['"]?(?:[123]|now|explicit|all|complete)|magic\(['"]autoreload""", re.MULTILINE
)


def lint(saved: Saved, every: Iterable[Statement], cut: Closure, *, compiled: bool) -> list[Finding]:
    """Return everything found, in the order of the file.

    Parameters
    ----------
    every : iterable of Statement
        Of the whole file.
    cut : Closure
        What the class needs.
    compiled : bool
        Whether the class is to be machine code: fewer modules may be imported.
    """
    statements = list(every)
    found = [*_order(saved, cut), *_root(cut), *_secrets(saved), *_shared_lines(statements, cut)]
    for one in statements:
        if isinstance(one.node, ast.ImportFrom) and any(alias.name == "*" for alias in one.node.names):
            found.append(one.finding("STAR_IMPORT", f"everything of {one.node.module} is imported"))
    sets = sets_named(one.node for one in cut.needed)
    for one in cut.needed:
        found += _needed(one, compiled=compiled)
        found += impurities(one, sets)
    found += _frozen_names(cut)
    places = {cell.id: place for place, cell in enumerate(saved.cells)}
    return sorted(dict.fromkeys(found), key=lambda one: (places.get(one.cell, -1), one.line, one.code))


def _order(saved: Saved, cut: Closure) -> Iterator[Finding]:
    if not saved.is_notebook:
        return
    last = 0
    for cell in saved.cells:
        if AUTORELOAD.search(cell.source):
            yield Finding(code="AUTORELOAD", cell=cell.id, line=0, text="modules reload themselves")
        if cell.count is None:
            continue
        if cell.count <= last:
            yield Finding(
                code="OUT_OF_ORDER", cell=cell.id, line=0, text=f"it ran as [{cell.count}] after a cell that ran as [{last}]"
            )
        last = max(last, cell.count)
    for cell in dict.fromkeys(one.cell for one in cut.needed):
        if cell.count is None:
            yield Finding(code="UNRUN", cell=cell.id, line=0, text="the class needs this cell, and it was never run")


def _root(cut: Closure) -> Iterator[Finding]:
    one = cut.defined.get(cut.root)
    if one is not None and not _is_strategy(cut.root, cut, set()):
        yield one.finding("BAD_ROOT", f"{cut.root} is not derived from b25.Strategy")


def _is_strategy(name: str, cut: Closure, seen: set[str]) -> bool:
    one = cut.defined.get(name)
    if one is None or name in seen:
        return False
    if isinstance(one.node, ast.ImportFrom):
        return one.node.module == "b25" and any((a.asname or a.name) == name and a.name == "Strategy" for a in one.node.names)
    if not isinstance(one.node, ast.ClassDef):
        return False
    for base in one.node.bases:
        if isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name) and base.attr == "Strategy":
            module = cut.defined.get(base.value.id)
            if module is not None and isinstance(module.node, ast.Import):
                return any(a.name == "b25" and (a.asname or a.name) == base.value.id for a in module.node.names)
        if isinstance(base, ast.Name) and _is_strategy(base.id, cut, seen | {name}):
            return True
    return False


def _secrets(saved: Saved) -> Iterator[Finding]:
    for cell in saved.cells:
        for line, text in enumerate(cell.source.splitlines(), 1):
            if SECRET.search(text):
                yield Finding(code="SECRET", cell=cell.id, line=line, text="what looks like a secret stands here")
        if SECRET.search(cell.outputs):
            yield Finding(code="SECRET", cell=cell.id, line=0, text="what looks like a secret stands in the output")


def _shared_lines(every: list[Statement], cut: Closure) -> Iterator[Finding]:
    needed = {id(one) for one in cut.needed}
    for one, after in itertools.pairwise(every):
        if one.place == after.place and one.last >= after.line and (id(one) in needed or id(after) in needed):
            yield after.finding("SHARED_LINE", "two statements stand on one line")


def _needed(one: Statement, *, compiled: bool) -> Iterator[Finding]:
    if is_magic(one):
        yield one.finding("NOTEBOOK_ONLY", "a magic or a shell command")
    allowed = ALLOWED if compiled else ALLOWED_PLAIN
    for node in ast.walk(one.node):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or "."] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            for name in names:
                if name.split(".")[0] not in allowed or (isinstance(node, ast.ImportFrom) and node.level):
                    yield one.finding(
                        "FORBIDDEN_IMPORT", f"{name} is not among {', '.join(sorted(allowed - {'__future__'}))}", node
                    )
        elif isinstance(node, ast.Global):
            yield one.finding("GLOBAL_STMT", f"global {', '.join(node.names)}", node)
        elif isinstance(node, ast.Name) and node.id in ONLY_HERE and isinstance(node.ctx, ast.Load):
            yield one.finding("NOTEBOOK_ONLY", f"{node.id} is used", node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LINES_MAX:
                yield one.finding("LONG_CELL", f"{node.name} has {length} lines", node)
    top = [node for node in ast.walk(one.node) if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith)]
    if top:
        yield one.finding("NOTEBOOK_ONLY", "await is used", top[0])


def _frozen_names(cut: Closure) -> Iterator[Finding]:
    """Compiled functions that read something that is neither import, function, class nor a literal."""
    for one in cut.needed:
        for name in sorted(one.reads):
            read = cut.defined.get(name)
            if read is None or not isinstance(read.node, ast.Assign | ast.AnnAssign) or not _is_compiled(one):
                continue
            if not is_literal(read.node.value) or isinstance(read.node.value, ast.List | ast.Dict | ast.Set):
                yield one.finding("NUMBA_GLOBAL", f"{name} is read, and is no plain number")


def _is_compiled(one: Statement) -> bool:
    words = [ast.unparse(node) for node in getattr(one.node, "decorator_list", [])]
    return any(re.search(r"\b(njit|jit|kernel)\b", word) for word in words)
