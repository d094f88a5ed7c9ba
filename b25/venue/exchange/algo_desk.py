"""Conditional orders of USD-M futures: they wait for a trigger, and then ask for an order like anybody else."""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from b25.model.event import BUY
from b25.model.matching import MatchKind
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account, book_account
from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.events import AlgoEvent
from b25.venue.exchange.linear_request import (
    CONDITIONAL,
    check_good_till,
    check_price_given,
    check_words,
    price_ticks,
    quantity_lots,
)
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.orders import AlgoOrder, NewAlgoOrder, NewOrder, Order
from b25.venue.exchange.trailing import TrailingStop

if TYPE_CHECKING:
    from b25.venue.exchange.exchange import Exchange

CALLBACK_MIN: Final = Decimal("0.1")
CALLBACK_MAX: Final = Decimal(10)
MARKET_TYPES: Final = frozenset({"STOP_MARKET", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"})
CLOSABLE: Final = frozenset({"STOP_MARKET", "TAKE_PROFIT_MARKET"})
# What `rm` says for an order that the venue refuses at the trigger.
REJECT_REASONS: Final = {-2022: "Reduce Only reject"}


class AlgoDesk:
    """Conditional orders. Everything takes the account first, returns snapshots, and raises `VenueError`."""

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange
        self.reject_next = ""  # set by the fault layer: why the next trigger is refused
        self._last_id = 2_000_000

    # -- placing ----------------------------------------------------------------------------------

    def place(self, account: Account, request: NewAlgoOrder) -> AlgoOrder:
        """Place a conditional order."""
        desk = self.exchange.linear_orders
        listing = desk.listing(request.symbol)
        self._check_parameters(account, listing, request)
        algo = self._make(account, listing, request)
        desk.check_may_place(account, listing)
        self._check_room(account, algo)
        if algo.type == "TRAILING_STOP_MARKET":
            self._trail(algo)
        else:
            self._watch(algo)
        listing.algos[algo.trigger_id] = algo
        account.linear_store.add_algo(algo)
        self.tell(account, algo)
        if algo.good_till_ms:
            listing.good_till[algo.trigger_id] = algo
        return algo.snapshot()

    def _check_parameters(self, account: Account, listing: Listing, request: NewAlgoOrder) -> None:
        if request.type not in CONDITIONAL or request.type not in listing.order_types:
            raise errors.INVALID_TYPE.error()
        check_words(account, listing, request)
        trailing = request.type == "TRAILING_STOP_MARKET"
        if trailing:
            if request.callback_rate is None:
                raise errors.MANDATORY.error("callbackRate")
            if not request.callback_rate.is_finite() or not CALLBACK_MIN <= request.callback_rate <= CALLBACK_MAX:
                raise errors.BAD_CALLBACK_RATE.error()
        elif request.trigger_price is None:
            raise errors.MANDATORY.error("triggerPrice")
        if request.close_position:
            if request.type not in CLOSABLE:
                raise errors.CLOSE_POSITION_TYPE.error(request.type, "true")
            for name, sent in (("quantity", request.quantity is not None), ("reduceOnly", request.reduce_only)):
                if sent:
                    raise errors.NOT_REQUIRED.error(name)
        elif request.quantity is None:
            raise errors.MANDATORY.error("quantity")
        if request.type in MARKET_TYPES:
            if request.price is not None:
                raise errors.NOT_REQUIRED.error("price")
            if request.price_match != "NONE":
                raise errors.PRICE_MATCH_TYPE.error()
        else:
            check_price_given(request)
            check_good_till(request, self.exchange.now_ms)

    def _make(self, account: Account, listing: Listing, request: NewAlgoOrder) -> AlgoOrder:
        market = request.type in MARKET_TYPES
        ticks = {
            name: price_ticks(listing, value, name) if value is not None else 0
            for name, value in (
                ("price", request.price),
                ("triggerPrice", request.trigger_price),
                ("activatePrice", request.activate_price),
            )
        }
        lots = quantity_lots(listing, request.quantity, market=market) if request.quantity is not None else 0
        self._last_id += 1
        return AlgoOrder(
            algo_id=self._last_id,
            client_id=request.client_id or self.exchange.linear_orders.fresh_client_id(),
            account=account.account_id,
            listing=listing,
            side=request.side,
            type=request.type,
            tif=request.tif or "GTC",
            position_side=request.position_side or "BOTH",
            qty_lots=lots,
            price_ticks=ticks["price"],
            trigger_ticks=ticks["triggerPrice"],
            activate_ticks=ticks["activatePrice"],
            callback_rate=request.callback_rate,
            stp=request.stp or listing.default_stp,
            reduce_only=request.reduce_only,
            close_position=request.close_position,
            working_type=request.working_type,
            price_protect=request.price_protect,
            price_match=request.price_match,
            good_till_ms=request.good_till_ms,
            created_ms=self.exchange.now_ms,
            updated_ms=self.exchange.now_ms,
            trigger_id=listing.next_order_id(),
        )

    def _check_room(self, account: Account, algo: AlgoOrder) -> None:
        store = account.linear_store
        known = store.algo_by_client.get(algo.client_id)
        if known is not None and known.is_open:
            raise errors.DUPLICATE_CLIENT_ID.error()
        mine = [other for other in store.open_algos.values() if other.listing is algo.listing and other.is_open]
        if len(mine) >= algo.listing.linear_filters.max_algo_orders:
            raise errors.MAX_STOP_ORDERS.error()
        if algo.close_position:
            same = (other for other in mine if other.close_position and other.side == algo.side)
            if any(other.position_side == algo.position_side and other.type == algo.type for other in same):
                raise errors.CLOSE_POSITION_EXISTS.error()

    def _watch(self, algo: AlgoOrder) -> None:
        listing = algo.listing
        events = listing.book.stop(
            algo.trigger_id,
            book_account(algo.account, algo.position_side),
            algo.sign,
            max(1, algo.qty_lots),
            algo.trigger_ticks,
            market=True,
            rising=(algo.side == "BUY") == algo.type.startswith("STOP"),
            by_mark=algo.working_type == "MARK_PRICE",
            notify_only=True,
        )
        if events[0].kind == MatchKind.REJECTED:
            raise errors.WOULD_TRIGGER.error()

    def _trail(self, algo: AlgoOrder) -> None:
        listing = algo.listing
        by_mark = algo.working_type == "MARK_PRICE"
        now = (listing.mark.mark_ticks if listing.mark is not None else 0) if by_mark else listing.last_ticks
        buys = algo.sign == BUY
        if algo.activate_ticks and now and (algo.activate_ticks - now) * algo.sign >= 0:
            raise errors.WOULD_TRIGGER.error()
        assert algo.callback_rate is not None
        delta = (algo.callback_rate / 100).as_integer_ratio()
        stop = TrailingStop(algo, buys, delta, algo.activate_ticks, activate_rising=not buys, by_mark=by_mark)
        if now and not algo.activate_ticks:
            stop.observe(now)
        listing.trailing[algo.trigger_id] = stop

    # -- the trigger ------------------------------------------------------------------------------

    def expire(self, algo: AlgoOrder) -> None:
        """End it because its good-till date has come."""
        self._end_waiting(self.exchange.accounts[algo.account], algo, "EXPIRED")

    def fire(self, algo: AlgoOrder) -> None:
        """The trigger was reached: ask for the order once the command that reached it is settled."""
        algo.listing.algos.pop(algo.trigger_id, None)
        algo.listing.good_till.pop(algo.trigger_id, None)
        if algo.is_open:
            self.exchange.defer(lambda: self._trigger(algo))

    def _trigger(self, algo: AlgoOrder) -> None:
        if not algo.is_open:
            return
        account = self.exchange.accounts[algo.account]
        algo.state = "TRIGGERING"
        algo.triggered_ms = self.exchange.now_ms
        self.tell(account, algo)
        if self.reject_next:
            reason, self.reject_next = self.reject_next, ""
            self.reject(account, algo, reason)
            return
        try:
            self.exchange.linear_orders.place(account, self._request(account, algo), algo=algo)
        except VenueError as refused:
            self.reject(account, algo, REJECT_REASONS.get(refused.code, refused.msg))

    def _request(self, account: Account, algo: AlgoOrder) -> NewOrder:
        listing = algo.listing
        lots = algo.qty_lots
        reduce_only = algo.reduce_only
        if algo.close_position:
            position = account.linear.position(listing, algo.position_side)
            lots = max(0, -position.lots * algo.sign)
            reduce_only = not account.linear.hedge
            if lots == 0:
                raise errors.REDUCE_ONLY_REJECTED.error()
        market = algo.type in MARKET_TYPES
        open_now = account.linear_store.open_by_client(listing.name, algo.client_id) is not None
        return NewOrder(
            symbol=listing.name,
            side=algo.side,
            type="MARKET" if market else "LIMIT",
            tif=None if market else algo.tif,
            quantity=lots * listing.lot,
            price=algo.price_ticks * listing.tick if algo.price_ticks else None,
            client_id=None if open_now else algo.client_id,
            stp=algo.stp,
            position_side=algo.position_side,
            reduce_only=reduce_only,
            working_type=algo.working_type,
            price_protect=algo.price_protect,
            price_match=algo.price_match,
            good_till_ms=algo.good_till_ms,
        )

    def triggered(self, account: Account, algo: AlgoOrder, order: Order) -> None:
        """Its order was accepted; told before the order itself."""
        order.orig_type = algo.type
        order.stop_ticks = algo.trigger_ticks
        order.close_position = algo.close_position
        algo.state = "TRIGGERED"
        algo.actual_order_id = order.order_id
        self.tell(account, algo)

    def finished(self, account: Account, algo: AlgoOrder, order: Order) -> None:
        """Its order has ended."""
        if algo.state != "TRIGGERED":
            return
        algo.actual_filled_lots, algo.actual_ticklots = order.filled_lots, order.filled_ticklots
        self._end(account, algo, "FINISHED")

    def reject(self, account: Account, algo: AlgoOrder, reason: str) -> None:
        """Refuse it after it had been accepted."""
        self._unwatch(algo)
        algo.reject_reason = reason
        self._end(account, algo, "REJECTED")

    # -- cancelling and looking -------------------------------------------------------------------

    def cancel(self, account: Account, *, algo_id: int | None = None, client_id: str | None = None) -> AlgoOrder:
        """Cancel a conditional order that still waits."""
        self.exchange.linear_orders.check_may_cancel(account)
        algo = self._find(account, algo_id, client_id, errors.UNKNOWN_ORDER)
        if not algo.is_open:
            raise errors.UNKNOWN_ORDER.error()
        self._end_waiting(account, algo, "CANCELED")
        return algo.snapshot()

    def cancel_all(self, account: Account, symbol: str) -> list[AlgoOrder]:
        """Cancel all conditional orders of a symbol; none is no error."""
        self.exchange.linear_orders.listing(symbol)
        self.exchange.linear_orders.check_may_cancel(account)
        return self.pull_all(account, symbol)

    def pull_all(self, account: Account, symbol: str) -> list[AlgoOrder]:
        """Cancel all conditional orders of a symbol, whoever wants it."""
        mine = [algo for algo in account.linear_store.open_algos.values() if algo.listing.name == symbol and algo.is_open]
        for algo in mine:
            self._end_waiting(account, algo, "CANCELED")
        return [algo.snapshot() for algo in mine]

    def order(self, account: Account, *, algo_id: int | None = None, client_id: str | None = None) -> AlgoOrder:
        """One conditional order, waiting or ended."""
        return self._find(account, algo_id, client_id, errors.NO_ORDER).snapshot()

    def open_orders(self, account: Account, symbol: str | None = None, algo_id: int | None = None) -> list[AlgoOrder]:
        """Conditional orders that still wait."""
        if symbol is not None:
            self.exchange.linear_orders.listing(symbol)
        waiting = (algo for algo in account.linear_store.open_algos.values() if algo.is_open)
        return [algo.snapshot() for algo in waiting if symbol in (None, algo.listing.name) and algo_id in (None, algo.algo_id)]

    def all_orders(
        self,
        account: Account,
        symbol: str,
        *,
        algo_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[AlgoOrder]:
        """Conditional orders of a symbol in rising id."""
        self.exchange.linear_orders.listing(symbol)
        mine = [
            algo
            for algo in account.linear_store.algos.values()
            if algo.listing.name == symbol
            and (algo_id is None or algo.algo_id >= algo_id)
            and (start_ms is None or algo.created_ms >= start_ms)
            and (end_ms is None or algo.created_ms <= end_ms)
        ]
        page = mine[:limit] if algo_id is not None or start_ms is not None else mine[-limit:]
        return [algo.snapshot() for algo in page]

    def tell(self, account: Account, algo: AlgoOrder) -> None:
        """Send ALGO_UPDATE."""
        algo.updated_ms = self.exchange.now_ms
        self.exchange.tell(account, AlgoEvent(algo.snapshot(), self.exchange.now_ms))

    def _find(self, account: Account, algo_id: int | None, client_id: str | None, absent: errors.Refusal) -> AlgoOrder:
        if algo_id is None and client_id is None:
            raise errors.MANDATORY.error("algoId")
        store = account.linear_store
        algo = store.algos.get(algo_id) if algo_id is not None else store.algo_by_client.get(client_id or "")
        if algo is None:
            raise absent.error()
        if algo_id is not None and client_id is not None and algo.client_id != client_id:
            raise errors.WRONG_CLIENT_ID.error()
        return algo

    def _unwatch(self, algo: AlgoOrder) -> None:
        listing = algo.listing
        listing.algos.pop(algo.trigger_id, None)
        listing.good_till.pop(algo.trigger_id, None)
        if listing.trailing.pop(algo.trigger_id, None) is None:
            listing.book.cancel(algo.trigger_id)

    def _end_waiting(self, account: Account, algo: AlgoOrder, state: str) -> None:
        if algo.is_open:
            self._unwatch(algo)
            self._end(account, algo, state)

    def _end(self, account: Account, algo: AlgoOrder, state: str) -> None:
        algo.state = state
        self.tell(account, algo)
        account.linear_store.finish_algo(algo)
