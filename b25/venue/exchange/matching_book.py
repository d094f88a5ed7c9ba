"""One symbol's order book, order by order: the matching kernel with room that grows, for callers in Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from b25.kernels.matching import run_commands
from b25.kernels.matching_book import Matching, find_order, make_matching, rehash
from b25.kernels.matching_reads import fill_levels, state_hash
from b25.kernels.matching_take import executable_lots
from b25.model.event import BUY
from b25.model.matching import (
    AMEND,
    ASKS,
    BIDS,
    BY_MARK,
    BY_VALUE,
    CANCEL,
    MARKET,
    MATCH_COMMAND,
    NOTIFY_ONLY,
    PLACE,
    POST_ONLY,
    REDUCE_ONLY,
    RISING,
    SET_MARK,
    SET_POSITION,
    STOP,
    MatchEvent,
    Stp,
)
from b25.model.order import Tif

PRICE_TICKS_MAX = 2**27 - 1
ANY_LOTS = np.int64(2**62)


def compile_matching() -> None:
    """Have the machine code ready, so that the first order of a client does not wait for it past its timeout."""
    book = MatchingBook()
    book.submit(1, 0, BUY, 1, 100)
    book.levels(BUY, 1)
    book.leaves_lots(1)
    book.executable_lots(BUY, 0)
    book.take_changes()


class MatchingBook:
    """One symbol's order book.

    Parameters
    ----------
    price_ticks_max : int
        No order has a higher price.
    tracks_changes : bool
        Whether `take_changes` will be asked; a book nobody asks should not note them.

    Notes
    -----
    Accounts are small whole numbers; 0 is the crowd, which has no position and no self-trades. Order ids are the
    caller's: positive, unique among live orders, best rising by one. Methods that change the book return its events, in
    order.
    """

    def __init__(self, *, price_ticks_max: int = PRICE_TICKS_MAX, tracks_changes: bool = True) -> None:
        self.arrays: Matching = make_matching(price_ticks_max=price_ticks_max)
        self.arrays.head[0]["tracks_changes"] = tracks_changes
        self._command = np.zeros(1, MATCH_COMMAND)
        self._changed: dict[tuple[int, int], None] = {}

    def submit(
        self,
        order_id: int,
        account: int,
        side: int,
        qty_lots: int,
        price_ticks: int = 0,
        *,
        market: bool = False,
        tif: Tif = Tif.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        stp: Stp = Stp.NONE,
        quote_ticklots: int = 0,
    ) -> list[MatchEvent]:
        """Place an order.

        Parameters
        ----------
        price_ticks : int
            Limit; of a market order the worst price that it accepts, 0 for any.
        quote_ticklots : int
            Above 0: a market order that spends up to this many ticks x lots; `qty_lots` is then ignored.
        """
        flags = MARKET * market | POST_ONLY * post_only | REDUCE_ONLY * reduce_only
        if quote_ticklots:
            flags, qty_lots = flags | BY_VALUE, 0
        return self._ask(PLACE, order_id, account, side, qty_lots, price_ticks, 0, quote_ticklots, tif, flags, stp)

    def stop(
        self,
        order_id: int,
        account: int,
        side: int,
        qty_lots: int,
        stop_ticks: int,
        price_ticks: int = 0,
        *,
        market: bool = False,
        rising: bool = True,
        by_mark: bool = False,
        notify_only: bool = False,
        tif: Tif = Tif.GTC,
        post_only: bool = False,
        reduce_only: bool = False,
        stp: Stp = Stp.NONE,
    ) -> list[MatchEvent]:
        """Place an order that waits until the last trade, or the mark, reaches `stop_ticks` from below (`rising`) or above.

        With `notify_only` it is gone when it fires, and TRIGGERED is all that it does.
        """
        flags = MARKET * market | POST_ONLY * post_only | REDUCE_ONLY * reduce_only
        flags |= RISING * rising | BY_MARK * by_mark | NOTIFY_ONLY * notify_only
        return self._ask(STOP, order_id, account, side, qty_lots, price_ticks, stop_ticks, 0, tif, flags, stp)

    def cancel(self, order_id: int) -> list[MatchEvent]:
        """Take an order out, resting or waiting."""
        return self._ask(CANCEL, order_id)

    def amend(self, order_id: int, qty_lots: int, price_ticks: int) -> list[MatchEvent]:
        """Let a resting order have `qty_lots` left at `price_ticks`. Less at the same price keeps its place."""
        return self._ask(AMEND, order_id, qty_lots=qty_lots, price_ticks=price_ticks)

    def set_mark(self, price_ticks: int) -> list[MatchEvent]:
        """Tell the mark price, which may fire stops."""
        return self._ask(SET_MARK, price_ticks=price_ticks)

    def set_position(self, account: int, qty_lots: int) -> list[MatchEvent]:
        """Tell what an account holds after something that did not happen in this book."""
        self._have_account(account)
        return self._ask(SET_POSITION, account=account, qty_lots=qty_lots)

    def run(self, commands: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Execute MATCH_COMMAND rows; return all their MATCH_EVENT rows."""
        if commands.size:
            self._have_account(int(commands["account"].max()))
        head, parts, first = self.arrays.head[0], [], 0
        while True:
            head["events"] = 0
            first = run_commands(self.arrays, commands, first)
            parts.append(self.arrays.events[: head["events"]].copy())
            if first >= commands.shape[0]:
                return np.concatenate(parts) if len(parts) > 1 else parts[0]
            self.make_room()

    def levels(self, side: int, depth: int) -> list[tuple[int, int]]:
        """Up to `depth` levels of a side from the touch on, as (price_ticks, lots)."""
        out = np.empty((depth, 2), np.int64)
        count = fill_levels(self.arrays, BIDS if side == BUY else ASKS, out)
        return [(int(p), int(q)) for p, q in out[:count].tolist()]

    def take_changes(self) -> list[tuple[int, int, int]]:
        """(side, price_ticks, lots now) of every level that has changed since the last call."""
        self._keep_changes()
        changed, self._changed = self._changed, {}
        return [(side, price, self.level_lots(side, price)) for side, price in changed]

    @property
    def has_changes(self) -> bool:
        """Whether a level has changed since `take_changes` was last called."""
        return bool(self._changed) or self.arrays.head[0]["changes"] > 0

    def level_lots(self, side: int, price_ticks: int) -> int:
        """Lots that rest at a price."""
        page = int(self.arrays.page_of[BIDS if side == BUY else ASKS, price_ticks >> 8]) - 1
        return int(self.arrays.levels[page, price_ticks & 255]["lots"]) if page >= 0 else 0

    @property
    def best_bid_ticks(self) -> int:
        """Best bid; `NO_BID_TICKS` when there is none."""
        return int(self.arrays.head[0]["best_ticks"][BIDS])

    @property
    def best_ask_ticks(self) -> int:
        """Best ask; `NO_ASK_TICKS` when there is none."""
        return int(self.arrays.head[0]["best_ticks"][ASKS])

    @property
    def last_ticks(self) -> int:
        """Price of the last trade; 0 before the first."""
        return int(self.arrays.head[0]["last_ticks"])

    @property
    def mark_ticks(self) -> int:
        """Mark price as it was last told; 0 before."""
        return int(self.arrays.head[0]["mark_ticks"])

    @property
    def trade_id(self) -> int:
        """Id of the last trade."""
        return int(self.arrays.head[0]["trade_id"])

    @property
    def order_count(self) -> int:
        """Orders resting and waiting."""
        return int(self.arrays.head[0]["orders"])

    def position_lots(self, account: int) -> int:
        """What an account has bought less what it has sold here."""
        return int(self.arrays.positions[account]) if account < self.arrays.positions.shape[0] else 0

    def leaves_lots(self, order_id: int) -> int:
        """Lots of an order that still rest; 0 when it does not."""
        slot = find_order(self.arrays, order_id)
        if slot < 0 or self.arrays.orders[slot]["stop_ticks"] != 0:
            return 0
        return int(self.arrays.orders[slot]["leaves_lots"])

    def executable_lots(self, side: int, price_ticks: int, account: int = 0, stp: Stp = Stp.NONE) -> int:
        """Lots that a taker would get at a price or better (0: any); resting reduce-only orders are not counted on."""
        return int(executable_lots(self.arrays, side, price_ticks, account, int(stp), ANY_LOTS))

    @property
    def hash(self) -> int:
        """Hash of all orders in their priority, positions, prices and counters."""
        return int(state_hash(self.arrays))

    def _ask(
        self,
        kind: int,
        order_id: int = 0,
        account: int = 0,
        side: int = 0,
        qty_lots: int = 0,
        price_ticks: int = 0,
        stop_ticks: int = 0,
        budget: int = 0,
        tif: int = 0,
        flags: int = 0,
        stp: int = 0,
    ) -> list[MatchEvent]:
        if account >= self.arrays.positions.shape[0]:
            self._have_account(account)
        self._command[0] = (
            order_id, qty_lots, price_ticks, stop_ticks, budget, account, kind, side, int(tif), flags, int(stp), (0,) * 7,
        )  # fmt: skip
        head = self.arrays.head[0]
        head["events"] = 0
        while run_commands(self.arrays, self._command, 0) == 0:
            self.make_room()
        return self.take_events()

    def take_events(self) -> list[MatchEvent]:
        """What the kernels have said since they were last asked, for callers that run kernels of their own on the arrays."""
        head = self.arrays.head[0]
        count, head["events"] = int(head["events"]), 0
        return [MatchEvent._make(row) for row in self.arrays.events[:count].tolist()]

    def make_room(self) -> None:
        """Note the changes, and double whatever array is too short for one more command."""
        self._keep_changes()
        head, arrays = self.arrays.head[0], self.arrays
        live = int(head["orders"])
        if live + 1 >= arrays.orders.shape[0]:
            arrays = _with_more_orders(arrays)
        if head["free_pages"] <= 1 + head["waiting"]:
            arrays = _with_more_pages(arrays)
        if 4 * live + 16 > arrays.events.shape[0]:
            arrays = arrays._replace(events=np.zeros(8 * live + 32, arrays.events.dtype))
        if 4 * live + 16 > arrays.changes.shape[0]:
            arrays = arrays._replace(changes=np.zeros(8 * live + 32, arrays.changes.dtype))
        self.arrays = arrays

    def _keep_changes(self) -> None:
        head = self.arrays.head[0]
        for price, side in self.arrays.changes[: head["changes"]].tolist():
            self._changed[(side, price)] = None
        head["changes"] = 0

    def _have_account(self, account: int) -> None:
        if account >= self.arrays.positions.shape[0]:
            more = np.zeros(2 * account + 2, np.int64)
            more[: self.arrays.positions.shape[0]] = self.arrays.positions
            self.arrays = self.arrays._replace(positions=more)


def _with_more_orders(book: Matching) -> Matching:
    """The same book with room for twice the orders."""
    old = book.orders.shape[0]
    orders = np.zeros(2 * old, book.orders.dtype)
    orders[:old] = book.orders
    orders["next"][old:] = np.arange(old + 1, 2 * old + 1)
    orders["next"][-1] = book.head[0]["free_order"]
    book.head[0]["free_order"] = old
    slots = np.zeros(4 * old, np.int32)
    rehash(orders, book.slots, slots)
    return book._replace(orders=orders, slots=slots)


def _with_more_pages(book: Matching) -> Matching:
    """The same book with room for twice the pages."""
    old = book.levels.shape[0]
    levels = np.zeros((2 * old, book.levels.shape[1]), book.levels.dtype)
    bits = np.zeros((2 * old, book.level_bits.shape[1]), np.uint64)
    levels[:old], bits[:old] = book.levels, book.level_bits
    free = int(book.head[0]["free_pages"])
    stack = np.zeros(2 * old, np.int32)
    stack[:old] = np.arange(2 * old, old, -1)
    stack[old : old + free] = book.free_pages[:free]
    book.head[0]["free_pages"] = old + free
    return book._replace(levels=levels, level_bits=bits, free_pages=stack)
