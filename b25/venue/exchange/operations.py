"""What an operator, a fault or a scenario does to the venue: things that no client asked for."""

from decimal import Decimal
from typing import TYPE_CHECKING

from b25.model.errors import Misuse
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account, ApiKey
from b25.venue.exchange.book import PRICE_TICKS_MAX
from b25.venue.exchange.filters import Filters
from b25.venue.exchange.linear_request import reference_ticks
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.money import to_money
from b25.venue.exchange.orders import AlgoOrder, NewOrder, Order
from b25.venue.exchange.positions import Position

if TYPE_CHECKING:
    from b25.venue.exchange.exchange import Exchange

FOREIGN_PREFIX = "web_"


class Operations:
    """The venue's own hand."""

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange
        self._foreign = 0

    # -- orders and positions ---------------------------------------------------------------------

    def foreign_order(self, account: Account, market: str, request: NewOrder) -> Order:
        """Place an order in an account that its client never sent, as if by hand on the web page."""
        if request.client_id is None:
            self._foreign += 1
            request.client_id = f"{FOREIGN_PREFIX}{self._foreign:020d}"
        desk = self.exchange.spot_orders if market == "spot" else self.exchange.linear_orders
        return desk.place(account, request)

    def cancel_by_venue(self, account: Account, market: str, symbol: str, *, state: str = "CANCELED") -> list[Order]:
        """End all orders of a symbol as CANCELED or EXPIRED, as maintenance and delisting do."""
        desk = self.exchange.spot_orders if market == "spot" else self.exchange.linear_orders
        orders = list(account.store(market).open_orders(symbol))
        for order in orders:
            if not order.is_open:
                continue
            if state == "CANCELED":
                desk.pull(order)
            else:
                listing = order.listing
                events = [] if order.order_id in listing.trailing else listing.book.cancel(order.order_id)
                desk.end(order, state, state)
                self.exchange.apply(listing, events)
        if market == "linear":
            self.exchange.linear_algos.pull_all(account, symbol)
        return [order.snapshot() for order in orders]

    def liquidate(self, account: Account, symbol: str, side: str | None = None) -> list[Order]:
        """Liquidate an account's positions of a symbol now, whatever its margin."""
        return [self.exchange.liquidator.liquidate(account, p) for p in self._positions(account, symbol, side)]

    def adl(self, account: Account, symbol: str, side: str | None = None, quantity: Decimal | None = None) -> list[Order]:
        """Auto-deleverage so much of a position (all of it without a quantity) at the mark price."""
        listing = self.exchange.linear_orders.listing(symbol)
        orders = []
        for position in self._positions(account, symbol, side):
            lots = abs(position.lots) if quantity is None else min(abs(position.lots), listing.to_lots(quantity))
            if lots:
                orders.append(self.exchange.liquidator.adl(account, position, lots, reference_ticks(listing)))
        return orders

    def settle(self, symbol: str) -> list[Order]:
        """Deliver a contract: cancel all orders, close all positions at the mark, and stop trading it."""
        exchange = self.exchange
        listing = exchange.linear_orders.listing(symbol)
        self.set_status("linear", symbol, "SETTLING")
        ticks = reference_ticks(listing)
        orders = []
        for account in exchange.accounts.values():
            exchange.linear_orders.pull_all(account, symbol)
            exchange.linear_algos.pull_all(account, symbol)
            for position in account.linear.open_positions(symbol):
                client_id = f"settlement_autoclose-{exchange.now_ms}"
                order = exchange.linear_orders.close_off_book(account, position, abs(position.lots), ticks, client_id)
                orders.append(order.snapshot())
        return orders

    def _positions(self, account: Account, symbol: str, side: str | None) -> list[Position]:
        self.exchange.linear_orders.listing(symbol)
        return [p for p in account.linear.open_positions(symbol) if side in (None, p.side)]

    def reject_algo(self, account: Account, reason: str, algo_id: int | None = None) -> AlgoOrder | None:
        """Refuse a waiting conditional order with ``rm``; without an id, the next one that triggers."""
        if algo_id is None:
            self.exchange.linear_algos.reject_next = reason
            return None
        algo = account.linear_store.open_algos.get(algo_id)
        if algo is None or not algo.is_open:
            raise errors.UNKNOWN_ORDER.error()
        self.exchange.linear_algos.reject(account, algo, reason)
        return algo.snapshot()

    # -- money ------------------------------------------------------------------------------------

    def transfer(self, account: Account, asset: str, amount: Decimal | str, *, to: str) -> None:
        """Move money between an account's spot and futures wallets; ``to`` is ``"spot"`` or ``"linear"``."""
        units = to_money(amount)
        if units <= 0 or to not in ("spot", "linear"):
            raise Misuse("a transfer needs a positive amount and a wallet", remedy='give amount > 0 and to="spot" or "linear"')
        exchange = self.exchange
        if to == "linear":
            exchange.spot_ledger.credit(account, asset, -units)
            exchange.linear_ledger.transfer(account, asset, units, "DEPOSIT")
        else:
            exchange.linear_ledger.transfer(account, asset, -units, "WITHDRAW")
            exchange.spot_ledger.credit(account, asset, units)

    # -- symbols ----------------------------------------------------------------------------------

    def set_status(self, market: str, symbol: str, status: str) -> None:
        """Give a symbol another status: TRADING, HALT, BREAK, CANCEL_ONLY, END_OF_DAY, ..."""
        listing = self._listing(market, symbol)
        listing.status = status
        self.exchange.tell_status(listing)

    def set_filters(self, market: str, symbol: str, filters: Filters) -> None:
        """Change a symbol's rules while it trades; resting orders stay as they are."""
        listing = self._listing(market, symbol)
        listing.set_filters(filters)
        self.exchange.tell_status(listing)

    def set_delivery(self, symbol: str, delivery_ms: int) -> None:
        """Announce a contract's delisting; it is settled when the time has come."""
        listing = self._listing("linear", symbol)
        listing.delivery_ms = delivery_ms
        self.exchange.tell_status(listing)

        def deliver() -> None:
            if listing.delivery_ms == delivery_ms and listing.status == "TRADING":
                self.settle(symbol)

        self.exchange.timers.at(delivery_ms, deliver)

    def set_mark(self, symbol: str, price: Decimal | str | None) -> None:
        """Pin a contract's mark price, with all that follows from it; None lets it be computed again."""
        listing = self._listing("linear", symbol)
        assert listing.mark is not None
        listing.mark.pinned_mark_ticks = ticks = None if price is None else _price(listing, price)
        if ticks is not None:
            listing.mark.mark_ticks = ticks
            self.exchange.clockwork.publish_mark(listing)
            self.exchange.liquidator.check_all()

    def set_index(self, symbol: str, price: Decimal | str | None) -> None:
        """Pin a contract's index price; None lets it follow the spot book again."""
        listing = self._listing("linear", symbol)
        assert listing.mark is not None
        listing.mark.pinned_index_ticks = None if price is None else _price(listing, price)

    def set_funding_rate(self, symbol: str, rate: Decimal | str | None) -> None:
        """Pin a contract's funding rate (0.0001 is 0.01 %); None lets it be computed again."""
        listing = self._listing("linear", symbol)
        assert listing.mark is not None
        listing.mark.pinned_rate_e8 = None if rate is None else to_money(rate)
        if rate is not None:
            listing.mark.rate_e8 = to_money(rate)

    def _listing(self, market: str, symbol: str) -> Listing:
        listing = self.exchange.market(market).get(symbol)
        if listing is None:
            raise errors.INVALID_SYMBOL.error()
        return listing

    # -- accounts and keys ------------------------------------------------------------------------

    def freeze(self, account: Account, *, frozen: bool = True) -> None:
        """Refuse every order and every cancel of an account, or let it trade again. Its orders stay."""
        account.frozen = frozen

    def revoke(self, key: ApiKey | str) -> None:
        """Make a key invalid."""
        known = self.exchange.keys.get(key if isinstance(key, str) else key.key)
        if known is None:
            raise Misuse("there is no such key", remedy="give a key that the venue made")
        known.revoked = True


def _price(listing: Listing, price: Decimal | str) -> int:
    ticks = listing.to_ticks(price)
    if not 0 < ticks <= PRICE_TICKS_MAX:
        raise Misuse(f"{listing.name}: {price} is no price", remedy="give a positive price within the symbol's range")
    return ticks
