"""An account's orders and fills of one market: open ones by symbol, finished ones up to a limit."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from b25.venue.exchange.orders import AlgoOrder, Fill, Order

# Per account and market. The oldest finished order is forgotten first; open ones are bounded by MAX_NUM_ORDERS.
FINISHED_ORDERS_MAX: Final = 10_000
FILLS_MAX: Final = 20_000


class OrderStore:
    """Orders of one account in one market."""

    def __init__(self) -> None:
        self.open: dict[str, dict[int, Order]] = {}
        self.orders: dict[str, dict[int, Order]] = {}  # all that are remembered, rising ids
        self.by_client: dict[tuple[str, str], Order] = {}  # the most recent of that client id
        self.fills: deque[Fill] = deque(maxlen=FILLS_MAX)
        self.algos: dict[int, AlgoOrder] = {}
        self.algo_by_client: dict[str, AlgoOrder] = {}
        self.open_algos: dict[int, AlgoOrder] = {}
        self._finished: deque[Order] = deque()
        self._finished_algos: deque[AlgoOrder] = deque()

    def add(self, order: Order) -> None:
        """Remember a new order."""
        symbol = order.listing.name
        self.orders.setdefault(symbol, {})[order.order_id] = order
        self.by_client[symbol, order.client_id] = order
        if order.is_open:
            self.open.setdefault(symbol, {})[order.order_id] = order
        else:
            self._remember_finished(order)

    def finish(self, order: Order) -> None:
        """Move an order that cannot trade any more."""
        if self.open.get(order.listing.name, {}).pop(order.order_id, None) is not None:
            self._remember_finished(order)

    def rename(self, order: Order, client_id: str) -> None:
        """Give an order another client id."""
        symbol = order.listing.name
        if self.by_client.get((symbol, order.client_id)) is order:
            del self.by_client[symbol, order.client_id]
        order.client_id = client_id
        self.by_client[symbol, client_id] = order

    def forget(self, order: Order) -> None:
        """Drop a finished order."""
        symbol = order.listing.name
        self.orders.get(symbol, {}).pop(order.order_id, None)
        if self.by_client.get((symbol, order.client_id)) is order:
            del self.by_client[symbol, order.client_id]

    def open_orders(self, symbol: str | None = None) -> Iterator[Order]:
        """Open orders of one symbol, or of all."""
        if symbol is not None:
            yield from self.open.get(symbol, {}).values()
            return
        for orders in self.open.values():
            yield from orders.values()

    def open_count(self, symbol: str) -> int:
        """How many orders of a symbol are open."""
        return len(self.open.get(symbol, ()))

    def open_by_client(self, symbol: str, client_id: str) -> Order | None:
        """The open order of a client id."""
        order = self.by_client.get((symbol, client_id))
        return order if order is not None and order.is_open else None

    def add_algo(self, algo: AlgoOrder) -> None:
        """Remember a new conditional order."""
        self.algos[algo.algo_id] = algo
        self.algo_by_client[algo.client_id] = algo
        self.open_algos[algo.algo_id] = algo

    def finish_algo(self, algo: AlgoOrder) -> None:
        """Move a conditional order that ended."""
        if self.open_algos.pop(algo.algo_id, None) is None:
            return
        self._finished_algos.append(algo)
        if len(self._finished_algos) > FINISHED_ORDERS_MAX:
            old = self._finished_algos.popleft()
            self.algos.pop(old.algo_id, None)
            if self.algo_by_client.get(old.client_id) is old:
                del self.algo_by_client[old.client_id]

    def _remember_finished(self, order: Order) -> None:
        self._finished.append(order)
        if len(self._finished) > FINISHED_ORDERS_MAX:
            self.forget(self._finished.popleft())
