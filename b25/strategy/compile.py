"""From a strategy class to one machine-code function `call(kind, state address, context address)`, cached on disk.

The class's own text is compiled as it stands. A small module is written into the build's cache directory; it calls the
class's callbacks by name, and numba caches its machine code beside it.
"""

import difflib
import dis
import importlib.util
import os
import re
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.core import errors as numba_errors

from b25.kernels.build import cache_directory
from b25.model.errors import Misuse
from b25.model.world import CONTEXT
from b25.strategy import door_account, door_bars, door_market, door_orders, door_parents
from b25.strategy.methods import give_methods
from b25.strategy.source_key import functions_in_reach, methods_of, names_read, source_key
from b25.strategy.strategy import Strategy

BITS = {
    "on_start": 1, "on_book": 2, "on_trade": 4, "on_gap": 8, "on_fill": 16, "on_order": 32, "on_timer": 64, "on_stop": 128,
    "on_bar": 256, "on_funding": 512,
}  # fmt: skip
# What `ctx` offers; these modules hold nothing else that a strategy may call.
DOOR_MARKET = (
    "ready healthy bid ask bid_ticks ask_ticks bid_quantity ask_quantity mid microprice spread tick lot "
    "floor_price ceil_price floor_quantity last_trade last_trade_quantity last_trade_side book_age_ns "
    "imbalance depth quantity_to price_to_fill"
).split()
DOOR_ACCOUNT = "position entry_price unrealized realized fees equity cash order fill log every".split()
DOOR_BARS = "bar bars_seen fresh feature".split()
DOOR_ORDERS = "buy sell trade target close cancel cancel_all amend quote working orders".split()
DOOR_PARENTS = "twap vwap iceberg bracket oco trailing_stop cancel_parent pause_parent resume_parent parent".split()
PARENT_MAKERS = frozenset(DOOR_PARENTS[:6])

_registry: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A strategy's machine code."""

    key: str
    call: Any
    stride: Any = None  # shows quiet bars one after the other; only of a class with `on_bar`


class NotCompilable(Misuse):
    """The class cannot become machine code; it says where and why."""


def door_methods() -> dict[str, Any]:
    """Return the methods of `ctx`, names to kernels."""
    found = {name: getattr(door_market, name) for name in DOOR_MARKET}
    found |= {name: getattr(door_account, name) for name in DOOR_ACCOUNT}
    found |= {name: getattr(door_bars, name) for name in DOOR_BARS}
    found |= {name: getattr(door_parents, name) for name in DOOR_PARENTS}
    return found | {name: getattr(door_orders, name) for name in DOOR_ORDERS}


def callback_bits(cls: type[Strategy]) -> int:
    """Bits of the callbacks that a class has."""
    return sum(BITS[name] for name in cls.callbacks())


def reads_depth(cls: type[Strategy]) -> bool:
    """Tell whether any code in reach of the class names a method that looks beyond the touch."""
    return not names_read(cls).isdisjoint(door_market.DEEP_READS)


def makes_parents(cls: type[Strategy]) -> bool:
    """Tell whether any code in reach of the class names a method that makes a parent order."""
    return not names_read(cls).isdisjoint(PARENT_MAKERS)


def looks_at_views(cls: type[Strategy]) -> bool:
    """Tell whether any code in reach of the class names a method that shows an order or a fill."""
    return not names_read(cls).isdisjoint(("order", "fill"))


def strategy_dtype(key: str) -> "np.dtype[Any]":
    """Return the record dtype of the class being compiled; called by the generated module."""
    cls: type[Strategy] = _registry[key]
    return cls.dtype


def compile_strategy(cls: type[Strategy]) -> Compiled:
    """Compile a strategy class, or load its machine code from the cache.

    Raises
    ------
    NotCompilable
        With the line of the user's file and the reason, when numba cannot compile it.
    """
    key = f"{cls.__name__.lower()}_{source_key(cls)}"
    name = f"b25_generated_{key}"
    if name in sys.modules:
        return _compiled(key, sys.modules[name])
    _registry[key] = cls
    _give_all_methods(cls)
    # Cached code names the module of each function and imports it when it is loaded: without a module, no cache.
    kept = all(function.__module__ in sys.modules for _, function in functions_in_reach(cls))
    try:
        try:
            module = _load(name, _write_module(cls, key, kept=kept))
        except numba_errors.NumbaError:
            raise
        except Exception:
            # A cache that cannot be read, whatever the reason, costs a second and no more.
            if not kept:
                raise
            module = _load(name, _write_module(cls, key, kept=False))
    except Exception as fault:
        raise NotCompilable(f"{cls.__name__} cannot be compiled: {_where_and_why(cls, fault)}", remedy=REMEDY) from None
    return _compiled(key, module)


def _compiled(key: str, module: Any) -> Compiled:
    return Compiled(key, module.call, getattr(module, "stride", None))


def _load(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Numba's cache looks for the generated module under its name, too.
    sys.modules[name] = module
    try:
        with warnings.catch_warnings():
            # "Cannot cache compiled function": a strategy that names a large array is compiled anew in each process.
            warnings.simplefilter("ignore", numba_errors.NumbaWarning)
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


# A loop over quiet bars with the callback inlined into it: what a call for each bar would cost is saved.
STRIDE = [
    "from b25.kernels.bar_tape import next_bar, row_at, show_quiet, tape_at",
    "from b25.kernels.world import bar_mark_at, bar_place_at, book_at, head_of",
    '@numba.njit("int64(uintp, uintp, uintp, int64, int64, int64, int64)", cache={kept}, nogil=True)',
    "def stride(state, ctx, tapes, first, end, low, high):",
    "    s = record_at(state, STATE)",
    "    c = record_at(ctx, CONTEXT)",
    "    head, k = head_of(c), first",
    '    if c["frames"] > 1 or c["feature_count"] > 0:',
    "        while k < end and next_bar(c, tapes, k, low, high):",
    "            k += 1",
    "            s.on_bar(c)",
    '            if head["intents"] != 0 or head["status"] != 0 or head["timer_ns"] > 0{noted}:',
    "                break",
    "        return k",
    "    tape, book, place, mark = tape_at(c, tapes, 0, 0), book_at(c, 0), bar_place_at(c, 0, 0), bar_mark_at(c, 0, 0)",
    '    views = tape["views"]',
    "    while k < end:",
    "        row = row_at(tape, k)",
    '        if row["low_ticks"] <= low or row["high_ticks"] >= high:',
    "            break",
    "        show_quiet(c, head, book, place, mark, views, row, k)",
    "        k += 1",
    "        s.on_bar(c)",
    '        if head["intents"] != 0 or head["status"] != 0 or head["timer_ns"] > 0{noted}:',
    "            break",
    '    tape["next"] = k',
    "    return k",
]
REMEDY = "write that line with what numba knows, or run the class as plain Python with compiled=False (--python)"


def _give_all_methods(cls: type[Strategy]) -> None:
    if "ctx" not in _registry:
        give_methods(CONTEXT, door_methods())
        _registry["ctx"] = True
    for part in cls.parts.values():
        give_methods(part.dtype, {n: numba.njit(nogil=True)(f) for n, f in methods_of(part.kind).items()})
    # Bounds are checked in user code: a wrong index is an error with a message, not a read of foreign memory.
    own = {n: numba.njit(boundscheck=True, nogil=True, forceinline=n == "on_bar")(f) for n, f in methods_of(cls).items()}
    give_methods(cls.dtype, own)


def _write_module(cls: type[Strategy], key: str, *, kept: bool) -> Path:
    folder = cache_directory() / "strategies"
    folder.mkdir(exist_ok=True)
    path = folder / f"{key}{'' if kept else '_fresh'}.py"
    if path.exists():
        return path
    lines = [
        '"""Generated: calls the callbacks of one strategy class by name."""',
        "import numba",
        "from b25.kernels.address import record_at",
        "from b25.model.world import CONTEXT",
        "from b25.strategy.compile import strategy_dtype",
        f"STATE = strategy_dtype({key!r})",
        f'@numba.njit("void(int64, uintp, uintp)", cache={kept}, nogil=True)',
        "def call(kind, state, ctx):",
        "    s = record_at(state, STATE)",
        "    c = record_at(ctx, CONTEXT)",
    ]
    for name in cls.callbacks():
        lines += [f"    if kind == {BITS[name]}:", f"        s.{name}(c)", "        return"]
    if "on_bar" in cls.callbacks():
        # What is noted must be taken away before the table is full; a class that notes nothing pays nothing for it.
        noted = ' or 2 * head["notes"] > c["notes_size"]' if "log" in names_read(cls) else ""
        noted += ' or head["parents"] != 0' if makes_parents(cls) else ""
        lines += [line.format(kept=kept, noted=noted) for line in STRIDE]
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text("\n".join(lines) + "\n")
    temporary.replace(path)
    return path


def _where_and_why(cls: type[Strategy], fault: Exception) -> str:
    """Return the user's own file and line, and the first sentence that says what is wrong."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(fault))
    functions = [function for _, function in functions_in_reach(cls)]
    files = {Path(function.__code__.co_filename).name for function in functions}
    # The innermost place comes first; the callers that led to it follow.
    places = [(f, line) for f, line in re.findall(r'File "([^"]+)", line (\d+)', text) if Path(f).name in files]
    if not places and (match := re.search(r"name '([^']+)' is not defined", text)):
        places = [(f.__code__.co_filename, line) for f in functions for line in _lines_naming(f, match.group(1))]
    place = f"{Path(places[0][0]).name}:{places[0][1]}: " if places else ""
    return place + _reason(cls, text)


def _lines_naming(function: Any, name: str) -> list[str]:
    found = [step.positions.lineno for step in dis.get_instructions(function) if step.argval == name and step.positions]
    return [str(line) for line in found if line]


def _reason(cls: type[Strategy], text: str) -> str:
    if match := re.search(r"Unknown attribute '([^']+)'", text):
        known = [
            *BITS,
            *DOOR_MARKET,
            *DOOR_BARS,
            *DOOR_ACCOUNT,
            *DOOR_ORDERS,
            *DOOR_PARENTS,
            *methods_of(cls),
            *(cls.dtype.names or ()),
        ]
        near = difflib.get_close_matches(match.group(1), known, 1)
        return f"there is no {match.group(1)!r}" + (f", did you mean {near[0]}?" if near else "")
    if match := re.search(r"Cannot resolve setattr: .*\.(\w+) = \w+", text):
        return f"the class declares no field {match.group(1)!r}; give it an annotation and a default"
    if match := re.search(r"Untyped global name '([^']+)'.*<class 'function'>", text):
        return f"{match.group(1)} is a plain function; make it a method, or decorate it with numba.njit"
    patterns = (
        r"(?:NameError: )?name '([^']+)' is not defined",
        r"No implementation of function .+? found for signature",
        r"Untyped global name '([^']+)'.*",
        r"Cannot unify .+",
        r"Use of unsupported .+|use of unsupported .+",
        r"The use of .+ is (?:un|not )supported.*",
    )
    for pattern in patterns:
        if match := re.search(pattern, text):
            return " ".join(match.group(0).split())[:240]
    noise = ("Failed in", "File", "During", "- Resolution")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith(noise)]
    return (lines[0] if lines else text)[:240]
