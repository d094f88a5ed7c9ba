"""The door for the plain-Python life of a strategy: the same methods on the same records.

What a strategy reads on every call is read here, straight from memory; everything else, above all every order call, goes
into the very kernels that compiled strategies call, so that rounding and refusals cannot differ.
"""

import importlib.util
import inspect
import os
import sys
from collections import namedtuple
from functools import cache
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np

from b25.kernels.build import cache_directory
from b25.model.bar import BAR_VIEW
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.model.world import NO_BARS
from b25.strategy.compile import DOOR_ACCOUNT, DOOR_BARS, DOOR_MARKET, DOOR_ORDERS, DOOR_PARENTS, door_methods

BAR_FIELDS = list(BAR_VIEW.names or ())
BarSeen = namedtuple("BarSeen", BAR_FIELDS)  # type: ignore[misc]


@cache
def entries() -> Any:
    """Return the module of thin compiled entries, one a door method, that take the context's address."""
    lines = [
        '"""Generated: one entry a method of ctx, taking its address."""',
        "import numba",
        "from b25.kernels.address import record_at",
        "from b25.model.world import CONTEXT",
        "from b25.strategy import compile as _compile",
        "_doors = _compile.door_methods()",
    ]
    for name, kernel in door_methods().items():
        names = list(inspect.signature(kernel.py_func).parameters)[1:]
        listed = "".join(f", {n}" for n in names)
        lines += [
            f"_{name} = _doors[{name!r}]",
            "@numba.njit(cache=True, nogil=True)",
            f"def {name}(address{listed}):",
            f"    return _{name}(record_at(address, CONTEXT){listed})",
        ]
    text = "\n".join(lines) + "\n"
    path = cache_directory() / "entries.py"
    if not path.exists() or path.read_text() != text:
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(text)
        temporary.replace(path)
    spec = importlib.util.spec_from_file_location("b25_generated_entries", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Numba's cache names the module of each function, and looks for it there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class PlainContext:
    """`ctx` of a strategy that runs as plain Python.

    Parameters
    ----------
    world : World
        Kept alive for as long as this object: its arrays are read by address.
    """

    def __init__(self, world: Any) -> None:
        self._world = world
        self._address = np.uintp(world.context.ctypes.data)
        self._now = memoryview(world.context["now_ns"])
        self._i = memoryview(world.context["i"])
        books, instruments, positions = world.books, world.instruments, world.positions
        n = instruments.size
        self._bid_ticks = [memoryview(books["best_bid_ticks"][k : k + 1]) for k in range(n)]
        self._ask_ticks = [memoryview(books["best_ask_ticks"][k : k + 1]) for k in range(n)]
        self._lots = [memoryview(positions["position_lots"][k : k + 1]) for k in range(n)]
        self._tick = [(int(row["tick_num"]), int(row["tick_den"])) for row in instruments]
        self._lot = [(int(row["lot_num"]), int(row["lot_den"])) for row in instruments]
        self._parents: dict[int, SimpleNamespace] = {}
        self._bars_at = [[int(view.ctypes.data) for view in views] for views in world.bar_views]

    @property
    def now_ns(self) -> int:
        """Time of the event that is being handled."""
        return self._now[0]

    @property
    def i(self) -> int:
        """Instrument of the event that is being handled."""
        return self._i[0]

    @property
    def n(self) -> int:
        """Number of instruments."""
        return len(self._tick)

    def ready(self, i: int = 0) -> bool:
        """True when both sides of the book have a best level."""
        return self._bid_ticks[i][0] != NO_BID_TICKS and self._ask_ticks[i][0] != NO_ASK_TICKS

    def bid(self, i: int = 0) -> float:
        """Best bid price; NaN when the side is empty."""
        ticks = self._bid_ticks[i][0]
        num, den = self._tick[i]
        return ticks * num / den if ticks != NO_BID_TICKS else float("nan")

    def ask(self, i: int = 0) -> float:
        """Best ask price; NaN when the side is empty."""
        ticks = self._ask_ticks[i][0]
        num, den = self._tick[i]
        return ticks * num / den if ticks != NO_ASK_TICKS else float("nan")

    def bid_ticks(self, i: int = 0) -> int:
        """Best bid as a whole number of ticks; 0 when the side is empty."""
        return self._bid_ticks[i][0]

    def ask_ticks(self, i: int = 0) -> int:
        """Best ask as a whole number of ticks; 2147483647 when the side is empty."""
        return self._ask_ticks[i][0]

    def mid(self, i: int = 0) -> float:
        """Middle of the touch; NaN when a side is empty."""
        low, high = self._bid_ticks[i][0], self._ask_ticks[i][0]
        if low == NO_BID_TICKS or high == NO_ASK_TICKS:
            return float("nan")
        num, den = self._tick[i]
        return (low + high) * num / den / 2.0

    def tick(self, i: int = 0) -> float:
        """Price of one tick."""
        num, den = self._tick[i]
        return num / den

    def lot(self, i: int = 0) -> float:
        """Quantity of one lot."""
        num, den = self._lot[i]
        return num / den

    def position(self, i: int = 0) -> float:
        """Signed holding in base units."""
        num, den = self._lot[i]
        return self._lots[i][0] * num / den

    def bar(self, i: int = 0, frame: int = 0) -> Any:
        """The last complete bar; see the compiled door."""
        world = self._world
        if not (0 <= i < len(self._tick) and 0 <= frame < world.bar_marks.shape[1]):
            world.head["status"] = NO_BARS
            return BarSeen._make(world.no_bar[0].item())
        if world.bar_slots.size:
            return BarSeen._make(world.bar_slots[i, frame].item())
        at = int(world.bar_at[i, frame])
        if at == world.no_bar.ctypes.data:
            return BarSeen._make(world.no_bar[0].item())
        view = world.bar_views[i][frame]
        return BarSeen._make(view[(at - self._bars_at[i][frame]) // BAR_VIEW.itemsize].item())

    def order(self) -> Any:
        """The order that `on_order` is about."""
        return _plain(self._world.order_view[0])

    def fill(self) -> Any:
        """The fill that `on_fill` is about."""
        return _plain(self._world.fill_view[0])

    def vwap(self, side: int, quantity: float, over_s: float, profile: Any, **more: Any) -> Any:
        """Make a VWAP; see the compiled door. A list of volumes will do here."""
        return _through_entry("vwap")(self, side, quantity, over_s, np.array(profile, np.float64), **more)

    def parent(self, parent_id: int) -> Any:
        """A parent as it stands; see the compiled door, which also shows the same row again."""
        door = door_methods()["parent"] if numba.config.DISABLE_JIT else entries().parent
        door(self._world.context[0] if numba.config.DISABLE_JIT else self._address, parent_id)
        table, slot = self._world.parents, int(self._world.parents.size)
        if slot and table[parent_id % slot]["parent_id"] == parent_id > 0:
            slot = parent_id % slot
        seen = self._parents.setdefault(slot, SimpleNamespace())
        seen.__dict__.update(_plain(self._world.parent_views[slot]).__dict__)
        return seen

    def orders(self, side: int, i: int = 0) -> Any:
        """Live orders of a side, in order of submission."""
        door = door_methods()["orders"] if numba.config.DISABLE_JIT else entries().orders
        subject = self._world.context[0] if numba.config.DISABLE_JIT else self._address
        return [_plain(row) for row in door(subject, side, i)]


def _plain(row: Any) -> SimpleNamespace:
    """Return a record with Python's own numbers, which divide by zero as compiled code does: with an error."""
    return SimpleNamespace(**dict(zip(row.dtype.names, row.item(), strict=True)))


@cache
def _through_entry(name: str) -> Any:
    kernel = door_methods()[name]
    if numba.config.DISABLE_JIT:

        def direct(self: PlainContext, *args: Any, **kwargs: Any) -> Any:
            return kernel(self._world.context[0], *args, **kwargs)

        return direct
    parameters = list(inspect.signature(kernel.py_func).parameters.values())[1:]
    listed = ", ".join(str(p) for p in parameters)
    names = ", ".join(p.name for p in parameters)
    # Spelled out once per method, because binding arguments by inspection at every call costs more than the call.
    source = f"lambda self{', ' + listed if listed else ''}: entry(self._address{', ' + names if names else ''})"
    return eval(source, {"entry": getattr(entries(), name)})  # noqa: S307 - text made two lines above


class _Late:
    """A method that finds its entry at its first use, so that no run compiles what it does not call."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        method = _through_entry(self.name)
        setattr(PlainContext, self.name, method)
        return method.__get__(owner, kind) if owner is not None else self


for _name in (*DOOR_MARKET, *DOOR_BARS, *DOOR_ACCOUNT, *DOOR_ORDERS, *DOOR_PARENTS):
    if _name not in PlainContext.__dict__:
        setattr(PlainContext, _name, _Late(_name))
