"""A second reader of an account: its own connection, its own reading of every trade, compared with what the session booked.

It shares nothing with the session but the database, so that an error in the session's reading cannot hide itself. What it finds
becomes a HOLD in the store, which the session's books obey; when both agree again it is released.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from b25.session.account.loading import HOLD, RELEASE, copy_holds
from b25.store.account_log import AccountLog, EntryRow
from b25.venue.port.port import VenuePort
from b25.venue.port.reports import TradeReport

PAGES_MAX: Final = 1_000
TRADES_KEPT: Final = 5_000
LOOK_AGAIN_S: Final = 3.0  # a session may take this long to book a trade that the venue shows


class DropCopy:
    """Compares one account, look by look.

    Parameters
    ----------
    log : AccountLog
        Of the session's store.
    port : VenuePort
        A connection of its own, best with a key that can only read.
    symbols : iterable of str
    since_ms : int
        Trades from this venue time on are compared.
    look_again_s : float
        A difference must still be there after it.
    """

    def __init__(
        self, log: AccountLog, port: VenuePort, symbols: Iterable[str], *, since_ms: int, look_again_s: float = LOOK_AGAIN_S
    ) -> None:
        self.log, self.port, self.symbols = log, port, list(symbols)
        self.look_again_s = look_again_s
        self.since_ms = dict.fromkeys(self.symbols, since_ms)
        self.trades: dict[str, dict[str, TradeReport]] = {symbol: {} for symbol in self.symbols}
        self._marks: dict[str, str] = dict.fromkeys(self.symbols, "")
        self._base: dict[str, Decimal] = {}  # what the venue held before the first trade that is kept here

    async def compare(self) -> dict[str, str] | None:
        """One comparison: what differs, by symbol; None when the venue could not be read, which neither holds nor releases."""
        first = await self._look()
        if first is None:
            return None
        found = first
        if first:
            await asyncio.sleep(self.look_again_s)
            second = await self._look()
            if second is None:
                return None
            found = {symbol: why for symbol, why in second.items() if symbol in first}
        self._tell(found)
        for symbol in self.symbols:
            if symbol not in first:
                self._forget(symbol)
        return found

    async def _look(self) -> dict[str, str] | None:
        for symbol in self.symbols:
            if not await self._read(symbol):
                return None
        held: dict[str, Decimal] = {}
        if self.port.abilities.positions:
            told = await self.port.positions()
            if told.value is None:
                return None
            held = {symbol: one.qty for symbol, one in told.value.items()}
        booked: dict[str, dict[str, tuple[Decimal, Decimal]]] = {symbol: {} for symbol in self.symbols}
        for row in self.log.fills(since_ms=min(self.since_ms.values())):
            if row.symbol in booked and not row.synthetic and row.venue_ts_ms >= self.since_ms[row.symbol]:
                sign = 1 if row.side == "buy" else -1
                booked[row.symbol][row.trade_id] = (sign * Decimal(row.qty), Decimal(row.price))
        found = {}
        for symbol in self.symbols:
            if why := self._difference(symbol, booked[symbol], held.get(symbol, Decimal(0))):
                found[symbol] = why
        return found

    async def _read(self, symbol: str) -> bool:
        for _ in range(PAGES_MAX):
            mark = self._marks[symbol]
            told = await self.port.trades(symbol, after_id=mark, since_ms=0 if mark else self.since_ms[symbol])
            if told.value is None:
                return False
            new = [one for one in told.value if one.trade_id not in self.trades[symbol]]
            if not new:
                return True
            self.trades[symbol] |= {one.trade_id: one for one in new}
            self._marks[symbol] = new[-1].trade_id
        return False

    def _forget(self, symbol: str) -> None:
        """Let go of trades that agreed, beyond the newest: their sum goes into what was held before."""
        kept = self.trades[symbol]
        if len(kept) < 2 * TRADES_KEPT:
            return
        cut_ms = sorted(one.time_ms for one in kept.values())[-TRADES_KEPT]
        old = [one for one in kept.values() if one.time_ms < cut_ms]
        self.since_ms[symbol] = cut_ms
        self.trades[symbol] = {trade_id: one for trade_id, one in kept.items() if one.time_ms >= cut_ms}
        self._base[symbol] = self._base.get(symbol, Decimal(0)) + sum((one.side * one.qty for one in old), Decimal(0))

    def _difference(self, symbol: str, booked: dict[str, tuple[Decimal, Decimal]], held: Decimal) -> str:
        mine = {trade_id: (one.side * one.qty, one.price) for trade_id, one in self.trades[symbol].items()}
        if missing := sorted(mine.keys() - booked.keys()):
            return f"{symbol}: the venue tells of {len(missing)} trades that are not booked, the first {missing[0]}"
        if invented := sorted(booked.keys() - mine.keys()):
            return f"{symbol}: {len(invented)} booked trades are not told by the venue, the first {invented[0]}"
        if wrong := sorted(trade_id for trade_id, one in mine.items() if booked[trade_id] != one):
            return f"{symbol}: trade {wrong[0]} is booked as {booked[wrong[0]]}, the venue tells {mine[wrong[0]]}"
        if self.port.abilities.positions:
            total = sum((qty for qty, _ in mine.values()), Decimal(0))
            base = self._base.setdefault(symbol, held - total)
            if held != base + total:
                return f"{symbol}: trades lead to {base + total}, the venue holds {held}"
        return ""

    def _tell(self, found: dict[str, str]) -> None:
        """Write holds and releases, each once; a symbol that is held stays so under the same reference."""
        now_ms = self.log.now_ns() // 10**6
        standing = copy_holds(self.log)
        count = len(self.log.entries(HOLD))
        rows = []
        for symbol, why in found.items():
            if symbol not in standing:
                count += 1
                ref = f"{symbol} {count}"
                rows.append(EntryRow(kind=HOLD, ref=ref, time_ms=now_ms, symbol=symbol, body={"why": why}))
        for symbol, (ref, _) in standing.items():
            if symbol in self.symbols and symbol not in found:
                rows.append(EntryRow(kind=RELEASE, ref=ref, time_ms=now_ms, symbol=symbol))
        if rows:
            self.log.add(*rows)
