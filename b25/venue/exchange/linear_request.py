"""Which parameters a futures order must and must not have, and the rules of its symbol, in Binance's futures codes."""

from decimal import Decimal
from typing import Final

from b25.model.event import BUY, SELL
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.money import EXACT, decimal_text, decimals_of
from b25.venue.exchange.orders import SIDES, NewAlgoOrder, NewOrder
from b25.venue.exchange.spot_request import LEGAL_NUMBER

CONDITIONAL: Final = frozenset({"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"})
LINEAR_TIFS: Final = ("GTC", "IOC", "FOK", "GTX", "GTD")
PRICE_MATCHES: Final = {
    "OPPONENT": (-1, 1),
    "OPPONENT_5": (-1, 5),
    "OPPONENT_10": (-1, 10),
    "OPPONENT_20": (-1, 20),
    "QUEUE": (1, 1),
    "QUEUE_5": (1, 5),
    "QUEUE_10": (1, 10),
    "QUEUE_20": (1, 20),
}
GOOD_TILL_AHEAD_MS: Final = 600_000
GOOD_TILL_MAX_MS: Final = 253_402_300_799_000
CLIENT_ID_MAX: Final = 36


def check_words(account: Account, listing: Listing, request: NewOrder | NewAlgoOrder) -> None:
    """Side, position side, time in force, self-trade prevention and the other enumerations."""
    if request.side not in SIDES:
        raise errors.INVALID_SIDE.error()
    if request.tif is not None and request.tif not in LINEAR_TIFS:
        raise errors.INVALID_TIF.error()
    if request.client_id is not None and len(request.client_id) > CLIENT_ID_MAX:
        raise errors.CLIENT_ID_TOO_LONG.error()
    if request.position_side not in (None, "BOTH", "LONG", "SHORT"):
        raise errors.INVALID_DATA.error("positionSide")
    if (request.position_side in ("LONG", "SHORT")) != account.linear.hedge:
        raise errors.POSITION_SIDE_MISMATCH.error()
    if account.linear.hedge and request.reduce_only:
        raise errors.NOT_REQUIRED.error("reduceOnly")
    if request.stp is not None and request.stp not in listing.stp_modes:
        raise errors.INVALID_STP_LINEAR.error()
    if request.working_type not in ("CONTRACT_PRICE", "MARK_PRICE"):
        raise errors.INVALID_DATA.error("workingType")
    if request.price_match != "NONE" and request.price_match not in PRICE_MATCHES:
        raise errors.INVALID_PRICE_MATCH.error()


def check_order_parameters(account: Account, listing: Listing, request: NewOrder, now_ms: int) -> None:
    """Parameters of ``POST /fapi/v1/order``."""
    if request.type in CONDITIONAL:
        raise errors.ALGO_ONLY.error()
    if request.type not in ("LIMIT", "MARKET"):
        raise errors.INVALID_TYPE.error()
    check_words(account, listing, request)
    if request.close_position:
        raise errors.CLOSE_POSITION_TYPE.error(request.type, "true")
    if request.quantity is None:
        raise errors.MANDATORY.error("quantity")
    if request.stop_price:
        raise errors.NOT_REQUIRED.error("stopPrice")
    if request.type == "MARKET":
        if request.price_match != "NONE":
            raise errors.PRICE_MATCH_TYPE.error()
        for name, value in (("timeInForce", request.tif), ("price", request.price)):
            if value is not None:
                raise errors.NOT_REQUIRED.error(name)
        return
    if request.tif is None:
        raise errors.MANDATORY.error("timeInForce")
    check_price_given(request)
    check_good_till(request, now_ms)


def check_price_given(request: NewOrder | NewAlgoOrder) -> None:
    """Exactly one of price and priceMatch."""
    if request.price_match != "NONE":
        if request.price is not None:
            raise errors.NOT_REQUIRED.error("price")
    elif request.price is None:
        raise errors.MANDATORY.error("price")


def check_good_till(request: NewOrder | NewAlgoOrder, now_ms: int) -> None:
    """GoodTillDate goes with GTD, and lies ahead."""
    if request.tif != "GTD":
        if request.good_till_ms:
            raise errors.NOT_REQUIRED.error("goodTillDate")
        return
    if not request.good_till_ms:
        raise errors.MANDATORY.error("goodTillDate")
    if not now_ms + GOOD_TILL_AHEAD_MS < request.good_till_ms < GOOD_TILL_MAX_MS:
        raise errors.GOOD_TILL_DATE.error()


def price_ticks(listing: Listing, price: Decimal, name: str = "price") -> int:
    """Whole ticks of a price that may be sent."""
    if not price.is_finite() or price.adjusted() > 20 or len(price.as_tuple().digits) > 40:
        raise errors.ILLEGAL_CHARACTERS.error(name, LEGAL_NUMBER)
    filters = listing.linear_filters
    if price <= 0:
        raise errors.PRICE_NOT_POSITIVE.error()
    if decimals_of(price) > listing.price_precision:
        raise errors.PRECISION.error()
    if price > filters.max_price:
        raise errors.PRICE_TOO_LARGE.error()
    if price < filters.min_price:
        raise errors.PRICE_TOO_SMALL.error()
    if EXACT.remainder(price, filters.tick_size):
        raise errors.OFF_TICK.error()
    return listing.to_ticks(price)


def quantity_lots(listing: Listing, quantity: Decimal, *, market: bool) -> int:
    """Whole lots of a quantity that may be sent."""
    if not quantity.is_finite() or quantity.adjusted() > 20 or len(quantity.as_tuple().digits) > 40:
        raise errors.ILLEGAL_CHARACTERS.error("quantity", LEGAL_NUMBER)
    filters = listing.linear_filters
    if decimals_of(quantity) > listing.quantity_precision:
        raise errors.PRECISION.error()
    if quantity <= 0:
        raise errors.QTY_TOO_SMALL.error()
    if quantity < filters.min_qty:
        raise errors.QTY_BELOW_MIN.error()
    if quantity > (filters.market_max_qty if market else filters.max_qty):
        raise errors.QTY_TOO_LARGE.error()
    if EXACT.remainder(quantity, filters.step_size):
        raise errors.OFF_STEP.error()
    return listing.to_lots(quantity)


def matched_price(listing: Listing, side: int, price_match: str) -> int:
    """Price of a level of the book, by priceMatch."""
    towards, number = PRICE_MATCHES[price_match]
    levels = listing.book.levels(side * towards, number)
    if len(levels) < number:
        raise errors.NO_PRICE_TO_MATCH.error()
    return levels[-1][0]


def check_band(listing: Listing, side: int, ticks: int) -> None:
    """PERCENT_PRICE: a buyer's price may not be too high, a seller's not too low, by the mark."""
    mark = reference_ticks(listing)
    if not mark:
        return
    filters = listing.linear_filters
    steps_per_tick = int(filters.tick_size / listing.tick)
    if side == BUY:
        limit = int(mark * filters.multiplier_up) // steps_per_tick * steps_per_tick
        if ticks > limit:
            raise errors.PRICE_ABOVE_BAND.error(decimal_text(limit, listing.tick))
    elif side == SELL:
        limit = -int(-(mark * filters.multiplier_down) // steps_per_tick) * steps_per_tick
        if ticks < limit:
            raise errors.PRICE_BELOW_BAND.error(decimal_text(limit, listing.tick))


def check_min_notional(listing: Listing, ticks: int, lots: int) -> None:
    """-4164, for orders that may open a position."""
    minimum = listing.linear_filters.min_notional
    if ticks * lots * listing.tick * listing.lot < minimum:
        raise errors.NOTIONAL_TOO_SMALL.error(format(minimum.normalize(), "f"))


def reference_ticks(listing: Listing) -> int:
    """Mark price; without one the last trade or the middle of the book."""
    mark = listing.mark.mark_ticks if listing.mark is not None else 0
    return mark or listing.last_ticks or listing.mid_ticks
