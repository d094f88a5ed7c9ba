"""Top-level statements of cells: what each binds, what it reads, and its text as it was written."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator
from dataclasses import dataclass

from b25.promote.cells import Cell, Saved
from b25.promote.findings import Finding
from b25.research.optional import needed

BUILTINS = frozenset(dir(builtins))
RUNS_ITS_CELL = frozenset({"%%backtest", "%%sweep"})  # magics of b25 that run the cell as it stands
_HEADER = "get_ipython"


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """One statement at the top level of a cell.

    Attributes
    ----------
    place : int
        Number of the cell.
    text : str
        As written, with decorators and the comments right above.
    line, last : int
        First and last line in the cell, from 1.
    binds, reads : frozenset of str
        Names at the top level; built-in ones are left out.
    """

    place: int
    cell: Cell
    node: ast.stmt
    text: str
    line: int
    last: int
    binds: frozenset[str]
    reads: frozenset[str]

    def finding(self, code: str, text: str, node: ast.AST | None = None) -> Finding:
        """Return a finding at a node of this statement, or at its beginning."""
        return Finding(code=code, cell=self.cell.id, line=getattr(node, "lineno", self.line), text=text)


def statements(saved: Saved) -> tuple[list[Statement], list[Finding]]:
    """Every top-level statement in the order of the file, and what could not be read."""
    found: list[Statement] = []
    faults: list[Finding] = []
    for place, cell in enumerate(saved.cells):
        text = plain_source(cell.source) if saved.is_notebook else cell.source
        try:
            tree = ast.parse(text)
        except SyntaxError as fault:
            faults.append(Finding(code="SYNTAX", cell=cell.id, line=fault.lineno or 0, text=fault.msg))
            continue
        found += [_statement(place, cell, text, node) for node in tree.body]
    return found, faults


def plain_source(source: str) -> str:
    """Source of a cell with magics and shell commands as the calls they are; a cell of another language is one such call."""
    first, _, rest = source.partition("\n")
    if first.split(maxsplit=1)[:1] and first.split(maxsplit=1)[0] in RUNS_ITS_CELL:
        source = f"\n{rest}"  # what these run is the cell itself; its lines keep their numbers
    if not any(line.lstrip().startswith(("%", "!", "?")) or line.rstrip().endswith("?") for line in source.splitlines()):
        return source  # as it is, to the last blank
    transformed: str = needed("IPython.core.inputtransformer2", extra="lab").TransformerManager().transform_cell(source)
    return transformed


def is_magic(statement: Statement) -> bool:
    """Whether it was written as a magic or a shell command."""
    return any(isinstance(node, ast.Name) and node.id == _HEADER for node in ast.walk(statement.node))


def names_bound(text: str) -> frozenset[str]:
    """Names that a statement binds at the top level."""
    top = symtable.symtable(text, "<cell>", "exec")
    return frozenset(one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported())


def names_read(text: str) -> frozenset[str]:
    """Global names that a statement reads: nested scopes, decorators, bases, defaults and annotations included."""
    found: set[str] = set()
    scopes = [symtable.symtable(text, "<cell>", "exec")]
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        at_top = scope.get_type() == "module"
        found |= {one.get_name() for one in scope.get_symbols() if one.is_referenced() and (at_top or one.is_global())}
    for written in _annotations_as_text(ast.parse(text)):
        found |= names_read(written)
    return frozenset(found) - BUILTINS


def _annotations_as_text(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        for told in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            for one in ast.walk(told) if isinstance(told, ast.AST) else ():
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    try:
                        ast.parse(one.value, mode="eval")
                    except SyntaxError:
                        continue
                    yield one.value


def _statement(place: int, cell: Cell, text: str, node: ast.stmt) -> Statement:
    lines = text.splitlines()
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    while first > 1 and lines[first - 2].lstrip().startswith("#"):
        first -= 1
    last = node.end_lineno or node.lineno
    body = "\n".join(lines[first - 1 : last])
    try:
        own = ast.get_source_segment(text, node) or body
        own = "\n".join([*(f"@{ast.unparse(one)}" for one in getattr(node, "decorator_list", [])), own])
        binds, reads = names_bound(own), names_read(own)
    except SyntaxError:  # an await at the top level, which a notebook allows
        binds = frozenset(one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
        reads = (
            frozenset(one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)) - BUILTINS
        )
    return Statement(place, cell, node, body, node.lineno, last, binds, reads)
