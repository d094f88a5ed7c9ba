"""One side of a comparison: a frozen version, or the class of a saved notebook or a file; its definitions and conditions."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from b25.kernels.build import build_key
from b25.model.errors import Misuse
from b25.promote.cells import Cell, Saved, read_saved
from b25.promote.checkout import source_of
from b25.promote.closure import closure
from b25.promote.findings import Level
from b25.promote.statements import Statement, statements
from b25.promote.version import REFERENCE, find
from b25.strategy.source_key import behaviour_key
from b25.strategy.strategy import Strategy

PAYLOAD: Final = "application/vnd.b25.backtest+json"
LOCK: Final = Path("requirements/run.lock.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One statement that a class needs.

    Attributes
    ----------
    name : str
        What it binds.
    text : str
        As written, with the comments above it.
    code : str
        What it does, whatever is said beside it: the same for two texts that differ in comments and docstrings alone.
    """

    name: str
    text: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What is compared.

    Attributes
    ----------
    parameters : dict
        Value in force of every parameter.
    conditions : dict
        Fees, limits, balance, latency, data, engine, lock; None where that side does not say.
    behaviour : str or None
        Identity of the code in reach; None when it cannot be imported.
    notes : tuple of str
        What keeps this side from being promoted, and why something is not known.
    """

    label: str
    class_name: str
    definitions: dict[str, Definition]
    parameters: dict[str, Any]
    conditions: dict[str, Any]
    behaviour: str | None
    notes: tuple[str, ...]


def side_of(where: str, root: Path) -> Side:
    """Read one side.

    Parameters
    ----------
    where : str
        ``NAME@NUMBER``, ``NOTEBOOK.ipynb:Class`` or ``FILE.py:Class``.
    root : Path
        Where versions are.

    Raises
    ------
    Misuse
        When there is no such version, file or class, or a cell cannot be read.
    """
    if REFERENCE.fullmatch(where):
        return _of_version(where, root)
    name, _, wanted = where.rpartition(":")
    if not name or not wanted.isidentifier():
        raise Misuse(
            f"{where!r} names neither a version nor a class of a file", remedy="give NAME@NUMBER or NOTEBOOK.ipynb:Class"
        )
    path = Path(name)
    saved = read_saved(path)
    needed, notes = _needed(saved, wanted, where)
    text = "\n\n".join(one.text for one in needed) + "\n"
    recorded = _recorded(path, wanted) if saved.is_notebook else {}
    conditions: dict[str, Any] = {
        "fees": None,
        "limits": None,
        "balance": None,
        "latency_ns": None,
        "data": recorded.get("data") or None,
    }
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest() if LOCK.is_file() else None
    conditions |= {"engine": build_key(), "lock": lock}
    return _made(where, wanted, needed, text, recorded.get("parameters") or {}, conditions, notes)


def _of_version(reference: str, root: Path) -> Side:
    version = find(root, reference)
    held, text = version.manifest, source_of(version)
    digest = version.manifest["files"]["strategy.py"]
    saved = Saved(path=version.folder, sha256=digest, cells=(Cell(id="file", source=text, count=1),), is_notebook=False)
    needed, notes = _needed(saved, held["class"], reference)
    told, made = held.get("conditions", {}), held.get("environment", {})
    conditions = {name: told.get(name) for name in ("fees", "limits", "balance", "latency_ns")}
    conditions |= {"data": _data(held.get("data")), "engine": made.get("engine"), "lock": made.get("lock_sha256")}
    return _made(reference, held["class"], needed, text, held.get("parameters", {}), conditions, notes)


def _needed(saved: Saved, wanted: str, where: str) -> tuple[list[Statement], tuple[str, ...]]:
    every, faults = statements(saved)
    if faults:
        raise Misuse(f"{where}: {faults[0]}", remedy="mend that cell; then compare again")
    found, findings = closure(wanted, every)
    if wanted not in found.defined:
        raise Misuse(f"{where}: no cell defines {wanted}", remedy="name a class that is in the file, and save it")
    first = [one for one in found.needed if isinstance(one.node, ast.ImportFrom) and one.node.module == "__future__"]
    needed = [*first, *(one for one in found.needed if one not in first)]
    return needed, tuple(str(one) for one in findings if one.level is Level.ERROR)


def _made(
    label: str, name: str, needed: list[Statement], text: str, params: dict[str, Any], conditions: dict[str, Any],
    notes: tuple[str, ...],
) -> Side:  # fmt: skip
    definitions = {}
    for one in needed:
        bound = ", ".join(sorted(one.binds)) or ast.unparse(one.node)
        key = ast.unparse(one.node) if isinstance(one.node, ast.Import | ast.ImportFrom) else bound
        definitions[key] = Definition(name=key, text=one.text, code=_code(one.node))
    behaviour, values = None, {}
    try:
        if notes:  # what is computed at run time may do anything while it is imported
            raise Misuse(notes[0], remedy="mend it, and try again")
        cls = _loaded(text, name)
        # Docstrings are constants of the code: without them two texts that only say it otherwise are the same.
        behaviour = behaviour_key(_loaded("\n".join(ast.unparse(_bare(one.node)) for one in needed), name))
        values = {one: param.default for one, param in cls.params.items()}
        record = cls.record({one: value for one, value in params.items() if one in values})[0]
        values = {one: record[one].item() for one in values}
        notes += tuple(f"{label} has no parameter {one}, which its results were made with" for one in params if one not in values)
    except Misuse as fault:
        notes += (f"{label} cannot be run as it stands: {fault.what}",)
    return Side(
        label=label, class_name=name, definitions=definitions, parameters=values or dict(params), conditions=conditions,
        behaviour=behaviour, notes=notes,
    )  # fmt: skip


def class_of_text(text: str, name: str, module_name: str, *, file: str = "") -> type[Strategy]:
    """Return a strategy class of a module's text.

    Parameters
    ----------
    module_name : str
        Under which it stays loaded: machine code names the module of each function.
    file : str
        What the module says that it was read from.

    Raises
    ------
    Misuse
        When the text cannot be run, or has no such strategy.
    """
    module = ModuleType(module_name)
    module.__file__ = file or f"<{module_name}>"
    sys.modules[module_name] = module
    try:
        exec(compile(text, module.__file__, "exec"), module.__dict__)  # noqa: S102 - a version's own bytes, or the user's notebook
    except Exception as fault:
        del sys.modules[module_name]
        raise Misuse(f"{type(fault).__name__}: {fault}", remedy="mend it, and try again") from None
    cls = getattr(module, name, None)
    if not isinstance(cls, type) or not issubclass(cls, Strategy):
        raise Misuse(f"{name} is no strategy", remedy="derive it from b25.Strategy")
    return cls


class _Bare(ast.NodeTransformer):
    """Takes docstrings away."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                node.body = body[1:] or [ast.Pass()]
        return node


def _bare(node: ast.stmt) -> Any:
    return _Bare().visit(ast.parse(ast.unparse(node)))


def _code(node: ast.stmt) -> str:
    return ast.dump(_bare(node))


def _loaded(text: str, name: str) -> type[Strategy]:
    return class_of_text(text, name, f"b25_compared_{hashlib.sha256(text.encode()).hexdigest()[:12]}")


def _data(told: list[dict[str, Any]] | None) -> list[str] | None:
    """Hashes of data, as far as a person reads them."""
    return [str(one["hash"])[:12] for one in told] if told else None


def _recorded(path: Path, wanted: str) -> dict[str, Any]:
    """What the last result of the class that the notebook shows was made with; empty when it shows none."""
    found: dict[str, Any] = {}
    for cell in json.loads(path.read_bytes())["cells"]:
        for output in cell.get("outputs", ()):
            payload = output.get("data", {}).get(PAYLOAD)
            if isinstance(payload, dict) and (payload.get("strategy") or {}).get("name") == wanted:
                found = {"parameters": payload.get("parameters"), "data": [str(one)[:12] for one in payload.get("data") or ()]}
    return found
