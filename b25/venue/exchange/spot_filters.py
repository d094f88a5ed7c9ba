"""The filters of a spot symbol, in the order in which Binance applies them: the first that fails names the error."""

from decimal import Decimal

from b25.venue.exchange.accounts import Account
from b25.venue.exchange.book import PRICE_TICKS_MAX
from b25.venue.exchange.errors import VenueError, filter_failure
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.money import EXACT, to_money
from b25.venue.exchange.orders import NewOrder
from b25.venue.exchange.spot_request import STOP_TYPES


def check_filters(account: Account, listing: Listing, request: NewOrder, now_ms: int) -> None:
    """Raise -1013 for the first filter that an order breaks."""
    reference = reference_price(listing, now_ms)
    for price in (request.price, request.stop_price):
        if price is not None:
            _check_price(listing, price)
    if request.price is not None:
        _check_percent(listing, request, request.price, reference)
    if request.quantity is not None:
        _check_lot(listing, request.quantity, market=request.type == "MARKET")
    _check_notional(listing, request, reference)
    if request.iceberg_quantity:
        _check_iceberg(listing, request)
    check_counts(account, listing, request)
    _check_position(account, listing, request)
    if request.trailing_delta_bips is not None:
        filters = listing.spot_filters
        if not filters.min_trailing_delta <= request.trailing_delta_bips <= filters.max_trailing_delta:
            raise filter_failure("TRAILING_DELTA")


def reference_price(listing: Listing, now_ms: int) -> Decimal:
    """Average price that the percent and notional filters look at; 0 before the first trade."""
    ticks = listing.reference.average_ticks(now_ms, listing.spot_filters.average_price_minutes)
    return ticks * listing.tick


def _check_price(listing: Listing, price: Decimal) -> None:
    filters = listing.spot_filters
    if price == 0:
        raise VenueError(-1013, "Invalid price.")
    too_low = filters.min_price and price < filters.min_price
    too_high = price > (filters.max_price or PRICE_TICKS_MAX * listing.tick)
    if too_low or too_high or (filters.tick_size and EXACT.remainder(price, filters.tick_size)):
        raise filter_failure("PRICE_FILTER")


def _check_percent(listing: Listing, request: NewOrder, price: Decimal, reference: Decimal) -> None:
    if not reference:
        return
    filters = listing.spot_filters
    up, down = (filters.bid_up, filters.bid_down) if request.side == "BUY" else (filters.ask_up, filters.ask_down)
    if not reference * down <= price <= reference * up:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")


def _check_lot(listing: Listing, quantity: Decimal, *, market: bool) -> None:
    filters = listing.spot_filters
    if quantity == 0:
        raise VenueError(-1013, "Invalid quantity.")
    if not filters.min_qty <= quantity <= filters.max_qty or EXACT.remainder(quantity, filters.step_size):
        raise filter_failure("LOT_SIZE")
    if market:
        step = filters.market_step_size
        if not filters.market_min_qty <= quantity <= filters.market_max_qty or (step and EXACT.remainder(quantity, step)):
            raise filter_failure("MARKET_LOT_SIZE")


def _check_notional(listing: Listing, request: NewOrder, reference: Decimal) -> None:
    filters = listing.spot_filters
    at_market = request.price is None
    if request.quote_quantity is not None:
        value = request.quote_quantity
        if value == 0:
            raise VenueError(-1013, "Invalid quantity.")
    else:
        assert request.quantity is not None
        price = request.price if request.price is not None else reference
        if not price:
            return
        value = EXACT.multiply(price, request.quantity)
    applies_min = filters.apply_min_to_market or not at_market
    applies_max = filters.apply_max_to_market or not at_market
    if (applies_min and value < filters.min_notional) or (applies_max and value > filters.max_notional):
        raise filter_failure("NOTIONAL")


def _check_iceberg(listing: Listing, request: NewOrder) -> None:
    assert request.iceberg_quantity is not None
    assert request.quantity is not None
    filters = listing.spot_filters
    if EXACT.remainder(request.iceberg_quantity, filters.step_size) or request.iceberg_quantity < filters.min_qty:
        raise filter_failure("LOT_SIZE")
    parts = -(-request.quantity // request.iceberg_quantity)
    if parts > filters.iceberg_parts:
        raise filter_failure("ICEBERG_PARTS")


def check_counts(account: Account, listing: Listing, request: NewOrder) -> None:
    """MAX_NUM_ORDERS, and MAX_NUM_ALGO_ORDERS for stops that still wait."""
    filters = listing.spot_filters
    if account.spot_store.open_count(listing.name) >= filters.max_orders:
        raise filter_failure("MAX_NUM_ORDERS")
    if request.type in STOP_TYPES:
        waiting = sum(not order.is_working for order in account.spot_store.open_orders(listing.name))
        if waiting >= filters.max_algo_orders:
            raise filter_failure("MAX_NUM_ALGO_ORDERS")


def _check_position(account: Account, listing: Listing, request: NewOrder) -> None:
    limit = listing.spot_filters.max_position
    if limit is None or request.side != "BUY" or request.quantity is None:
        return
    balance = account.spot_balance(listing.base)
    open_lots = sum(order.leaves_lots for order in account.spot_store.open_orders(listing.name) if order.side == "BUY")
    held = balance.free + balance.locked + listing.base_money(open_lots)
    if held + to_money(request.quantity) > to_money(limit):
        raise filter_failure("MAX_POSITION")
