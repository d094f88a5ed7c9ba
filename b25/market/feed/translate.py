"""What ccxt.pro says of a book or a trade, written as a message in the layout of Binance USD-M.

So every venue goes the one way through `Desk`: the same checks, rows and recordings as Binance. The ids are our own, since most
venues number nothing: they rise from the time in milliseconds times a thousand, also over restarts.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import orjson

from b25.model.instrument import Instrument

IDS_PER_MS = 1000
RECENT_TRADES = 2048
SIDES = ("bids", "asks")


class Translator:
    """One instrument's messages, from successive books and trades.

    Parameters
    ----------
    instrument : Instrument
        Quantities finer than its lot are rounded to it, and to one lot at least.
    name : str
        As it shall stand in the messages.
    now_ms : int

    Attributes
    ----------
    rounded, sideless : int
        Quantities rounded, and trades left out because the venue does not say who took.
    """

    def __init__(self, instrument: Instrument, name: str, now_ms: int) -> None:
        self.instrument, self.name = instrument, name
        self.last_id = self.trade_id = now_ms * IDS_PER_MS
        self.levels: dict[str, dict[str, str]] | None = None
        self.seen: deque[str] = deque(maxlen=RECENT_TRADES)
        self.known: set[str] = set()
        self.rounded = self.sideless = 0
        self.begun = False

    def lose(self) -> None:
        """Say that updates may have been missed: the next book is a new one."""
        self.levels = None

    def book(self, book: Mapping[str, Any], now_ms: int) -> list[bytes]:
        """Messages that lead from the book before to this one."""
        now = {side: self._side(book[side]) for side in SIDES}
        time_ms = _whole(book.get("timestamp"), now_ms)
        before, self.levels = self.levels, now
        if before is None:
            return self._anew(time_ms)
        changes = {side: _changes(before[side], now[side]) for side in SIDES}
        if not changes["bids"] and not changes["asks"]:
            return []
        return [self._diff(changes, time_ms)]

    def trades(self, trades: Sequence[Mapping[str, Any]], now_ms: int) -> list[bytes]:
        """Messages of the trades that are new."""
        told = []
        for trade in trades:
            key = str(trade.get("id") or (trade.get("timestamp"), trade.get("price"), trade.get("amount"), trade.get("side")))
            if key in self.known:
                continue
            if len(self.seen) == RECENT_TRADES:
                self.known.discard(self.seen[0])
            self.seen.append(key)
            self.known.add(key)
            if trade.get("side") not in ("buy", "sell"):
                self.sideless += 1
                continue
            self.trade_id += 1
            time_ms = _whole(trade.get("timestamp"), now_ms)
            price, qty = _text(Decimal(str(trade["price"]))), self._qty(trade["amount"])
            body = {"e": "trade", "E": time_ms, "T": time_ms, "s": self.name, "t": self.trade_id, "p": price, "q": qty}
            told.append(orjson.dumps({**body, "X": "MARKET", "m": trade["side"] == "sell"}))
        return told

    def _anew(self, time_ms: int) -> list[bytes]:
        """Return a snapshot; after a loss, before it, an update that breaks the chain, so that the gap is on record."""
        told = []
        if self.begun:
            self.last_id += 1  # the update that was missed
            # It must have a level to be one, whatever the book holds: it deletes the lowest price there can be.
            told.append(self._diff({"bids": [(_text(self.instrument.tick), "0")], "asks": []}, time_ms))
        self.begun = True
        return [*told, self.snapshot(time_ms)]

    def snapshot(self, time_ms: int) -> bytes:
        """Return the book as it stands."""
        assert self.levels is not None
        sides = {side: [list(level) for level in self.levels[side].items()] for side in SIDES}
        return orjson.dumps({"lastUpdateId": self.last_id, "E": time_ms, "T": time_ms, **sides})

    def _diff(self, changes: Mapping[str, Sequence[tuple[str, str]]], time_ms: int) -> bytes:
        previous = self.last_id
        self.last_id += 1
        ids = {"U": self.last_id, "u": self.last_id, "pu": previous}
        levels = {"b": [list(one) for one in changes["bids"]], "a": [list(one) for one in changes["asks"]]}
        return orjson.dumps({"e": "depthUpdate", "E": time_ms, "T": time_ms, "s": self.name, **ids, **levels})

    def _side(self, levels: Sequence[Sequence[Any]]) -> dict[str, str]:
        return {_text(Decimal(str(level[0]))): self._qty(level[1]) for level in levels if level[1]}

    def _qty(self, amount: Any) -> str:
        exact, lot = Decimal(str(amount)), self.instrument.lot
        lots = exact / lot
        if lots != lots.to_integral_value():
            self.rounded += 1
            lots = max(Decimal(1), lots.quantize(Decimal(1), ROUND_HALF_EVEN))
        return _text(lots * lot)


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str]]:
    gone = [(price, "0") for price in before if price not in now]
    return gone + [(price, qty) for price, qty in now.items() if before.get(price) != qty]


def _text(number: Decimal) -> str:
    return f"{number:f}"


def _whole(value: Any, otherwise: int) -> int:
    return int(value) if isinstance(value, int | float) and value > 0 else otherwise
