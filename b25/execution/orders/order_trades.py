"""Executions: each is booked once, whichever order it came in, before the acknowledgement or after the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from b25.execution.orders.actions import Action, Alarm, Book, Halt, Identify, Query, Source, Tell
from b25.execution.orders.identity import identity_of
from b25.execution.orders.order_table import OrderTable
from b25.execution.orders.own_order import OwnOrder
from b25.execution.orders.states import AT_VENUE, IN_DOUBT, TERMINAL, OrderState
from b25.model.event import ORDER_FILLED
from b25.venue.port.reports import TradeReport

S = OrderState


class OrderTrades(OrderTable):
    """The part of the order manager that counts executions."""

    def trades_seen(self, trades: Iterable[TradeReport], source: Source, now_ns: int) -> list[Action]:
        """Take executions, from a stream, a query or a pull; those that are known already change nothing."""
        actions: list[Action] = []
        for trade in trades:
            key = (trade.symbol, trade.trade_id)
            if key in self.trade_ids:
                continue
            order = self.find(trade.symbol, trade.client_id, trade.venue_id)
            if order is not None:
                actions += self._book(order, trade, source, now_ns)
            elif not trade.client_id and self._may_be_ours(trade.symbol):
                actions += self._park(trade, now_ns)
            elif trade.venue_id and (not trade.client_id or identity_of(trade.client_id) is not None):
                actions += [*self._park(trade, now_ns), Identify(trade.symbol, trade.venue_id)]
            else:
                actions += self._foreign(trade, source)
        for key in [key for key in self.parked if key[1] and self.find(key[0], "", key[1]) is not None]:
            # The order's number at the venue became known by a trade that carried our id.
            actions += self.trades_seen(self.parked.pop(key), source, now_ns)
        return actions

    def settle_parked(self, now_ns: int) -> list[Action]:
        """Ask whose the parked trades are of symbols in which no order of ours is without the venue's id any more."""
        return [Identify(*key) for key in self.parked if key[1] and not self._may_be_ours(key[0])]

    def disowned(self, symbol: str, venue_id: str, client_id: str) -> list[Action]:
        """Book the parked trades of an order that is proven not to be of ours; `client_id` is what the venue calls it."""
        actions: list[Action] = []
        for trade in self.parked.pop((symbol, venue_id), []):
            if (trade.symbol, trade.trade_id) not in self.trade_ids:
                actions += self._foreign(replace(trade, client_id=client_id or trade.client_id), Source.RECON)
        return actions

    def _book(self, order: OwnOrder, trade: TradeReport, source: Source, now_ns: int) -> list[Action]:
        instrument = self.instruments[order.symbol]
        lots = instrument.lots(trade.qty)
        self._remember(trade.symbol, trade.trade_id)
        order.trade_ids.add(trade.trade_id)
        if trade.venue_id and not order.venue_id and not order.conditional:
            order.venue_id = trade.venue_id
            self.by_venue_id[(order.symbol, trade.venue_id)] = order.coid
        late = order.told_end or (order.state in TERMINAL and order.booked_lots + lots > order.cum_lots)
        order.booked_lots += lots
        order.cum_lots = max(order.cum_lots, order.booked_lots)
        actions: list[Action] = [Book(trade, order.coid, source, late)]
        tell = Tell(
            ORDER_FILLED,
            0 if late or not order.order_id else order.order_id,
            order.symbol,
            side=trade.side,
            price_ticks=instrument.ticks(trade.price),
            qty_lots=lots,
            venue_ms=trade.time_ms,
            trade=trade,
            coid=order.coid,
        )
        if order.amending is not None and order.booked_lots >= order.new.qty_lots:
            # Filled, or not, if the change was done: the world would take it for the first.
            order.amending.held.append(tell)
            actions.append(Query(order.coid, order.ref))
        else:
            actions.append(tell)
        if late:
            actions.append(Alarm("LATE_FILL", f"trade {trade.trade_id} of {order.coid}, which was {order.state}"))
        if order.booked_lots > order.qty_lots_max:
            self.halted = self.halted or f"{order.coid} executed more than was asked"
            actions.append(Halt(self.halted))
        if order.state in (S.NOT_ACCEPTED, S.NOT_SENT, S.REJECTED):
            text = f"{order.coid} traded after it was {order.state}"
            return [*actions, Alarm("FOUND_AFTER_ABSENT", text), self._hold(order.symbol, text), Query(order.coid, order.ref)]
        if order.state not in TERMINAL:
            actions = self._told_open_first(order, actions)
            actions += self._move(order, self._after_trade(order), source, now_ns, venue_ms=trade.time_ms)
        else:
            actions += self._told(order, now_ns)
        return actions

    def _told_open_first(self, order: OwnOrder, actions: list[Action]) -> list[Action]:
        """A fill proves that the order was accepted: the world hears that first."""
        if order.order_id and not order.told_open and not order.told_end:
            order.told_open = True
            tell = self._accepted(order)
            return [*actions[:1], tell, *actions[1:]]
        return actions

    def _after_trade(self, order: OwnOrder) -> OrderState:
        if order.booked_lots >= order.qty_lots_max:
            return S.FILLED
        if order.state in AT_VENUE and order.state is not S.NEW:
            return order.state
        return order.state if order.state in IN_DOUBT and order.state is S.LOST else S.PARTIAL

    def _may_be_ours(self, symbol: str) -> bool:
        """Whether an order of ours exists whose number at the venue we do not know: a trade may belong to it."""
        return any(order.symbol == symbol and not order.venue_id and order.is_live for order in self.orders.values()) or any(
            order.symbol == symbol and order.conditional for order in self.orders.values()
        )

    def _park(self, trade: TradeReport, now_ns: int) -> list[Action]:
        kept = self.parked.setdefault((trade.symbol, trade.venue_id), [])
        if all(one.trade_id != trade.trade_id for one in kept):
            kept.append(trade)
        self.pull_at_ns.setdefault(trade.symbol, now_ns)
        return [
            Query(order.coid, order.ref)
            for order in self.orders.values()
            if order.symbol == trade.symbol and not order.venue_id and order.is_live
        ]

    def _foreign(self, trade: TradeReport, source: Source) -> list[Action]:
        """A trade that no order of ours explains: it is booked, and a person looks."""
        self._remember(trade.symbol, trade.trade_id)
        instrument = self.instruments[trade.symbol]
        text = f"trade {trade.trade_id} in {trade.symbol} belongs to no order of ours"
        tell = Tell(
            ORDER_FILLED,
            0,
            trade.symbol,
            side=trade.side,
            price_ticks=instrument.ticks(trade.price),
            qty_lots=instrument.lots(trade.qty),
            venue_ms=trade.time_ms,
            trade=trade,
        )
        actions: list[Action] = [Book(trade, "", source), tell]
        if self.policy.foreign == "ignore":
            return actions
        return [*actions, Alarm("UNEXPECTED_FILL", text), self._hold(trade.symbol, text)]

    def _drain(self, order: OwnOrder, now_ns: int) -> list[Action]:
        """Book what was parked until this order's number at the venue was known."""
        trades = self.parked.pop((order.symbol, order.venue_id), []) if order.venue_id else []
        return self.trades_seen(trades, Source.RECON, now_ns) if trades else []
