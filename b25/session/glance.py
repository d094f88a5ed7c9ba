"""What a person looks at while a session runs: book, orders, executions, the account's worth, and whether all of it is well."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.engine.records import MARK
from b25.kernels.book_reads import top
from b25.model.book import LEVEL
from b25.model.event import MAKER, NO_ASK_TICKS, NO_BID_TICKS, ORDER_ACCEPTED, ORDER_FILLED
from b25.model.order import SUBMIT, Reason
from b25.research.result import earned
from b25.session.session import working_orders

if TYPE_CHECKING:
    from b25.session.machine import Machine
    from b25.session.session import Session

LEVELS: Final = 8
FILLS_KEPT: Final = 50
WORTHS_KEPT: Final = 600
TRIPS_KEPT: Final = 512
Sides = tuple[list[tuple[str, str, int]], list[tuple[str, str, int]]]


@dataclass(frozen=True, slots=True)
class Executed:
    """An execution of ours."""

    time_ns: int
    symbol: str
    side: int
    price: str
    quantity: str
    maker: bool


@dataclass(slots=True)
class Glance:
    """Keeps what passes, so that it can be looked at; the session pays a few microseconds for each answer of the venue.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    executed : deque of Executed
        The latest, newest last.
    worths : deque of (int, float)
        Time in ns and what was earned since the start, settlement currency.
    trips_ns : deque of int
        From the decision to the venue's acceptance, as the session learned of it.
    """

    session: Session
    executed: deque[Executed] = field(default_factory=lambda: deque(maxlen=FILLS_KEPT))
    worths: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=WORTHS_KEPT))
    trips_ns: deque[int] = field(default_factory=lambda: deque(maxlen=TRIPS_KEPT))
    refused: dict[str, int] = field(default_factory=dict)
    _sent_ns: dict[int, int] = field(default_factory=dict)
    _mid2: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._mid2 = [0] * len(self.session.machine.instruments)

    def effects(self, rows: np.ndarray[Any, Any]) -> None:
        """Note what was decided; to be the session's `watch`."""
        for row in rows:
            if row["reason"]:
                name = Reason(int(row["reason"])).name.lower()
                self.refused[name] = self.refused.get(name, 0) + 1
            elif row["kind"] == SUBMIT:
                self._sent_ns[int(row["order_id"])] = int(row["time_ns"])

    def answers(self, events: np.ndarray[Any, Any]) -> None:
        """Note what the venue told."""
        for event in events:
            kind, order_id = int(event["kind"]), int(event["order_id"])
            if kind == ORDER_FILLED:
                one = self.session.machine.instruments[int(event["instrument"])]
                price, quantity = str(one.price(int(event["price_ticks"]))), str(one.quantity(int(event["qty_lots"])))
                maker = bool(event["flags"] & MAKER)
                self.executed.append(Executed(int(event["local_ns"]), one.symbol, int(event["side"]), price, quantity, maker))
            sent_ns = self._sent_ns.pop(order_id, None) if kind >= ORDER_ACCEPTED else None
            if sent_ns is not None and kind == ORDER_ACCEPTED:
                self.trips_ns.append(int(event["local_ns"]) - sent_ns)

    def levels(self, i: int = 0, count: int = LEVELS) -> Sides:
        """Bids and asks, best first: price, quantity, and the quantity of our own orders there in lots."""
        return levels_of(self.session.machine, i, count)

    def earned(self) -> float | None:
        """Realised and unrealised since the start, after fees and funding, settlement currency; None while a price is missing."""
        machine = self.session.machine
        total = 0.0
        for i, one in enumerate(machine.instruments):
            book, position = machine.world.books[i], machine.world.positions[i]
            bid, ask = int(book["best_bid_ticks"]), int(book["best_ask_ticks"])
            if bid != NO_BID_TICKS and ask != NO_ASK_TICKS:
                self._mid2[i] = bid + ask
            elif int(position["position_lots"]) and not self._mid2[i]:
                return None
            mark = np.zeros(1, MARK)
            mark["mid2_ticks"] = self._mid2[i]
            for name in ("position_lots", "cost", "realised", "fees", "fees_e8", "funding", "borrow", "insurance"):
                mark[name] = position[name]
            total += float(earned(mark, one)[0])
        return total

    def mark(self) -> float | None:
        """Add the present worth to the curve."""
        worth = self.earned()
        if worth is not None:
            self.worths.append((self.session.machine.now_ns, worth))
        return worth

    def trip_ms(self, quantile: float) -> float | None:
        """Quantile of the round trips of the last orders, in milliseconds."""
        return float(np.quantile(np.array(self.trips_ns), quantile)) / 1e6 if self.trips_ns else None


def levels_of(machine: Machine, i: int = 0, count: int = LEVELS) -> Sides:
    """Bids and asks of a machine's book, best first: price, quantity, and the quantity of our own orders there in lots."""
    world, one = machine.world, machine.instruments[i]
    ours: dict[tuple[int, int], int] = {}
    for order in working_orders(machine):
        if int(order["instrument"]) == i:
            place = (int(order["side"]), int(order["price_ticks"]))
            ours[place] = ours.get(place, 0) + int(order["leaves_lots"])
    sides = []
    for index, side in ((0, 1), (1, -1)):
        out = np.zeros(count, LEVEL)
        found = top(world.books[i], world.lots[i], world.bits[i], world.far[i], index, out)
        sides.append(
            [
                (
                    str(one.price(int(row["price_ticks"]))),
                    str(one.quantity(int(row["qty_lots"]))),
                    ours.get((side, int(row["price_ticks"])), 0),
                )
                for row in out[:found]
            ]
        )
    return sides[0], sides[1]
