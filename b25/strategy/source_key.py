"""The identity of a strategy's code: what every function that it can reach does, wherever that is written.

It names the file of machine code, so an edit anywhere in reach, also in a helper module or of a constant, makes a new one.
"""

import hashlib
import inspect
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from b25.strategy.strategy import Strategy


def methods_of(cls: type) -> dict[str, Any]:
    """Functions of a class as its instances see them, without those of the library's own bases and without dunders."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("b25.strategy.") and base.__name__ in ("Strategy", "Backed", "Indicator"):
            continue
        for name, value in vars(base).items():
            if isinstance(value, types.FunctionType) and not name.startswith("__"):
                found[name] = value
    return found


def functions_in_reach(cls: type) -> Iterator[tuple[str, Any]]:
    """Every Python function that the class's methods can call by a global name, the methods included, each once."""
    seen: set[int] = set()
    waiting = [(f"{cls.__name__}.{name}", function) for name, function in sorted(methods_of(cls).items())]
    for part_name, part in sorted(getattr(cls, "parts", {}).items()):
        waiting += [(f"{part_name}.{name}", function) for name, function in sorted(methods_of(part.kind).items())]
    while waiting:
        name, function = waiting.pop(0)
        if id(function) in seen:
            continue
        seen.add(id(function))
        yield name, function
        for other, value in _referenced(function):
            target = getattr(value, "py_func", value)
            if isinstance(target, types.FunctionType) and not target.__module__.startswith(("b25.", "numba.", "numpy")):
                waiting.append((other, target))


def names_read(cls: type) -> set[str]:
    """Every attribute and global name that code in reach of the class mentions."""
    return {name for _, function in functions_in_reach(cls) for code in _codes(function.__code__) for name in code.co_names}


def source_key(cls: type[Strategy]) -> str:
    """Hash that names the class's machine code: its behaviour, and the module whose name that code carries."""
    return hashlib.sha256(f"{behaviour_key(cls)}{cls.__module__}{cls.dtype.descr}".encode()).hexdigest()[:16]


def behaviour_key(cls: type[Strategy]) -> str:
    """Hash over the code in reach, the constants it names, and the fields of the record; the same wherever the file lies."""
    fields = [field for field in cls.dtype.descr if not field[0].startswith("is_")]
    features = [(name, one.key, one.lookback) for name, one in getattr(cls, "features", {}).items()]
    digest = hashlib.sha256(f"{cls.__qualname__}{fields}{features or ''}".encode())
    held = {name: value for base in reversed(cls.__mro__) for name, value in vars(base).items() if hasattr(value, "content_key")}
    for name in sorted(held):
        digest.update(f"{name}={held[name].content_key}".encode())
    for name, function in functions_in_reach(cls):
        digest.update(name.encode())
        for code in _codes(function.__code__):
            digest.update(code.co_code)
            digest.update(repr((code.co_names, code.co_varnames, _texts(code.co_consts))).encode())
        digest.update(repr((function.__defaults__, function.__kwdefaults__)).encode())
        for other, value in _referenced(function):
            digest.update(f"{other}={_constant(value)}".encode())
    return digest.hexdigest()[:16]


def _texts(constants: tuple[Any, ...]) -> list[str]:
    # The order of a set of strings differs from process to process.
    return [str(sorted(map(repr, c))) if isinstance(c, frozenset) else repr(c) for c in constants if not inspect.iscode(c)]


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from _codes(constant)


def _referenced(function: Any) -> Iterator[tuple[str, Any]]:
    """Globals and closure variables that a function names, with their present values."""
    names = sorted({name for code in _codes(function.__code__) for name in code.co_names})
    for name in names:
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue


def _constant(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return hashlib.sha256(value.tobytes()).hexdigest() + str(value.dtype)
    if isinstance(value, bool | int | float | str | bytes | tuple | np.generic):
        return repr(value)
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__} {getattr(value, '__version__', '')}"
    # Functions are followed, not printed; a model says by its content key what it is; anything else has no stable text.
    return str(getattr(value, "content_key", type(value).__qualname__))
