"""What our fills add up to against the venue's positions, which are told late: a picture of the past is no difference."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from b25.execution.orders.actions import Alarm, Book, Hold
from b25.model.instrument import Instrument
from b25.session.orders.carrying_out import Hands
from b25.store.order_log import OrderLog
from b25.venue.port.port import VenuePort

LAG_NS: Final = 3_000_000_000  # the longest by which a position is told late
TIMES: Final = 3  # comparisons in a row that must fail
CAUSE: Final = "the position differs from the venue's"


class PositionCheck:
    """Compares positions with the venue's.

    Parameters
    ----------
    port : VenuePort
    log : OrderLog
    hands : Hands
    instruments : dict of str to Instrument
    """

    def __init__(self, port: VenuePort, log: OrderLog, hands: Hands, instruments: Mapping[str, Instrument]) -> None:
        self.port, self.log, self.hands, self.instruments = port, log, hands, instruments
        self.failures: dict[str, int] = {}
        self._was: dict[str, deque[tuple[int, Decimal]]] = {symbol: deque(maxlen=10_000) for symbol in instruments}

    def booked(self, book: Book) -> None:
        """A fill is booked: remember what was held until now."""
        trade = book.trade
        if trade.symbol in self._was:
            self._was[trade.symbol].append((self.hands.now_ns, self._now(trade.symbol) - trade.side * trade.qty))

    def adjusted(self, symbol: str) -> Decimal:
        """What counts as held beside the fills: nothing here; see `b25.session.account.desk_check`."""
        return Decimal(0)

    async def compare(self, again: Callable[[], None]) -> dict[str, tuple[Decimal, Decimal]]:
        """Compare; returns ours and theirs where they differ, and holds what differs again and again.

        Parameters
        ----------
        again : callable
            Asks for the next comparison soon.
        """
        if not self.port.abilities.positions:
            return {}
        began_ns = self.hands.now_ns
        theirs = await self.port.positions()
        if theirs.value is None:
            return {}
        differ = {}
        for symbol in self.instruments:
            held = theirs.value[symbol].qty if symbol in theirs.value else Decimal(0)
            if self._unlike(symbol, held, began_ns):
                await self.hands.pull(symbol)  # the venue may be ahead of what its stream has told
                if self._unlike(symbol, held, began_ns):
                    differ[symbol] = (self._now(symbol) + self.adjusted(symbol), held)
            self.judge(symbol, differ.get(symbol), again)
        return differ

    def _now(self, symbol: str) -> Decimal:
        return self.log.positions(self.port.name).get(symbol, Decimal(0))

    def _unlike(self, symbol: str, held: Decimal, began_ns: int) -> bool:
        """Whether the fills never added up to that, from as long ago as the venue may be behind until now."""
        possible = [self._now(symbol), *(qty for at_ns, qty in self._was[symbol] if at_ns >= began_ns - LAG_NS)]
        more = self.adjusted(symbol)
        return all(abs(held - qty - more) >= self.instruments[symbol].lot / 2 for qty in possible)

    def judge(self, symbol: str, found: tuple[Decimal, Decimal] | None, again: Callable[[], None]) -> None:
        """Hold a symbol that differs again and again; release one that does not."""
        manager = self.hands.manager
        is_held = CAUSE in manager.holds.get(symbol, ())
        if found is None:
            self.failures.pop(symbol, None)
            if is_held:
                self.hands.perform(manager.release(symbol, CAUSE))
            return
        self.failures[symbol] = self.failures.get(symbol, 0) + 1
        if self.failures[symbol] < TIMES:
            again()
        elif not is_held:
            text = f"{symbol}: the fills add up to {found[0]}, the venue says {found[1]}"
            if manager.policy.foreign == "ignore":
                self.hands.perform([Alarm("POSITION_DRIFT", text)])
                return
            manager.holds.setdefault(symbol, set()).add(CAUSE)
            self.hands.perform([Alarm("POSITION_DRIFT", text), Hold(symbol, CAUSE)])
