"""Closing orders of the kill switch, which it sends past every session: they are of the strategy whose position they closed.

It closes by a connection and ids of its own. Were these executions nobody's, the account would be flat and the strategy would go
on, from then and in every later session, with a position that is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from b25.execution.orders.actions import Alarm, Source
from b25.execution.orders.identity import KILL_PREFIX
from b25.model.instrument import Instrument
from b25.model.order import State
from b25.session.orders.carrying_out import Hands
from b25.store.order_log import OrderLog
from b25.venue.port.port import VenuePort
from b25.venue.port.reports import OrderReport, TradeReport
from b25.venue.port.requests import NewOrder, OrderRef

TRIES: Final = 8  # reads are late: an order that was executed is found in the end, unless the venue forgot it


class Adoption:
    """Finds whose an execution is that no order of ours explains, if it closes what a strategy holds.

    Parameters
    ----------
    port : VenuePort
    log : OrderLog
    hands : Hands
    instruments : mapping of str to Instrument
    strategies : mapping of str to int
    intend : callable
        Makes the intent of (order, strategy) durable; False when it could not.
    """

    def __init__(
        self,
        port: VenuePort,
        log: OrderLog,
        hands: Hands,
        instruments: Mapping[str, Instrument],
        strategies: Mapping[str, int],
        intend: Callable[[NewOrder, str], bool],
    ) -> None:
        self.port, self.log, self.hands, self.instruments = port, log, hands, instruments
        self.strategies, self.intend = strategies, intend
        self._tries: Counter[tuple[str, str]] = Counter()

    async def settled(self, trade: TradeReport) -> bool:
        """Take the order of an execution for ours where the kill switch sent it; False when that cannot be told yet."""
        key = (trade.symbol, trade.venue_id)
        strategy = self._holder(trade)
        if self._is_known(trade) or not strategy or not trade.venue_id or self._tries[key] >= TRIES:
            return True
        if trade.client_id and not trade.client_id.startswith(KILL_PREFIX):
            return True
        self._tries[key] += 1
        report = (await self.port.order(OrderRef(symbol=trade.symbol, venue_id=trade.venue_id))).value
        if report is None:
            return self._tries[key] >= TRIES
        self._tries[key] = TRIES
        if report.client_id.startswith(KILL_PREFIX) and not self._is_known(trade):
            return self._adopt(report, trade, strategy)
        return True

    def _is_known(self, trade: TradeReport) -> bool:
        manager = self.hands.manager
        if (trade.symbol, trade.trade_id) in manager.trade_ids:
            return True
        if manager.find(trade.symbol, trade.client_id, trade.venue_id) is None:
            self.hands.recall(trade)  # of an order that ended long ago
        return manager.find(trade.symbol, trade.client_id, trade.venue_id) is not None

    def _holder(self, trade: TradeReport) -> str:
        """The strategy that holds most of what such an execution reduces."""
        held = {name: -trade.side * self.log.position_of(self.port.name, trade.symbol, name) for name in self.strategies}
        name = max(held, key=lambda one: held[one], default="")
        return name if name and held[name] > 0 else ""

    def _adopt(self, report: OrderReport, trade: TradeReport, strategy: str) -> bool:
        """Have it in store and order table like one that the strategy sent; the world never asked for it, so its number is 0."""
        manager = self.hands.manager
        new = NewOrder(
            symbol=trade.symbol,
            client_id=report.client_id,
            side=trade.side,
            qty_lots=self.instruments[trade.symbol].lots(report.qty),
            reduce_only=True,
            sign_ms=report.time_ms,
        )
        if not self.intend(new, strategy):
            self._tries[(trade.symbol, trade.venue_id)] = 0
            return False
        self.hands.strategies[new.client_id] = strategy
        now_ns = self.hands.now_ns
        self.hands.perform(manager.intend(new, order_id=0, request_id=0, now_ns=now_ns))
        self.hands.perform(manager.sending(new.client_id, now_ns))
        live = OrderReport(
            symbol=new.symbol, venue_id=trade.venue_id, client_id=new.client_id, state=State.OPEN, side=new.side,
            qty=report.qty, filled=Decimal(0),
        )  # fmt: skip
        self.hands.perform(manager.seen(live, Source.RECON, now_ns))  # its executions are booked one by one, then it is filled
        self.hands.perform([Alarm("CLOSED_BY_KILL", f"{new.client_id} of the kill switch closed what {strategy} held")])
        return True
