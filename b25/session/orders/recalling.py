"""Orders out of the store: those that may still live, and those of which something is told after they ended."""

from __future__ import annotations

from collections.abc import Mapping

from b25.execution.orders.own_order import OwnOrder
from b25.execution.orders.states import TERMINAL
from b25.model.instrument import Instrument
from b25.session.orders.carrying_out import Hands
from b25.session.orders.rows import restored
from b25.store.order_log import OrderLog
from b25.venue.port.reports import TradeReport


class Recall:
    """Brings orders back into an order manager.

    Parameters
    ----------
    venue : str
    log : OrderLog
    hands : Hands
    instruments : mapping of str to Instrument
    """

    def __init__(self, venue: str, log: OrderLog, hands: Hands, instruments: Mapping[str, Instrument]) -> None:
        self.venue, self.log, self.hands, self.instruments = venue, log, hands, instruments

    def unfinished(self) -> None:
        """Take every order that may still live, or of which executions are missing."""
        for row, _, _ in self.log.unfinished([str(state) for state in TERMINAL], self.venue):
            if row.coid not in self.hands.manager.orders:
                self._take(row.coid, row.strategy)

    def owner(self, trade: TradeReport) -> None:
        """Remember the order that an execution is of, when it ended in an earlier life or was forgotten since."""
        facts = {"trade_id": trade.trade_id, "venue_id": trade.venue_id, "client_id": trade.client_id}
        coid = self.log.owner_of(self.venue, trade.symbol, **facts)
        if coid and coid not in self.hands.manager.orders:
            self._take(coid, self.log.strategy_of(coid))

    def _take(self, coid: str, strategy: str) -> None:
        order = self.stored(coid)
        if order is not None:
            self.hands.strategies[coid] = strategy
            self.hands.perform(self.hands.manager.restore(order, self.hands.now_ns))

    def stored(self, coid: str) -> OwnOrder | None:
        """An order as the store has it."""
        row = self.log.intent_of(coid)
        if row is None or row.symbol not in self.instruments:
            return None
        changes = [(one, self.log.events_of(one.coid)) for one in self.log.changes_of(coid)]
        return restored(row, self.log.events_of(coid), self.log.fills_of(coid), self.instruments[row.symbol], changes)
