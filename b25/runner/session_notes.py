"""What is noted on the way of an event, and what the bus's thread makes of it: prints, candles, signals, refusals.

Noting is a copy of rows onto a bounded queue. When the bus's thread does not come by, the oldest notes go, and are counted.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from b25.bus import bodies
from b25.bus.publisher import Publisher
from b25.bus.subjects import SymbolTokens
from b25.model.event import BUY, TRADE
from b25.model.instrument import Instrument
from b25.model.order import Reason
from b25.session.picture import EFFECT_NAMES

NOTED_MAX: Final = 8_192
PRINTS_MAX: Final = 200
CANDLE_NS: Final = 60_000_000_000
TELL_NS: Final = 1_000_000_000
SIDES: Final = {BUY: "buy", -BUY: "sell"}


@dataclass(slots=True)
class Forming:
    """A candle in ticks and lots."""

    open_ns: int
    open: int
    high: int
    low: int
    close: int
    lots: int = 0
    trades: int = 0

    def add(self, price_ticks: int, qty_lots: int) -> None:
        """Take a print."""
        self.high, self.low, self.close = max(self.high, price_ticks), min(self.low, price_ticks), price_ticks
        self.lots, self.trades = self.lots + qty_lots, self.trades + 1


class Notes:
    """Notes of one session.

    Attributes
    ----------
    last : list of str or None
        Price of the last print of each instrument.
    lost : int
        Rows of the feed and effects that were not noted any more when their turn came.
    """

    def __init__(self, session: str, strategy: str, instruments: Sequence[Instrument], publisher: Publisher) -> None:
        self.session, self.strategy, self.instruments = session, strategy, list(instruments)
        self.last: list[str | None] = [None] * len(self.instruments)
        self.lost = 0
        self._rows: deque[tuple[int, np.ndarray[Any, Any]]] = deque(maxlen=NOTED_MAX)
        self._effects: deque[np.ndarray[Any, Any]] = deque(maxlen=NOTED_MAX)
        self._noted = self._read = 0
        tokens = [SymbolTokens([one.symbol]).token(one.symbol) for one in self.instruments]
        self._prints = [publisher.channel("market_data.{symbol}.trades", symbol=token) for token in tokens]
        self._candles = [publisher.channel("market_data.{symbol}.candles", symbol=token) for token in tokens]
        self._signals = publisher.channel("signals.{strategy}", strategy=strategy)
        self._violations = publisher.channel("risk.violation")
        self._forming: list[Forming | None] = [None] * len(self.instruments)
        self._refused: dict[tuple[int, int], int] = {}
        self._told_ns = 0

    # On the way of an event.

    def rows(self, book: int, rows: np.ndarray[Any, Any]) -> None:
        """Note rows of the feed."""
        self._noted += 1
        self._rows.append((book, rows.copy()))

    def effects(self, rows: np.ndarray[Any, Any]) -> None:
        """Note effects, refused ones too."""
        self._noted += 1
        self._effects.append(rows.copy())

    # In the bus's thread.

    def collect(self) -> None:
        """Make messages of what was noted."""
        prints: dict[int, list[Any]] = {}
        closed: dict[int, Forming] = {}
        for _ in range(len(self._rows)):
            book, rows = self._rows.popleft()
            self._read += 1
            for row in rows[rows["kind"] == TRADE]:
                prints.setdefault(book, []).append(row)
                if (over := self._take(book, row)) is not None:
                    closed[book] = over
        for book, found in prints.items():
            self._tell_prints(book, found)
        self._collect_effects()
        self.lost = max(self.lost, self._noted - self._read - len(self._rows) - len(self._effects))
        now_ns = time.time_ns()
        for book, candle in closed.items():
            self._tell_candle(book, candle, is_closed=True)
        if now_ns - self._told_ns >= TELL_NS:
            self._told_ns = now_ns
            for book, forming in enumerate(self._forming):
                if forming is not None and book not in closed:
                    self._tell_candle(book, forming, is_closed=False)
            self._tell_refused(now_ns)

    def _take(self, book: int, row: Any) -> Forming | None:
        """Add a print to its candle; return the one before if that is over."""
        price_ticks, open_ns = int(row["price_ticks"]), int(row["exch_ns"]) // CANDLE_NS * CANDLE_NS
        forming, over = self._forming[book], None
        if forming is None or open_ns > forming.open_ns:
            over = forming
            forming = self._forming[book] = Forming(open_ns, price_ticks, price_ticks, price_ticks, price_ticks)
        forming.add(price_ticks, int(row["qty_lots"]))
        return over

    def _tell_prints(self, book: int, rows: list[Any]) -> None:
        one = self.instruments[book]
        told = tuple(
            bodies.Print(
                time_ns=int(row["exch_ns"]), side=SIDES.get(int(row["side"]), "unknown"),
                price=str(one.price(int(row["price_ticks"]))), quantity=str(one.quantity(int(row["qty_lots"]))),
            )
            for row in rows[-PRINTS_MAX:]
        )  # fmt: skip
        self.last[book] = told[-1].price
        body = bodies.Prints(symbol=one.symbol, prints=told, left_out=len(rows) - len(told))
        self._prints[book].offer(body, told[-1].time_ns, receive_ns=int(rows[-1]["recv_ns"]))

    def _tell_candle(self, book: int, candle: Forming, *, is_closed: bool) -> None:
        one = self.instruments[book]
        prices = {name: str(one.price(getattr(candle, name))) for name in ("open", "high", "low", "close")}
        body = bodies.Candle(
            symbol=one.symbol, open_ns=candle.open_ns, close_ns=candle.open_ns + CANDLE_NS, **prices,
            volume=str(one.quantity(candle.lots)), trades=candle.trades, is_closed=is_closed,
        )  # fmt: skip
        self._candles[book].offer(body, candle.open_ns)

    def _collect_effects(self) -> None:
        """Tell the newest signal; count the refusals."""
        last: Any = None
        count = 0
        for _ in range(len(self._effects)):
            rows = self._effects.popleft()
            self._read += 1
            count += len(rows)
            last = rows[-1]
            for row in rows[rows["reason"] != 0]:
                key = (int(row["instrument"]), int(row["reason"]))
                self._refused[key] = self._refused.get(key, 0) + 1
        if last is None:
            return
        one = self.instruments[int(last["instrument"])]
        price_ticks, qty_lots = int(last["price_ticks"]), int(last["qty_lots"])
        body = bodies.Signal(
            session=self.session, strategy=self.strategy, symbol=one.symbol,
            kind=EFFECT_NAMES.get(int(last["kind"]), str(last["kind"])), side=SIDES.get(int(last["side"])),
            price=str(one.price(price_ticks)) if price_ticks else None,
            quantity=str(one.quantity(qty_lots)) if qty_lots else None, verdict=Reason(int(last["reason"])).name.lower(),
        )  # fmt: skip
        self._signals.skip(count - 1)
        self._signals.offer(body, int(last["time_ns"]))

    def _tell_refused(self, now_ns: int) -> None:
        refused, self._refused = self._refused, {}
        for (book, reason), count in refused.items():
            symbol = self.instruments[book].symbol if book < len(self.instruments) else ""
            rule = Reason(reason).name.lower()
            body = bodies.RiskViolation(session=self.session, strategy=self.strategy, symbol=symbol, rule=rule, count=count)
            self._violations.offer(body, now_ns)
