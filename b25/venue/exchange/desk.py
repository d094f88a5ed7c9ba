"""What the two order desks share: who may trade, client ids, look-ups, and an order's way through the book's events."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Final

from b25.model.matching import MatchEvent, MatchKind, MatchReason
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.events import OrderEvent
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.orders import Fill, Order

if TYPE_CHECKING:
    from b25.venue.exchange.exchange import Exchange

LETTERS: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LETTER_OF_BYTE: Final = bytes(LETTERS[byte % len(LETTERS)] for byte in range(256))
HOUR_MS: Final = 3_600_000
ARCHIVE_MS: Final = 90 * 24 * HOUR_MS
EXPIRY_REASONS: Final = {
    MatchReason.IOC_LEFTOVER: "UNFILLED_IOC_QUANTITY_EXPIRED",
    MatchReason.FOK_UNFILLABLE: "UNFILLED_FOK_ORDER_EXPIRED",
    MatchReason.NO_LIQUIDITY: "INSUFFICIENT_LIQUIDITY",
    MatchReason.REDUCE_ONLY: "REDUCE_ONLY",
}


class Desk(ABC):
    """Orders of one market."""

    market: ClassVar[str]
    closed: ClassVar[errors.Refusal]  # what a symbol says that does not trade
    page_hours: ClassVar[int]  # longest time that a look-up may span

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange
        self._client_ids = 0

    # -- what a market decides for itself -----------------------------------------------------------

    @abstractmethod
    def settle(self, order: Order, event: MatchEvent, *, maker: bool) -> Fill:
        """Move the money of a trade; the order's own sums are already updated."""

    @abstractmethod
    def release(self, order: Order) -> None:
        """Give back what an order holds beyond what it still needs."""

    def fire(self, order: Order) -> None:  # noqa: B027 - not every market has something to do
        """Enter a stop whose trigger was reached; a market whose stops wait outside its book has none."""

    def after_fill(self, account: Account, order: Order, fill: Fill) -> None:  # noqa: B027 - likewise
        """Tell the balances after a trade."""

    def after_end(self, account: Account, order: Order) -> None:  # noqa: B027 - likewise
        """Tell the balances after an order's end without a trade, and who waits for it."""

    # -- checks -----------------------------------------------------------------------------------

    def listing(self, symbol: str) -> Listing:
        """A symbol of this market, or -1121."""
        listing = self.exchange.market(self.market).get(symbol)
        if listing is None:
            raise errors.INVALID_SYMBOL.error()
        return listing

    def check_may_place(self, account: Account, listing: Listing) -> None:
        """Whether this account may place orders here now."""
        if account.frozen:
            raise errors.ACTION_DISABLED.error()
        if not account.can_trade:
            raise errors.MAY_NOT_TRADE.error()
        if listing.name in account.forbidden_symbols:
            raise errors.NOT_PERMITTED.error()
        if listing.name in account.restricted_symbols:
            raise errors.RESTRICTED.error()
        if not listing.trading:
            raise self.closed.error()

    def check_may_cancel(self, account: Account) -> None:
        """Whether this account may cancel orders now."""
        if account.frozen:
            raise errors.CANCEL_DISABLED.error()
        if not account.can_trade:
            raise errors.MAY_NOT_TRADE.error()

    def fresh_client_id(self) -> str:
        """An id for an order that came without one: 22 letters and digits, as Binance makes them."""
        self._client_ids += 1
        digest = blake2b(f"{self.market} {self._client_ids}".encode(), digest_size=22).digest()
        return digest.translate(LETTER_OF_BYTE).decode()

    def fees_ppm(self, account: Account, symbol: str) -> tuple[int, int]:
        """(maker, taker) commission of an account in a symbol, parts per million."""
        listing = self.listing(symbol)
        maker = account.maker_fee_ppm.get(self.market, listing.maker_fee_ppm)
        return maker, account.taker_fee_ppm.get(self.market, listing.taker_fee_ppm)

    # -- look-ups ---------------------------------------------------------------------------------

    def find(self, account: Account, symbol: str, order_id: int | None, client_id: str | None, absent: errors.Refusal) -> Order:
        """An order of this account: the id wins, then the client id must agree; by client id, the most recent."""
        self.listing(symbol)
        store = account.store(self.market)
        if order_id is not None:
            order = store.orders.get(symbol, {}).get(order_id)
            if order is None:
                raise absent.error()
            if client_id is not None and order.client_id != client_id:
                raise errors.WRONG_CLIENT_ID.error()
            return order
        if client_id is None:
            raise errors.MANDATORY.error("orderId")
        order = store.by_client.get((symbol, client_id))
        if order is None:
            raise absent.error()
        return order

    def order(self, account: Account, symbol: str, *, order_id: int | None = None, client_id: str | None = None) -> Order:
        """One order, open or finished."""
        order = self.find(account, symbol, order_id, client_id, errors.NO_ORDER)
        old = self.exchange.now_ms - order.updated_ms > ARCHIVE_MS
        if old and not order.is_open and order.filled_lots == 0:
            raise errors.ARCHIVED.error()
        return order.snapshot()

    def open_orders(self, account: Account, symbol: str | None = None) -> list[Order]:
        """Open orders of one symbol or of all."""
        if symbol is not None:
            self.listing(symbol)
        return [order.snapshot() for order in account.store(self.market).open_orders(symbol)]

    def all_orders(
        self,
        account: Account,
        symbol: str,
        *,
        order_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[Order]:
        """Orders of a symbol in rising id: from an id on, or of a time span, or the latest."""
        self.listing(symbol)
        self._check_span(start_ms, end_ms)
        since_ms = self.exchange.now_ms - ARCHIVE_MS
        forwards = order_id is not None or start_ms is not None
        known = account.store(self.market).orders.get(symbol, {}).values()
        wanted = (
            order
            for order in (known if forwards else reversed(known))
            if (order.is_open or order.filled_lots or order.updated_ms >= since_ms)
            and (order_id is None or order.order_id >= order_id)
            and (start_ms is None or order.created_ms >= start_ms)
            and (end_ms is None or order.created_ms <= end_ms)
        )
        page = [order.snapshot() for order in islice(wanted, limit)]
        return page if forwards else page[::-1]

    def my_trades(
        self,
        account: Account,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[Fill]:
        """Fills of a symbol in rising trade id: from an id on, or of a time span, or the latest."""
        self.listing(symbol)
        self._check_span(start_ms, end_ms)
        forwards = from_id is not None or start_ms is not None
        fills = account.store(self.market).fills
        wanted = (
            fill
            for fill in (fills if forwards else reversed(fills))
            if fill.symbol == symbol
            and (order_id is None or fill.order_id == order_id)
            and (from_id is None or fill.trade_id >= from_id)
            and (start_ms is None or fill.time_ms >= start_ms)
            and (end_ms is None or fill.time_ms <= end_ms)
        )
        page = list(islice(wanted, limit))
        return page if forwards else page[::-1]

    def _check_span(self, start_ms: int | None, end_ms: int | None) -> None:
        if start_ms is not None and end_ms is not None and end_ms - start_ms > self.page_hours * HOUR_MS:
            raise errors.LOOKUP_TOO_LONG.error(self.page_hours)

    # -- an order's way ---------------------------------------------------------------------------

    def run(self, order: Order, events: list[MatchEvent], refusal: Callable[[int], VenueError]) -> None:
        """Take in the book's answer to a new order: raise what refused it, or tell NEW and then the rest."""
        account = self.exchange.accounts[order.account]
        if events[0].kind == MatchKind.REJECTED and events[0].order_id == order.order_id:
            self.undo(order)
            self.exchange.apply(order.listing, events[1:])
            raise refusal(events[0].reason)
        self.opened(account, order)
        if any(event.kind == MatchKind.DONE and event.order_id == order.order_id for event in events):
            own = [event.trade_id for event in events if event.kind == MatchKind.TRADE and event.order_id == order.order_id]
            order.closing_trade_id = own[-1] if own else 0
        self.exchange.apply(order.listing, events)

    def opened(self, account: Account, order: Order) -> None:
        """Tell that an order was accepted."""
        order.updated_ms = self.exchange.now_ms
        if order.is_working:
            order.working_ms = self.exchange.now_ms
        account.store(self.market).add(order)
        self.report(account, order, "NEW")
        self.after_end(account, order)

    def undo(self, order: Order) -> None:
        """Let a refused order never have been."""
        order.state = "REJECTED"
        order.listing.orders.pop(order.order_id, None)
        self.release(order)

    def on_trade(self, listing: Listing, event: MatchEvent) -> None:
        """A trade of the book in which an account took part, on either side or on both."""
        for order_id, maker in ((event.order_id, False), (event.maker_order_id, True)):
            order = listing.orders.get(order_id)
            if order is not None:
                self.fill(order, event, maker=maker)

    def fill(self, order: Order, event: MatchEvent, *, maker: bool) -> Fill:
        """Give an order its part of a trade."""
        account = self.exchange.accounts[order.account]
        order.filled_lots += event.qty_lots
        order.filled_ticklots += event.price_ticks * event.qty_lots
        order.updated_ms = self.exchange.now_ms
        if order.quote_qty:
            ended = event.trade_id == order.closing_trade_id
            order.qty_lots = order.filled_lots
        else:
            ended = order.leaves_lots == 0
        order.state = "PARTIALLY_FILLED"
        if ended:
            order.state = "EXPIRED_IN_MATCH" if order.prevented_lots else "FILLED"
        fill = self.settle(order, event, maker=maker)
        account.store(self.market).fills.append(fill)
        if not maker:
            order.fills.append(fill)
        self.release(order)
        if ended:
            self._close(account, order)
        self.report(account, order, "CALCULATED" if order.by_venue else "TRADE", fill=fill)
        self.after_fill(account, order, fill)
        return fill

    def on_event(self, listing: Listing, event: MatchEvent) -> None:
        """An event of the book about one order of an account."""
        if event.kind == MatchKind.TRIGGERED:
            self.on_triggered(listing, event.order_id)
            return
        order = listing.orders.get(event.order_id)
        if order is None:
            return
        if event.kind == MatchKind.EXPIRED:
            self.end(order, "EXPIRED", "EXPIRED", reason=EXPIRY_REASONS.get(MatchReason(event.reason), ""))
        elif event.kind == MatchKind.PREVENTED:
            self._prevent(order, event)
        elif event.kind == MatchKind.DONE:
            self.end(order, "EXPIRED", "EXPIRED")  # of a value that buys not even one lot
        elif event.kind == MatchKind.CANCELLED:
            self.end(order, "CANCELED", "CANCELED")

    def on_triggered(self, listing: Listing, order_id: int) -> None:
        """A trigger of the trigger book fired."""
        order = listing.orders.get(order_id)
        if order is not None:
            self.fire(order)

    def _prevent(self, order: Order, event: MatchEvent) -> None:
        account = self.exchange.accounts[order.account]
        order.prevented_lots += event.qty_lots
        order.updated_ms = self.exchange.now_ms
        gone = event.leaves_lots == 0
        if gone:
            order.state = "EXPIRED_IN_MATCH"
            self._close(account, order)
        self.release(order)
        self.report(account, order, "TRADE_PREVENTION", prevented_lots=event.qty_lots)
        self.after_end(account, order)

    def end(self, order: Order, state: str, execution: str, *, reason: str = "") -> None:
        """End an order that is not filled to its last lot."""
        account = self.exchange.accounts[order.account]
        order.state = state
        order.expiry_reason = reason
        order.updated_ms = self.exchange.now_ms
        self._close(account, order)
        self.release(order)
        self.report(account, order, execution)
        self.after_end(account, order)

    def _close(self, account: Account, order: Order) -> None:
        order.listing.orders.pop(order.order_id, None)
        order.listing.trailing.pop(order.order_id, None)
        order.listing.good_till.pop(order.order_id, None)
        account.store(self.market).finish(order)

    def report(
        self, account: Account, order: Order, execution: str, *, fill: Fill | None = None, prevented_lots: int = 0
    ) -> None:
        """Tell an execution."""
        if not self.exchange.sinks:
            return
        event = OrderEvent(
            order.snapshot(),
            execution,
            self.exchange.now_ms,
            order.listing.next_execution_id(),
            fill,
            order.cancel_client_id,
            prevented_lots=prevented_lots,
        )
        self.exchange.tell(account, event)

    def placed(self, order: Order) -> Order:
        """The answer to a new order; its fills are kept by the account, no longer by the order."""
        answer = order.snapshot()
        order.fills = []
        return answer

    def pull(self, order: Order, cancel_client_id: str = "") -> None:
        """Take an open order out of the book, whatever it waits for."""
        order.cancel_client_id = cancel_client_id
        listing = order.listing
        if listing.trailing.pop(order.order_id, None) is not None:
            self.end(order, "CANCELED", "CANCELED")
            return
        self.exchange.apply(listing, listing.book.cancel(order.order_id))
