"""What the venue's database shows: orders and balances as they were a moment ago, while it trails the matching core.

Only kept while somebody has asked for stale reads (`read_lag_ms` with mode `stale`); bounded by the longest lag.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from b25.venue.exchange.events import AssetState, BalanceEvent, OrderEvent, UserEvent
from b25.venue.exchange.orders import Fill, Order

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account

KEPT_MS = 60_000
"""The longest lag that can be shown."""

OrderKey = tuple[str, str, int]


class Past:
    """Snapshots of the last minute, by order and by balance."""

    def __init__(self) -> None:
        self.enabled = False
        self._orders: dict[OrderKey, list[tuple[int, Order]]] = {}
        self._assets: dict[tuple[int, str], list[tuple[int, AssetState]]] = {}
        self._queue: deque[tuple[int, OrderKey]] = deque()

    def on_user(self, account: "Account", event: UserEvent) -> None:
        """Keep what an event says."""
        if not self.enabled:
            return
        if isinstance(event, OrderEvent):
            key = (event.order.listing.market, event.order.listing.name, event.order.order_id)
            self._orders.setdefault(key, []).append((event.time_ms, event.order))
            self._queue.append((event.time_ms, key))
            self._prune(event.time_ms)
        elif isinstance(event, BalanceEvent) and event.market == "spot":
            for state in event.assets:
                row = self._assets.setdefault((account.account_id, state.asset), [])
                row.append((event.time_ms, state))
                while len(row) > 1 and row[1][0] <= event.time_ms - KEPT_MS:
                    del row[0]

    def order(self, order: Order, as_of_ms: int) -> Order | None:
        """The order as it was; None when it was not there yet."""
        if order.updated_ms <= as_of_ms:
            return order
        rows = self._orders.get((order.listing.market, order.listing.name, order.order_id), [])
        at = bisect_right(rows, as_of_ms, key=lambda row: row[0])
        if at:
            return rows[at - 1][1]
        return None if order.created_ms > as_of_ms else order

    def orders(self, orders: Iterable[Order], as_of_ms: int) -> list[Order]:
        """Those orders that were there, as they were."""
        then = (self.order(order, as_of_ms) for order in orders)
        return [order for order in then if order is not None]

    def open_orders(self, market: str, account: int, symbol: str | None, as_of_ms: int, now: Sequence[Order]) -> list[Order]:
        """The orders that were open: those open now that were there, and those that have ended since."""
        open_now = {order.order_id for order in now}
        ended = []
        for (its_market, its_symbol, order_id), rows in self._orders.items():
            if its_market != market or symbol not in (None, its_symbol) or order_id in open_now:
                continue
            if rows[-1][1].account == account and not rows[-1][1].is_open:
                ended.append(rows[-1][1])
        then = self.orders([*now, *ended], as_of_ms)
        return sorted((order for order in then if order.is_open), key=lambda order: order.order_id)

    def fills(self, fills: Iterable[Fill], as_of_ms: int) -> list[Fill]:
        """Fills that were known."""
        return [fill for fill in fills if fill.time_ms <= as_of_ms]

    def asset(self, account: int, state: AssetState, as_of_ms: int) -> AssetState:
        """A spot balance as it was."""
        rows = self._assets.get((account, state.asset), [])
        at = bisect_right(rows, as_of_ms, key=lambda row: row[0])
        return rows[at - 1][1] if at else state

    def _prune(self, now_ms: int) -> None:
        while self._queue and self._queue[0][0] <= now_ms - KEPT_MS:
            time_ms, key = self._queue.popleft()
            rows = self._orders.get(key)
            if not rows:
                continue
            if not rows[-1][1].is_open and rows[-1][0] <= time_ms:
                del self._orders[key]
            elif len(rows) > 1 and rows[1][0] <= now_ms - KEPT_MS:
                del rows[0]
