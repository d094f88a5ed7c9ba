"""The naive twin of our own fill model: partial fills that share a print, walk the book and sell displayed lots once.

One rule a line, each named in its comment. Integers are ticks and lots; only the queue position is a float, in base
units, moved by the queue models of `naive_venue`. Latency, fees and money belong to others: a call returns at once what
the venue did, as tuples

``("accepted", order_id)``                            it rests; after the fills that it took on arrival
``("filled", order_id, ticks, lots, maker, total)``   one fill; `total` is the order's running sum
``("expired" | "cancelled", order_id, leaves, reason)``
``("rejected" | "cancel rejected" | "replace rejected", order_id, reason)``
``("replaced", order_id)``                            before whatever the new terms bring about
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from b25.model.event import BUY, CLEAR, NO_ASK_TICKS, NO_BID_TICKS
from b25.model.order import Reason
from tests.engine import naive, naive_venue

Answer = tuple[Any, ...]


@dataclass
class Order:
    order_id: int
    side: int
    ticks: int
    lots: int
    tif: str = "GTC"  # GTC, IOC or FOK
    post_only: bool = False
    reduce_only: bool = False
    filled: int = 0
    front: float = 0.0
    traded: float = 0.0

    @property
    def leaves(self) -> int:
        return self.lots - self.filled


@dataclass
class Stop:
    order_id: int
    side: int
    stop: int
    ticks: int | None
    lots: int
    terms: dict[str, Any]


@dataclass
class NaiveVenue:
    """One instrument's exchange, our orders on it, and the position that our fills there have made.

    `through` is what a print beyond our price gives us: `full` (all that is left of the order) or `traded` (the print's
    quantity, best price first). `crossing` is what a level shown at or through our price gives us: `displayed` or `full`.
    """

    queue: str = "risk_adverse"
    lot: str = "0.001"
    through: str = "full"
    crossing: str = "displayed"
    market_ticks_max: int = 1_000  # how far beyond the touch a market order walks
    book: naive.Book = field(default_factory=naive.Book)
    resting: list[Order] = field(default_factory=list)  # in order of arrival; an amend that loses its place moves to the end
    taken: dict[tuple[int, int], int] = field(default_factory=dict)  # (side, ticks) -> lots we took since it was last shown
    waiting: list[Stop] = field(default_factory=list)  # in order of arrival
    last: int = 0
    position: int = 0

    def __post_init__(self) -> None:
        # Borrowed for its queue model and its lots-to-base conversion; its own orders are not used.
        self.whole = naive_venue.Venue(self.book, queue=self.queue, lot=self.lot)

    # What the market does

    def on_depth(self, side: int, ticks: int, lots: int) -> list[Answer]:
        """A level of `side` now shows `lots`."""
        prev = self.book.lots(side, ticks)
        self.book.set(side, ticks, lots)
        # Displayed lots are sold once, until the level is shown again.
        self.taken.pop((side, ticks), None)
        # Queue hook: own orders at the row's tick, on the row's side.
        for order in self.resting:
            if order.side == side and order.ticks == ticks:
                self.whole.queue.depth(order, self.whole.base(prev), self.whole.base(lots))
        answers: list[Answer] = []
        # Crossing: lots shown at or through our price meet us, at our price, as maker. This is the best that crosses us,
        # and also the next quantity shown to an order whose first meeting left it unfilled.
        for order in self.by_priority(-side):
            left = self.available(side, ticks)
            if (order.ticks - ticks) * order.side >= 0 and left > 0:
                wanted = order.leaves if self.crossing == "full" else min(order.leaves, left)
                lots_filled = self.fill(order, order.ticks, wanted, True, answers)
                self.taken[side, ticks] = self.taken.get((side, ticks), 0) + lots_filled
        return answers

    def on_clear(self, side: int, ticks: int) -> list[Answer]:
        """Levels of `side` from the touch up to `ticks` are gone: no order is touched, no queue position moves."""
        self.book.apply((0, 0, CLEAR, side, ticks, 0))
        # What was taken of a level that is gone is forgotten with it.
        self.taken = {key: lots for key, lots in self.taken.items() if self.book.lots(*key) > 0}
        return []

    def on_trade(self, side: int, ticks: int, lots: int) -> list[Answer]:
        """Share a print of aggressor `side`; the book does not move."""
        answers: list[Answer] = []
        rest = lots  # what of the print is still to be shared
        blocked = False  # an earlier order of ours at this tick is still waiting
        for order in self.by_priority(-side):
            if (order.ticks - ticks) * order.side > 0:
                # Through our price: up to leaves; `full` does not use up the print, `traded` does.
                if self.through == "full":
                    self.fill(order, order.ticks, order.leaves, True, answers)
                else:
                    rest -= self.fill(order, order.ticks, min(order.leaves, rest), True, answers)
            elif order.ticks == ticks:
                # At our price: the quantity ahead goes first. What our earlier orders took does not move this queue.
                self.whole.queue.trade(order, self.whole.base(rest))
                # The level itself shrinks by the whole print: that is what the next depth row is compared with.
                order.traded += self.whole.base(lots) - self.whole.base(rest)
                executable = self.whole.executable_lots(order)
                if executable > 0:
                    order.front = 0.0
                # Own orders queue behind each other: none fills while an earlier one at its tick waits.
                if executable > 0 and not blocked:
                    # The fills of one print never exceed it.
                    rest -= self.fill(order, order.ticks, min(order.leaves, executable, rest), True, answers)
                blocked = blocked or order in self.resting
        self.last = ticks
        return answers + self.fire(ticks)

    def fire(self, ticks: int) -> list[Answer]:
        """Stops that a print reaches: all go first, buys before sells, nearest first; then each meets the book."""
        fired: list[Stop] = []
        for side in (BUY, -BUY):
            reached = [one for one in self.waiting if one.side == side and (ticks - one.stop) * side >= 0]
            fired += sorted(reached, key=lambda one: one.stop * one.side)
        self.waiting = [one for one in self.waiting if one not in fired]
        answers: list[Answer] = [("triggered", one.order_id) for one in fired]
        for one in fired:
            answers += self.submit(one.order_id, one.side, one.ticks, one.lots, **one.terms)
        return answers

    # What we ask for

    def submit(
        self,
        order_id: int,
        side: int,
        ticks: int | None,
        lots: int,
        *,
        tif: str = "GTC",
        post_only: bool = False,
        reduce_only: bool = False,
        stop: int = 0,
    ) -> list[Answer]:
        """A new order arrives; `ticks=None` is a market order. With a `stop` it waits for a print there or beyond."""
        if reduce_only and self.reducible(side) == 0:
            return [("rejected", order_id, Reason.WOULD_INCREASE)]
        if stop:
            if self.last and (self.last - stop) * side >= 0:
                return [("rejected", order_id, Reason.STOP_WRONG_SIDE)]
            terms = {"tif": tif, "post_only": post_only, "reduce_only": reduce_only}
            self.waiting.append(Stop(order_id, side, stop, ticks, lots, terms))
            return [("accepted", order_id)]
        if ticks is None:
            if self.touch(side) in (NO_BID_TICKS, NO_ASK_TICKS):
                # A market order on an empty side is refused; it has no price to fill at.
                return [("rejected", order_id, Reason.NOTHING_TO_MATCH)]
            # Market: a bounded walk from the touch, whose rest expires.
            ticks, tif = self.touch(side) + side * self.market_ticks_max, "IOC"
        return self.arrive(Order(order_id, side, ticks, lots, tif, post_only, reduce_only))

    def cancel(self, order_id: int) -> list[Answer]:
        order = self.find(order_id)
        stop = next((one for one in self.waiting if one.order_id == order_id), None)
        if stop is not None:
            self.waiting.remove(stop)
            return [("cancelled", order_id, stop.lots, Reason.CANCEL_REQUESTED)]
        if order is None:
            return [("cancel rejected", order_id, Reason.UNKNOWN_ORDER)]
        self.resting.remove(order)
        return [("cancelled", order_id, order.leaves, Reason.CANCEL_REQUESTED)]

    def amend(self, order_id: int, ticks: int, lots: int) -> list[Answer]:
        """New price and new total quantity; what is filled stays filled."""
        stop = next((one for one in self.waiting if one.order_id == order_id), None)
        if stop is not None:
            stop.ticks, stop.lots = None if stop.ticks is None else ticks, lots
            return [("replaced", order_id)]
        order = self.find(order_id)
        if order is None:
            return [("replace rejected", order_id, Reason.UNKNOWN_ORDER)]
        if lots <= order.filled:
            return [("replace rejected", order_id, Reason.QUANTITY_BELOW_FILLED)]
        keeps_place = ticks == order.ticks and lots <= order.lots
        order.ticks, order.lots = ticks, lots
        if keeps_place:
            # Same price, not larger: the queue place is kept.
            return [("replaced", order_id)]
        # Otherwise it arrives anew, at the back; it may take, and post-only may expire it.
        self.resting.remove(order)
        arrival = self.arrive(order)
        return [("replaced", order_id), *(answer for answer in arrival if answer[0] != "accepted")]

    # The rules of arrival

    def arrive(self, order: Order) -> list[Answer]:
        answers: list[Answer] = []
        touch = self.touch(order.side)
        crosses = touch not in (NO_BID_TICKS, NO_ASK_TICKS) and (order.ticks - touch) * order.side >= 0
        if crosses and order.post_only:
            # Post-only is judged by the book as shown, whatever we took of it.
            return [("expired", order.order_id, order.leaves, Reason.POST_ONLY_WOULD_CROSS)]
        levels = list(self.levels_within(order)) if crosses else []
        if order.tif == "FOK" and sum(self.available(-order.side, ticks) for ticks in levels) < self.wanted(order):
            # Fill or kill counts first.
            return [("expired", order.order_id, order.leaves, Reason.NOTHING_TO_MATCH)]
        self.resting.append(order)  # so that its own fills can finish it
        for ticks in levels:
            # A taker walks the book: one fill a level, at the level's price, for what is left of it.
            lots = min(order.leaves, self.available(-order.side, ticks))
            if lots > 0 and order in self.resting:
                filled = self.fill(order, ticks, lots, False, answers)
                self.taken[-order.side, ticks] = self.taken.get((-order.side, ticks), 0) + filled
        if order not in self.resting:
            return answers
        if order.tif in ("IOC", "FOK"):
            # Immediate or cancel: the rest expires.
            self.resting.remove(order)
            return [*answers, ("expired", order.order_id, order.leaves, Reason.NOTHING_TO_MATCH)]
        # It rests behind the lots shown at its tick; the rest of a taker is first there.
        order.front = 0.0 if crosses else self.whole.base(self.book.lots(order.side, order.ticks))
        order.traded = 0.0
        return [*answers, ("accepted", order.order_id)]

    def fill(self, order: Order, ticks: int, lots: int, maker: bool, answers: list[Answer]) -> int:
        """Book one fill and return its lots; a finished order leaves in the same call."""
        if order.reduce_only:
            # Reduce-only: never more than is there to reduce, judged at the fill.
            lots = min(lots, self.reducible(order.side))
        if lots > 0:
            order.filled += lots  # a fill adds, it never overwrites a total
            self.position += order.side * lots
            answers.append(("filled", order.order_id, ticks, lots, maker, order.filled))
        if order.leaves <= 0:
            self.resting.remove(order)
        elif order.reduce_only and self.reducible(order.side) == 0:
            # Nothing is left to reduce: the rest expires with the fill, or instead of it.
            self.resting.remove(order)
            answers.append(("expired", order.order_id, order.leaves, Reason.WOULD_INCREASE))
        return lots

    # What the rules look at

    def find(self, order_id: int) -> Order | None:
        return next((order for order in self.resting if order.order_id == order_id), None)

    def by_priority(self, side: int) -> list[Order]:
        """Our orders of `side`, best price first, then in order of arrival (the sort is stable)."""
        return sorted((order for order in self.resting if order.side == side), key=lambda order: -order.ticks * side)

    def touch(self, side: int) -> int:
        """The price at which an order of `side` takes."""
        return self.book.ask if side == BUY else self.book.bid

    def available(self, side: int, ticks: int) -> int:
        """Lots of a level of `side` that are shown and not yet taken by us."""
        return max(0, self.book.lots(side, ticks) - self.taken.get((side, ticks), 0))

    def levels_within(self, order: Order) -> Iterable[int]:
        """Levels from the touch to the order's limit, best first; crossed ones before the touch are no market."""
        touch = self.touch(order.side)
        levels = self.book.asks if order.side == BUY else self.book.bids
        inside = (ticks for ticks in levels if (ticks - touch) * order.side >= 0 and (order.ticks - ticks) * order.side >= 0)
        return sorted(inside, key=lambda ticks: ticks * order.side)

    def wanted(self, order: Order) -> int:
        return min(order.leaves, self.reducible(order.side)) if order.reduce_only else order.leaves

    def reducible(self, side: int) -> int:
        return max(0, -side * self.position)
