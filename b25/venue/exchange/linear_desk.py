"""USD-M futures orders: placing, cancelling, modifying, batches, the countdown, and what the venue does to them itself."""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar, Final

from b25.model.matching import MatchEvent, MatchKind, MatchReason
from b25.model.order import Tif
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account, book_account
from b25.venue.exchange.desk import Desk
from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.linear_amend import amend_order
from b25.venue.exchange.linear_checks import check_affordable, closes_only
from b25.venue.exchange.linear_request import (
    check_band,
    check_min_notional,
    check_order_parameters,
    matched_price,
    price_ticks,
    quantity_lots,
    reference_ticks,
)
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.money import PPM
from b25.venue.exchange.orders import SIDES, AlgoOrder, Fill, NewOrder, Order
from b25.venue.exchange.positions import Position
from b25.venue.exchange.spot_request import STPS
from b25.venue.exchange.taking_cost import taking_cost

TIFS: Final = {"GTC": Tif.GTC, "IOC": Tif.IOC, "FOK": Tif.FOK, "GTX": Tif.GTC, "GTD": Tif.GTC}
BATCH_MAX: Final = 5
CANCEL_BATCH_MAX: Final = 10


class LinearDesk(Desk):
    """Futures orders. Everything takes the account first, returns snapshots, and raises `VenueError`."""

    market: ClassVar[str] = "linear"
    closed: ClassVar[errors.Refusal] = errors.SYMBOL_CLOSED
    page_hours: ClassVar[int] = 24 * 7

    # -- placing ----------------------------------------------------------------------------------

    def place(self, account: Account, request: NewOrder, *, algo: AlgoOrder | None = None) -> Order:
        """Place an order; ``algo`` is the conditional order whose trigger asks for it."""
        order = self._make(account, request)
        order.algo = algo
        self._check(account, order)
        order.listing.orders[order.order_id] = order
        self.run(order, self._submit(order), self._refusal)
        if order.is_open and order.good_till_ms:
            order.listing.good_till[order.order_id] = order
        return self.placed(order)

    def test(self, account: Account, request: NewOrder) -> None:
        """Check an order without placing it."""
        self._check(account, self._make(account, request))

    def _make(self, account: Account, request: NewOrder) -> Order:
        listing = self.listing(request.symbol)
        now_ms = self.exchange.now_ms
        check_order_parameters(account, listing, request, now_ms)
        market = request.type == "MARKET"
        side = SIDES[request.side]
        assert request.quantity is not None
        lots = quantity_lots(listing, request.quantity, market=market)
        ticks = 0
        if request.price_match != "NONE":
            ticks = matched_price(listing, side, request.price_match)
        elif request.price is not None:
            ticks = price_ticks(listing, request.price)
        return Order(
            order_id=listing.next_order_id(),
            client_id=request.client_id or self.fresh_client_id(),
            account=account.account_id,
            listing=listing,
            side=request.side,
            type=request.type,
            tif=request.tif or "GTC",
            price_ticks=ticks,
            qty_lots=lots,
            stp=request.stp or listing.default_stp,
            position_side=request.position_side or "BOTH",
            reduce_only=request.reduce_only,
            close_position=request.close_position,
            orig_type=request.type,
            working_type=request.working_type,
            price_protect=request.price_protect,
            price_match=request.price_match,
            good_till_ms=request.good_till_ms,
            created_ms=now_ms,
            updated_ms=now_ms,
        )

    def _check(self, account: Account, order: Order) -> None:
        """Symbol rules, client id, counts, reduce-only and margin."""
        listing = order.listing
        store = account.linear_store
        closing = closes_only(order)
        if not (closing and listing.status in ("SETTLING", "PENDING_TRADING", "CANCEL_ONLY")):
            self.check_may_place(account, listing)
        if account.cooling_off and not closing:
            raise errors.COOLING_OFF.error()
        if order.price_ticks:
            check_band(listing, order.sign, order.price_ticks)
        if not closing:
            check_min_notional(listing, order.price_ticks or reference_ticks(listing), order.qty_lots)
        if store.open_by_client(listing.name, order.client_id) is not None:
            raise errors.DUPLICATE_CLIENT_ID.error()
        if store.open_count(listing.name) >= listing.linear_filters.max_orders:
            raise errors.MAX_OPEN_ORDERS.error()
        if order.type == "MARKET":
            self._check_counterparty(order)
        if not closing:
            check_affordable(account, self.exchange.linear, order, self._assumed_price(order))

    def _check_counterparty(self, order: Order) -> None:
        levels = order.listing.book.levels(-order.sign, 1)
        if not levels:
            raise errors.NO_ORDERS_ON_BOOK.error()
        bound = self._market_bound(order)
        if bound and (bound - levels[0][0]) * order.sign < 0:
            raise errors.COUNTERPARTY_PRICE.error()

    def _market_bound(self, order: Order) -> int:
        """Worst price that a market order accepts, by the mark."""
        listing = order.listing
        mark = listing.mark.mark_ticks if listing.mark is not None else 0
        return max(1, mark + order.sign * mark * listing.market_take_bound_ppm // PPM) if mark else 0

    def _assumed_price(self, order: Order) -> int:
        if order.price_ticks:
            return order.price_ticks
        return taking_cost(order.listing, order.sign, order.qty_lots)[1]

    def _submit(self, order: Order) -> list[MatchEvent]:
        market = order.type == "MARKET"
        return order.listing.book.submit(
            order.order_id,
            book_account(order.account, order.position_side),
            order.sign,
            order.leaves_lots,
            self._market_bound(order) if market else order.price_ticks,
            market=market,
            tif=TIFS[order.tif],
            post_only=order.tif == "GTX",
            reduce_only=closes_only(order),
            stp=STPS[order.stp],
        )

    def run_refused(self, order: Order, reason: str) -> None:
        """Accept an order only to expire it at once (GTX by `gtx_mode`)."""
        account = self.exchange.accounts[order.account]
        order.listing.orders[order.order_id] = order
        order.state = "NEW"
        self.opened(account, order)
        self.end(order, "EXPIRED", "EXPIRED", reason=reason)

    def run(self, order: Order, events: list[MatchEvent], refusal: object = None) -> None:
        """As every desk, but some refusals of the book are told in the futures' own way."""
        first = events[0]
        mine = first.order_id == order.order_id
        accepts = self.exchange.settings.gtx_mode == "accept_then_expire"
        if mine and first.kind == MatchKind.REJECTED and first.reason == MatchReason.WOULD_TAKE and accepts:
            self.run_refused(order, "WOULD_TAKE")
            return
        if mine and first.kind == MatchKind.EXPIRED and first.reason == MatchReason.FOK_UNFILLABLE:
            self.undo(order)
            self.exchange.apply(order.listing, events[1:])
            raise errors.FOK_REJECTED.error()
        super().run(order, events, self._refusal)

    def _refusal(self, reason: int) -> VenueError:
        refusals = {
            MatchReason.WOULD_TAKE: errors.POST_ONLY_REJECTED,
            MatchReason.WOULD_INCREASE: errors.REDUCE_ONLY_REJECTED,
            MatchReason.NO_LIQUIDITY: errors.NO_ORDERS_ON_BOOK,
            MatchReason.FOK_UNFILLABLE: errors.FOK_REJECTED,
        }
        return refusals.get(MatchReason(reason), errors.DUPLICATE_CLIENT_ID).error()

    def expire(self, order: Order) -> None:
        """End an order because its good-till date has come."""
        events = order.listing.book.cancel(order.order_id)
        self.end(order, "EXPIRED", "EXPIRED")
        self.exchange.apply(order.listing, events)

    # -- cancelling -------------------------------------------------------------------------------

    def cancel(self, account: Account, symbol: str, *, order_id: int | None = None, client_id: str | None = None) -> Order:
        """Cancel an order."""
        self.listing(symbol)
        self.check_may_cancel(account)
        order = self.find(account, symbol, order_id, client_id, errors.UNKNOWN_ORDER)
        if not order.is_open:
            raise errors.UNKNOWN_ORDER.error()
        self.pull(order)
        return order.snapshot()

    def cancel_all(self, account: Account, symbol: str) -> list[Order]:
        """Cancel all orders of a symbol; none is no error."""
        self.listing(symbol)
        self.check_may_cancel(account)
        return self.pull_all(account, symbol)

    def pull_all(self, account: Account, symbol: str) -> list[Order]:
        """Cancel all orders of a symbol, whoever wants it."""
        orders = list(account.linear_store.open_orders(symbol))
        for order in orders:
            if order.is_open:
                self.pull(order)
        return [order.snapshot() for order in orders]

    def cancel_batch(
        self,
        account: Account,
        symbol: str,
        *,
        order_ids: Sequence[int] = (),
        client_ids: Sequence[str] = (),
    ) -> list[Order | VenueError]:
        """Cancel up to ten orders, each with its own outcome."""
        if bool(order_ids) == bool(client_ids):
            raise errors.MANDATORY.error("orderIdList")
        if len(order_ids) + len(client_ids) > CANCEL_BATCH_MAX:
            raise errors.INVALID_DATA.error("orderIdList")
        wanted: list[tuple[int | None, str | None]] = [(one, None) for one in order_ids]
        wanted += [(None, one) for one in client_ids]
        outcomes: list[Order | VenueError] = []
        for order_id, client_id in wanted:
            try:
                outcomes.append(self.cancel(account, symbol, order_id=order_id, client_id=client_id))
            except VenueError as refused:
                outcomes.append(refused)
        return outcomes

    def place_batch(self, account: Account, requests: Sequence[NewOrder | VenueError]) -> list[Order | VenueError]:
        """Place up to five orders, each with its own outcome; a request that could not be parsed stands for its error."""
        if not 0 < len(requests) <= BATCH_MAX:
            raise errors.INVALID_DATA.error("batchOrders")
        outcomes: list[Order | VenueError] = []
        for request in requests:
            try:
                outcomes.append(request if isinstance(request, VenueError) else self.place(account, request))
            except VenueError as refused:
                outcomes.append(refused)
        return outcomes

    def open_order(self, account: Account, symbol: str, *, order_id: int | None = None, client_id: str | None = None) -> Order:
        """One order that is still open; any other does not exist here."""
        order = self.find(account, symbol, order_id, client_id, errors.NO_ORDER)
        if not order.is_open:
            raise errors.NO_ORDER.error()
        return order.snapshot()

    def countdown(self, account: Account, symbol: str, countdown_ms: int) -> None:
        """Cancel all orders of a symbol in so many ms unless called again before; 0 stops the clock."""
        self.listing(symbol)
        if countdown_ms < 0:
            raise errors.INVALID_DATA.error("countdownTime")
        wallet = account.linear
        if countdown_ms == 0:
            wallet.deadlines.pop(symbol, None)
            return
        deadline = wallet.deadlines[symbol] = self.exchange.now_ms + countdown_ms
        # One timer is enough, however often the clock is wound: it looks at the deadline when it strikes.
        armed = wallet.armed.get(symbol)
        if armed is None or deadline < armed:
            self._arm(account, symbol, deadline)

    def _arm(self, account: Account, symbol: str, time_ms: int) -> None:
        wallet = account.linear
        wallet.armed[symbol] = time_ms

        def strike() -> None:
            if wallet.armed.get(symbol) != time_ms:
                return
            del wallet.armed[symbol]
            deadline = wallet.deadlines.get(symbol)
            if deadline is None:
                return
            if deadline > self.exchange.now_ms:
                self._arm(account, symbol, deadline)
                return
            del wallet.deadlines[symbol]
            self.pull_all(account, symbol)
            self.exchange.linear_algos.pull_all(account, symbol)

        self.exchange.timers.at(time_ms, strike)

    # -- modifying --------------------------------------------------------------------------------

    def amend(
        self,
        account: Account,
        symbol: str,
        side: str,
        *,
        order_id: int | None = None,
        client_id: str | None = None,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        price_match: str = "NONE",
    ) -> Order:
        """Give an order another price or quantity; less at the same price keeps its place."""
        order = self.find(account, symbol, order_id, client_id, errors.NO_ORDER)
        return amend_order(self, account, order, side, quantity=quantity, price=price, price_match=price_match)

    # -- the venue's own hand ---------------------------------------------------------------------

    def close_off_book(self, account: Account, position: Position, lots: int, ticks: int, client_id: str) -> Order:
        """Close part of a position at a price, against nobody in the book; the book is told what is left."""
        order = self.venue_order(account, position, lots, ticks, client_id)
        self.opened(account, order)
        self.fill_off_book(account, order, position, lots, ticks)
        return order

    def venue_order(self, account: Account, position: Position, lots: int, ticks: int, client_id: str) -> Order:
        """An order that closes a position and that its owner never sent."""
        listing = position.listing
        order = Order(
            order_id=listing.next_order_id(),
            client_id=client_id,
            account=account.account_id,
            listing=listing,
            side="SELL" if position.lots > 0 else "BUY",
            type="LIMIT",
            orig_type="LIMIT",
            tif="IOC",
            price_ticks=ticks,
            qty_lots=lots,
            position_side=position.side,
            reduce_only=True,
            created_ms=self.exchange.now_ms,
            by_venue=True,
        )
        listing.orders[order.order_id] = order
        return order

    def fill_off_book(self, account: Account, order: Order, position: Position, lots: int, ticks: int) -> None:
        """Fill an order without a counterparty in the book."""
        listing = order.listing
        event = MatchEvent(
            MatchKind.TRADE, order.order_id, 0, order.sign, ticks, lots, 0, trade_id=listing.next_off_book_trade_id()
        )
        self.fill(order, event, maker=False)
        book = book_account(account.account_id, position.side)
        self.exchange.apply(listing, listing.book.set_position(book, position.lots))

    # -- an order's way ---------------------------------------------------------------------------

    def opened(self, account: Account, order: Order) -> None:
        """Tell that an order was accepted, and before that, that its conditional order has triggered."""
        if order.algo is not None:
            self.exchange.linear_algos.triggered(account, order.algo, order)
        super().opened(account, order)

    def on_triggered(self, listing: Listing, order_id: int) -> None:
        """A trigger fired: it belongs to a conditional order."""
        algo = listing.algos.get(order_id)
        if algo is not None:
            self.exchange.linear_algos.fire(algo)

    def settle(self, order: Order, event: MatchEvent, *, maker: bool) -> Fill:
        """Move the position and the money of a trade."""
        return self.exchange.linear_ledger.settle(order, event, maker=maker)

    def release(self, order: Order) -> None:
        """Nothing is locked: margin follows from the open orders."""

    def after_fill(self, account: Account, order: Order, fill: Fill) -> None:
        """Tell the wallet and the position."""
        position = account.linear.position(order.listing, order.position_side)
        self.exchange.linear_ledger.tell(account, "ORDER", order.listing.quote, positions=(position,))
        self.after_end(account, order)

    def after_end(self, account: Account, order: Order) -> None:
        """Tell the conditional order that it came from how it ended."""
        if order.algo is not None and not order.is_open:
            self.exchange.linear_algos.finished(account, order.algo, order)
