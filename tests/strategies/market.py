"""Tiny markets written down by hand, and a strategy's life in one of them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from b25.engine.backtest import Backtest, Outcome, Track
from b25.market.tape import Tape, make_tape
from b25.model.event import BUY, CLEAR, DEPTH, LAST_OF_MESSAGE, ROW, SELL, SNAPSHOT, TRADE
from b25.model.instrument import Instrument
from b25.model.order import SUBMIT, State
from b25.risk.limits import Limits
from b25.strategy.compile import compile_strategy
from b25.strategy.strategy import Strategy
from b25.venue.models import ConstantLatency, Fees, Models

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000
LATENCY_NS = 1 * MS
TRADE_ID = 1_000_000


class Market:
    """A market that a test writes message by message; each comes `after_ms` after the one before, and is received at once.

    Parameters
    ----------
    tick, lot : str
        Of an instrument at a venue that numbers its messages as USD-M futures do.
    """

    def __init__(self, tick: str = "0.01", lot: str = "0.001") -> None:
        self.instrument = Instrument(venue="sim", symbol="ABC/USDT:USDT", tick=Decimal(tick), lot=Decimal(lot))
        self.now_ns = START_NS - 10 * MS
        self.rows: list[tuple[Any, ...]] = []
        self.levels: dict[int, dict[int, int]] = {}
        self.messages = 0

    def book(self, bids: list[tuple[str, str]], asks: list[tuple[str, str]], *, after_ms: float = 10) -> "Market":
        """Show the whole book anew: (price, quantity) of every level, as text."""
        sides = {
            side: {self.instrument.ticks(p): self.instrument.lots(q) for p, q in listed}
            for side, listed in ((BUY, bids), (SELL, asks))
        }
        wanted: list[tuple[int, int, int, int]] = []
        if not self.levels:
            for side, levels in sides.items():
                last = min(levels) if side == BUY else max(levels)
                wanted += [(CLEAR, side, last, 0), *((SNAPSHOT, side, p, q) for p, q in levels.items())]
        else:
            for side, levels in sides.items():
                gone = [(DEPTH, side, p, 0) for p in self.levels[side] if p not in levels]
                wanted += gone + [(DEPTH, side, p, q) for p, q in levels.items()]
        self.levels = sides
        self._message(wanted, after_ms)
        return self

    def touch(self, bid: str, ask: str, *, quantity: str = "10", after_ms: float = 10) -> "Market":
        """Show a book of one level a side."""
        return self.book([(bid, quantity)], [(ask, quantity)], after_ms=after_ms)

    def again(self, times: int = 1, *, after_ms: float = 10) -> "Market":
        """Repeat the book as it is, one message each time: ticks in which nothing happens."""
        for _ in range(times):
            self._message([(DEPTH, s, p, q) for s, levels in self.levels.items() for p, q in levels.items()], after_ms)
        return self

    def trade(self, side: int, price: str, quantity: str = "1", *, after_ms: float = 10) -> "Market":
        """Print a trade; `side` is the aggressor's."""
        self.now_ns += int(after_ms * MS)
        number = TRADE_ID + len(self.rows)
        terms = self.instrument.lots(quantity), self.instrument.ticks(price)
        self.rows.append((self.now_ns, self.now_ns, number, number, -1, *terms, TRADE, side, LAST_OF_MESSAGE, 0))
        return self

    def _message(self, rows: list[tuple[int, int, int, int]], after_ms: float) -> None:
        self.now_ns += int(after_ms * MS)
        number = self.messages
        self.messages += 1
        for k, (kind, side, price_ticks, qty_lots) in enumerate(rows):
            flags = LAST_OF_MESSAGE if k == len(rows) - 1 else 0
            ids = (number, number, number - 1)
            self.rows.append((self.now_ns, self.now_ns, *ids, qty_lots, price_ticks, kind, side, flags, 0))

    def tape(self) -> Tape:
        """Lay out what was written."""
        return make_tape(self.instrument, np.array(self.rows, dtype=ROW))


@dataclass(frozen=True)
class Sent:
    """One order that left the gate."""

    time_ns: int
    side: int
    price: float  # 0.0 at market
    quantity: float
    flags: int
    tif: int


class Life:
    """What a strategy did in a market.

    Parameters
    ----------
    outcome : Outcome
    instrument : Instrument
    """

    def __init__(self, outcome: Outcome, instrument: Instrument) -> None:
        self.outcome, self.tick, self.lot = outcome, float(instrument.tick), float(instrument.lot)

    @property
    def sent(self) -> list[Sent]:
        """Orders sent, in order."""
        rows = self.outcome.effects
        rows = rows[(rows["kind"] == SUBMIT) & (rows["reason"] == 0)]
        return [
            Sent(
                int(r["time_ns"]),
                int(r["side"]),
                round(int(r["price_ticks"]) * self.tick, 9),
                round(int(r["qty_lots"]) * self.lot, 9),
                int(r["flags"]),
                int(r["tif"]),
            )
            for r in rows
        ]

    @property
    def refused(self) -> list[int]:
        """Reasons of the intents that the gate refused."""
        reasons = self.outcome.effects["reason"]
        return [int(r) for r in reasons[reasons != 0]]

    @property
    def live(self) -> dict[int, list[float]]:
        """Prices of the orders still live at the end, by side."""
        rows = self.outcome.orders[self.outcome.orders["state"] < State.FILLED]
        return {side: [round(float(p) * self.tick, 9) for p in rows["price_ticks"][rows["side"] == side]] for side in (BUY, SELL)}

    @property
    def position(self) -> float:
        """Position at the end, base units."""
        return round(float(self.outcome.world.positions[0]["position_lots"]) * self.lot, 9)


def live_at_most(outcome: Outcome) -> int:
    """Most orders of one side that were ever live at once, in flight included, as the strategy knew them."""
    most = 0
    for side in (BUY, SELL):
        orders = outcome.orders[outcome.orders["side"] == side]
        ended = orders["updated_ns"][orders["state"] >= State.FILLED]
        # An order that ends frees its side before one that is created in the same nanosecond.
        changes = sorted([(int(t), 1) for t in orders["created_ns"]] + [(int(t), -1) for t in ended])
        count = 0
        for _, change in changes:
            count += change
            most = max(most, count)
    return most


def live(cls: type[Strategy], market: Market, *, compiled: bool = True, **params: Any) -> Life:
    """Run a strategy in a market: no fees, 1 ms to the venue and back, fills in part.

    Parameters
    ----------
    cls : type of Strategy
    market : Market
    compiled : bool
        False runs the class as plain Python.
    **params
        Of the strategy.
    """
    tape = market.tape()
    models = Models(fees=Fees(0.0, 0.0), latency=ConstantLatency(LATENCY_NS))
    outcome = Backtest(
        cls,
        params,
        [Track(tape.instrument, tape.venue, tape.messages, tape.levels, tape.base_ticks, tape.size_ticks)],
        models=[models],
        limits=Limits().record(tape.instrument),
        fees=models.fees.record(tape.instrument),
        balance=10_000.0,
        sample_ns=1_000 * MS,
        call=compile_strategy(cls).call if compiled else None,
    ).execute()
    return Life(outcome, tape.instrument)
