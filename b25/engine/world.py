"""Make a world: the arrays of a session's whole state, and the CONTEXT record that names them by address."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from b25.execution.parents import work_parents
from b25.kernels.address import address_of
from b25.kernels.ladder import reset_head
from b25.model.bar import BAR_MARK, BAR_VIEW
from b25.model.book import BOOK, LEVEL
from b25.model.instrument import INSTRUMENT, Instrument
from b25.model.order import EFFECT, INTENT, ORDER
from b25.model.parent import NEVER_NS, PARENT, PARENT_VIEW, PARENTS
from b25.model.position import POSITION
from b25.model.risk import RISK
from b25.model.world import CONTEXT, FILL_VIEW, HEAD, NOTE, ORDER_VIEW, QUEUE_ENDS
from b25.risk.limits import watches_account

ORDERS = 1_024  # live orders of a session; a power of two
INTENTS = 256
EFFECTS = 512
NOTES = 16_384
LADDER_TICKS = 65_536
FAR_LEVELS = 4_096


@dataclass(slots=True)
class World:
    """All state of a session, as flat records; `context` is the door to it and no part of it.

    So is `bar_at`: it says by address where the last complete bars stand, in a tape that is only read, or in `bar_slots`.
    """

    head: np.ndarray[Any, Any]
    instruments: np.ndarray[Any, Any]
    books: np.ndarray[Any, Any]
    lots: np.ndarray[Any, Any]
    bits: np.ndarray[Any, Any]
    far: np.ndarray[Any, Any]
    orders: np.ndarray[Any, Any]
    lives: np.ndarray[Any, Any]
    positions: np.ndarray[Any, Any]
    limits: np.ndarray[Any, Any]
    intents: np.ndarray[Any, Any]
    outbox: np.ndarray[Any, Any]
    notes: np.ndarray[Any, Any]
    order_view: np.ndarray[Any, Any]
    fill_view: np.ndarray[Any, Any]
    bar_marks: np.ndarray[Any, Any]
    features: np.ndarray[Any, Any]
    bar_slots: np.ndarray[Any, Any]
    risk: np.ndarray[Any, Any]
    verdicts: np.ndarray[Any, Any]
    parents: np.ndarray[Any, Any]
    parent_views: np.ndarray[Any, Any]
    bar_views: list[list[np.ndarray[Any, Any]]] = field(default_factory=list)
    no_bar: np.ndarray[Any, Any] = field(init=False)
    bar_at: np.ndarray[Any, Any] = field(init=False)
    context: np.ndarray[Any, Any] = field(init=False)

    ARRAYS = (
        "head instruments books lots bits far orders lives positions limits intents outbox notes order_view fill_view "
        "bar_marks features risk verdicts parents parent_views".split()
    )

    def snapshot(self) -> bytes:
        """Return the bytes of the world."""
        return b"".join(getattr(self, name).tobytes() for name in (*self.ARRAYS, "bar_slots"))

    def open_door(self, *, depth_kept: bool, balance: float) -> None:
        """Compute the addresses of the arrays into a fresh CONTEXT."""
        door = np.zeros(1, CONTEXT)
        for name in self.ARRAYS:
            door[name] = getattr(self, name).ctypes.data
        self.no_bar = _no_bars(1, 1)[0]
        frames = self.bar_marks.shape[1]
        self.bar_at = np.full((self.instruments.size, max(frames, 1)), self.no_bar.ctypes.data, np.uint64)
        if self.bar_slots.size:
            places = np.arange(self.bar_slots.size, dtype=np.uint64) * np.uint64(BAR_VIEW.itemsize)
            self.bar_at = (self.bar_slots.ctypes.data + places).reshape(self.bar_slots.shape)
        door["bar_at"], door["frames"], door["feature_count"] = self.bar_at.ctypes.data, frames, self.features.shape[1]
        door["self"] = door.ctypes.data
        door["n"] = self.instruments.size
        door["ladder_ticks"] = self.lots.shape[2]
        door["far_levels"] = self.far.shape[2]
        for name in ("orders", "intents", "outbox", "notes", "parents"):
            door[f"{name}_size"] = getattr(self, name).size
        door["depth_kept"] = depth_kept
        door["viewed"] = 1
        door["balance"] = balance
        door["parents_code"] = address_of(work_parents) if self.parents.size else 0
        door["guarded"] = watches_account(self.limits)
        self.context = door


def _no_bars(n: int, frames: int) -> np.ndarray[Any, Any]:
    """Return bars of which nothing is known."""
    bars = np.zeros((n, frames), BAR_VIEW)
    for name in BAR_VIEW.names[2:]:  # type: ignore[index]
        bars[name] = np.nan
    return bars


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows the tables of a world have; `orders` is a power of two."""

    orders: int = ORDERS
    intents: int = INTENTS
    effects: int = EFFECTS
    notes: int = NOTES


def make_world(
    instruments: Sequence[Instrument],
    limits: np.ndarray[Any, Any],
    *,
    depth_kept: bool,
    balance: float,
    sizes: Sizes | None = None,
    bar_views: Sequence[Sequence[np.ndarray[Any, Any]]] = (),
    bar_frames: int = 0,
    features: int = 0,
    parents: bool = False,
) -> World:
    """Return an empty world for `instruments`.

    Parameters
    ----------
    instruments : sequence of Instrument
    limits : ndarray of LIMITS, shape (n,)
    depth_kept : bool
        Whether the trader's whole book is kept, or the touch only.
    balance : float
        Settlement currency at the start.
    sizes : Sizes, optional
    bar_views : sequence of sequence of BAR_VIEW arrays
        The bars of each instrument and timeframe, for a session on bars.
    bar_frames : int
        How many timeframes of bars come as events, one by one; without `bar_views`.
    features : int
        How many features the strategy declares.
    parents : bool
        Whether the strategy may make parent orders.
    """
    sizes = sizes or Sizes()
    n = len(instruments)
    ladder = LADDER_TICKS if depth_kept else 256
    far = FAR_LEVELS if depth_kept else 2
    world = World(
        head=np.zeros(1, HEAD),
        instruments=np.concatenate([i.record() for i in instruments]).astype(INSTRUMENT),
        books=np.zeros(n, BOOK),
        lots=np.zeros((n, 2, ladder), np.int64),
        bits=np.zeros((n, 2, ladder // 64), np.uint64),
        far=np.zeros((n, 2, far), LEVEL),
        orders=np.zeros(sizes.orders, ORDER),
        lives=np.zeros((n, 2), QUEUE_ENDS),
        positions=np.zeros(n, POSITION),
        limits=limits,
        intents=np.zeros(sizes.intents, INTENT),
        outbox=np.zeros(sizes.effects, EFFECT),
        notes=np.zeros(sizes.notes, NOTE),
        order_view=np.zeros(1, ORDER_VIEW),
        fill_view=np.zeros(1, FILL_VIEW),
        bar_marks=np.zeros((n, len(bar_views[0]) if bar_views else bar_frames), BAR_MARK),
        features=np.full((n, features), np.nan),
        bar_slots=_no_bars(n, bar_frames),
        risk=np.zeros(1, RISK),
        verdicts=np.zeros(sizes.effects, np.int64),
        parents=np.zeros(PARENTS if parents else 0, PARENT),
        parent_views=np.zeros(PARENTS + 1 if parents else 1, PARENT_VIEW),
        bar_views=[list(views) for views in bar_views],
    )
    for i in range(n):
        reset_head(world.books[i])
    world.lives["first"] = -1
    world.lives["last"] = -1
    world.head["next_order_id"] = 1
    world.head["next_request_id"] = 1
    world.head["parent_next_id"] = 1
    world.head["parent_due_ns"] = NEVER_NS
    burst = int(limits[0]["orders_burst_max"])
    world.head["rate_tokens_e9"] = max(burst, 0) * 1_000_000_000
    world.risk["equity"] = world.risk["peak"] = world.risk["day_equity"] = balance
    world.risk["day"] = -1
    world.risk["message_tokens_e9"] = max(int(limits[0]["messages_burst_max"]), 0) * 1_000_000_000
    world.open_door(depth_kept=depth_kept, balance=balance)
    return world
