"""Spot orders: placing, cancelling, replacing, amending, and the stops that wait."""

from decimal import Decimal
from typing import ClassVar, NamedTuple

from b25.model.event import BUY
from b25.model.matching import MatchEvent, MatchKind, MatchReason
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account, book_account
from b25.venue.exchange.book import VALUE_TICKLOTS_MAX
from b25.venue.exchange.desk import Desk
from b25.venue.exchange.errors import VenueError, filter_failure
from b25.venue.exchange.events import AssetState
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.money import EXACT
from b25.venue.exchange.orders import Fill, NewOrder, Order
from b25.venue.exchange.spot_filters import check_filters
from b25.venue.exchange.spot_request import STPS, TIFS, check_number, check_parameters, make_order, stop_rises
from b25.venue.exchange.taking_cost import lots_for_value, taking_cost
from b25.venue.exchange.trailing import TrailingStop

BIPS = 10_000
NO_MARKET_PRICE = frozenset({"MARKET", "STOP_LOSS", "TAKE_PROFIT"})


class Replaced(NamedTuple):
    """Both halves of a successful cancel-replace."""

    cancelled: Order
    placed: Order


class SpotDesk(Desk):
    """Spot orders. Everything takes the account first, returns snapshots, and raises `VenueError`."""

    market: ClassVar[str] = "spot"
    closed: ClassVar[errors.Refusal] = errors.MARKET_CLOSED
    page_hours: ClassVar[int] = 24

    # -- placing ----------------------------------------------------------------------------------

    def place(self, account: Account, request: NewOrder) -> Order:
        """Place an order; the answer carries the fills that it made at once."""
        listing = self.check(account, request)
        self.check_may_place(account, listing)
        client_id = request.client_id or self.fresh_client_id()
        if account.spot_store.open_by_client(listing.name, client_id) is not None:
            raise errors.DUPLICATE_ORDER.error()
        order = make_order(account, listing, request, client_id, self.exchange.now_ms)
        if not order.is_working:
            self._wait(account, order)
        else:
            self._enter(account, order)
        return self.placed(order)

    def test(self, account: Account, request: NewOrder) -> None:
        """Check an order without placing it."""
        self.check(account, request)

    def check(self, account: Account, request: NewOrder) -> Listing:
        """Symbol, parameters and filters: what the live venue looks at before its matching core."""
        listing = self.listing(request.symbol)
        check_parameters(listing, request)
        check_filters(account, listing, request, self.exchange.now_ms)
        return listing

    def _enter(self, account: Account, order: Order) -> None:
        self._reserve(account, order)
        order.listing.orders[order.order_id] = order
        self.run(order, self._submit(order), _refusal)

    def _submit(self, order: Order) -> list[MatchEvent]:
        listing = order.listing
        quote = min(order.quote_qty // listing.ticklot_money, VALUE_TICKLOTS_MAX)
        return listing.book.submit(
            order.order_id,
            book_account(order.account, "BOTH"),
            order.sign,
            order.leaves_lots,
            order.price_ticks,
            market=order.type in NO_MARKET_PRICE,
            tif=TIFS[order.tif],
            post_only=order.type == "LIMIT_MAKER",
            stp=STPS[order.stp],
            quote_ticklots=quote,
        )

    def _reserve(self, account: Account, order: Order) -> None:
        """Lock what the order may cost at worst."""
        listing, ledger = order.listing, self.exchange.spot_ledger
        if order.type in NO_MARKET_PRICE and not listing.book.levels(-order.sign, 1):
            raise errors.NO_ORDERS_ON_BOOK.error()
        own = self._own_lots(account, order)
        if order.quote_qty:
            lots = lots_for_value(listing, order.sign, order.quote_qty // listing.ticklot_money, own)
            if lots == 0 or lots < listing.to_lots(listing.spot_filters.min_qty):
                raise filter_failure("LOT_SIZE")
            ledger.lock(account, order, order.quote_qty if order.sign == BUY else listing.base_money(lots))
        elif order.sign != BUY:
            ledger.lock(account, order, listing.base_money(order.leaves_lots))
        elif order.type in NO_MARKET_PRICE:
            cost, _ = taking_cost(listing, order.sign, order.leaves_lots, own)
            ledger.lock(account, order, listing.notional(cost))
        else:
            ledger.lock(account, order, listing.notional(order.price_ticks * order.leaves_lots))

    def _own_lots(self, account: Account, order: Order) -> int:
        if order.stp in ("NONE", "EXPIRE_TAKER"):
            return 0
        mine = account.spot_store.open_orders(order.listing.name)
        return sum(other.leaves_lots for other in mine if other.sign != order.sign and other.is_working)

    # -- stops ------------------------------------------------------------------------------------

    def _wait(self, account: Account, order: Order) -> None:
        listing = order.listing
        rising = stop_rises(order.type, order.side)
        last = listing.last_ticks
        if not order.trailing_delta_bips and last and (last >= order.stop_ticks if rising else last <= order.stop_ticks):
            raise errors.WOULD_TRIGGER_SPOT.error()
        price_ticks = order.price_ticks or order.stop_ticks or last
        held = listing.notional(price_ticks * order.leaves_lots) if order.sign == BUY else listing.base_money(order.leaves_lots)
        self.exchange.spot_ledger.lock(account, order, held)
        listing.orders[order.order_id] = order
        if order.trailing_delta_bips:
            delta = (order.trailing_delta_bips, BIPS)
            stop = TrailingStop(order, rising, delta, order.stop_ticks, activate_rising=rising)
            if last and not order.stop_ticks:
                stop.observe(last)
                order.trailing_ms = self.exchange.now_ms
            listing.trailing[order.order_id] = stop
            self.opened(account, order)
            return
        events = listing.book.stop(
            order.order_id,
            book_account(order.account, "BOTH"),
            order.sign,
            order.leaves_lots,
            order.stop_ticks,
            market=True,
            rising=rising,
            notify_only=True,
        )
        self.run(order, events, _refusal)

    def fire(self, order: Order) -> None:
        """Enter a stop whose trigger was reached, once the command that reached it is settled."""
        self.exchange.defer(lambda: self._enter_stop(order))

    def _enter_stop(self, order: Order) -> None:
        if not order.is_open or order.is_working:
            return
        account = self.exchange.accounts[order.account]
        order.is_working = True
        order.working_ms = order.updated_ms = self.exchange.now_ms
        self.report(account, order, "NEW")
        if order.type in NO_MARKET_PRICE:
            held, order.locked = order.locked, 0
            balance = account.spot_balance(self.exchange.spot_ledger.held_asset(order))
            balance.locked -= held
            balance.free += held
            try:
                self._reserve(account, order)
            except VenueError:  # nothing to trade with, or nobody to trade with: the live venue expires it as well
                self.end(order, "EXPIRED", "EXPIRED", reason="INSUFFICIENT_LIQUIDITY")
                return
        events = self._submit(order)
        if events[0].kind == MatchKind.REJECTED:
            self.end(order, "EXPIRED", "EXPIRED", reason="INSUFFICIENT_LIQUIDITY")
            return
        self.exchange.apply(order.listing, events)
        order.fills = []

    # -- cancelling -------------------------------------------------------------------------------

    def cancel(
        self,
        account: Account,
        symbol: str,
        *,
        order_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
        restrictions: str | None = None,
    ) -> Order:
        """Cancel an order; the snapshot's ``cancel_client_id`` is the id of the cancel itself."""
        self.listing(symbol)
        self.check_may_cancel(account)
        order = self.find(account, symbol, order_id, client_id, errors.UNKNOWN_ORDER)
        if not order.is_open:
            raise errors.UNKNOWN_ORDER.error()
        wanted = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}.get(restrictions or "", order.state)
        if order.state != wanted:
            raise errors.CANCEL_RESTRICTED.error()
        self.pull(order, new_client_id or self.fresh_client_id())
        return order.snapshot()

    def cancel_all(self, account: Account, symbol: str) -> list[Order]:
        """Cancel all orders of a symbol; none is -2011."""
        self.listing(symbol)
        self.check_may_cancel(account)
        orders = list(account.spot_store.open_orders(symbol))
        if not orders:
            raise errors.UNKNOWN_ORDER.error()
        for order in orders:
            if order.is_open:
                self.pull(order, self.fresh_client_id())
        return [order.snapshot() for order in orders]

    def cancel_replace(
        self,
        account: Account,
        request: NewOrder,
        *,
        mode: str,
        order_id: int | None = None,
        client_id: str | None = None,
        cancel_new_client_id: str | None = None,
        restrictions: str | None = None,
        placing_refused: VenueError | None = None,
    ) -> Replaced:
        """Cancel one order, then place another.

        Parameters
        ----------
        mode : str
            ``"STOP_ON_FAILURE"`` or ``"ALLOW_FAILURE"``.
        placing_refused : VenueError, optional
            A refusal of the caller's (order count with CANCEL_ONLY): the cancel is done, the new order is refused with it.

        Raises
        ------
        VenueError
            -2022 (400) or -2021 (409) with ``data``: cancelResult and newOrderResult as words, cancelResponse and
            newOrderResponse as an `Order`, a `VenueError` or None, for the caller to render.
        """
        if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
            raise errors.INVALID_DATA.error("cancelReplaceMode")
        self.check(account, request)
        data: dict[str, object] = {"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS"}
        try:
            cancelled: Order | VenueError = self.cancel(
                account,
                request.symbol,
                order_id=order_id,
                client_id=client_id,
                new_client_id=cancel_new_client_id,
                restrictions=restrictions,
            )
        except VenueError as refused:
            cancelled = refused
            data["cancelResult"] = "FAILURE"
        data["cancelResponse"] = cancelled
        if isinstance(cancelled, VenueError) and mode == "STOP_ON_FAILURE":
            data.update(newOrderResult="NOT_ATTEMPTED", newOrderResponse=None)
            raise _with_data(errors.REPLACE_FAILED.error(), data)
        try:
            if placing_refused is not None:
                raise placing_refused
            placed: Order | VenueError = self.place(account, request)
        except VenueError as refused:
            placed = refused
            data["newOrderResult"] = "FAILURE"
        data["newOrderResponse"] = placed
        if isinstance(cancelled, VenueError) and isinstance(placed, VenueError):
            raise _with_data(errors.REPLACE_FAILED.error(), data)
        if isinstance(cancelled, VenueError) or isinstance(placed, VenueError):
            error = _with_data(errors.REPLACE_PARTLY_FAILED.error(), data)
            error.http = 429 if placing_refused is not None else error.http
            raise error
        return Replaced(cancelled, placed)

    # -- amending ---------------------------------------------------------------------------------

    def amend(
        self,
        account: Account,
        symbol: str,
        quantity: Decimal,
        *,
        order_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
    ) -> Order:
        """Lower an order's quantity; it keeps its place in the queue."""
        listing = self.listing(symbol)
        self.check_may_cancel(account)
        order = self.find(account, symbol, order_id, client_id, errors.NO_ORDER)
        if not order.is_open:
            raise errors.NO_ORDER.error()
        check_number(quantity, "newQty")
        filters = listing.spot_filters
        if quantity < filters.min_qty or EXACT.remainder(quantity, filters.step_size):
            raise filter_failure("LOT_SIZE")
        lots = min(listing.to_lots(quantity), order.qty_lots + 1)
        if lots == order.qty_lots:
            raise errors.AMEND_CHANGES_NOTHING.error()
        leaves = lots - order.filled_lots - order.prevented_lots
        if lots > order.qty_lots or leaves <= 0:
            raise errors.AMEND_NOT_LESS.error()
        if new_client_id is not None and new_client_id != order.client_id:
            if account.spot_store.open_by_client(symbol, new_client_id) is not None:
                raise errors.DUPLICATE_ORDER.error()
            account.spot_store.rename(order, new_client_id)
        order.qty_lots = lots
        order.updated_ms = self.exchange.now_ms
        ledger = self.exchange.spot_ledger
        if not order.is_working and order.sign == BUY and not order.price_ticks:
            order_cost = listing.notional((order.stop_ticks or listing.last_ticks) * leaves)
            ledger.give_back(order, max(0, order.locked - order_cost))
        ledger.release(order)
        self.report(account, order, "REPLACED")
        self.after_end(account, order)
        if order.is_working:
            self.exchange.apply(listing, listing.book.amend(order.order_id, leaves, order.price_ticks))
        return order.snapshot()

    # -- money ------------------------------------------------------------------------------------

    def balances(self, account: Account, *, omit_zero: bool = False) -> list[AssetState]:
        """Free and locked by asset: all that the venue lists, and all that the account has."""
        listed = (asset for listing in self.exchange.spot.values() for asset in (listing.base, listing.quote))
        assets = dict.fromkeys((*listed, *account.spot))
        states = [self.exchange.spot_ledger.state(account, asset) for asset in sorted(assets)]
        return [state for state in states if not omit_zero or state.free or state.locked]

    def settle(self, order: Order, event: MatchEvent, *, maker: bool) -> Fill:
        """Exchange the money of a trade."""
        return self.exchange.spot_ledger.settle(order, event, maker=maker)

    def release(self, order: Order) -> None:
        """Give back what the order does not need any more."""
        self.exchange.spot_ledger.release(order)

    def after_fill(self, account: Account, order: Order, fill: Fill) -> None:
        """Tell both balances."""
        self.exchange.spot_ledger.tell(account, order.listing.base, order.listing.quote, fill.commission_asset)

    def after_end(self, account: Account, order: Order) -> None:
        """Tell the balance that was locked or given back."""
        self.exchange.spot_ledger.tell(account, self.exchange.spot_ledger.held_asset(order))


def _refusal(reason: int) -> VenueError:
    refusals = {
        MatchReason.WOULD_TAKE: errors.WOULD_MATCH,
        MatchReason.NO_LIQUIDITY: errors.NO_ORDERS_ON_BOOK,
        MatchReason.WOULD_TRIGGER: errors.WOULD_TRIGGER_SPOT,
        MatchReason.DUPLICATE_ORDER: errors.DUPLICATE_ORDER,
    }
    return refusals.get(MatchReason(reason), errors.ZERO_VALUE).error()


def _with_data(error: VenueError, data: dict[str, object]) -> VenueError:
    error.data = data
    return error
